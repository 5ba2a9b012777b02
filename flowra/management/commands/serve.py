"""`manage.py serve`: the server for the demo and for production."""

import argparse
import socket
import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from chats.demo.seed import PASSWORD, list_accounts, seed
from flowra.server.server import Server, address_of, bind, make_config, show_own_error_pages
from flowra.server.workers import WorkerSupervisor


def port_number(text: str) -> int:
    """Return a TCP port, 0 for "any free one"; raises argparse's error for anything else."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 0 to 65535")
    return int(text)


def worker_count(text: str) -> int:
    """Return a number of processes, at least 1; raises argparse's error for anything else."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of workers: give 1 or more")
    return int(text)


def is_behind() -> bool:
    """Return whether the database lacks migrations."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


class Command(BaseCommand):
    help = "Serve Flowra: pages, REST and sockets. Stop it with Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --host, --port, --workers and --demo."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", default=8000, type=port_number, help="port, 0 for any (default: %(default)s)")
        parser.add_argument(
            "--workers", default=1, type=worker_count, help="processes; more than 1 needs REDIS_URL (default: 1)"
        )
        parser.add_argument("--demo", action="store_true", help="migrate first, and fill an empty database")

    def handle(self, *, host: str, port: int, workers: int, demo: bool, **options: Any) -> None:
        """Serve until a signal; raises CommandError with one line if it cannot."""
        if workers > 1 and not settings.REDIS_URL:
            raise CommandError(
                f"--workers {workers} needs REDIS_URL: without a broker the processes cannot hear each other. "
                "Set REDIS_URL, or serve with one worker."
            )
        try:
            listeners = bind(host, port)
        except OSError as error:
            raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
        try:
            accounts = self._prepare(demo=demo)
            address = address_of(host, listeners)
            status = self._serve(listeners, workers, lambda: self._announce(address, accounts))
        except KeyboardInterrupt:  # before the server handled the signal
            status = 0
        sys.exit(status)

    def _prepare(self, *, demo: bool) -> list[str]:
        """Prepare the database and the static files; return the demo's user names, raises CommandError."""
        accounts: list[str] = []
        try:
            if demo:
                call_command("migrate", verbosity=0)
                accounts = self._fill()
            elif is_behind():
                raise CommandError("The database is not up to date. Run: manage.py migrate")
        except DatabaseError as error:
            raise CommandError(f"The database does not answer as it should: {str(error).strip()}") from error
        finally:
            connections.close_all()  # the serving threads, and the workers, open their own
        if isinstance(staticfiles_storage, ManifestStaticFilesStorage) and not staticfiles_storage.hashed_files:
            if not demo:
                raise CommandError("DEBUG is off and no static files are collected. Run: manage.py collectstatic")
            call_command("collectstatic", interactive=False, verbosity=0)
        return accounts

    def _fill(self) -> list[str]:
        """Seed an empty database, once, and never with DEBUG off: the demo's passwords are public."""
        if not settings.DEBUG:
            return []
        if not get_user_model().objects.exists():
            seed()
        return [account.username for account in list_accounts()]

    def _announce(self, address: str, accounts: list[str]) -> None:
        """Print the address, and the demo's accounts; tests and scripts wait for the first line."""
        self.stdout.write(f"Flowra is running on {address}")
        if accounts:
            self.stdout.write(f"Sign in as {', '.join(accounts)}; the password is {PASSWORD}. Ctrl-C stops it.")
        self.stdout.flush()

    def _serve(self, listeners: list[socket.socket], workers: int, announce: Callable[[], None]) -> int:
        """Serve and return the exit status."""
        if workers > 1:
            drain_seconds = settings.FLOWRA_DRAIN_SECONDS
            return WorkerSupervisor(listeners, workers, drain_seconds=drain_seconds, on_started=announce).run()
        show_own_error_pages()
        Server(make_config(), on_started=announce).run(listeners)
        return 0
