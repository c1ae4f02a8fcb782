"""Images: where they lie, how they are decoded, cut to size and packed."""
