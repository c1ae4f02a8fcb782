"""Whether a training goes well: signals, their history, verdicts."""
