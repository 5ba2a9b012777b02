"""Several worker processes on one listener: starts them, replaces one that dies, stops all."""

import logging
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

import django
from prometheus_client import multiprocess

logger = logging.getLogger(__name__)

# Spawned, not forked: a fork would share the parent's database connections and half of its locks.
_spawn = multiprocessing.get_context("spawn")
CHECK_INTERVAL = 0.2  # seconds between two looks at signals
KILL_AFTER = 5.0  # seconds beyond FLOWRA_DRAIN_SECONDS that a worker gets
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
METRICS_PREFIX = "flowra-metrics-"


def _work(listeners: list[socket.socket], started: Connection, supervisor: int) -> None:
    """Run a worker until the supervisor stops it."""
    # Its own process group: Ctrl-C reaches only the supervisor, which passes it on once.
    os.setpgid(0, 0)
    django.setup()
    from flowra.server.server import Server, make_config, show_own_error_pages  # needs django.setup()

    show_own_error_pages()
    Server(make_config(), on_started=lambda: started.send(True), supervisor=supervisor).run(listeners)
    if os.getppid() != supervisor:
        clear_metrics(Path(os.environ[METRICS_VARIABLE]))


def clear_metrics(folder: Path) -> None:
    """Remove the workers' metrics folder after their supervisor was killed, unless another worker still uses it."""
    if not folder.name.startswith(METRICS_PREFIX):
        return  # it is the operator's
    # Own files first: of two workers that exit together, the last one then finds no other files.
    for file in folder.glob(f"*_{os.getpid()}.db"):
        file.unlink(missing_ok=True)
    if any(is_running(int(file.stem.rpartition("_")[2])) for file in folder.glob("*.db")):
        return
    shutil.rmtree(folder, ignore_errors=True)  # two workers may remove it at the same time


def is_running(pid: int) -> bool:
    """Whether there is a process with this pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class _Worker:
    """One child process, and whether it started successfully."""

    def __init__(self, listeners: list[socket.socket]) -> None:
        self._ours, theirs = _spawn.Pipe(duplex=False)
        self.process: SpawnProcess = _spawn.Process(target=_work, args=(listeners, theirs, os.getpid()))
        self.process.start()
        theirs.close()
        self._started = False

    @property
    def started(self) -> bool:
        if not self._started and self._ours.poll():
            try:
                self._started = self._ours.recv()
            except EOFError:  # it died first
                return False
        return self._started

    def signal(self, number: int) -> None:
        if number == signal.SIGINT and not self.started:
            number = signal.SIGTERM  # its server does not handle Ctrl-C yet; Python would print a traceback
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def close(self) -> int:
        """Release a process that has ended and return its exit status: 0 if it was asked to stop."""
        status = self.process.exitcode
        if status == -signal.SIGTERM:  # the signal arrived before the server handled it
            status = 0
        if self.process.pid is not None:
            multiprocess.mark_process_dead(self.process.pid)  # type: ignore[no-untyped-call]
        self._ours.close()
        self.process.close()
        return status if status is not None else 1


class WorkerSupervisor:
    """Keeps `count` workers serving on `listeners` until SIGTERM or Ctrl-C, and calls `on_started` once all are up."""

    def __init__(
        self, listeners: list[socket.socket], count: int, *, drain_seconds: float, on_started: Callable[[], None]
    ) -> None:
        self._listeners = listeners
        self._count = count
        self._drain_seconds = drain_seconds
        self._on_started = on_started
        self._workers: list[_Worker] = []
        self._signals: list[int] = []

    def run(self) -> int:
        """Serve; return the exit status: 0 after an orderly stop, 1 if a worker could not start or stop."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # with nohup it is ignored, and stays so
            numbers.append(signal.SIGHUP)
        previous = {number: signal.signal(number, self._note) for number in numbers}
        folder = self._share_metrics()
        try:
            self._workers = [_Worker(self._listeners) for _ in range(self._count)]
            failed = self._watch()
            if failed:
                self._signals.append(signal.SIGTERM)
            return max(self._stop(), int(failed))
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            if folder:
                shutil.rmtree(folder)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signals.append(signal.SIGTERM if number == signal.SIGHUP else number)

    def _share_metrics(self) -> Path | None:
        """Let the workers write metrics to one folder, so that /metrics covers all, whichever answers."""
        if METRICS_VARIABLE in os.environ:
            return None
        folder = Path(tempfile.mkdtemp(prefix=METRICS_PREFIX))
        os.environ[METRICS_VARIABLE] = str(folder)
        return folder

    def _watch(self) -> bool:
        """Replace workers that die, until a stop is requested; return True if one could not start."""
        announced = False
        while not self._signals:
            multiprocessing.connection.wait([worker.process.sentinel for worker in self._workers], CHECK_INTERVAL)
            for place, worker in enumerate(self._workers):
                if worker.process.is_alive() or self._signals:
                    continue
                if not worker.started:
                    logger.error("A worker could not start; stopping.")
                    return True
                logger.error("Worker %s died with status %s; starting another.", worker.process.pid, worker.close())
                self._workers[place] = _Worker(self._listeners)
            if not announced and all(worker.started for worker in self._workers):
                announced = True
                self._on_started()
        return False

    def _stop(self) -> int:
        """Pass every signal on until all workers have ended; return the highest of their statuses, at most 1."""
        # Otherwise connections would wait in this process's queue after the workers have closed theirs.
        for listener in self._listeners:
            listener.close()
        deadline = time.monotonic() + self._drain_seconds + KILL_AFTER
        while alive := [worker for worker in self._workers if worker.process.is_alive()]:
            while self._signals:
                number = self._signals.pop(0)
                for worker in alive:
                    worker.signal(number)
            if time.monotonic() > deadline:
                logger.error("%d workers did not stop in time; killing them.", len(alive))
                for worker in alive:
                    worker.signal(signal.SIGKILL)
            multiprocessing.connection.wait([worker.process.sentinel for worker in alive], CHECK_INTERVAL)
        statuses = [worker.close() for worker in self._workers]
        return int(any(statuses))
