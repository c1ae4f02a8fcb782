"""Melodies: made by rule, read from MIDI files and written to them."""
