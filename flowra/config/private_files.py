"""File permissions of the SQLite database, which contains messages and password hashes: owner only."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

OTHERS = 0o077  # the permission bits of group and others
BESIDE = ("", "-wal", "-shm")  # SQLite creates its other files with the mode of the database file


def keep_private(sender: type[BaseDatabaseWrapper], connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Remove the permissions of group and others after a connection was opened, which may have created the files.

    Files of another owner are not changed.
    """
    if connection.vendor != "sqlite":
        return
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or name.startswith("file:"):
        return
    for suffix in BESIDE:
        path = Path(f"{name}{suffix}")
        with contextlib.suppress(FileNotFoundError, PermissionError):
            mode = path.stat().st_mode
            if mode & OTHERS:
                path.chmod(mode & 0o777 & ~OTHERS)
