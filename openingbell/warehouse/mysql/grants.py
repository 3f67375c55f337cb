"""Who may do what: the statements that an administrator runs once. Pure."""

from __future__ import annotations

from openingbell.warehouse.mysql.statements import BROKEN, REBUILD, Databases

WORKER_RIGHTS = ("SELECT", "INSERT", "DELETE", "CREATE", "ALTER", "DROP", "CREATE TEMPORARY TABLES")
READER_RIGHTS = ("SELECT",)
READER = "openingbell_reader"
HOST = "%"


def grants(databases: Databases, worker: str, *, reader: str = READER) -> list[str]:
    """The statements that make a worker and a user who only reads, with the rights that they need and no others.

    `bell rebuild` builds in databases beside the warehouse's own and sets a damaged one aside in others.
    """
    own = list(databases.names.values())
    beside = [name for behind in (REBUILD, BROKEN) for name in databases.beside(behind).names.values()]
    return [
        *_user(worker),
        *(_grant(WORKER_RIGHTS, name, worker) for name in (*own, *beside)),
        *_user(reader),
        *(_grant(READER_RIGHTS, name, reader) for name in own),
    ]


def _user(name: str) -> list[str]:
    return [f"CREATE USER IF NOT EXISTS {_account(name)} IDENTIFIED BY 'choose a password';"]


def _grant(rights: tuple[str, ...], database: str, user: str) -> str:
    """In a grant `_` stands for any letter, unless it is escaped."""
    escaped = database.replace("_", "\\_")
    return f"GRANT {', '.join(rights)} ON `{escaped}`.* TO {_account(user)};"


def _account(user: str) -> str:
    escaped = user.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'@'{HOST}'"
