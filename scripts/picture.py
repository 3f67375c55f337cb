"""Draws docs/summary.svg, the picture in the README: the summary of a real demo run in a throw-away home."""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from openingbell import terminal
from openingbell.operations import worker
from openingbell.operations.entry import Wish
from openingbell.operations.home import DEMO, Source
from openingbell.operations.summary import summarise
from openingbell.operations.worker import FULL

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "summary.svg"
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


def main() -> None:
    """Run, draw, write."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "demo"
        ran = worker.run(Wish(source=Source(DEMO, "1"), home=home, now=SATURDAY), FULL, lambda _: lambda *_: None)
        terminal.out = Console(record=True, width=84, highlight=False, file=StringIO())
        terminal.out.print("$ ./scripts/run_elt_ops.sh -c full --demo", style="bold")
        terminal.show_summary(summarise(ran))
    drawing = terminal.out.export_svg(title="bell full --demo", theme=MONOKAI, unique_id="bell")
    drawing = re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL)  # no font from elsewhere: the viewer's own
    drawing = re.sub(r"<!--.*?-->", "", drawing)
    drawing = drawing.replace("Fira Code, monospace", "monospace").replace(f"{folder}/demo", "homes/demo")
    PICTURE.write_text("\n".join(line.rstrip() for line in drawing.splitlines() if line.strip()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
