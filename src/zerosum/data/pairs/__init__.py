"""Pairs of images: aligned, side by side in one file, or two collections that are not aligned."""
