"""What every floor may use: files, text for people, random state, several processes."""
