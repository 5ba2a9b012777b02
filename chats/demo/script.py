"""The demo's people, chats and messages, which chats/demo/seed.py stores."""

from __future__ import annotations

import dataclasses

from chats.models import ChatKind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """A user of the demo."""

    username: str
    display_name: str
    role: str  # in the workspace
    is_staff: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DemoChat:
    """A chat, created by the first of `members`."""

    key: str
    kind: str
    title: str
    members: tuple[str, ...]
    unread_by_john: int = 0  # how many of the last messages john has not read


@dataclasses.dataclass(frozen=True, slots=True)
class Post:
    """A message, `ago` minutes before the demo is made; `key` is what a `reply_to` names."""

    ago: int
    chat: str
    author: str
    body: str
    _: dataclasses.KW_ONLY
    key: str = ""
    reply_to: str = ""
    edited_to: str = ""
    deleted: bool = False


ACCOUNTS = (
    DemoAccount(username="john", display_name="John Smith", role="owner"),
    DemoAccount(username="jane", display_name="Jane Doe", role="admin"),
    DemoAccount(username="bob", display_name="Bob Wilson", role="member"),
    DemoAccount(username="maria", display_name="Maria Ortiz", role="member"),
    DemoAccount(username="admin", display_name="Ada Admin", role="owner", is_staff=True),
)

_TEAM = ("john", "jane", "bob", "maria")

CHATS = (
    DemoChat(
        key="general",
        kind=ChatKind.DISCUSSION,
        title="general",
        members=("jane", "john", "bob", "maria", "admin"),
        unread_by_john=3,
    ),
    DemoChat(
        key="releases", kind=ChatKind.DISCUSSION, title="releases", members=("john", "jane", "bob", "maria", "admin")
    ),
    DemoChat(key="docs", kind=ChatKind.TASK, title="Update documentation", members=_TEAM, unread_by_john=1),
    DemoChat(
        key="typing",
        kind=ChatKind.BUG,
        title="Typing never goes away",
        members=("maria", "john", "jane", "bob"),
        unread_by_john=2,
    ),
    DemoChat(key="epic", kind=ChatKind.EPIC, title="Realtime that can be trusted", members=_TEAM),
    DemoChat(key="jane", kind=ChatKind.DIRECT, title="", members=("jane", "john")),
    DemoChat(key="bob", kind=ChatKind.DIRECT, title="", members=("john", "bob")),
)

_RELEASE_NOTE = """\
**Release plan**

1. Freeze `main` at noon
2. Jane runs the load test against staging
3. We ship if p95 stays under **200 ms**"""

_LOAD_TEST = """\
Load test is through, here is staging with 500 people connected:

| step | p50 | p95 |
| --- | --- | --- |
| post → ack | 9 ms | 31 ms |
| post → everybody | 14 ms | 58 ms |"""

_REPRODUCE = """\
I can reproduce it. Two browsers, then:

```js
socket.send(JSON.stringify({ type: "typing", active: true }));
// now pull the cable
```

The other side shows *"Jane is typing..."* until the page is reloaded."""

_BACKOFF = """\
This is the schedule I would take:

```python
def delay(attempt: int) -> float:
    return min(1_000 * 2**attempt, 30_000) * random.uniform(0.5, 1.0)
```"""

_EPIC = """\
What "trusted" means for me, so that we can tick it off:

- nobody ever misses a message, whatever happens to the connection
- the dot next to a name is **right** within seconds
- a page that sleeps through the night wakes up up to date"""

LINES = (
    Post(2860, "general", "jane", "Good morning, everybody! The new workspace is open. Make yourselves at home."),
    Post(2851, "general", "bob", "Morning! Looks tidy in here."),
    Post(2847, "general", "maria", "Hello from Lisbon! The rain has followed me."),
    Post(2840, "general", "john", "Welcome! Rule one: questions go into the channel, not into private mail."),
    Post(2822, "epic", "john", _EPIC, key="goals"),
    Post(2810, "epic", "jane", "I would add: *we can prove it*. Every one of these wants a test that kills something."),
    Post(2803, "epic", "maria", "Agreed. I start with the server being killed in the middle of a message."),
    Post(2795, "epic", "bob", "And I write down how we measure it, otherwise we argue about it for ever."),
    Post(2741, "releases", "john", _RELEASE_NOTE, key="plan"),
    Post(2733, "releases", "bob", "Works for me. Who has the staging keys?", key="keys"),
    Post(2730, "releases", "jane", "I do, I send them to you.", reply_to="keys"),
    Post(2718, "bob", "john", "Bob, could you have an eye on staging tomorrow while Jane tests?"),
    Post(2711, "bob", "bob", "Sure. From ten o'clock on I am all yours."),
    Post(2709, "bob", "john", "Great, thanks!"),
    Post(1725, "typing", "maria", "A customer says somebody has been typing for *two hours*. :sweat_smile:"),
    Post(1717, "typing", "maria", _REPRODUCE, key="reproduce"),
    Post(1702, "typing", "john", "Nice find. It should go away by itself after three seconds.", reply_to="reproduce"),
    Post(1695, "typing", "bob", "Never mind, it is the browser's cache.", deleted=True),
    Post(
        1688, "typing", "jane", "So the *sender* tells us when it stops, and nobody tells us when the sender is gone."
    ),
    Post(1480, "general", "bob", "Is the coffee machine on the second floor alive again?"),
    Post(1476, "general", "jane", "Alive, and it remembers nothing of its past life. Your settings are gone."),
    Post(1474, "general", "bob", "~~Espresso~~ Surprise me, then."),
    Post(1462, "general", "maria", "https://www.rfc-editor.org/rfc/rfc6455 is today's bedtime reading, by the way."),
    Post(1415, "releases", "jane", _LOAD_TEST, key="load"),
    Post(1409, "releases", "john", "That is **well** under what we asked for. Ship it?", reply_to="load"),
    Post(1404, "releases", "maria", "Ship it."),
    Post(1398, "releases", "bob", "Shipping. Back in ten minutes."),
    Post(
        1386,
        "releases",
        "bob",
        "1.4 is out. No errors in the log.",
        edited_to="1.4.0 is out. No errors in the log, and the error rate is where it was.",
    ),
    Post(1379, "releases", "admin", "Backups ran before and after. Nothing to report, which is the best report."),
    Post(1322, "jane", "jane", "Do you have five minutes for the back-off thing today?"),
    Post(1318, "jane", "john", "After lunch? I want to read your branch first."),
    Post(1316, "jane", "jane", "Perfect, half past one."),
    Post(1240, "epic", "jane", _BACKOFF, key="backoff"),
    Post(1228, "epic", "john", "Half of it at least, so that nobody hammers us. I like it.", reply_to="backoff"),
    Post(
        1221, "epic", "maria", "> a page that sleeps through the night\n\nTimers do not run in a sleeping tab, do they?"
    ),
    Post(1214, "epic", "john", "They do not. On waking we compare with the clock instead of trusting the timer."),
    Post(302, "jane", "john", "Your branch is good. Two small things, I left them as comments."),
    Post(297, "jane", "jane", "Saw them, both fixed. Thank you for the quick look!"),
    Post(
        251, "docs", "jane", "The back-off table in the operations guide is still the old one. Shall I take it? @john"
    ),
    Post(250, "docs", "jane", "It says 3 seconds fixed, we do `min(1000·2ⁿ, 30000) + jitter` now."),
    Post(248, "docs", "john", "Yes please. I will do the part on presence leases.", key="leases"),
    Post(243, "docs", "bob", "I can proofread in the afternoon, send me what you have."),
    Post(171, "docs", "jane", "First half is up: <https://docs.example.org/operations>. @bob it is yours."),
    Post(166, "docs", "bob", "On it."),
    Post(121, "typing", "john", "A deadline on the receiving side, then. Whoever hears nothing for 3 s hides it."),
    Post(92, "general", "john", "Lunch at half past twelve? The place around the corner has dumplings today."),
    Post(58, "typing", "jane", "Done, with a test that pulls the cable. Green on my machine."),
    Post(47, "typing", "maria", "@john can you close this one when it is deployed?"),
    Post(39, "general", "maria", "Dumplings! Yes!"),
    Post(36, "general", "bob", "Count me in."),
    Post(31, "general", "jane", "I join you ten minutes later, I am still in a call."),
    Post(
        12,
        "docs",
        "maria",
        "Then add a line on what happens after `kill -9`: offline within the lease, announced once.",
        reply_to="leases",
    ),
)
