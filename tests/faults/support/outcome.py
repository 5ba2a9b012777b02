"""What a fault did to people, in measured numbers, and as a row of docs/operations.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

HEADER = ("fault", "lasted", "what users saw", "written", "lost", "doubled", "normal after")


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """One fault, tried with real processes while messages flowed; times in seconds, each the longest of its kind.

    `seconds_until_normal` counts from the end of the fault, see tests/faults/support/traffic.py.
    """

    fault: str
    written: int  # messages of which somebody pressed Enter
    lost: int  # of these: not stored in the end, or not shown to somebody who follows the chat
    doubled: int  # of these: stored twice, or shown twice to somebody
    seconds_until_normal: float
    slowest_ack: float  # from Enter to the tick
    latest_arrival: float  # from the tick to the last screen elsewhere
    longest_outage: float = 0.0  # without a connection
    close_codes: Mapping[int, int] = dataclasses.field(default_factory=dict)  # how many connections ended with which
    refusals: Mapping[str, int] = dataclasses.field(default_factory=dict)  # of posts, by code; each was sent again
    reading_failed: float = 0.0  # how long REST would not show the chat
    presence_unknown: float = 0.0  # how long nobody could say who is online
    presence_wrong: float = 0.0  # how long somebody with an open socket was shown as offline
    broken: float = 0.0  # how long the fault lasted
    remarks: Sequence[str] = ()  # what else was measured, each a short sentence without its full stop

    def what_users_saw(self) -> str:
        """Return the numbers in words; what did not happen is not mentioned, but for connections."""
        said = [self._connections()]
        said.append(f"ticks came after {self.slowest_ack:.1f} s at worst")
        if self.refusals:
            codes = ", ".join(f"`{code}` {count} times" for code, count in sorted(self.refusals.items()))
            said.append(f"posts were refused ({codes}) and went through when sent again")
        said.append(f"others saw messages {self.latest_arrival:.1f} s after their tick at worst")
        for seconds, what in (
            (self.reading_failed, "REST could not show the chat"),
            (self.presence_unknown, "who is online was unknown"),
            (self.presence_wrong, "somebody who was there was shown as offline"),
        ):
            if seconds:
                said.append(f"{what} for {seconds:.1f} s")
        return "; ".join([*said, *self.remarks])

    def noting(self, *remarks: str) -> Self:
        """Return the same with more remarks."""
        return dataclasses.replace(self, remarks=(*self.remarks, *remarks))

    def _connections(self) -> str:
        if not self.close_codes:
            return "all stayed connected"
        codes = ", ".join(f"{code} {count} times" for code, count in sorted(self.close_codes.items()))
        return f"connections ended ({codes}), for {self.longest_outage:.1f} s at most"

    def row(self) -> tuple[str, ...]:
        """Return the cells under HEADER."""
        numbers = (str(self.written), str(self.lost), str(self.doubled))
        return (
            self.fault,
            f"{self.broken:.1f} s",
            self.what_users_saw(),
            *numbers,
            f"{self.seconds_until_normal:.1f} s",
        )
