"""Compares another machine's clock with this one's."""

from __future__ import annotations

import time
from collections.abc import Callable

from flowra.doctor.report import Finding, failed, ok, warning

ASKED = 3  # readings; the one with the shortest round trip counts
WARN_FROM = 2.0  # seconds
# Tokens expire by the clock of the server that checks them: too early or too late by the offset.
FAIL_FROM = 30.0  # seconds


def compare_clocks(name: str, ask: Callable[[], float]) -> Finding:
    """Return the offset of the clock that `ask` reads (Unix time in seconds) from this machine's, within half a round
    trip.
    """
    readings = []
    for _ in range(ASKED):
        before = time.time()
        theirs = ask()
        after = time.time()
        readings.append(((after - before) / 2, theirs - (before + after) / 2))
    doubt, offset = min(readings)
    detail = f"{abs(offset):.3f} s {'ahead of' if offset > 0 else 'behind'} this machine, give or take {doubt:.3f} s"
    remedy = "Have both machines set their clocks by NTP (timedatectl set-ntp true)."
    # The uncertainty of half a round trip is subtracted.
    distance = abs(offset) - doubt
    if distance >= FAIL_FROM:
        return failed(name, f"{detail}: tokens end too early or too late", remedy)
    if distance >= WARN_FROM:
        return warning(name, detail, remedy)
    return ok(name, detail)
