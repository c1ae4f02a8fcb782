"""Data: everything that can be trained on, by name, as one tensor; and the stream that serves it."""

from zerosum.data.check import Report, check
from zerosum.data.dataset import Dataset, Problem
from zerosum.data.density import Mixture
from zerosum.data.errors import DataError
from zerosum.data.sources import SOURCES, load
from zerosum.data.stream import Stream
from zerosum.data.toy import from_mixture

__all__ = ["SOURCES", "DataError", "Dataset", "Mixture", "Problem", "Report", "Stream", "check", "from_mixture", "load"]
