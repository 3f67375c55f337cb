"""Where settings come from; the only reader of the environment.

A setting is looked for in this order, the first that has it wins:

1. the environment: `OPENINGBELL_` and the setting's name in capitals (`OPENINGBELL_THREADS=4`); `FMP_API_KEY` or
   `API_KEY` for `api_key`, `WAREHOUSE_URL` for `warehouse_url`;
2. the file `.env` in the working folder, with the same names;
3. the file named by `OPENINGBELL_CONFIG`, else `openingbell.toml` in the home, with the settings' own names;
4. the default.

Names that are not settings are refused, in the file and behind the prefix `OPENINGBELL_`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from openingbell.config import Settings, allowed, shown
from openingbell.errors import SettingsError

PREFIX = "OPENINGBELL_"
ALIASES = {"FMP_API_KEY": "api_key", "API_KEY": "api_key", "WAREHOUSE_URL": "warehouse_url"}
NOT_SETTINGS = {"OPENINGBELL_HOME", "OPENINGBELL_CONFIG", "OPENINGBELL_TEST_MYSQL_URL"}
"""Names behind the prefix that say where settings are, or belong to the tests."""

NEVER_SHOWN = {"api_key", "base_url", "warehouse_url"}
"""Settings whose values hold secrets, or may."""


@dataclass(frozen=True)
class _Given:
    """A value as it was found: where, and under which name."""

    value: object
    where: str
    name: str


def read_settings(
    home: Path, *, environment: Mapping[str, str] | None = None, dotenv: Path = Path(".env"), **overrides: object
) -> Settings:
    """The settings for `home`; `overrides` win over every source.

    Raises:
        SettingsError: an unknown name, a bad value, or a file that cannot be read.
    """
    environment = os.environ if environment is None else environment
    file_values = _read_dotenv(dotenv)
    named = environment.get("OPENINGBELL_CONFIG") or file_values.get("OPENINGBELL_CONFIG")
    path = Path(named or home / "openingbell.toml")
    given = {name: _Given(value, str(path), name) for name, value in _read_toml(path, required=bool(named)).items()}
    given |= _named(file_values, str(dotenv))
    given |= _named(environment, "the environment")
    given |= {name: _Given(value, "the call", name) for name, value in overrides.items()}
    try:
        return Settings.model_validate({name: one.value for name, one in given.items()})
    except ValidationError as error:
        raise SettingsError(_explain(error, given)) from None


def home_from_environment(environment: Mapping[str, str] | None = None, *, dotenv: Path = Path(".env")) -> Path | None:
    """The folder that `OPENINGBELL_HOME` names, in the environment or in `.env`, or None when it is not set."""
    environment = os.environ if environment is None else environment
    text = environment.get("OPENINGBELL_HOME") or _read_dotenv(dotenv).get("OPENINGBELL_HOME")
    return Path(text).expanduser() if text else None


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"the file {path} cannot be read: {error}; correct it or move it away") from None


def _read_toml(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingsError(
                f"OPENINGBELL_CONFIG names {path}; there is no such file; correct the path or unset the name"
            ) from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error}; correct it or move it away") from None


def _named(variables: Mapping[str, str], where: str) -> dict[str, _Given]:
    """The settings among environment variables; the later alias in `ALIASES` yields to the earlier."""
    values = {ALIASES[name]: _Given(variables[name], where, name) for name in reversed(ALIASES) if variables.get(name)}
    for name, value in variables.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS or not value:
            continue
        setting = name.removeprefix(PREFIX).lower()
        if setting not in Settings.model_fields:
            raise SettingsError(
                f"{where} sets {name}; there is no such setting; the settings are {_names()}; correct the name "
                "or unset it"
            )
        values[setting] = _Given(value, where, name)
    return values


def _explain(error: ValidationError, given: Mapping[str, _Given]) -> str:
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        setting = str(problem["loc"][0])
        one = given[setting]
        if problem["type"] == "extra_forbidden":
            problems.append(f"{one.where} sets {one.name}; there is no such setting; the settings are {_names()}")
        else:
            value = "" if setting in NEVER_SHOWN else f" to {shown(one.value)}"
            problems.append(
                f"{one.where} sets {one.name}{value}; the setting {setting} has a value that is not allowed: "
                f"{problem['msg'].removeprefix('Value error, ')}; allowed: {allowed(Settings.model_fields[setting])}; "
                "correct or unset it"
            )
    return "; ".join(problems) + "; see docs/settings.md"


def _names() -> str:
    return ", ".join(Settings.model_fields)
