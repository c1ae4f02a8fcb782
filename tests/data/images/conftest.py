"""Four grey images for every test of files of labels."""

from grey_photos import photos

__all__ = ["photos"]
