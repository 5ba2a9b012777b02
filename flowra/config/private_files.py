"""The SQLite database is for its owner's eyes alone: it holds what people write, and the hashes of their passwords."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

OTHERS = 0o077  # the bits of a mode that let others in
BESIDE = ("", "-wal", "-shm")  # SQLite gives what it makes later the mode of the database


def keep_private(sender: type[BaseDatabaseWrapper], connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receive that a connection was opened, which may have made the files; what others could read is closed to them.

    Files that belong to somebody else are left to them.
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
