"""Settings of a warehouse on a server."""

from __future__ import annotations

from openingbell.config import Settings


def at(url: str, name: str = "t_mysql", **settings: object) -> Settings:
    """The settings of a warehouse at the server with this URL."""
    return Settings.model_validate({"warehouse_url": f"{url}{name}", **settings})
