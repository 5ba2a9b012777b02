"""Findings of checks, and running checks one after the other, each for a bounded time."""

from __future__ import annotations

import dataclasses
import enum
import queue
import threading
from collections.abc import Callable, Iterable, Iterator

DEADLINE = 15.0  # seconds for one check, whose own time-outs are shorter


class Status(enum.StrEnum):
    """The result of one check."""

    OK = "ok"
    WARNING = "warning"  # works, and needs attention
    FAILED = "failed"  # does not work, or will cause damage
    SKIPPED = "skipped"  # could not be checked, because another check failed


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing: what was found, and how to fix it unless it is fine."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One check. `run` yields findings; an exception that it raises is a failure with `remedy`.

    It is skipped if the check named `needs` failed.
    """

    name: str
    run: Callable[[], Iterable[Finding]]
    remedy: str
    needs: str = ""


def ok(name: str, detail: str) -> Finding:
    """Return the finding that something is fine."""
    return Finding(name, Status.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Finding:
    """Return the finding that something works and needs attention."""
    return Finding(name, Status.WARNING, detail, remedy)


def failed(name: str, detail: str, remedy: str) -> Finding:
    """Return the finding that something does not work."""
    return Finding(name, Status.FAILED, detail, remedy)


def run_checks(checks: Iterable[Check], *, deadline: float = DEADLINE) -> Iterator[Finding]:
    """Run checks in order and yield what each finds as soon as it is done; `deadline` is for each, in seconds."""
    broken: set[str] = set()
    for check in checks:
        if check.needs in broken:
            broken.add(check.name)
            yield Finding(check.name, Status.SKIPPED, f"not looked at, because of: {check.needs}")
            continue
        for finding in _run(check, deadline):
            if finding.status is Status.FAILED:
                broken.add(check.name)
            yield finding


def worst(findings: Iterable[Finding]) -> Status:
    """Return FAILED if anything failed, else WARNING if there is one, else OK."""
    statuses = {finding.status for finding in findings}
    return next((status for status in (Status.FAILED, Status.WARNING) if status in statuses), Status.OK)


def one_line(error: BaseException) -> str:
    """Return an error's message as one line, or its type if it has no message."""
    return " ".join(str(error).split()) or type(error).__name__


def _run(check: Check, deadline: float) -> list[Finding]:
    results: queue.SimpleQueue[list[Finding]] = queue.SimpleQueue()

    def look() -> None:
        try:
            results.put(list(check.run()))
        except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
            results.put([failed(check.name, one_line(error), check.remedy)])

    # A daemon thread: one that hangs does not prevent the command from exiting.
    threading.Thread(target=look, name=f"doctor {check.name}", daemon=True).start()
    try:
        return results.get(timeout=deadline)
    except queue.Empty:
        return [failed(check.name, f"no answer within {deadline:g} s", check.remedy)]
