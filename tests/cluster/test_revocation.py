"""What ends a credential or a membership takes effect on open sockets of all servers within a second.

Each is done once at one of the servers, and once in a process that has no broker to tell anybody.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import httpx
import psycopg
import pytest
from asgiref.sync import async_to_sync
from websockets import ConnectionClosed

from tests.cluster.conftest import SECRET_KEY
from tests.cluster.plain_process import PlainProcess
from tests.cluster.test_conversation import staff_browser
from tests.realtime.sockets.test_access import submit
from tests.support.clients import Frame, Person, Socket, make_chat, open_socket
from tests.support.freezing_proxy import FreezingProxy
from tests.support.processes import PostgreSQL, Server, Valkey

WITHIN = 1.0  # seconds from the commit
UNAUTHENTICATED = 4401
NEW_PASSWORD = "purple monkey dishwasher"
PASSWORD = "demo"
CREATE = """
user = User.objects.create_user(username, username + "@example.org", password)
pair = tokens.issue_tokens(user)
browsers = [Client(), Client()]
for browser in browsers:
    browser.force_login(user)
result = [str(user.pk), pair.access, pair.refresh, *(browser.session.session_key for browser in browsers)]
"""
_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """Two servers with a broker between them, and a process without one, all on one database."""

    one: Server
    two: Server
    plain: PlainProcess
    database: str

    def stamp_of(self, username: str) -> float:
        """Return when the user's security changed (Unix time): just before the commit."""
        query = "SELECT extract(epoch FROM security_changed_at)::float8 FROM accounts_user WHERE username = %s"
        with psycopg.connect(self.database) as connection:
            row = connection.execute(query, [username]).fetchone()
        if row is None or row[0] is None:
            raise AssertionError(f"{username} carries no stamp.")
        moment: float = row[0]
        return moment


@pytest.fixture(scope="module")
def site(postgresql: PostgreSQL, broker: Valkey) -> Iterator[Site]:
    """Give a site with the demo's people. Repair does not help out: five seconds would be too late."""
    database = postgresql.create_database()
    shared = {"DATABASE_URL": database, "SECRET_KEY": SECRET_KEY}
    settings = {**shared, "REDIS_URL": broker.url, "FLOWRA_REPAIR_INTERVAL": "3600"}
    with PlainProcess(shared) as plain, Server(settings) as one, Server(settings) as two:
        plain.manage("seed_demo")
        yield Site(one, two, plain, database)


@pytest.fixture(scope="module")
def john(site: Site) -> Person:
    """Give John, signed in."""
    person: Person = async_to_sync(Person.sign_in)(site.one.base_url, "john")
    return person


@dataclasses.dataclass(frozen=True, slots=True)
class Victim:
    """Somebody with two browsers and the tokens of one sign-in, in a chat of John's."""

    person: Person
    refresh: str
    session: str
    other_session: str
    chat: Frame

    async def open(self, server: Server, credential: str) -> Socket:
        """Open a socket at a server with the "session", the "other_session" or the "token"."""
        if credential == "token":
            return await self.person.at(server.base_url).connect()
        cookie = {"Cookie": f"sessionid={getattr(self, credential)}"}
        socket = Socket(await open_socket(server.base_url, additional_headers=cookie, origin=server.base_url))
        assert (await socket.receive())["user_id"] == self.person.id
        return socket


async def make_victim(site: Site, john: Person) -> Victim:
    """Return somebody new."""
    name = f"victim{next(_numbers)}"
    user_id, access, refresh, session, other_session = site.plain.run(CREATE, username=name, password=PASSWORD)
    person = Person(site.one.base_url, access, {"id": user_id, "username": name})
    return Victim(person, refresh, session, other_session, await make_chat(john, person))


Act = Callable[[Site, Victim, Person], Awaitable[None]]


def in_plain_process(code: str) -> Act:
    """Return what runs this code without a broker; it knows `name` and `user`, `chat`, and what the victim has."""

    async def act(site: Site, victim: Victim, john: Person) -> None:
        values = {
            "name": victim.person.username,
            "chat_id": victim.chat["id"],
            "workspace_id": victim.chat["workspace_id"],
            "refresh": victim.refresh,
            "session": victim.session,
        }
        look_up = "user = User.objects.get(username=name)\njohn = User.objects.get(username='john')\n"
        await asyncio.to_thread(site.plain.run, look_up + code, **values)

    return act


async def submit_as(site: Site, victim: Victim, path: str, form: dict[str, str]) -> None:
    """Post a form in the victim's browser at the first server."""
    async with httpx.AsyncClient(base_url=site.one.base_url, timeout=20) as browser:
        browser.cookies.set("sessionid", victim.session, domain="127.0.0.1")
        await submit(browser, path, form)


async def sign_out_on_the_page(site: Site, victim: Victim, john: Person) -> None:
    await submit_as(site, victim, "/accounts/logout/", {})


async def change_password_on_the_page(site: Site, victim: Victim, john: Person) -> None:
    new = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    await submit_as(site, victim, "/accounts/password/change/", {"old_password": PASSWORD, **new})


async def change_password_by_command(site: Site, victim: Victim, john: Person) -> None:
    typed = f"{NEW_PASSWORD}\n" * 2
    await asyncio.to_thread(site.plain.manage, "changepassword", victim.person.username, typed=typed)


async def deactivate_in_the_admin(site: Site, victim: Victim, john: Person) -> None:
    def act() -> None:
        with staff_browser(site.one.base_url) as admin:
            token = admin.cookies["csrftoken"]
            form = {"action": "deactivate", "_selected_action": victim.person.id, "csrfmiddlewaretoken": token}
            admin.post("/admin/accounts/user/", data=form).raise_for_status()

    await asyncio.to_thread(act)


async def revoke_over_rest(site: Site, victim: Victim, john: Person) -> None:
    await victim.person.call("POST", "/auth/token/revoke", {"refresh": victim.refresh}, expect=204)


async def remove_from_workspace(site: Site, victim: Victim, john: Person) -> None:
    await john.call("DELETE", f"/workspaces/{victim.chat['workspace_id']}/members/{victim.person.id}", expect=204)


async def remove_from_chat(site: Site, victim: Victim, john: Person) -> None:
    await john.call("DELETE", f"/chats/{victim.chat['id']}/members/{victim.person.id}", expect=204)


EVERYTHING = ["session", "other_session", "token"]
ENDS: dict[str, tuple[Act, list[str]]] = {
    "sign-out": (sign_out_on_the_page, ["session"]),
    "sign-out without a broker": (
        in_plain_process(
            "page = Client(SERVER_NAME='localhost')\n"
            "page.cookies['sessionid'] = session\n"
            "page.post('/accounts/logout/')"
        ),
        ["session"],
    ),
    "password": (change_password_on_the_page, ["other_session", "token"]),
    "password by manage.py without a broker": (change_password_by_command, EVERYTHING),
    "deactivation in the admin": (deactivate_in_the_admin, EVERYTHING),
    "deactivation in a shell without a broker": (
        in_plain_process("user.is_active = False\nuser.save()"),
        EVERYTHING,
    ),
    "revocation": (revoke_over_rest, ["token"]),
    "revocation without a broker": (in_plain_process("tokens.revoke_tokens(refresh)"), ["token"]),
}
REMOVALS: dict[str, Act] = {
    "workspace": remove_from_workspace,
    "workspace without a broker": in_plain_process(
        "services.remove_workspace_member(user=john, workspace_id=workspace_id, member_id=user.pk)"
    ),
    "chat": remove_from_chat,
    "chat without a broker": in_plain_process(
        "services.remove_chat_member(user=john, chat_id=chat_id, user_id=user.pk)"
    ),
}


@pytest.mark.parametrize("ended", ENDS)
async def test_sockets_end_with_their_credential(site: Site, john: Person, ended: str) -> None:
    act, closing = ENDS[ended]
    victim = await make_victim(site, john)

    async def close_of(socket: Socket) -> tuple[int, float]:
        return await socket.closed(), time.time()

    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(await victim.open(server, credential))
            for credential in closing
            for server in (site.one, site.two)
        ]
        others = [
            await stack.enter_async_context(await victim.open(site.two, credential))
            for credential in EVERYTHING
            if credential not in closing
        ]
        async with asyncio.TaskGroup() as watching:
            tasks = [watching.create_task(close_of(socket)) for socket in opened]
            await act(site, victim, john)
        closes = [task.result() for task in tasks]
        assert [code for code, _ in closes] == [UNAUTHENTICATED] * len(opened)
        took = max(moment for _, moment in closes) - site.stamp_of(victim.person.username)
        assert took < WITHIN
        for socket in others:
            assert (await socket.ask("ping"))["type"] == "pong"


@pytest.mark.parametrize("lost", REMOVALS)
async def test_who_is_removed_is_told_and_hears_nothing_more(site: Site, john: Person, lost: str) -> None:
    victim = await make_victim(site, john)
    chat_id = victim.chat["id"]

    async def end_of(socket: Socket) -> float:
        while True:
            frame = await socket.receive()
            if frame["type"] in ("resync", "chat.member_removed"):
                return time.time()

    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(await victim.person.at(server.base_url).subscribe(chat_id))
            for server in (site.one, site.two)
        ]
        talks = await stack.enter_async_context(await john.subscribe(chat_id))
        async with asyncio.TaskGroup() as watching:
            ends = [watching.create_task(end_of(socket)) for socket in opened]
            await REMOVALS[lost](site, victim, john)
        took = max(end.result() for end in ends) - site.stamp_of(victim.person.username)
        assert took < WITHIN
        await talks.send("chat.typing", chat_id=chat_id)
        assert (await talks.post(chat_id, "secret"))["action"] == "posted"
        for socket in opened:
            assert (await socket.ask("subscribe", chat_id=chat_id))["code"] == "forbidden"
            assert (await socket.post(chat_id, "still here"))["code"] == "forbidden"
            heard = {frame["type"] for frame in await socket.frames_so_far() if frame.get("chat_id") == chat_id}
            assert heard <= {"chat.member_removed"}


@pytest.mark.parametrize("ended", ["sign-out without a broker", "revocation without a broker"])
async def test_a_handshake_under_way_does_not_outlive_its_credential(
    site: Site, broker: Valkey, john: Person, ended: str
) -> None:
    """The credential is read, then the broker takes its time, and meanwhile the user signs out; no look helps out."""
    act, (credential,) = ENDS[ended]
    with FreezingProxy(broker.port) as way:
        settings = {"DATABASE_URL": site.database, "SECRET_KEY": SECRET_KEY, "FLOWRA_WATCH_INTERVAL": "3600"}
        with Server({**settings, "REDIS_URL": f"redis://127.0.0.1:{way.port}/0"}) as far:
            for way.delay in (0.5, 1.0, 2.0):  # longer where signing out took longer than that
                victim = await make_victim(site, john)
                headers = {"Cookie": f"sessionid={victim.session}"}
                if credential == "token":
                    headers = {"Authorization": f"Bearer {victim.person.token}"}
                opened = await open_socket(far.base_url, additional_headers=headers, origin=far.base_url)
                await act(site, victim, john)
                socket = Socket(opened)
                try:
                    frame = await socket.receive()
                except ConnectionClosed:
                    break
                assert frame["type"] == "welcome"
                await socket.close()
            assert await socket.closed() == UNAUTHENTICATED  # and not because it was let in each time
