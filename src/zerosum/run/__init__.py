"""A run: its record, its directory, the game loaded from it, samples of it."""
