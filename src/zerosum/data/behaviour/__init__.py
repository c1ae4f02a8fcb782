"""Environments of Gymnasium, what is done in them, and demonstrations of it."""
