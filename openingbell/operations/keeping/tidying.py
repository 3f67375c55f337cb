"""`bell tidy`, and part of a night: landed files of some age are compressed. No content is ever deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from openingbell.context import Pipeline
from openingbell.landing import Compressed, compress
from openingbell.operations.entry import Wish, entered
from openingbell.operations.lock import worker_lock

log = structlog.get_logger()

FILES_A_NIGHT = 5_000
"""The first night of a home that is years old would take its next ticks else."""


def run(wish: Wish) -> Compressed:
    """Compress what is old enough in the home.

    Raises:
        WorkerBusy: a worker is at work in the home; it does it at night.
        RecordError: the disk does not take a file, or a manifest cannot be read.
    """
    with entered(wish) as (home, pipeline):
        if not home.extracts.is_dir():
            return Compressed()
        with worker_lock(home.root, "bell tidy", pipeline.clock.now()):
            return tidy(pipeline)


def tidy(pipeline: Pipeline, *, most: int | None = None, stop: Callable[[], bool] = lambda: False) -> Compressed:
    """Compress what is old enough, by the settings of the home, of which the caller is the worker.

    Args:
        pipeline: the home's.
        most: so many files at the most.
        stop: asked before each file whether to come to an end.

    Raises:
        RecordError: the disk does not take a file, or a manifest cannot be read.
    """
    days = pipeline.settings.compress_after_days
    if not days:
        return Compressed()
    done = compress(pipeline.landing, pipeline.clock.now() - timedelta(days=days), most=most, stop=stop)
    if done.files or done.failed:
        log.info(
            "files_compressed", files=done.files, bytes_before=done.bytes_before, bytes_after=done.bytes_after,
            failed=done.failed,
        )  # fmt: skip
    return done
