"""A statement of a user: that it reads and nothing else, in which database each table is, and its parameters. Pure.

A server has no search path for tables, so the names of ours are completed where they stand alone. The transaction in
which the statement runs is read-only and is what keeps the tables safe; what is refused here would reach beyond them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

READING = {"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "VALUES", "TABLE", "("}
"""What a statement that reads begins with."""
REACHING = {"OUTFILE", "DUMPFILE", "LOAD_FILE"}
"""Words that reach files of the server."""
TOKEN = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.|'')*')
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
    |(?P<hint>/\*(?:!|M!))
    |(?P<blank>\s+|--(?=\s|$)[^\n]*|\#[^\n]*|/\*.*?\*/)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>[\d][\w.]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """A piece of a statement."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """A bare word in capitals."""
        return self.text.upper() if self.kind in {"word", "sign"} else ""


def tokens_of(text: str) -> list[Token]:
    """The pieces of a statement; put together they are the statement."""
    return [Token(match.lastgroup or "", match.group()) for match in TOKEN.finditer(text)]


def objection(text: str) -> str:
    """Why a statement is not run, in words; empty where nothing is to be said against it."""
    tokens = [token for token in tokens_of(text) if token.kind != "blank"]
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    if not tokens:
        return "found no statement, one statement that reads is allowed"
    if any(token.text == ";" for token in tokens):
        return "found several statements, one statement that reads is allowed"
    if any(token.kind == "hint" for token in tokens):
        return "found a comment that is run, one statement that reads is allowed"
    if tokens[0].word not in READING:
        return f"found {tokens[0].text}, one statement that reads is allowed"
    if reaching := [token.text for token in tokens if token.word in REACHING]:
        return f"found {reaching[0]}, which reaches files of the server"
    return ""


def completed(text: str, places: Mapping[str, str]) -> str:
    """The statement with the names of tables behind their databases, without what ends it.

    Args:
        text: the statement.
        places: the full name of each table by its own.
    """
    tokens = tokens_of(text)
    while tokens and (tokens[-1].kind == "blank" or tokens[-1].text == ";"):
        tokens.pop()
    solid = [number for number, token in enumerate(tokens) if token.kind != "blank"]
    local = _made_here(tokens, solid)
    for before, number in zip([None, *solid], solid, strict=False):
        name = _name(tokens[number])
        stands_alone = before is None or tokens[before].word not in {".", "@", "AS"}
        if stands_alone and name in places and name not in local:
            tokens[number] = Token("name", places[name])
    return "".join(token.text for token in tokens)


def _made_here(tokens: Sequence[Token], solid: Sequence[int]) -> set[str]:
    """Names that the statement gives to its own parts: WITH name AS (…)."""
    return {
        _name(tokens[first])
        for first, second, third in zip(solid, solid[1:], solid[2:], strict=False)
        if tokens[second].word == "AS" and tokens[third].text == "("
    }


def _name(token: Token) -> str:
    if token.kind == "name":
        return token.text[1:-1].replace(token.text[0] * 2, token.text[0])
    return token.text if token.kind == "word" else ""


def bound(text: str, parameters: Sequence[object], literal: Callable[[object], str]) -> str:
    """The statement with its parameters in place of the question marks.

    Raises:
        ValueError: there are not as many of the ones as of the others.
    """
    if not parameters and "?" not in text:
        return text
    tokens = tokens_of(text)
    marks = [number for number, token in enumerate(tokens) if token.text == "?" and token.kind == "sign"]
    if len(marks) != len(parameters):
        raise ValueError(f"found {len(marks)} places for {len(parameters)} parameters")
    literals = dict(zip(marks, map(literal, parameters), strict=True))
    return "".join(literals.get(number, token.text) for number, token in enumerate(tokens))
