"""Fixtures that everybody shares: the cast (owner, member, outsider), and real servers, databases and brokers.

A test is slow if it uses the fixture `processes`, itself or through another one: nothing else may start a program.
The mark `slow` stands on its own where a test computes for long. `make check` leaves slow tests out.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from hypothesis import settings as hypothesis_settings

from chats import services
from chats.models import Chat, Workspace
from flowra.accounts.mail import flush
from tests.support.caller import begin_again_if_not_clean
from tests.support.processes import PostgreSQL, Server, Valkey

if TYPE_CHECKING:
    from flowra.accounts.models import User

PASSWORD = "correct horse battery"
PROCESSES = "processes"
DATABASE = {"db", "transactional_db"}  # pytest-django's: a test has the database by one of them, or by its mark
_are_programs_refused = False  # the audit hook cannot be given anything, and stays for as long as Python runs

# Examples are about what is right, not about how long it takes: any may take more than 200 ms on a busy machine.
hypothesis_settings.register_profile("flowra", deadline=None)
hypothesis_settings.register_profile("check", deadline=None, max_examples=10)
hypothesis_settings.load_profile("flowra")


@dataclasses.dataclass(frozen=True, slots=True)
class Cast:
    """A workspace with two people in a chat, and somebody who has nothing to do with it."""

    owner: User
    member: User
    outsider: User
    workspace: Workspace
    chat: Chat


def make_user(username: str, display_name: str = "") -> User:
    """Create somebody who can sign in with PASSWORD."""
    return get_user_model().objects.create_user(
        username, f"{username}@example.org", PASSWORD, display_name=display_name or username.capitalize()
    )


def make_cast() -> Cast:
    """Create the cast: Olga owns the workspace, Mika is a member, Otto is outside."""
    owner, member, outsider = make_user("olga"), make_user("mika"), make_user("otto")
    workspace = services.create_workspace(user=owner, name="Acme").workspace
    services.moderate_add_workspace_member(workspace_id=workspace.pk, user_id=member.pk, role="member")
    membership, _ = services.create_chat(
        user=owner, workspace_id=workspace.pk, kind="task", title="Update documentation", member_ids=[member.pk]
    )
    return Cast(owner, member, outsider, workspace, membership.chat)


@pytest.fixture(autouse=True)
def forget_counts() -> None:
    """Forget what other tests have asked for: rates are counted in this process."""
    cache.clear()


@pytest.fixture(autouse=True)
def no_mail_outlives_its_test() -> Iterator[None]:
    """Wait until what a test has sent is in its own outbox: another thread sends it, and the next test has one, too."""
    yield
    flush(10)


@pytest.fixture
def cast(db: None) -> Cast:
    """Give the cast, rolled back after the test."""
    return make_cast()


def pytest_configure(config: pytest.Config) -> None:
    """Begin again if the caller has settings of their own, and prepare for tests.

    Passwords are hashed fast: the real hasher takes most of a second for each cast, on purpose. The folder of collected
    static files is there, if empty, as where Flowra is installed. Nothing else is looked through for static files: each
    test's client would do so anew, and that takes longer than most tests. Tests of static files have real servers.
    """
    begin_again_if_not_clean(config)
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.SERVESTATIC_USE_FINDERS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests through async_to_sync: their database work then is in the test's own transaction."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    async_to_sync(test)(**{name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters})
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put browser tests last, and mark by their fixtures what starts programs and what uses the database.

    Once Playwright has started, its event loop stands in the way of async_to_sync.
    """
    browser = Path(__file__).parent / "browser"
    items.sort(key=lambda item: item.path.is_relative_to(browser))
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if PROCESSES in fixtures:
            item.add_marker(pytest.mark.slow)
        if fixtures & DATABASE or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.database)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Refuse programs to fast tests while their fixtures are set up."""
    with refuse_programs(unless=item.get_closest_marker("slow") is not None):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Refuse programs to fast tests."""
    with refuse_programs(unless=item.get_closest_marker("slow") is not None):
        yield


@contextmanager
def refuse_programs(*, unless: bool) -> Iterator[None]:
    """Raise an error in whoever starts a program, `unless` that is allowed."""
    global _are_programs_refused
    _are_programs_refused = not unless
    try:
        yield
    finally:
        _are_programs_refused = False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and _are_programs_refused:
        raise RuntimeError(f"A fast test started {arguments[0]}: use the fixture `{PROCESSES}`, or one that uses it")


sys.addaudithook(_audit)


@pytest.fixture(scope="session")
def processes() -> None:
    """Allow a test, or a fixture, to start programs."""


@pytest.fixture(scope="session")
def postgresql(processes: None) -> Iterator[PostgreSQL]:
    """Give a running PostgreSQL; take a database of your own from it with create_database()."""
    with PostgreSQL() as running:
        yield running


@pytest.fixture(scope="session")
def valkey(processes: None) -> Iterator[Valkey]:
    """Give a running broker, shared by all tests: to stop or restart one, start your own."""
    with Valkey() as running:
        yield running


@pytest.fixture(scope="module")
def server(processes: None) -> Iterator[Server]:
    """Give a running server with SQLite and the in-process layer, shared by the tests of a module."""
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def cluster(postgresql: PostgreSQL, valkey: Valkey) -> Iterator[tuple[Server, Server]]:
    """Give two running servers that share a PostgreSQL database and a broker, shared by the tests of a module."""
    shared = {
        "DATABASE_URL": postgresql.create_database(),
        "REDIS_URL": valkey.url,
        "SECRET_KEY": "one key for both, so that both know each session and token",
    }
    with ExitStack() as stack:
        first, second = (stack.enter_context(Server(shared)) for _ in range(2))
        yield first, second
