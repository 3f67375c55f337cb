"""Indicators: a catalogue of definitions, the arithmetic, and their proof against published numbers."""

from openingbell.indicators.bars import DIALECTS
from openingbell.indicators.catalogue import CATALOGUE, CUMULATIVE, EXTRAS, WARM_UP, Indicator, Output, columns_of
from openingbell.indicators.compute import indicators
from openingbell.indicators.convergence import CONVERGED_AT

__all__ = [
    "CATALOGUE",
    "CONVERGED_AT",
    "CUMULATIVE",
    "DIALECTS",
    "EXTRAS",
    "WARM_UP",
    "Indicator",
    "Output",
    "columns_of",
    "indicators",
]
