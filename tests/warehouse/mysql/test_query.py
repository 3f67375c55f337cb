"""A user's statement: what is refused, which names are completed, where parameters go."""

from __future__ import annotations

import pytest

from openingbell.warehouse.mysql.query import bound, completed, objection, tokens_of

PLACES = {"loads": "o.loads", "stock_data": "a.stock_data"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1", "select 1;", " -- why\nSELECT 1 ; ", "# why\nSELECT 1", "/* why */ SELECT 1", "(SELECT 1)",
        "WITH x AS (SELECT 1) SELECT * FROM x", "SHOW TABLES", "DESCRIBE loads", "EXPLAIN SELECT 1", "TABLE loads",
        "SELECT 'a; DROP TABLE x', \"b;c\", `d;e`", "SELECT 'OUTFILE'", "SELECT '/*! x */'", "SELECT 'it''s \\'; x'",
    ],
)  # fmt: skip
def test_what_reads_is_not_objected_to(text: str) -> None:
    assert objection(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "found no statement"),
        ("-- nothing\n", "found no statement"),
        (";", "found no statement"),
        ("SELECT 1; SELECT 2", "found several statements"),
        ("DROP TABLE loads", "found DROP"),
        ("SET GLOBAL read_only = 1", "found SET"),
        ("KILL 1", "found KILL"),
        ("CALL x()", "found CALL"),
        ("USE mysql", "found USE"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "found OUTFILE"),
        ("SELECT 1 INTO dumpfile '/tmp/x'", "found dumpfile"),
        ("SELECT load_file('/etc/passwd')", "found load_file"),
        ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "found a comment that is run"),
        ("SELECT 1 /*M! INTO OUTFILE '/tmp/x' */", "found a comment that is run"),
    ],
)
def test_what_would_do_more_is_refused_with_what_was_found(text: str, reason: str) -> None:
    assert objection(text).startswith(reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM loads", "SELECT * FROM o.loads"),
        ("SELECT * FROM loads;", "SELECT * FROM o.loads"),
        ('SELECT * FROM "loads", `stock_data` s', "SELECT * FROM o.loads, a.stock_data s"),
        ("SELECT loads.rows FROM loads", "SELECT o.loads.rows FROM o.loads"),
        ("SELECT * FROM x.loads", "SELECT * FROM x.loads"),
        ("SELECT l.loads FROM loads AS l", "SELECT l.loads FROM o.loads AS l"),
        ("SELECT 1 AS loads", "SELECT 1 AS loads"),
        ("SELECT @loads", "SELECT @loads"),
        ("SELECT 'loads' FROM loads -- loads", "SELECT 'loads' FROM o.loads"),
        ("SELECT * FROM LOADS", "SELECT * FROM LOADS"),
        ("WITH loads AS (SELECT 1) SELECT * FROM loads", "WITH loads AS (SELECT 1) SELECT * FROM loads"),
        ("SELECT * FROM stock_data_raw", "SELECT * FROM stock_data_raw"),
    ],
)
def test_names_of_tables_are_completed_where_they_stand_alone(text: str, expected: str) -> None:
    assert completed(text, PLACES) == expected


def test_the_pieces_of_a_statement_are_the_statement() -> None:
    text = "SELECT 'ä', \"b\"\"\", `c` /* d */ FROM e -- f\n WHERE g >= 1.5e3 AND h != '\\'' # i\n"
    assert "".join(token.text for token in tokens_of(text)) == text


def test_parameters_stand_where_the_marks_are_and_nowhere_else() -> None:
    text = "SELECT '?', \"?\" FROM x WHERE a = ? AND b IN (?, ?) -- ?"
    assert bound(text, [1, "?", 3], repr) == "SELECT '?', \"?\" FROM x WHERE a = 1 AND b IN ('?', 3) -- ?"
    assert bound("SELECT 1", [], repr) == "SELECT 1"


@pytest.mark.parametrize(("text", "parameters"), [("SELECT ?", []), ("SELECT ?", [1, 2]), ("SELECT 1", [1])])
def test_as_many_parameters_as_marks(text: str, parameters: list[object]) -> None:
    with pytest.raises(ValueError, match=r"found \d places for \d parameters"):
        bound(text, parameters, repr)
