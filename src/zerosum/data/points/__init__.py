"""Points of known densities."""
