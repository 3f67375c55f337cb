"""The scripts for PowerShell do what those for a shell do: the same commands, every word as it was written."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.bootstrap import CannotGoOnError, spelled, stage_arguments

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"
TWINS = sorted(path for path in SCRIPTS.glob("*.sh") if path.stem != "find_python")
SHELLS = [name for name in ("pwsh", "powershell") if shutil.which(name)]
AWKWARD = ["-c", "full", "a b", "", 'say "yes" to\\', "^GSPC", "c:\\new dir\\", "é→", "$HOME", "%PATH%", "x;y|z&"]


def coded(*words: str) -> list[str]:
    """Words as PowerShell hands them over."""
    return ["--words", base64.b64encode(json.dumps(words).encode("utf-8")).decode("ascii")]


def test_every_script_has_its_twin() -> None:
    assert [path.stem for path in TWINS] == sorted(
        path.stem for path in SCRIPTS.glob("*.ps1") if path.stem != "bootstrap"
    )


@pytest.mark.parametrize("script", TWINS, ids=lambda path: path.stem)
def test_twins_call_the_same_command_and_pass_on_its_exit_code(script: Path) -> None:
    command = re.search(r'bootstrap\.py" (\w+) "\$@"$', script.read_text("utf-8"), re.MULTILINE)
    assert command is not None
    lines = script.with_suffix(".ps1").read_text("ascii").splitlines()  # Windows PowerShell reads no UTF-8
    assert lines[1:] == [
        ". (Join-Path $PSScriptRoot 'bootstrap.ps1')",
        f"Invoke-Bootstrap {command[1]} $args",
        "exit $LASTEXITCODE",
    ]


@pytest.mark.parametrize("words", [[], [""], AWKWARD])
def test_words_in_one_are_the_words(words: list[str]) -> None:
    assert spelled(coded(*words)) == words


def test_words_that_were_not_put_in_one_stay() -> None:
    assert spelled(["-c", "full", "--words"]) == ["-c", "full", "--words"]


def test_words_in_one_are_refused_as_others_are() -> None:
    with pytest.raises(CannotGoOnError, match="with -c load; -c takes one of"):
        stage_arguments(spelled(coded("-c", "load")))


@pytest.mark.skipif(not SHELLS, reason="no PowerShell is installed here")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("run_elt_ops.ps1 -h", 0, "--replay DIR"),
        ("run_elt_ops.ps1 -c everything", 2, "with -c everything; -c takes one of extract"),
        ("run_elt_ops.ps1 -c 'a \"b\" c\\'", 2, 'with -c a "b" c\\; -c takes'),
        ("run_elt_ops.ps1 -c ''", 2, "with -c (nothing); -c takes"),
        ("run_elt_ops.ps1 -c A,B", 2, "with -c A,B; -c takes"),
        ("run_tests.ps1 -h", 0, "arguments of pytest"),
        ("setup_database.ps1 -h", 0, "Makes the warehouse ready"),
        ("start_database.ps1 --with luck", 2, "invalid choice: 'luck'"),
    ],
)
def test_a_real_powershell_hands_on_words_and_exit_codes(shell: str, call: str, code: int, words: str) -> None:
    said = subprocess.run(
        [shell, "-NoProfile", "-ExecutionPolicy", "Bypass", "-Command", f"& ./{call}; exit $LASTEXITCODE"],
        cwd=SCRIPTS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == code, said.stderr
    assert words in said.stdout + said.stderr
