"""Run commands side by side, in lanes, and show what each prints, one lane after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence

from tests.support.caller import clean_run
from tests.support.processes import ROOT

CHECK_INTERVAL = 0.2  # seconds between two looks at what was printed
Command = Sequence[str]


class Lane(threading.Thread):
    """Commands that run one after the other, with a folder for data of their own."""

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__()
        self.status = 0
        self._commands = commands
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (show closes it)
        self._running: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    def run(self) -> None:
        """Run all of them, even if one fails."""
        with tempfile.TemporaryDirectory() as data:
            for command in self._commands:
                if self._is_stopped:
                    break
                self._running = subprocess.Popen(
                    command, cwd=ROOT, stdout=self._output, stderr=self._output, env=clean_run(FLOWRA_DATA_DIR=data)
                )
                self.status |= self._running.wait()

    def stop(self, *, terminate: bool) -> None:
        """Run nothing more, and with `terminate` end what runs."""
        self._is_stopped = True
        if terminate and self._running is not None and self._running.poll() is None:
            self._running.terminate()

    def show(self) -> None:
        """Print what it prints, until it has ended."""
        position, has_ended = 0, False
        while not has_ended:
            has_ended = not self.is_alive()
            while chunk := os.pread(self._output.fileno(), 1 << 20, position):
                position += len(chunk)
                sys.stdout.write(chunk.decode(errors="replace"))
            sys.stdout.flush()
            if not has_ended:
                time.sleep(CHECK_INTERVAL)
        self._output.close()


def run_side_by_side(*lanes: Sequence[Command]) -> int:
    """Return 0 if every command of every lane has ended with 0; Ctrl-C ends them all."""
    started = [Lane(commands) for commands in lanes]
    for lane in started:
        lane.start()
    try:
        for lane in started:
            lane.show()
    except BaseException as error:
        for lane in started:
            lane.stop(terminate=not isinstance(error, KeyboardInterrupt))  # Ctrl-C has reached the commands as well
        raise
    finally:
        for lane in started:
            lane.join()
    return int(any(lane.status for lane in started))
