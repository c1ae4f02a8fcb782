"""Texts: read, cut into tokens, numbered by a vocabulary."""
