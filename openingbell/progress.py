"""What tells its progress, tells it so."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told what is counted, how many are done, and how many there are."""
