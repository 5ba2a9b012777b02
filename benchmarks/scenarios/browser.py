"""What a reader waits for: switching chats, and the first load over a slow network, in a real Chromium.

The page itself takes the time, from the click on a chat in the list to the first picture that has the chat's messages.
A build before, in which a switch was a page load, is measured by the same clock.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.load.pages import FirstLoad, Switch, first_load, presence_of_switching, visiting
from benchmarks.measuring import median, on_core, percentile
from benchmarks.report.goals import page_goals
from benchmarks.report.results import Options, Result, Table
from benchmarks.setup.deployment import CLIENT_CORE, Deployment, deploy
from benchmarks.setup.people import Plan
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PASSWORD

PEOPLE, MESSAGES = 6, 60
FEW, MANY, CROWD = 6, 200, 1000  # chats, chats, members
KINDS = ("cold", "hovered", "recent")
SWITCHES = 20  # while somebody watches
SIGN_IN = """
from flowra.accounts.models import User
for user in User.objects.filter(username__in=["p0-0", "p0-1"]):
    user.set_password({password!r})
    user.save()
"""


@dataclasses.dataclass
class Build:
    """One build of Flowra, and what was measured of it."""

    title: str
    root: Path | None
    switches: dict[tuple[int, str], list[Switch]] = dataclasses.field(default_factory=dict)  # by chats, kind
    loads: dict[str, list[FirstLoad]] = dataclasses.field(default_factory=dict)
    presence: list[int] = dataclasses.field(default_factory=list)

    def median_switch(self, chats: int, kind: str) -> float:
        """Return the median in seconds."""
        return median(each.seconds for each in self.switches[chats, kind])


def run(options: Options) -> Result:
    """Measure this build and, where Options.against names one, another, in turns."""
    builds = [Build("Flowra", None)]
    if options.against is not None:
        builds.append(Build(f"Flowra in {options.against.name}", options.against))
    with sync_playwright() as playwright, on_core(CLIENT_CORE):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        version = browser.version
        for chats in (FEW,) if options.quick else (FEW, MANY):
            _measure_switching(browser, builds, chats, options)
        _measure_crowd(browser, builds, options)
        browser.close()
    return Result(
        scenario="browser",
        tables=[page_goals(builds[0]), _switch_table(builds), _load_table(builds)],
        remarks=_remarks(builds),
        versions={"chromium": version},
    )


@contextlib.contextmanager
def _deployments(builds: Sequence[Build], plan: Plan) -> Iterator[list[Deployment]]:
    """Give a server for each build, on which the first two people can sign in."""
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(deploy(plan, root=build.root)) for build in builds]
        for here in made:
            here.server.manage("shell", "--no-imports", "--command", SIGN_IN.format(password=PASSWORD))
        yield made


def _measure_switching(browser: Browser, builds: Sequence[Build], chats: int, options: Options) -> None:
    plan = Plan(people=PEOPLE, chats=chats, memberships=chats, messages=MESSAGES)
    with _deployments(builds, plan) as deployments:
        for _ in range(options.rounds):
            for build, here in zip(builds, deployments, strict=True):
                _switch_about(browser, build, here, chats)
                if chats == FEW:
                    url, ids = here.server.base_url, here.seeded.chats
                    build.loads.setdefault("6 chats", []).append(first_load(browser, url, "p0-0", ids[0]))
                    walk = [ids[number % FEW] for number in range(SWITCHES + 1)]
                    build.presence.append(presence_of_switching(browser, url, "p0-0", "p0-1", walk))


def _switch_about(browser: Browser, build: Build, here: Deployment, chats: int) -> None:
    """Switch to chats that were never opened, to others over which the mouse rests before, and back to all of these."""
    some = here.seeded.chats[:: max(chats // 12, 1)]
    first, rest = some[0], some[1:]
    cold, hovered = rest[::2], rest[1::2]
    with visiting(browser, here.server.base_url, "p0-0") as visitor:
        visitor.open(first)
        found = {
            "cold": [visitor.switch(chat_id) for chat_id in cold],
            "hovered": [visitor.switch(chat_id, is_hovered=True) for chat_id in hovered],
            "recent": [visitor.switch(chat_id) for chat_id in rest],
        }
    for kind, switches in found.items():
        build.switches.setdefault((chats, kind), []).extend(switches)


def _measure_crowd(browser: Browser, builds: Sequence[Build], options: Options) -> None:
    with _deployments(builds, Plan(people=CROWD, messages=MESSAGES)) as deployments:
        for _ in range(options.rounds):
            for build, here in zip(builds, deployments, strict=True):
                found = first_load(browser, here.server.base_url, "p0-0", here.seeded.chats[0])
                build.loads.setdefault("a chat of 1,000 members", []).append(found)


def _switch_table(builds: Sequence[Build]) -> Table:
    header = ["from the click to the chat's messages", "median, ms", "p90, ms", "requests", "new sockets"]
    rows = []
    for chats, kind in builds[0].switches:
        for build in builds:
            switches = build.switches[chats, kind]
            seconds = [each.seconds for each in switches]
            rows.append(
                [
                    f"{build.title}, {chats} chats, {kind}",
                    f"{1000 * median(seconds):.0f}",
                    f"{1000 * percentile(seconds, 0.9):.0f}",
                    f"{median(each.requests for each in switches):.0f}",
                    f"{median(each.sockets for each in switches):.0f}",
                ]
            )
    return Table("Switching a chat", header, rows)


def _load_table(builds: Sequence[Build]) -> Table:
    header = ["slow 3G, empty cache", "messages, s", "connected, s", "requests", "kB on the wire", "HTML, kB", "nodes"]
    rows = []
    for what in builds[0].loads:
        for build in builds:
            loads = build.loads[what]
            rows.append(
                [
                    f"{build.title}, {what}",
                    f"{median(each.messages for each in loads):.2f}",
                    f"{median(each.connected for each in loads):.2f}",
                    f"{median(each.requests for each in loads):.0f}",
                    f"{median(each.wire for each in loads) / 1000:.0f}",
                    f"{median(each.html for each in loads) / 1000:.0f}",
                    f"{median(each.nodes for each in loads):,.0f}",
                ]
            )
    return Table("The first load over a slow network", header, rows)


def _remarks(builds: Sequence[Build]) -> list[str]:
    frames = "; ".join(f"{build.title} {median(build.presence):.0f}" for build in builds)
    kinds = (
        "*Cold*: the chat was not open before and nothing announced the click. *Hovered*: the mouse rested on the link "
        "until nothing more was asked for; what was asked then is not counted. *Recent*: the chat was open before."
    )
    terms = (
        "Slow 3G is a latency of 400 ms and 400 kb/s, which Chromium applies to requests and not to sockets. "
        f"{MESSAGES} messages in each chat; {PEOPLE} people where nothing else is said. DEBUG is off, static files are "
        "collected. The server has one core, the browser the other one."
    )
    return [
        f"Frames about presence that others of the chat get while somebody switches {SWITCHES} times: {frames}.",
        kinds,
        (
            "Requests are those from the click until nothing was asked for during 0.5 s, but for the page's icon and "
            "manifest, which Chromium looks for by itself at each address."
        ),
        terms,
    ]
