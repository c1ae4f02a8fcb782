"""Films of scenes that the package draws, and that actions steer."""
