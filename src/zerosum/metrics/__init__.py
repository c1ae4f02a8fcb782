"""Numbers that say how good samples are; one file a metric, functions on tensors."""
