"""Openingbell: a market data warehouse that fills itself from Financial Modeling Prep.

import openingbell
openingbell.open().bars("AAPL", as_of=moment)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openingbell.reader import Market

__version__ = "0.1.0"


def open(home: Path | str | None = None) -> Market:  # noqa: A001  users write openingbell.open()
    """The data of a home: `home`, else what OPENINGBELL_HOME names, else the working folder; see `reader.Market`."""
    from openingbell.reader import open_market  # noqa: PLC0415  the command `bell` needs none of it

    return open_market(home)
