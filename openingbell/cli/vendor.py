"""The verb that is a vendor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openingbell.cli.app import app
from openingbell.cli.words import symbols_of, wish_of

VendorReplay = Annotated[Path | None, typer.Option("--replay", help="Serve the bars of this folder.")]
VendorSeed = Annotated[int, typer.Option("--seed", help="Seed of the market that is simulated without --replay.")]
VendorNow = Annotated[
    str | None, typer.Option("--now", help="The moment at which the vendor's clock begins, ISO with a zone.")
]
VendorSplits = Annotated[
    list[str] | None,
    typer.Option(
        "--split",
        help="Play this split: SYMBOL,YYYY-MM-DD,4:1, and behind a comma at-once, late or never; once for each.",
    ),
]
VendorFaults = Annotated[
    Path | None, typer.Option("--faults", help="Do wrong what this file says (TOML; docs/vendor.md has an example).")
]


@app.command()
def vendor(
    replay: VendorReplay = None,
    seed: VendorSeed = 1,
    now: VendorNow = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")] = 8800,
    key: Annotated[list[str] | None, typer.Option("--key", help="Accept only this key; default: any.")] = None,
    restricted: Annotated[list[str] | None, typer.Option("--restricted", help="Answer 402 for this symbol.")] = None,
    split: VendorSplits = None,
    faults: VendorFaults = None,
) -> None:
    """Be a vendor: an HTTP server that speaks FMP's /stable dialect, simulated or from a replay folder."""
    from openingbell import terminal
    from openingbell.operations import worker
    from openingbell.vendor.faults import read_faults
    from openingbell.vendor.splits import parse_split

    worker.serve_vendor(
        wish_of(demo=replay is None, replay=replay, seed=seed, now=now),
        port=port,
        keys=key or None,
        restricted=symbols_of(restricted),
        splits=[parse_split(text) for text in split or []],
        faults=read_faults(faults) if faults else None,
        on_ready=lambda url: terminal.say(f"serving {url} until Ctrl-C; to use it set\nOPENINGBELL_BASE_URL={url}"),
    )
