"""What every floor may use: files, words for people, random state, several processes."""
