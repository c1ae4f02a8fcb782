"""What each command does, as a function without flags: one file a command."""
