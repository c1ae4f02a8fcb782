"""The one error of the data layer."""

from __future__ import annotations

from zerosum.errors import ZerosumError


class DataError(ZerosumError):
    """Data that is missing, unreadable or does not fit what was asked; the message names it and the cure."""
