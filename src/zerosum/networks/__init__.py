"""Generators and discriminators, one file an architecture. Any image height, width and channel count fits each."""
