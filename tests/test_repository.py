"""What holds for the repository as a whole: nothing in it belongs to one machine, and the locks fit the project."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = {
    ".git",
    ".venv",
    "homes",
    "data_extracts",
    "database",
    "logs",
    "reports",
    "build",
    "dist",
    "node_modules",
}

# The patterns are written so that they do not match themselves.
FORBIDDEN = {
    "a package registry's host": r"\bpy(?:pi)\.org|python(?:hosted)\.org|registry\.npm(?:js)|anaconda\.(?:org|com)",
    "an index of packages": r"--(?:extra-)?index(?:-url)?[ =]|--find-(?:links)[ =]",
    "a path of one machine": (
        r"(?<![\w.~$}>/-])/(?:root|work|home/[a-z]\w*|Users/[A-Za-z]\w*|opt/\w+|tmp/v|var/folders)/[\w.]"
        r"|\b[A-Z]:\\(?:Users)\\\w"
    ),
}
LOCKED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


def repository_files() -> list[Path]:
    """The files tracked by git and those that would be; without git, all outside the folders that are never tracked."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        names = [Path(os.fsdecode(name)) for name in listed.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [
            path.relative_to(ROOT)
            for path in ROOT.rglob("*")
            if not any(part in SKIPPED_FOLDERS or part.endswith("cache") for part in path.relative_to(ROOT).parts)
        ]
    return [name for name in names if (ROOT / name).is_file()]


def offences(text: str) -> list[str]:
    """What a text of the repository must not hold, with the line it stands in."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1} holds {what}: {match.group()}"
        for what, pattern in FORBIDDEN.items()
        for match in re.finditer(pattern, text)
    ]


def lock(name: str) -> dict[str, set[Version]]:
    """Versions by package of one lock."""
    versions: defaultdict[str, set[Version]] = defaultdict(set)
    for match in LOCKED.finditer((ROOT / name).read_text("utf-8")):
        versions[canonicalize_name(match["name"])].add(Version(match["version"]))
    return dict(versions)


def project() -> dict[str, list[str]]:
    """The dependencies that pyproject.toml declares, by the lock that must hold them."""
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return {
        "requirements.txt": facts["project"]["dependencies"],
        "requirements-dev.txt": facts["dependency-groups"]["dev"],
    }


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = []
    for name in repository_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            found += [f"{name.as_posix()}: {offence}" for offence in offences(content.decode("utf-8", "replace"))]
    assert found == []


def test_the_repository_lists_its_own_files() -> None:
    names = {name.as_posix() for name in repository_files()}
    assert {"pyproject.toml", "openingbell/__init__.py", "scripts/bootstrap.py"} <= names
    assert not [name for name in names if name.startswith(".venv/")]


@pytest.mark.parametrize(
    "text",
    [
        "https://py" + "pi.org/simple",
        "--index" + "-url https://example.com",
        "see /ro" + "ot/.cache/x",
        "'/ho" + "me/ann/data'",
        "C:\\Us" + "ers\\ann",
    ],
)
def test_a_machine_s_own_is_seen(text: str) -> None:
    assert offences(text)


@pytest.mark.parametrize(
    "text", ["https://example.com/home/ann/x", "~/data/a", "src/root/x", "$HOME/data/", "/var/lib/x"]
)
def test_other_paths_pass(text: str) -> None:
    assert offences(text) == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_locked_to_a_version_it_allows(name: str) -> None:
    locked = lock(name)
    for declared in map(Requirement, project()[name]):
        versions = locked.get(canonicalize_name(declared.name), set())
        assert versions, f"{declared.name} is not in {name}; run scripts/lock.py"
        assert all(version in declared.specifier for version in versions), f"{declared}: {name} has {versions}"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_locked_version_has_its_hashes(name: str) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_both_locks_fit_into_one_environment() -> None:
    runtime, development = lock("requirements.txt"), lock("requirements-dev.txt")
    for name in runtime.keys() & development.keys():
        assert development[name] <= runtime[name], name
