"""Architectures, one file each. Generators and discriminators fit any image height, width and channel count."""
