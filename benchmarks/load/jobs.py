"""How a client process is given its job and answers: JSON as its argument, JSON on its standard output."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks.load.dialects import FrameError
from benchmarks.load.sockets import HandshakeError


class CountError(Exception):
    """An event was lost, came twice, or came changed."""


def answer(run: Callable[[Any], Any], job: type[Any], argument: str) -> int:
    """Do the job in `argument` and print its report; returns 1, with the reason on stderr, where it failed."""
    try:
        report = run(msgspec.json.decode(argument, type=job))
    except (CountError, HandshakeError, FrameError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(dataclasses.asdict(report)))
    return 0
