"""A wall clock that can be set for one process: clock.c, compiled when needed, stands in front of the true one."""

from __future__ import annotations

import functools
import shutil
import struct
import subprocess
from pathlib import Path

from tests.support.processes import ProgramError, temporary_folder


@functools.cache
def clock_library() -> Path:
    """Return the compiled library; raises ProgramError without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise ProgramError("There is no C compiler. Debian and Ubuntu: apt-get install gcc libc6-dev")
    built = temporary_folder() / "clock.so"
    source = Path(__file__).with_name("clock.c")
    done = subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", built, source], check=False)
    if done.returncode:
        raise ProgramError(f"{source.name} could not be compiled.")
    return built


class Clock:
    """What a server takes for the wall clock."""

    def __init__(self) -> None:
        self._file = temporary_folder() / "offset"
        self._file.write_bytes(bytes(8))

    def set(self, offset: int) -> None:
        """Have it differ from the true one by so many seconds."""
        with self._file.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", offset))

    def settings(self) -> dict[str, str]:
        """Return the environment of a process that goes by it."""
        return {"LD_PRELOAD": str(clock_library()), "CLOCK_OFFSET": str(self._file)}
