"""Faults on demand: what the vendor in a box can do wrong, by chance or by schedule, always the same for a seed.

fault      what is to go wrong, for which requests and when
reading    the same from a file
kind       what a kind of fault is
kinds      all of them; `answers`, `delivery`, `rows` and `bars` hold what they do
player     which faults meet a request, and where they act
hanging    closing a connection in the middle
"""

from openingbell.vendor.faults.fault import Fault, Faults
from openingbell.vendor.faults.kinds import KINDS
from openingbell.vendor.faults.reading import read_faults

__all__ = ["KINDS", "Fault", "Faults", "read_faults"]
