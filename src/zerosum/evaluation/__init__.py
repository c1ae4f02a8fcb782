"""What samples are compared with, and results that say how they were measured."""
