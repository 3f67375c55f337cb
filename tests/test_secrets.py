"""Keys never come out: whatever text holds one, plain or in a URL, it is gone after `hide`."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from openingbell.secrets import HIDDEN, SHORTEST_SECRET, hide

KEYS = st.text(string.ascii_letters + string.digits + "+/= %&\\'\"éß", min_size=SHORTEST_SECRET, max_size=40)


@given(KEYS, st.text(), st.text())
def test_a_key_is_gone_from_any_text_plain_and_url_encoded(key: str, before: str, after: str) -> None:
    assume(key not in HIDDEN and quote(key, safe="") not in HIDDEN)
    for spelled in (key, quote(key, safe="")):
        hidden = hide(f"{before}apikey={spelled}&{after}", [key])
        assert HIDDEN in hidden
        assert f"apikey={spelled}" not in hidden


def test_text_around_a_key_stays() -> None:
    url = "GET /stable/quote?symbol=^GSPC&apikey=s3cr3t/key HTTP/1.1"
    assert hide(url, ["s3cr3t/key"]) == "GET /stable/quote?symbol=^GSPC&apikey=[hidden] HTTP/1.1"


def test_every_occurrence_is_hidden() -> None:
    assert hide("abcd abcd xabcdx", ["abcd"]) == "[hidden] [hidden] x[hidden]x"


@pytest.mark.parametrize("secrets", [["abcd", "abcdef"], ["abcdef", "abcd"]])
def test_the_end_of_a_key_does_not_show_when_another_key_is_its_beginning(secrets: list[str]) -> None:
    assert hide("key abcdef", secrets) == "key [hidden]"


@given(st.text(), st.lists(st.text(max_size=SHORTEST_SECRET - 1)))
def test_what_is_too_short_to_be_a_key_changes_nothing(text: str, secrets: list[str]) -> None:
    assert hide(text, secrets) == text
