"""Losses as pure functions of tensors, one file a family."""
