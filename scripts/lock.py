"""Regenerates requirements.txt and requirements-dev.txt from pyproject.toml: every version and hash, on all platforms.

The development lock is made under the runtime lock, so that both fit into one environment. Versions already locked
stay unless `--upgrade` is given. Needs `uv` on PATH; any further argument is handed to it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Every version and hash; made by scripts/lock.py, never edited.\n"
OPTIONS = (
    "--universal", "--generate-hashes", "--python-version", "3.11",
    "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet",
)  # fmt: skip
LOCKS = (
    ("requirements.txt", ("pyproject.toml",)),
    ("requirements-dev.txt", ("--group", "dev", "--constraints", "requirements.txt")),
)


def main() -> int:
    """The exit code of the first lock that fails, or 0."""
    uv = shutil.which("uv")
    if uv is None:
        print("asked to lock; uv is not on PATH; install it with: python -m pip install uv", file=sys.stderr)
        return 1
    for name, source in LOCKS:
        command = [uv, "pip", "compile", *OPTIONS, *source, "--output-file", name, *sys.argv[1:]]
        if code := subprocess.call(command, cwd=ROOT):
            return code
        lock = ROOT / name
        lock.write_text(HEADER + lock.read_text("utf-8"), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
