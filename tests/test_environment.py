"""Settings: where they come from, what is refused, that the key never shows, and that their page is true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openingbell.config import Settings
from openingbell.environment import ALIASES, NOT_SETTINGS, PREFIX, home_from_environment, read_settings
from openingbell.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent
KEY = "k3y-that-must-not-show"


@dataclass(frozen=True)
class Place:
    """A home and a working folder, both empty at first."""

    root: Path

    def read(self, environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
        """The settings here under this environment and no other."""
        return read_settings(self.root, environment=environment or {}, dotenv=self.root / ".env", **overrides)

    def toml(self, text: str, name: str = "openingbell.toml") -> Path:
        """Write the settings file."""
        (self.root / name).write_text(text, "utf-8")
        return self.root / name

    def dotenv(self, text: str) -> None:
        """Write .env."""
        (self.root / ".env").write_text(text, "utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_each_source_wins_over_those_after_it(place: Place) -> None:
    assert place.read().threads == 8
    place.toml("threads = 1")
    assert place.read().threads == 1
    place.dotenv("OPENINGBELL_THREADS=2")
    assert place.read().threads == 2
    environment = {"OPENINGBELL_THREADS": "3"}
    assert place.read(environment).threads == 3
    assert place.read(environment, threads=4).threads == 4


def test_sources_add_up_setting_by_setting(place: Place) -> None:
    place.toml('threads = 1\nlog_level = "debug"')
    place.dotenv("OPENINGBELL_RETRY_ATTEMPTS=2")
    settings = place.read({"OPENINGBELL_BATCH_CALLS": "3"})
    assert (settings.threads, settings.log_level, settings.retry_attempts, settings.batch_calls) == (1, "debug", 2, 3)


@pytest.mark.parametrize("name", [name for name, setting in ALIASES.items() if setting == "api_key"])
def test_the_key_has_names_of_its_own(place: Place, name: str) -> None:
    key = place.read({name: KEY}).api_key
    assert key is not None
    assert key.get_secret_value() == KEY


def test_the_warehouse_has_a_name_of_its_own(place: Place) -> None:
    assert place.read({"WAREHOUSE_URL": "duckdb:///a.db"}).warehouse_url == "duckdb:///a.db"


def test_among_names_of_one_source_the_longest_wins(place: Place) -> None:
    environment = {"API_KEY": "c", "FMP_API_KEY": "b", "OPENINGBELL_API_KEY": "a"}
    for expected in ("a", "b", "c"):
        key = place.read(environment).api_key
        assert key is not None
        assert key.get_secret_value() == expected
        del environment[next(name for name, value in environment.items() if value == expected)]


def test_a_short_name_in_the_environment_wins_over_a_long_one_in_the_file(place: Place) -> None:
    place.dotenv("OPENINGBELL_API_KEY=file")
    key = place.read({"API_KEY": "environment"}).api_key
    assert key is not None
    assert key.get_secret_value() == "environment"


def test_an_empty_value_counts_as_none(place: Place) -> None:
    place.toml("threads = 5")
    settings = place.read({"OPENINGBELL_THREADS": "", "API_KEY": "", "OPENINGBELL_CONFIG": ""})
    assert (settings.threads, settings.api_key) == (5, None)


def test_what_is_not_ours_in_the_environment_is_left_alone(place: Place) -> None:
    assert place.read({"THREADS": "3", "PATH": "/bin", "openingbell_threads": "3"}).threads == 8


@pytest.mark.parametrize("name", sorted(NOT_SETTINGS - {"OPENINGBELL_CONFIG"}))
def test_names_that_say_where_things_are_are_no_settings(place: Place, name: str) -> None:
    assert place.read({name: "somewhere"}) == Settings()


@pytest.mark.parametrize(
    "text",
    [
        '["BRK-B", "^GSPC"]',
        '"BRK-B ^GSPC"',
        '"BRK-B,^GSPC"',
        '" BRK-B ,\\n ^GSPC, "',
        '["BRK-B", " ^GSPC", "BRK-B"]',
    ],
)
def test_symbols_are_a_list_or_one_text_and_each_counts_once(place: Place, text: str) -> None:
    place.toml(f"stocks = {text}")
    assert place.read().stocks == ("BRK-B", "^GSPC")


def test_symbols_in_the_environment_are_one_text(place: Place) -> None:
    settings = place.read({"OPENINGBELL_STOCKS": "AAPL, MSFT", "OPENINGBELL_INDEXES": " "})
    assert (settings.stocks, settings.indexes) == (("AAPL", "MSFT"), ())


@given(st.dictionaries(st.sampled_from(["threads", "retry_attempts", "batch_calls"]), st.integers(1, 20)))
def test_the_environment_says_a_number_as_the_file_does(values: dict[str, int]) -> None:
    environment = {PREFIX + name.upper(): str(value) for name, value in values.items()}
    nowhere = Path("/nowhere")
    assert read_settings(nowhere, environment=environment, dotenv=nowhere) == Settings.model_validate(values)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_default_can_be_said_in_the_environment(place: Place, name: str) -> None:
    default = getattr(Settings(), name)
    text = " ".join(default) if isinstance(default, tuple) else str(default or "")
    assert place.read({PREFIX + name.upper(): text}) == Settings()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_default_is_allowed(name: str) -> None:
    Settings.model_validate({name: getattr(Settings(), name)})


def test_an_unknown_name_in_the_file_is_refused_with_file_name_and_the_allowed_ones(place: Place) -> None:
    path = place.toml("thread = 3")
    with pytest.raises(SettingsError) as caught:
        place.read()
    assert str(caught.value).startswith(f"{path} sets thread; there is no such setting; the settings are api_key, ")
    assert all(name in str(caught.value) for name in Settings.model_fields)


def test_an_unknown_name_in_the_environment_is_refused_with_the_allowed_ones(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"^the environment sets OPENINGBELL_THREAD; .* threads, .* or unset it$"):
        place.read({"OPENINGBELL_THREAD": "3"})


def test_an_unknown_name_in_dotenv_is_refused_with_the_file(place: Place) -> None:
    place.dotenv("OPENINGBELL_THREAD=3")
    with pytest.raises(SettingsError, match=r"\.env sets OPENINGBELL_THREAD"):
        place.read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", "0"),
        ("threads", "65"),
        ("threads", "many"),
        ("threads", "2.5"),
        ("timeout_seconds", "0"),
        ("timeout_seconds", "nan"),
        ("timeout_seconds", "inf"),
        ("pause_between_calls_seconds", "-1"),
        ("interval_minutes", "5"),
        ("interval_minutes", "fifteen"),
        ("base_url", "ftp://host"),
        ("warehouse_url", "oracle://host/db"),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("first_run_sessions", "1e9"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_and_its_setting_named(place: Place, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"the setting {name} has a value that is not allowed: .*settings\.md$"):
        place.read({PREFIX + name.upper(): value})


THREADS = (
    "; the setting threads has a value that is not allowed: .*; allowed: whole number, ≥ 1, ≤ 64; correct or unset it; "
    r"see docs/settings\.md$"
)


def test_a_bad_value_is_told_with_its_place_its_name_there_and_what_is_allowed(place: Place) -> None:
    path = place.toml("threads = 99")
    with pytest.raises(SettingsError, match=rf"^{re.escape(str(path))} sets threads to 99{THREADS}"):
        place.read()
    place.dotenv("OPENINGBELL_THREADS=98")
    with pytest.raises(SettingsError, match=rf"\.env sets OPENINGBELL_THREADS to '98'{THREADS}"):
        place.read()
    with pytest.raises(SettingsError, match=rf"^the environment sets OPENINGBELL_THREADS to '97'{THREADS}"):
        place.read({"OPENINGBELL_THREADS": "97"})


def test_a_bad_choice_is_told_with_the_choices(place: Place) -> None:
    with pytest.raises(SettingsError, match="allowed: `auto`, `console`, `json`; correct or unset it"):
        place.read({"OPENINGBELL_LOG_FORMAT": "xml"})


def test_the_value_of_a_place_that_may_hold_a_password_is_not_told(place: Place) -> None:
    with pytest.raises(
        SettingsError, match=r"^the environment sets WAREHOUSE_URL; the setting warehouse_url"
    ) as caught:
        place.read({"WAREHOUSE_URL": f"mysql://me:{KEY}@host/not a name"})
    assert KEY not in str(caught.value)


def test_what_cannot_be_a_symbol_is_refused_by_name(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"no symbols are 'aapl', '\.\./\.\./etc'; allowed: symbols, each matches"):
        place.read({"OPENINGBELL_STOCKS": "aapl BRK-B ../../etc ^GSPC"})
    place.toml('indexes = ["^GSPC", "", "a b"]')
    with pytest.raises(SettingsError, match="no symbols are '', 'a b';"):
        place.read()


def test_all_that_is_wrong_is_said_at_once(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"threads.*; .*log_level"):
        place.read({"OPENINGBELL_THREADS": "0", "OPENINGBELL_LOG_LEVEL": "loud"})


def test_a_file_named_by_the_environment_must_exist(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"OPENINGBELL_CONFIG names .*none\.toml; there is no such file; correct"):
        place.read({"OPENINGBELL_CONFIG": str(place.root / "none.toml")})


def test_a_file_named_by_the_environment_or_dotenv_stands_in_for_that_of_the_home(place: Place) -> None:
    place.toml("threads = 1")
    other, third = place.toml("threads = 2", "other.toml"), place.toml("threads = 3", "third.toml")
    place.dotenv(f"OPENINGBELL_CONFIG='{other}'")
    assert place.read().threads == 2
    assert place.read({"OPENINGBELL_CONFIG": str(third)}).threads == 3


@pytest.mark.parametrize("content", [b"threads = ", b"\xff\xfe\x00"])
def test_a_settings_file_that_cannot_be_read_is_named(place: Place, content: bytes) -> None:
    place.toml("").write_bytes(content)
    with pytest.raises(SettingsError, match=r"openingbell\.toml cannot be read: .*; correct it or move it away"):
        place.read()


def test_a_dotenv_in_another_encoding_is_named(place: Place) -> None:
    (place.root / ".env").write_bytes("API_KEY=1".encode("utf-16"))
    with pytest.raises(SettingsError, match=r"\.env cannot be read: .*; correct it or move it away"):
        place.read()


def test_a_folder_named_dotenv_is_no_settings_file(place: Place) -> None:
    """Some people call their virtual environment so."""
    (place.root / ".env").mkdir()
    assert place.read() == Settings()


def test_the_key_shows_in_no_rendering(place: Place) -> None:
    settings = place.read({"API_KEY": KEY})
    for text in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json(), f"{settings}"):
        assert KEY not in text


@pytest.mark.parametrize(
    "toml", [f'api_key = "{KEY}"\nthreads = 0', f'[api_key]\nvalue = "{KEY}"', f'api_key = "{KEY}', f'nope = "{KEY}"']
)
def test_the_key_shows_in_no_error_nor_in_its_cause(place: Place, toml: str) -> None:
    place.toml(toml)
    with pytest.raises(SettingsError) as caught:
        place.read()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_home_is_what_the_environment_names() -> None:
    assert home_from_environment({}) is None
    assert home_from_environment({"OPENINGBELL_HOME": ""}) is None
    assert home_from_environment({"OPENINGBELL_HOME": "~/bell"}) == Path.home() / "bell"


def test_the_home_may_stand_in_the_environment_or_in_dotenv(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    assert home_from_environment({}, dotenv=dotenv) is None
    dotenv.write_text("OPENINGBELL_HOME=/from/dotenv\n", "utf-8")
    assert home_from_environment({}, dotenv=dotenv) == Path("/from/dotenv")
    assert home_from_environment({"OPENINGBELL_HOME": "/from/environment"}, dotenv=dotenv) == Path("/from/environment")


@pytest.mark.parametrize("text", ["obv, atr", "atr obv atr"])
def test_extra_indicators_are_a_list_or_one_text_in_the_order_of_the_catalogue(place: Place, text: str) -> None:
    assert place.read({"OPENINGBELL_EXTRA_INDICATORS": text}).extra_indicators == ("atr", "obv")
    place.toml("extra_indicators = []")
    assert place.read().extra_indicators == ()


def test_an_unknown_indicator_is_refused_with_those_that_are_known(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"none of these is 'rsi'; allowed: any of `atr`, `adx`, `stochastic`"):
        place.read({"OPENINGBELL_EXTRA_INDICATORS": "obv rsi"})
