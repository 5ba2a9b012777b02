"""manage.py backup: copies the SQLite database while Flowra runs. Copying the file would miss its WAL."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


def copy_database(source: Path, target: Path) -> None:
    """Write a consistent, complete copy of a database in use; raises sqlite3.Error, also if it is corrupt.

    The copy is one file without a WAL. Readers and writers are not blocked.
    """
    with (
        contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True)) as original,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)  # in one step: a snapshot, whatever is committed meanwhile
        copy.execute("PRAGMA journal_mode=DELETE")
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)


class Command(BaseCommand):
    help = "Copies the SQLite database to FILE while Flowra runs, and checks the copy. PostgreSQL has pg_dump."
    # A wrong setting must not prevent a backup.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare FILE."""
        parser.add_argument("file", type=Path, metavar="FILE", help="what to write; it must not exist")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Write the copy, or raise CommandError and leave nothing behind."""
        database = settings.DATABASES["default"]
        if not database["ENGINE"].endswith("sqlite3"):
            raise CommandError('This database is PostgreSQL. Run: pg_dump -Fc --file FILE "$DATABASE_URL"')
        if not Path(database["NAME"]).exists():
            raise CommandError(f"There is no database {database['NAME']}.")
        if file.exists():
            raise CommandError(f"{file} exists. A backup is never written over another one: give another name.")
        draft = file.with_name(f"{file.name}.part")
        try:
            # It contains messages and password hashes: readable by its owner only.
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise CommandError(f"Cannot write {draft}: {error.strerror}.") from error
        try:
            copy_database(Path(database["NAME"]), draft)
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            draft.rename(file)  # renamed last, so that a file of this name is complete
        except (OSError, sqlite3.Error) as error:
            raise CommandError(f"There is no backup: {error}.") from error
        finally:
            draft.unlink(missing_ok=True)
        size = file.stat().st_size
        self.stdout.write(
            self.style.SUCCESS(f"Copied to {file}: {size:,} bytes, sound. SECRET_KEY is not in it: keep that apart.")
        )
