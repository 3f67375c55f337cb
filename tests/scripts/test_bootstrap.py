"""From a bare Python to a running `bell`: everything of it that needs no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "scripts"

posix = pytest.mark.skipif(
    os.name == "nt", reason="these are a shell's; tests/scripts/test_powershell.py has the others"
)


@pytest.fixture(scope="module")
def bootstrap() -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("bootstrap_under_test", SCRIPTS / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def elsewhere(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two small locks, which the module takes for its own."""
    (tmp_path / "requirements.txt").write_text("alpha==1 \\\n    --hash=sha256:00\n", "utf-8")
    (tmp_path / "requirements-dev.txt").write_text("beta==2 \\\n    --hash=sha256:00\n", "utf-8")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    return tmp_path


def stamp_of(bootstrap: ModuleType, *names: str) -> str:
    return "\n".join([bootstrap.interpreter_line(), *map(bootstrap.requirements_line, names)])


@pytest.mark.parametrize("found", [(2, 7), (3, 6), (3, 10)])
def test_an_old_python_is_refused_with_what_to_do(bootstrap: ModuleType, found: tuple[int, int]) -> None:
    refusal = bootstrap.python_refusal(found, "/usr/bin/python3")
    assert f"Python {found[0]}.{found[1]} (/usr/bin/python3)" in refusal
    assert "needs Python 3.11 or newer; install one" in refusal


@pytest.mark.parametrize("found", [(3, 11), (3, 14), (4, 0)])
def test_a_new_python_is_taken(bootstrap: ModuleType, found: tuple[int, int]) -> None:
    assert bootstrap.python_refusal(found, "python3") is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-c", "full", "--demo"], ["full", "--demo"]),
        (["--replay", "a b", "-c", "csv-load"], ["csv-load", "--replay", "a b"]),
        (["-cextract", "--symbols", "AAPL,MSFT"], ["extract", "--symbols", "AAPL,MSFT"]),
        (["-c=report", "--from", "2024-07-01"], ["report", "--from", "2024-07-01"]),
    ],
)
def test_c_names_the_verb_and_the_rest_is_handed_on(
    bootstrap: ModuleType, arguments: list[str], expected: list[str]
) -> None:
    assert bootstrap.stage_arguments(arguments) == expected


@pytest.mark.parametrize("arguments", [[], ["--demo"], ["-c"], ["-c", "load"], ["-c", "full", "-c", "report"]])
def test_a_missing_or_unknown_stage_is_told_the_stages(bootstrap: ModuleType, arguments: list[str]) -> None:
    with pytest.raises(
        bootstrap.CannotGoOnError, match="extract, csv-load, transform, quality, report, full"
    ) as caught:
        bootstrap.stage_arguments(arguments)
    assert caught.value.exit_code == 2


def test_a_venv_without_a_stamp_is_made_anew(bootstrap: ModuleType, elsewhere: Path) -> None:
    assert bootstrap.read_stamp() == ""
    assert bootstrap.missing_requirements("", ("requirements.txt",)) is None


def test_a_stamped_venv_that_lost_its_python_is_made_anew(bootstrap: ModuleType, elsewhere: Path) -> None:
    bootstrap.VENV.mkdir()
    (bootstrap.VENV / bootstrap.STAMP).write_text(stamp_of(bootstrap, "requirements.txt"), "utf-8")
    assert bootstrap.read_stamp() == ""


def test_a_fitting_venv_is_taken_as_it_is(bootstrap: ModuleType, elsewhere: Path) -> None:
    stamp = stamp_of(bootstrap, "requirements.txt")
    assert bootstrap.missing_requirements(stamp, ("requirements.txt",)) == ()


def test_tests_add_their_requirements_to_a_fitting_venv(bootstrap: ModuleType, elsewhere: Path) -> None:
    stamp = stamp_of(bootstrap, "requirements.txt")
    wanted = ("requirements.txt", "requirements-dev.txt")
    assert bootstrap.missing_requirements(stamp, wanted) == ("requirements-dev.txt",)
    assert bootstrap.missing_requirements(stamp_of(bootstrap, *wanted), wanted) == ()


def test_changed_requirements_make_a_venv_stale(bootstrap: ModuleType, elsewhere: Path) -> None:
    stamp = stamp_of(bootstrap, "requirements.txt")
    (elsewhere / "requirements.txt").write_text("alpha==2 \\\n    --hash=sha256:00\n", "utf-8")
    assert bootstrap.missing_requirements(stamp, ("requirements.txt",)) is None


def test_line_ends_do_not_make_a_venv_stale(bootstrap: ModuleType, elsewhere: Path) -> None:
    stamp = stamp_of(bootstrap, "requirements.txt")
    content = (elsewhere / "requirements.txt").read_bytes()
    (elsewhere / "requirements.txt").write_bytes(content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert bootstrap.missing_requirements(stamp, ("requirements.txt",)) == ()


def test_another_python_or_a_moved_repository_makes_a_venv_stale(
    bootstrap: ModuleType, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = stamp_of(bootstrap, "requirements.txt")
    with monkeypatch.context() as other:
        other.setattr(bootstrap.platform, "python_version", lambda: "3.99.0")
        assert bootstrap.missing_requirements(stamp, ("requirements.txt",)) is None
    monkeypatch.setattr(bootstrap, "VENV", elsewhere / "moved" / ".venv")
    assert bootstrap.missing_requirements(stamp, ("requirements.txt",)) is None


def test_the_stamp_is_written_only_after_everything_is_installed(
    bootstrap: ModuleType, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_venv() -> None:
        bootstrap.venv_python().parent.mkdir(parents=True)
        bootstrap.venv_python().touch()

    def interrupted(names: tuple[str, ...], lock: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.require_venv(("requirements.txt",))
    assert bootstrap.read_stamp() == ""

    monkeypatch.setattr(bootstrap, "make_venv", lambda: None)
    monkeypatch.setattr(bootstrap, "install", lambda names, lock: None)
    monkeypatch.setattr(bootstrap, "write_bell", lambda: None)
    bootstrap.require_venv(("requirements.txt",))
    assert bootstrap.missing_requirements(bootstrap.read_stamp(), ("requirements.txt",)) == ()

    monkeypatch.setattr(bootstrap, "install", interrupted)
    bootstrap.require_venv(("requirements.txt",))  # nothing is missing: nothing is installed
    with pytest.raises(KeyboardInterrupt):
        bootstrap.require_venv(("requirements.txt", "requirements-dev.txt"))
    assert bootstrap.read_stamp() == ""


def test_a_folder_that_is_no_environment_is_left_alone(bootstrap: ModuleType, elsewhere: Path) -> None:
    bootstrap.VENV.mkdir()
    (bootstrap.VENV / "letters.txt").write_text("dear", "utf-8")
    with pytest.raises(bootstrap.CannotGoOnError, match="something else is there"):
        bootstrap.make_venv()
    assert (bootstrap.VENV / "letters.txt").read_text("utf-8") == "dear"


def test_one_bootstrap_works_at_a_time(bootstrap: ModuleType, tmp_path: Path) -> None:
    def opened() -> IO[str]:
        return (tmp_path / "lock").open("a")

    with opened() as first, opened() as second:
        assert bootstrap.lock_taken(first.fileno())
        assert not bootstrap.lock_taken(second.fileno())
        first.close()
        assert bootstrap.lock_taken(second.fileno())


@posix
def test_bell_finds_the_package_from_anywhere(bootstrap: ModuleType, elsewhere: Path) -> None:
    shutil.copytree(ROOT / "openingbell", elsewhere / "openingbell", ignore=shutil.ignore_patterns("__pycache__"))
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(bootstrap.VENV)}))
    site.mkdir(parents=True)
    (bootstrap.VENV / "bin").mkdir()
    bootstrap.write_bell()
    path = site / (site / "openingbell.pth").read_text("utf-8").strip()
    assert (path / "openingbell" / "__init__.py").is_file()
    assert os.access(bootstrap.VENV / "bin" / "bell", os.X_OK)


def test_the_program_of_windows_is_a_launcher_and_a_zip_file_that_python_runs(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    """Without the launcher's part, which only Windows can run, it does what the launcher does then."""
    bell = tmp_path / "bell.exe"
    bell.write_bytes(bootstrap.program(b"MZ launcher", Path(sys.executable)))
    assert bell.read_bytes().startswith(f'MZ launcher#!"{sys.executable}"\n'.encode())
    said = subprocess.run(
        [sys.executable, bell, "--version"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.startswith("bell ")


@pytest.mark.parametrize("name", ["t64.exe", "t64-arm.exe", "t32.exe"])
def test_pip_still_brings_the_launchers_of_windows(name: str) -> None:
    launcher = Path(sysconfig.get_path("purelib")) / "pip" / "_vendor" / "distlib" / name
    assert launcher.read_bytes()[:2] == b"MZ"


@pytest.mark.parametrize("arguments", [[], ["fetch"], ["elt"], ["elt", "-c", "load"]])
def test_wrong_use_exits_2_and_installs_nothing(arguments: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, SCRIPTS / "bootstrap.py", *arguments], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "takes one of" in result.stderr


@posix
@pytest.mark.parametrize(
    ("script", "arguments", "code", "words"),
    [
        ("run_elt_ops.sh", ["-h"], 0, "--replay DIR"),
        ("run_elt_ops.sh", ["-c", "full", "-h"], 0, "csv-load"),
        ("run_elt_ops.sh", [], 2, "extract, csv-load, transform, quality, report, full"),
        ("run_elt_ops.sh", ["-c", "everything"], 2, "with -c everything; -c takes one of extract"),
        ("setup_database.sh", ["-h"], 0, "Makes the warehouse ready"),
        ("start_database.sh", ["-h"], 0, "Starts a MySQL or MariaDB server"),
        ("start_database.sh", ["--with", "luck"], 2, "invalid choice: 'luck'"),
        ("run_tests.sh", ["-h"], 0, "arguments of pytest"),
    ],
)
def test_wrappers_hand_on_arguments_and_exit_codes(
    script: str, arguments: list[str], code: int, words: str, tmp_path: Path
) -> None:
    result = subprocess.run([SCRIPTS / script, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == code
    assert words in result.stdout + result.stderr


@posix
def test_wrappers_pass_over_pythons_that_are_too_old(tmp_path: Path) -> None:
    for name, body in {"python3": "exit 1", "python": "exit 1", "python3.12": f'exec "{sys.executable}" "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    dirname = shutil.which("dirname")
    assert dirname is not None
    (tmp_path / "dirname").symlink_to(dirname)
    run = [str(SCRIPTS / "run_elt_ops.sh"), "-h"]
    result = subprocess.run(run, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "--demo" in result.stdout

    for name in ("python3", "python", "python3.12"):
        (tmp_path / name).unlink()
    result = subprocess.run(run, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "found no Python on PATH; Python 3.11 or newer is needed" in result.stderr
