"""manage.py presence: who is online, as the admin page shows it; freeing what is expired; disconnecting somebody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from chats.payloads import time_text
from presence.exceptions import RegistryUnavailable
from presence.overview import Overview, read_overview, started_at
from presence.process.announcer import announce
from presence.registry.base import Registry
from presence.registry.current import get_registry


class Command(BaseCommand):
    help = "Shows the cluster's processes and who is connected to them; frees expired leases; disconnects a user."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions; without one it shows."""
        parser.add_argument("--json", action="store_true", help="Show as JSON.")
        actions = parser.add_subparsers(dest="action", metavar="reap | kick USERNAME")
        actions.add_parser("reap", help="Free what expired leases held, and announce what nobody has announced.")
        kick = actions.add_parser("kick", help="Close all connections of a user; pages connect again by themselves.")
        kick.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, where there is a registry that can be asked from here."""
        if not settings.FLOWRA_PRESENCE_ENABLED:
            raise CommandError("Presence is switched off (FLOWRA_PRESENCE_ENABLED).")
        registry = get_registry()
        if registry.is_local:
            raise CommandError(
                "Without REDIS_URL the registry lives inside the server process, where no command reaches it. "
                f"The admin page {reverse('admin:presence_onlineuser_changelist')} shows what it holds."
            )
        try:
            if options["action"] == "reap":
                self._reap(registry)
            elif options["action"] == "kick":
                self._kick(registry, options["username"])
            else:
                self._show(read_overview(), as_json=options["json"])
        except RegistryUnavailable as error:
            raise CommandError(f"It is not known who is online. {' '.join(str(error).split())}") from error

    def _reap(self, registry: Registry) -> None:
        count, has_more = 0, True
        while has_more:
            reaped = registry.reap(None)
            try:
                async_to_sync(announce)(reaped.edges, registry, run_db=_run, run_registry=_run)
            except RegistryUnavailable:
                raise
            except Exception as error:  # whatever a receiver or its broker raises
                raise CommandError(f"Not all could be announced; running servers will do it: {error!r}") from error
            count, has_more = count + len(reaped.edges), reaped.has_more
        self.stdout.write(f"Announced {count} change{'' if count == 1 else 's'}.")

    def _kick(self, registry: Registry, username: str) -> None:
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(username)
        except ObjectDoesNotExist as error:
            raise CommandError(f'There is no user "{username}".') from error
        told = registry.kick(user.pk)
        if told:
            processes = f"{told} process was" if told == 1 else f"{told} processes were"
            self.stdout.write(f"{processes} told to disconnect {user.get_username()}.")
        else:
            self.stdout.write(f"{user.get_username()} has no connections: 0 processes were told.")

    def _show(self, overview: Overview, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_payload(overview), indent=2, ensure_ascii=False))
            return
        self.stdout.write(f"Processes: {len(overview.processes)}")
        for process in overview.processes:
            info = process.info
            self.stdout.write(
                f"  {info.host}/{info.pid}  version {info.version}  since {started_at(info):%Y-%m-%d %H:%M:%S} UTC  "
                f"connections {process.connections}  lease {process.lease_left:.1f} s"
            )
        self.stdout.write(f"Users: {len(overview.users)}")
        for user in overview.users:
            places = ", ".join(f"{held.process.host}/{held.process.pid}: {held.connections}" for held in user.held)
            self.stdout.write(f"  {user.display_name} (@{user.username})  connections {user.connections} ({places})")


async def _run(function: Callable[..., Any], *args: Any) -> Any:
    return await sync_to_async(function)(*args)


def _payload(overview: Overview) -> dict[str, Any]:
    return {
        "processes": [
            {
                "incarnation": process.info.incarnation,
                "host": process.info.host,
                "pid": process.info.pid,
                "version": process.info.version,
                "since": time_text(started_at(process.info)),
                "connections": process.connections,
                "lease_left": process.lease_left,
            }
            for process in overview.processes
        ],
        "users": [
            {
                "user_id": str(user.user_id),
                "username": user.username,
                "display_name": user.display_name,
                "connections": user.connections,
                "processes": [
                    {
                        "incarnation": held.process.incarnation,
                        "host": held.process.host,
                        "pid": held.process.pid,
                        "connections": held.connections,
                    }
                    for held in user.held
                ],
            }
            for user in overview.users
        ],
    }
