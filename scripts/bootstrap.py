"""From a bare Python to a running `bell`: makes `.venv` from the locked requirements when needed, then goes on.

    bootstrap.py elt -c STAGE [arguments of bell STAGE]
    bootstrap.py setup [arguments of bell setup]
    bootstrap.py database [arguments of database.py]
    bootstrap.py test [arguments of pytest]

Only the standard library is used, and the file can be read by older Pythons, so that they can say what is needed. The
scripts beside it, a shell's and PowerShell's of each, find a fitting Python and call this one; what the stages do is
the package's affair.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.usage import HELP  # noqa: E402

VENV = ROOT / ".venv"
MARK = "bootstrap.begun"
STAMP = "bootstrap.stamp"
RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"
NEEDED_PYTHON = (3, 11)

STAGES = ("extract", "csv-load", "transform", "quality", "report", "full")
COMMANDS = ("elt", "setup", "database", "test")
WORDS = "--words"
"""Behind it stand all further words in one: JSON in base64."""
LAUNCHERS = {"win-arm64": "t64-arm.exe", "win32": "t32.exe"}
"""The program that pip puts in front of the commands that it installs on Windows, by platform; t64.exe on all others.
"""

TOOLS = (
    ("-m", "ruff", "check", "."),
    ("-m", "ruff", "format", "--check", "."),
    ("-m", "mypy"),
    ("-c", "from importlinter.cli import lint_imports_command as run; run(['--no-logo'], prog_name='lint-imports')"),
    ("-m", "pytest", "-n", "auto", "--dist", "worksteal"),
)


class CannotGoOnError(Exception):
    """What stands in the way and what to do about it, and the exit code that says whose turn it is."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def python_refusal(found: tuple[int, int], executable: str) -> str | None:
    """Why a Python of version `found` cannot be used, or None."""
    if found >= NEEDED_PYTHON:
        return None
    return (
        f"asked to run under Python {found[0]}.{found[1]} ({executable}); Openingbell needs Python 3.11 or newer; "
        "install one, or put it on PATH as python3, and run the same command again"
    )


def spelled(rest: list[str]) -> list[str]:
    """The words behind the command. PowerShell hands them over in one, because its versions pass on quotes and empty
    words in different ways, and no way is right for all of them.
    """
    if rest[:1] != [WORDS]:
        return rest
    words: list[str] = json.loads(base64.b64decode(rest[1]))
    return words


def stage_arguments(arguments: list[str]) -> list[str]:
    """What `bell` is called with for `-c STAGE ...`; -c may stand anywhere.

    Raises:
        CannotGoOnError: -c is missing, comes twice or names no stage.
    """
    stages: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "-c":
            stages.append(next(waiting, ""))
        elif argument.startswith("-c") and not argument.startswith("--"):
            stages.append(argument[2:].removeprefix("="))
        else:
            rest.append(argument)
    if len(stages) == 1 and stages[0] in STAGES:
        return [*stages, *rest]
    found = "without -c" if not stages else "with -c " + " -c ".join(stage or "(nothing)" for stage in stages)
    raise CannotGoOnError(
        f"asked to run {found}; -c takes one of {', '.join(STAGES)}; for example: run_elt_ops.sh -c full --demo",
        exit_code=2,
    )


def interpreter_line() -> str:
    """What a `.venv` depends on beside its requirements: the Python that made it and the place it was made in."""
    return f"{sys.implementation.name} {platform.python_version()} {VENV}"


def requirements_line(name: str) -> str:
    """The name of a requirements file and the SHA-256 of what it holds, whatever its line ends."""
    content = (ROOT / name).read_bytes().replace(b"\r\n", b"\n")
    return f"{name} {hashlib.sha256(content).hexdigest()}"


def missing_requirements(stamp: str, wanted: tuple[str, ...]) -> tuple[str, ...] | None:
    """Which of the wanted requirements files a `.venv` with this stamp lacks; None when it must be made anew."""
    lines = stamp.splitlines()
    runtime_fits = requirements_line(RUNTIME) in lines[1:]
    if not lines or lines[0] != interpreter_line() or not runtime_fits:
        return None
    return tuple(name for name in wanted if requirements_line(name) not in lines[1:])


def venv_python() -> Path:
    """The interpreter inside `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_stamp() -> str:
    """The stamp of `.venv`; empty when it has none or has lost its interpreter."""
    try:
        return (VENV / STAMP).read_text("utf-8") if venv_python().exists() else ""
    except OSError:
        return ""


def require_venv(wanted: tuple[str, ...]) -> None:
    """Come back when `.venv` holds the wanted requirements files and `bell`; instantly when it already does.

    Raises:
        CannotGoOnError: it could not be made.
    """
    if missing_requirements(read_stamp(), wanted) == ():
        return
    with (ROOT / ".venv.lock").open("ab") as lock:
        wait_for(lock.fileno())
        missing = missing_requirements(read_stamp(), wanted)  # another bootstrap may have done the work meanwhile
        if missing == ():
            return
        began = time.monotonic()
        reason = "new requirements" if missing else "out of date" if (VENV / STAMP).exists() else "first run"
        names = missing or wanted
        packages = {line.split("==")[0] for name in names for line in locked(name)}
        tell(f"{reason}: installing {len(packages)} packages into {VENV} ...")
        if missing is None:
            make_venv()
        # Without its stamp, an interrupted installation is made anew and never taken for good.
        (VENV / STAMP).unlink(missing_ok=True)
        install(names, lock.fileno())
        write_bell()
        lines = [interpreter_line(), *(requirements_line(name) for name in dict.fromkeys((RUNTIME, *wanted)))]
        (VENV / STAMP).write_text("\n".join(lines) + "\n", "utf-8")
        tell(f"installed in {time.monotonic() - began:.0f} s")


def locked(name: str) -> list[str]:
    """The lines of a requirements file that name a package."""
    return [line for line in (ROOT / name).read_text("utf-8").splitlines() if "==" in line and line[0].isalnum()]


def wait_for(descriptor: int) -> None:
    """Take the lock on an open file; the operating system frees it when the process ends, however it ends."""
    told = False
    while not lock_taken(descriptor):
        if not told:
            tell("another bootstrap is at work here; waiting for it ...")
            told = True
        time.sleep(0.2)


def lock_taken(descriptor: int) -> bool:
    """Try to take the lock on an open file."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  Windows alone has it

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415  and all others this

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def make_venv() -> None:
    """Make an empty `.venv`, over whatever environment was there.

    Raises:
        CannotGoOnError: something else than an environment is in its place, or this Python cannot make one.
    """
    ours = any((VENV / name).exists() for name in ("pyvenv.cfg", MARK))
    if VENV.exists() and not ours and any(VENV.iterdir()):
        raise CannotGoOnError(
            f"asked to make a virtual environment in {VENV}; something else is there; it is left as it is; move it away"
        )
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir(exist_ok=True)
    (VENV / MARK).touch()  # half an environment is known as ours by it
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False, errors="replace"
    )
    if made.returncode:
        raise CannotGoOnError(
            f"asked for a virtual environment in {VENV}; {sys.executable} cannot make one:\n"
            f"{made.stdout}{made.stderr}\non Debian and Ubuntu the package python3-venv is missing then; "
            "install it, or use another Python"
        )


def install(names: tuple[str, ...], lock: int) -> None:
    """Install requirements files into `.venv`, refusing whatever has not the locked hash.

    Raises:
        CannotGoOnError: pip failed; its words are in the message.
    """
    command = [str(venv_python()), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--require-hashes", "--only-binary", ":all:"]
    for name in names:
        command += ["--requirement", str(ROOT / name)]
    result = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=() if os.name == "nt" else (lock,),  # pip holds the lock too, should this process be killed before it
        check=False,
        errors="replace",
    )
    if result.returncode:
        raise CannotGoOnError(
            f"asked to install {' and '.join(names)} into {VENV}; pip failed:\n{result.stdout}\n"
            "check the network and pip's settings, and run the same command again"
        )


def write_bell() -> None:
    """Put the package on the path of `.venv`, as an editable installation does, and `bell` among its commands.

    It is done by hand because a real editable installation needs a build backend, which nothing else here does.
    """
    windows = os.name == "nt"
    folder = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    # Python joins the line with the folder: a relative path fits any name of the repository in any encoding.
    (folder / "openingbell.pth").write_text(os.path.relpath(ROOT, folder) + "\n", "utf-8")
    if windows:
        launcher = folder / "pip" / "_vendor" / "distlib" / LAUNCHERS.get(sysconfig.get_platform(), "t64.exe")
        (VENV / "Scripts" / "bell.exe").write_bytes(program(launcher.read_bytes(), venv_python()))
        return
    bell = VENV / "bin" / "bell"
    bell.write_text(f'#!/bin/sh\nexec {shlex.quote(str(venv_python()))} -P -m openingbell "$@"\n', "utf-8")
    bell.chmod(0o755)


def program(launcher: bytes, python: Path) -> bytes:
    """`bell.exe`: a launcher, the Python that it starts, and what that one runs, in a zip file.

    A batch file would not do: it loses the caret of ^GSPC, and asks at Ctrl-C whether it is meant.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__main__.py", "import sys\n\nfrom openingbell.cli import main\n\nsys.exit(main())\n")
    return launcher + f'#!"{python}"\n'.encode() + packed.getvalue()


def become(arguments: list[str], python: str = "") -> int:
    """Go on as another Python, that of `.venv` when none is given: signals and the exit code are its own."""
    command = [python or str(venv_python()), *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606  no shell is meant
    for name in ("SIGINT", "SIGBREAK"):
        signal.signal(
            getattr(signal, name), signal.SIG_IGN
        )  # they reach it too; here is only waiting for it to be done
    return subprocess.call(command)


def run_tests(arguments: list[str]) -> int:
    """Run the linters and all tests, or pytest with the arguments given; always from the root of the repository."""
    os.chdir(ROOT)
    if arguments:
        return become(["-P", "-m", "pytest", *arguments])
    *linters, tests = TOOLS
    for linter in linters:
        code = subprocess.call([str(venv_python()), "-P", *linter])
        if code:
            return code
    return become(["-P", *tests])


def tell(line: str) -> None:
    """Say something about the work itself; standard output belongs to `bell`."""
    print(f"openingbell: {line}", file=sys.stderr, flush=True)


def run(arguments: list[str]) -> int:
    """Do what the command line asks for.

    Raises:
        CannotGoOnError: it cannot be done.
    """
    refusal = python_refusal(sys.version_info[:2], sys.executable)
    if refusal:
        raise CannotGoOnError(refusal)
    command, rest = (arguments[0], spelled(arguments[1:])) if arguments else ("", [])
    if command not in COMMANDS:
        raise CannotGoOnError(
            f"asked for {command or 'nothing'}; bootstrap.py takes one of {', '.join(COMMANDS)}", exit_code=2
        )
    if rest[:1] in (["-h"], ["--help"]) or (command != "test" and "-h" in rest):
        print(HELP[command].replace(".sh", ".ps1" if os.name == "nt" else ".sh"), end="")
        return 0
    if command == "database":
        return become([str(ROOT / "scripts" / "database.py"), *rest], sys.executable)
    if command == "test":
        require_venv((RUNTIME, DEVELOPMENT))
        return run_tests(rest)
    verb = stage_arguments(rest) if command == "elt" else ["setup", *rest]
    require_venv((RUNTIME,))
    return become(["-P", "-m", "openingbell", *verb])


def main() -> int:
    """The exit code: 0 done, 1 failed, 2 asked wrongly, 130 interrupted; otherwise that of what was run."""
    with contextlib.suppress(KeyboardInterrupt):
        try:
            return run(sys.argv[1:])
        except CannotGoOnError as error:
            tell(str(error))
            return error.exit_code
        except OSError as error:
            tell(f"asked to prepare {VENV} and go on; the system refused: {error}; free what it names and try again")
            return 1
    return 130


if __name__ == "__main__":
    sys.exit(main())
