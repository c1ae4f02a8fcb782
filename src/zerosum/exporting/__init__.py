"""Networks in formats of others."""
