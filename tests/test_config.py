"""Settings are described whole, never change, and hide the key."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from openingbell.config import Settings
from openingbell.feeds import BONDS, EOD, STOCKS
from scripts.docs import pages

REPOSITORY = Path(__file__).resolve().parent.parent
KEY = "k3y-that-must-not-show"


def test_the_key_shows_in_no_error_of_the_model_itself() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"api_key": {"value": KEY}, "threads": KEY})
    assert KEY not in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().threads = 3  # type: ignore[misc]


@pytest.mark.parametrize(("feed", "seconds"), [(STOCKS, 120), (EOD, 3_720), (BONDS, 7_320)])
def test_a_bar_is_final_after_the_feeds_own_time_the_delay_and_the_settling(feed: object, seconds: int) -> None:
    delays = {one: Settings().final_delay(one) for one in (STOCKS, EOD, BONDS)}
    assert delays[feed] == timedelta(seconds=seconds)  # type: ignore[index]


def test_the_page_of_settings_is_what_the_code_says() -> None:
    """If this fails: python scripts/docs.py."""
    assert (REPOSITORY / "docs/settings.md").read_text("utf-8") == pages()["docs/settings.md"]


def test_the_page_names_every_setting_with_default_bounds_and_environment() -> None:
    lines = {m[1]: m[0] for m in re.finditer(r"^\| `(\w+)` \| .* \|$", pages()["docs/settings.md"], re.MULTILINE)}
    assert list(lines) == list(Settings.model_fields)
    assert lines["threads"].endswith("| `8` | whole number, ≥ 1, ≤ 64 | `OPENINGBELL_THREADS` |")
    assert lines["timeout_seconds"].endswith(
        "| seconds | `30.0` | number, > 0, ≤ 600 | `OPENINGBELL_TIMEOUT_SECONDS` |"
    )
    assert lines["log_format"].endswith("| `auto` | `auto`, `console`, `json` | `OPENINGBELL_LOG_FORMAT` |")
    assert lines["api_key"].endswith("| none | text | `OPENINGBELL_API_KEY`, `FMP_API_KEY`, `API_KEY` |")
    assert "`^GSPC`" in lines["indexes"]


def test_every_setting_is_described_and_says_its_unit_in_name_or_words() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
