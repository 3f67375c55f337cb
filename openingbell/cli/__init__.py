"""The verbs. Each reads its words, calls one function below, and shows what came of it.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 partial or a closed quality gate. The imports are in the
order in which `bell --help` lists the verbs.
"""

from __future__ import annotations

from openingbell.cli import stages

# isort: split
from openingbell.cli import keeping

# isort: split
from openingbell.cli import running

# isort: split
from openingbell.cli import working

# isort: split
from openingbell.cli import looking

# isort: split
from openingbell.cli import coverage

# isort: split
from openingbell.cli import vendor
from openingbell.cli.app import app, main

__all__ = ["app", "coverage", "keeping", "looking", "main", "running", "stages", "vendor", "working"]
