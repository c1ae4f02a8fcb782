"""Sounds: tones and syllables that the package makes by rule, and folders of WAV files."""
