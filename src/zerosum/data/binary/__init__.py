"""Vectors of features that are there or not, of two classes."""
