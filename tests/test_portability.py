"""What one system has and another lacks: the source is read, and each such name needs its twin beside it.

A twin is known by its guard: a branch that asks `sys.platform` or `os.name`, or what follows one that left. What no
guard can mend (text without an encoding, a date as only one C library writes it) is not allowed at all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from tests.test_layers import imported

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for folder in ("openingbell", "scripts", "bench") for path in (ROOT / folder).rglob("*.py"))

POSIX_MODULES = {
    "crypt",
    "curses",
    "fcntl",
    "grp",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "syslog",
    "termios",
    "tty",
}
POSIX_NAMES = re.compile(
    r"os\.(exec\w+|fork\w*|spawn\w+|wait\w*|gete?[ug]id|set\w*id|[gs]etpgrp|kill|killpg|l?chown|chroot|mkfifo|mknod"
    r"|nice|getloadavg|uname|sysconf|statvfs|sync|symlink|rename|O_(CLOEXEC|DIRECTORY|NOFOLLOW|SYNC))"
    r"|signal\.(Signals\.)?(SIG(KILL|TERM|ALRM|HUP|USR[12]|CHLD|QUIT|STOP|CONT|PIPE)|alarm|setitimer|pause|sigwait|pthread_kill)"
    r"|socket\.(AF_UNIX|SO_REUSEPORT)|select\.e?poll|time\.tzset"
)
"""On Windows `os.kill` ends a process whatever the signal, `os.exec*` comes back at once, `os.rename` does not replace.
"""
POSIX_METHODS = {"symlink_to"}
POSIX_KEYWORDS = {"preexec_fn", "start_new_session", "process_group", "pass_fds", "umask"}
POSIX_PATHS = re.compile(r"/(tmp|dev|proc|etc|usr|var|bin|opt)(/|$)")
ONE_LIBRARY_S_DATES = re.compile(r"%([-_^#]\w|[klPs])")
PIPES = {"run", "Popen", "check_output"}


def dotted(node: ast.AST) -> str:
    """`os.path` of such an expression, nothing of any other."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            return f"{before}.{name}" if (before := dotted(inner)) else ""
    return ""


def is_guard(test: ast.expr, named: Collection[str] = ()) -> bool:
    """Whether an expression asks which system this is, itself or by a name that holds the answer."""
    asked = {"sys.platform", "os.name", *named}
    return any(isinstance(node, ast.Attribute | ast.Name) and dotted(node) in asked for node in ast.walk(test))


def leaves(body: list[ast.stmt]) -> bool:
    """Whether nothing behind these statements is reached from them."""
    return isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def guarded(nodes: Sequence[ast.AST]) -> set[ast.AST]:
    """Every node that only one kind of system reaches, or another way than the others."""
    named = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and is_guard(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    roots: list[ast.AST] = []
    for node in nodes:
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.BoolOp(values=[test, *_]) if is_guard(test, named):
                roots.append(node)
        for name in ("body", "orelse", "finalbody"):
            block: object = getattr(node, name, None)
            statements = block if isinstance(block, list) else []
            for place, statement in enumerate(statements):
                if isinstance(statement, ast.If) and is_guard(statement.test, named) and leaves(statement.body):
                    roots += statements[place + 1 :]
    return {node for root in roots for node in ast.walk(root)}


def offences(source: str) -> list[str]:
    """What a file uses that not every system has, without a twin; by line."""
    nodes = [node for node in ast.walk(ast.parse(source)) if not isinstance(node, ast.expr_context)]
    twins = guarded(nodes)
    full = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    prose = {node.value for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    return [
        f"line {getattr(node, 'lineno', 0)}: {what}"
        for node in nodes
        if node not in prose
        for what in (*(only_posix(node, full) if node not in twins else ()), *never(node))
    ]


def only_posix(node: ast.AST, full: dict[str, str]) -> Iterator[str]:
    """What in a node needs a twin. `full` has the full names of what was imported from modules."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from (f"imports {name}" for name in imported(node) if name in POSIX_MODULES)
        case ast.Attribute() | ast.Name():
            first, dot, rest = dotted(node).partition(".")
            name = f"{full.get(first, first)}{dot}{rest}"
            if POSIX_NAMES.fullmatch(name):
                yield f"uses {name}"
        case ast.Constant(value=str(text)) if POSIX_PATHS.match(text):
            yield f"names {text}"
        case ast.Call(func=ast.Attribute(attr=method)) if method in POSIX_METHODS:
            yield f"calls .{method}()"
        case ast.keyword(arg=str(name), value=value) if name in POSIX_KEYWORDS:
            if not is_guard(value):
                yield f"passes {name}"


def never(node: ast.AST) -> Iterator[str]:
    """What in a node differs from system to system whatever stands around it."""
    match node:
        case ast.Constant(value=str(text)) if found := ONE_LIBRARY_S_DATES.search(text):
            if is_date_format(text):
                yield f"writes a date with {found.group()}"
        case ast.Call(func=ast.Name(id="open") | ast.Attribute(attr="open")) if is_text(node):
            yield "opens text without an encoding"
        case ast.Call(func=ast.Attribute(attr="read_text")) if not node.args and not has(node, "encoding"):
            yield "reads text without an encoding"
        case ast.Call(func=ast.Attribute(attr="write_text")) if len(node.args) < 2 and not has(node, "encoding"):
            yield "writes text without an encoding"
        case ast.Call(func=ast.Attribute(attr=name)) if name in PIPES and has(node, "text"):
            if not has(node, "encoding") and not has(node, "errors"):
                yield "reads another program's words without saying in which encoding, or what to do with others"


def has(call: ast.Call, keyword: str) -> bool:
    """Whether a call has a keyword."""
    return any(one.arg == keyword for one in call.keywords)


def is_text(call: ast.Call) -> bool:
    """Whether `open` is asked for text without an encoding. `os.open` and our own `open` ask for something else."""
    if dotted(call.func) in {"os.open", "openingbell.open"} or has(call, "encoding"):
        return False
    place = 0 if isinstance(call.func, ast.Attribute) else 1
    modes = [one.value for one in call.keywords if one.arg == "mode"] + call.args[place : place + 1]
    return not any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)


def is_date_format(text: str) -> bool:
    """Whether a text with a percent sign is one that dates are written by."""
    return re.search(r"%-?[YmdHMSBbjyaA]", text) is not None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_what_one_system_lacks_has_its_twin(file: Path) -> None:
    assert offences(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "offence"),
    [
        ("import fcntl", "imports fcntl"),
        ("def f():\n    from resource import getrusage", "imports resource"),
        ("import os\nos.kill(1, 9)", "uses os.kill"),
        ("from os import geteuid\ngeteuid()", "uses os.geteuid"),
        ("import signal\nsignal.signal(signal.SIGTERM, f)", "uses signal.SIGTERM"),
        ("import subprocess\nsubprocess.run(x, start_new_session=True)", "passes start_new_session"),
        ("folder = Path('/tmp/x')", "names /tmp/x"),
        ("path.symlink_to(other)", "calls .symlink_to()"),
        ("import os\nos.rename(a, b)", "uses os.rename"),
        ("import os\nif os.path.exists(x):\n    os.fork()", "uses os.fork"),
        ("import os\nif os.name == 'nt':\n    f()\nos.fork()", "uses os.fork"),
        ("f'{day:%-d %B}'", "writes a date with %-d"),
        ("day.strftime('%-d.%m.')", "writes a date with %-d"),
        ("open('x')", "opens text"),
        ("path.open()", "opens text"),
        ("path.open('w', newline='')", "opens text"),
        ("path.read_text()", "reads text"),
        ("path.write_text(text)", "writes text"),
        ("subprocess.run(x, text=True)", "another program's words"),
    ],
)
def test_an_offence_is_seen(source: str, offence: str) -> None:
    assert any(offence in found for found in offences(source))


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nif sys.platform == 'win32':\n    import msvcrt\nelse:\n    import fcntl",
        "import os\ndef f():\n    if os.name == 'nt':\n        return g()\n    os.execv(a, b)",
        "import os\nwindows = os.name == 'nt'\nif windows:\n    f()\nelse:\n    os.kill(1, 9)",
        "import os\nx = 0 if os.name == 'nt' else os.geteuid()",
        "import os\nif os.name == 'nt' or os.geteuid() == 0:\n    f()",
        "import os, subprocess\nsubprocess.run(x, pass_fds=() if os.name == 'nt' else (lock,))",
        "import os, subprocess\nsubprocess.Popen(x, start_new_session=os.name != 'nt')",
        "open('x', 'rb')",
        "match.group()",
        "path.open('ab')",
        "path.open(encoding='utf-8')",
        "path.read_text('utf-8')",
        "path.write_text(text, 'utf-8')",
        "import os\nos.open(path, os.O_RDONLY)",
        "f'{day:%Y-%m-%d}, {share:.1f} %s'",
        "subprocess.run(x, text=True, errors='replace')",
    ],
)
def test_what_has_a_twin_or_needs_none_passes(source: str) -> None:
    assert offences(source) == []
