"""What a process costs, read from Linux' /proc, and how figures of several rounds become one."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_MIB = 1024 * 1024


def process_tree(pid: int) -> list[int]:
    """Return `pid` and all its descendants that live."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """Return the user and system time that a process and its descendants have used, exact to microseconds."""
    total = 0.0
    for each in process_tree(pid):
        with contextlib.suppress(OSError):
            # What clock_getcpuclockid(3) makes of a process id, which Python does not offer; /proc has steps of 10 ms.
            total += time.clock_gettime((~each << 3) | 2)
    return total


def machine_busy_seconds() -> float:
    """Return for how long all cores together were not idle since the machine started, in steps of 10 ms.

    What the host gave to other machines ("steal") counts as well: it was not there for this one.
    """
    user, nice, system, _, _, *interrupts_and_steal = map(int, _lines("/proc/stat")[0].split()[1:9])
    return (user + nice + system + sum(interrupts_and_steal)) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Return the memory that a process and its descendants hold and share with nobody (private RSS)."""
    total = 0
    for each in process_tree(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Private_Clean:", "Private_Dirty:")):
                    total += int(line.split()[1]) * 1024
    return total


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Have processes that are started meanwhile run on one core, and this one where it did before.

    With fewer than two cores nothing is pinned: server and client would share one in any case.
    """
    before = os.sched_getaffinity(0)
    if core is not None and len(before) > 1:
        os.sched_setaffinity(0, {sorted(before)[core % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie, by nearest rank; raises ValueError for none."""
    if not values:
        raise ValueError("There is nothing to take a percentile of.")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Iterable[float]) -> float:
    """Return the middle of several rounds."""
    return statistics.median(values)


def mebibytes(size: float) -> float:
    """Return bytes as MiB."""
    return size / _MIB


def machine() -> str:
    """Return what was measured on: cores, processor, memory, kernel, Python."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    total = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal:")), 0)
    return (
        f"{len(os.sched_getaffinity(0))} cores of {processor}, {total / 1024 / 1024:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
