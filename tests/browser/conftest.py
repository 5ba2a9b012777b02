"""Real people in a real browser, before a real server with the demo's data.

The tests speak to the server by HTTP only. Playwright's event loop runs in this thread while it lives, and
Django's ORM refuses to work beside it; so the browser ends with this package.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, ConsoleMessage, Page, sync_playwright

from tests.support.freezing_proxy import FreezingProxy
from tests.support.processes import Server

CHROMIUM = "/usr/bin/chromium"  # Debian's
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The boxes below the address bar are pages of their own in each window, and cost more than a page of ours. Of several
# such lists Chromium takes the last one, so Playwright's is here again (disabledFeatures in its chromiumSwitches).
WITHOUT_POPUPS = "--disable-features=" + ",".join(
    [
        *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
        *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
        *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
        *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin"),
        *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
    ]
)
PASSWORD = "demo"
TOKEN = re.compile('name="csrfmiddlewaretoken" value="([^"]+)"')
DESK = {"width": 1440, "height": 720}  # as wide as a chat needs it to show its members without being asked
# What the browser logs as an error and is none: a form with a fault.
EXPECTED = (("status of 422", ""),)
# What it, and htmx, log besides while they cannot reach the server, which is what tests of an outage are about.
UNREACHABLE = re.compile(
    "^WebSocket connection to |^Failed to load resource: net::ERR_|^htmx:(afterRequest|sendError), "
    # The service worker's script is looked for again some time after each page; the page cannot catch that failure.
    r"|^An unknown error occurred when fetching the script\.$"
)
REFUSED = re.compile("the server responded with a status of (4|503)")
# Told to the console by the page itself, so that a violation fails the test whenever it happens.
WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


# The tokens of those who set stages have to last for all tests, however slow the machine. For each page somebody signs
# in, so that it has a session of its own.
SETTINGS = {
    "FLOWRA_RATE_LIMITS": "false",
    "FLOWRA_ACCESS_TOKEN_SECONDS": "7200",
    "DJANGO_SETTINGS_MODULE": "tests.support.quick_passwords",
}


@pytest.fixture(autouse=True)
def _starts_programs(processes: None) -> None:
    """Every test here has a browser."""


@pytest.fixture(scope="package")
def server(processes: None) -> Iterator[Server]:
    """Give a server with the demo's data, without limits: tests are faster than people."""
    with Server(SETTINGS) as server:
        server.manage("seed_demo")
        yield server


@pytest.fixture(scope="package")
def chromium(processes: None, pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Give a browser; it is seen with --headed, and slowed down by --slowmo's milliseconds."""
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium, pytestconfig)
        yield browser
        browser.close()


def launch(chromium: BrowserType, config: pytest.Config, *arguments: str) -> Browser:
    """Start a browser, with more `arguments` than it always has."""
    return chromium.launch(
        executable_path=CHROMIUM,
        args=[*ARGUMENTS, WITHOUT_POPUPS, *arguments],
        headless=not config.getoption("--headed"),
        slow_mo=config.getoption("--slowmo"),
    )


class Caller:
    """Somebody of the demo who uses REST, to prepare what a test needs."""

    def __init__(self, base_url: str, username: str) -> None:
        self._client = httpx.Client(base_url=f"{base_url}/api/v1", timeout=20)
        answer = self._client.post("/auth/token", json={"username": username, "password": PASSWORD})
        self._client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access']}"
        self.id: str = self.call("GET", "/me")["id"]

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call the API and return its answer; raises for anything but success."""
        answer = self._client.request(method, path, json=body)
        return answer.raise_for_status().json() if answer.content else None

    def post(self, chat_id: str, body: str, **fields: object) -> dict[str, Any]:
        """Post a message."""
        message = {"body": body, "client_id": str(uuid.uuid4()), **fields}
        posted: dict[str, Any] = self.call("POST", f"/chats/{chat_id}/messages", message)
        return posted

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """A new chat of john, jane and bob, and their callers."""

    john: Caller
    jane: Caller
    bob: Caller
    workspace_id: str
    chat_id: str
    title: str

    @property
    def path(self) -> str:
        """The chat's page."""
        return f"/chats/{self.chat_id}/"


@contextlib.contextmanager
def signed_in(server: Server) -> Iterator[dict[str, Caller]]:
    """Give john, jane and bob, signed in to REST; for tests with a server of their own."""
    people = {name: Caller(server.base_url, name) for name in ("john", "jane", "bob")}
    yield people
    for caller in people.values():
        caller.close()


@pytest.fixture(scope="package")
def callers(server: Server) -> Iterator[dict[str, Caller]]:
    """Give john, jane and bob, signed in to REST."""
    with signed_in(server) as people:
        yield people


@pytest.fixture
def stage(callers: dict[str, Caller]) -> Stage:
    """Give a chat that no other test writes to."""
    return new_stage(callers)


def new_stage(people: dict[str, Caller]) -> Stage:
    """Return a new chat of john, jane and bob; for tests with a server of their own."""
    john, jane, bob = (people[name] for name in ("john", "jane", "bob"))
    workspace_id = john.call("GET", "/workspaces")["results"][0]["id"]
    title = f"Stage {uuid.uuid4().hex[:6]}"
    chat = john.call(
        "POST",
        "/chats",
        {"workspace_id": workspace_id, "kind": "task", "title": title, "member_ids": [jane.id, bob.id]},
    )
    return Stage(john, jane, bob, workspace_id, chat["id"], title)


@pytest.fixture
def proxy(server: Server) -> Iterator[FreezingProxy]:
    """Give a way to the server that can break."""
    with FreezingProxy(server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def mortal(processes: None) -> Iterator[Server]:
    """Give a server that the tests of a module may kill."""
    with Server(SETTINGS, demo=True) as server:
        yield server


@pytest.fixture
def mortal_stage(mortal: Server) -> Iterator[Stage]:
    """Give a new chat on it."""
    with signed_in(mortal) as people:
        yield new_stage(people)


Opener = Callable[..., Page]


def sign_in(context: BrowserContext, base_url: str, username: str) -> None:
    """Give a context a session of its own, as the form does; the form itself takes a second of two pages."""
    with httpx.Client(base_url=base_url, timeout=20) as client:
        token = TOKEN.search(client.get("/accounts/login/").raise_for_status().text)
        assert token is not None
        form = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        answer = client.post("/accounts/login/", data=form, headers={"Referer": base_url})
        assert answer.status_code == 302, answer.text
        for cookie in client.cookies.jar:
            context.add_cookies(
                [
                    {
                        "name": cookie.name,
                        "value": cookie.value or "",
                        "domain": cookie.domain,
                        "path": cookie.path,
                        "expires": cookie.expires or -1,
                        "httpOnly": cookie.has_nonstandard_attr("HttpOnly"),
                        "secure": cookie.secure,
                        "sameSite": "Lax",
                    }
                ]
            )


@pytest.fixture
def enter(server: Server, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Give a function that opens a page in a browser context of its own, with a session of its own.

    `enter("jane", "/chats/…/", color_scheme="dark")`; without a name, nobody is signed in. After the test no
    page may have logged an error: a fault in a script, a policy violation, a missing file. Where the test takes
    the server or the network away, `outage=True` allows what the browser itself logs about that; `refused=True` where
    it opens pages that are not there for it.

    With --tracing=on each context is recorded, for `playwright show-trace`.
    """
    is_traced = request.config.getoption("--tracing") == "on"
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def note(message: ConsoleMessage, allowed: tuple[re.Pattern[str], ...]) -> None:
        url = message.location.get("url", "")
        if message.type != "error" or any(words in message.text and end in url for words, end in EXPECTED):
            return
        if not any(pattern.search(message.text) for pattern in allowed):
            problems.append(f"{message.text} ({url})")

    def open_page(
        username: str | None, path: str = "/", *, outage: bool = False, refused: bool = False, **options: Any
    ) -> Page:
        allowed = (UNREACHABLE,) * outage + (REFUSED,) * refused
        defaults: dict[str, Any] = {"base_url": server.base_url, "viewport": DESK}
        defaults |= {"timezone_id": "Europe/Berlin", "locale": "en-GB"}
        context = chromium.new_context(**{**defaults, **options})
        contexts.append(context)
        if is_traced:
            context.tracing.start(screenshots=True, snapshots=True)
        context.set_default_timeout(15_000)
        context.add_init_script(WATCH_POLICY)
        context.on("page", lambda page: page.on("console", lambda message: note(message, allowed)))
        context.on("page", lambda page: page.on("pageerror", lambda error: problems.append(str(error))))
        page = context.new_page()
        if username is not None:
            sign_in(context, options.get("base_url", server.base_url), username)
        page.goto(path)
        return page

    yield open_page
    for number, context in enumerate(contexts, 1):
        if is_traced:
            folder = Path(request.config.getoption("--output"))
            context.tracing.stop(path=folder / f"{request.node.name}-{number}.zip")
        context.close()
    assert problems == []
