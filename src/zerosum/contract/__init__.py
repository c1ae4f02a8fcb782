"""What every game keeps to, whoever wrote it: the tests ask it of each recipe, `zerosum check` of a user's game."""
