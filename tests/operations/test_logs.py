from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from openingbell.config import Settings
from openingbell.operations.logs import FILE_NAME, logging_to, secrets_of

SECRET = "my-secret-key"


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"api_key": SecretStr(SECRET), **changes})


def events(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / FILE_NAME).read_text("utf-8").splitlines()]


def test_events_are_json_lines_with_their_fields(tmp_path: Path) -> None:
    with logging_to(tmp_path / "logs", settings()):
        structlog.get_logger().info("bars_fetched", symbol="^GSPC", rows=26)
    (event,) = events(tmp_path / "logs")
    assert (event["event"], event["symbol"], event["rows"], event["level"]) == ("bars_fetched", "^GSPC", 26, "info")


def test_no_folder_appears_before_there_is_something_to_log(tmp_path: Path) -> None:
    with logging_to(tmp_path / "logs", settings()):
        pass
    assert not (tmp_path / "logs").exists()


def test_what_is_less_severe_than_the_level_is_not_logged(tmp_path: Path) -> None:
    with logging_to(tmp_path, settings(log_level="warning")):
        structlog.get_logger().info("quiet")
        structlog.get_logger().warning("loud")
    assert [event["event"] for event in events(tmp_path)] == ["loud"]


def test_secrets_are_taken_out_of_every_field_and_of_tracebacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to(tmp_path, settings(log_format="console")):
        log = structlog.get_logger()
        log.warning("refused", url=f"https://vendor/?apikey={SECRET}", nested={"key": SECRET}, many=[SECRET])
        try:
            int(SECRET)
        except ValueError:
            log.exception("failed")
    assert SECRET not in (tmp_path / FILE_NAME).read_text("utf-8")
    assert SECRET not in capsys.readouterr().err


@pytest.mark.parametrize(("asked", "shown"), [("auto", ["loud"]), ("console", ["quiet", "loud"])])
def test_the_terminal_shows_warnings_and_more_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, shown: list[str]
) -> None:
    with logging_to(tmp_path, settings(log_format=asked)):
        structlog.get_logger().info("quiet")
        structlog.get_logger().warning("loud")
    err = capsys.readouterr().err
    assert [event for event in ("quiet", "loud") if event in err] == shown


def test_the_terminal_speaks_json_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(tmp_path, settings(log_format="json")):
        structlog.get_logger().info("bars_fetched", rows=26)
    assert json.loads(capsys.readouterr().err)["rows"] == 26


def test_without_a_key_there_is_no_secret() -> None:
    assert secrets_of(Settings.model_validate({})) == ()


def test_a_log_file_that_cannot_be_written_is_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").touch()
    with logging_to(tmp_path / "logs", settings()):
        structlog.get_logger().info("quiet")
        structlog.get_logger().warning("loud")
    err = capsys.readouterr().err
    assert "loud" in err
    assert "Traceback" not in err
    assert "Error" not in err
