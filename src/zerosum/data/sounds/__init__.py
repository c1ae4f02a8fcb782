"""Sounds: tones and syllables that the package makes by rule, and folders of WAV files."""

WAV = (".wav", ".wave")
OTHERS = (".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma")  # that are not read
