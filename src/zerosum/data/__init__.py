"""Data: everything that can be trained on, by name, as one tensor; and the stream that serves it.

Samples may have classes (`Dataset.y`, -1 where unknown: from sub-folders, a `labels.csv`, or an array) or vectors
(`Dataset.vectors`); `Dataset.with_labels` hides all classes but a balanced few.
"""

from zerosum.data.check import Report, check
from zerosum.data.dataset import DataError, Dataset, Problem
from zerosum.data.points.mixture import Mixture, from_mixture
from zerosum.data.sources import SOURCES, load
from zerosum.data.stream import Stream

__all__ = ["SOURCES", "DataError", "Dataset", "Mixture", "Problem", "Report", "Stream", "check", "from_mixture", "load"]
