"""Logging: events with fields, to the terminal for people and to a file for machines, with secrets taken out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from structlog.typing import EventDict, Processor

from openingbell.config import Settings
from openingbell.secrets import hide

FILE_NAME = "bell.jsonl"


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every secret that the settings hold."""
    password = unquote(urlsplit(settings.warehouse_url).password or "")
    return tuple(filter(None, (settings.api_key.get_secret_value() if settings.api_key else "", password)))


@contextmanager
def logging_to(folder: Path, settings: Settings) -> Iterator[None]:
    """Log to `folder` and to the terminal while the block runs."""
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hiding(secrets_of(settings)),
    ]
    handlers = [_file_handler(folder / FILE_NAME, before), _terminal_handler(settings, before)]
    root = logging.getLogger("openingbell")
    root.handlers, root.propagate = list(handlers), False
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=lambda *_: root,
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers = []
        for handler in handlers:
            handler.close()


class _LazyFile(logging.FileHandler):
    """A log file that is not there, nor its folder, until there is something to log; silent where it cannot be."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a home that cannot be written to can still be read."""
        with suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name is logging's
        """Be silent when the disk does not take the record."""


def _file_handler(path: Path, before: Sequence[Processor]) -> logging.Handler:
    handler = _LazyFile(path, encoding="utf-8", delay=True)
    handler.setFormatter(_formatter(structlog.processors.JSONRenderer(), before))
    return handler


def _terminal_handler(settings: Settings, before: Sequence[Processor]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    json_asked = settings.log_format == "json"
    renderer: Processor = (
        structlog.processors.JSONRenderer() if json_asked else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler.setFormatter(_formatter(renderer, before))
    handler.setLevel(logging.WARNING if settings.log_format == "auto" else settings.log_level.upper())
    return handler


def _formatter(renderer: Processor, before: Sequence[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        foreign_pre_chain=list(before),
    )


def _hiding(secrets: Sequence[str]) -> Processor:
    def hidden(value: object) -> object:
        match value:
            case dict():
                return {key: hidden(inner) for key, inner in value.items()}
            case list() | tuple():
                return [hidden(inner) for inner in value]
            case bool() | int() | float() | None:
                return value
            case _:
                return hide(str(value), secrets)

    def without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {key: hidden(value) for key, value in event.items()}

    return without_secrets
