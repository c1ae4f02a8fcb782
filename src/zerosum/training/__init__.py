"""The trainer, and everything that keeps a training going and safe."""
