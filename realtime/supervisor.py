"""Runs background tasks and restarts those that end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from django.db import InterfaceError, OperationalError

from realtime import metrics

logger = logging.getLogger(__name__)
LOG_EVERY = 60.0  # seconds between two lines about one task that waits for the database
RESTART_DELAY = 1.0  # seconds: a task that fails at once must not become a busy loop


class Supervisor:
    """Runs background tasks until stopped; one that ends or fails is logged and started again.

    While the database does not answer, a task is restarted once a second; that is not counted as a failure.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._silent_until: dict[str, float] = {}  # by task, on the loop's clock

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run()`, which should never return, under this name."""
        metrics.tasks_restarted.labels(name)  # so that its first restart is an increase, which an alert can see
        self._tasks[name] = asyncio.get_running_loop().create_task(self._keep_running(name, run), name=f"flowra-{name}")

    async def stop(self) -> None:
        """Cancel all tasks and wait for their end."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _log_waiting(self, name: str, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._silent_until.get(name, now):
            return
        self._silent_until[name] = now + LOG_EVERY
        reason = str(error).partition("\n")[0]
        logger.warning("Background task %s waits for the database: %s", name, reason)

    async def _keep_running(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except (OperationalError, InterfaceError) as error:
                # Not a fault of the task: it continues when the database answers again.
                self._log_waiting(name, error)
                await asyncio.sleep(RESTART_DELAY)
                continue
            except Exception:
                logger.exception("Background task %s died; it starts again in %s s.", name, RESTART_DELAY)
            else:
                logger.error("Background task %s returned; it starts again in %s s.", name, RESTART_DELAY)
            metrics.tasks_restarted.labels(name).inc()
            await asyncio.sleep(RESTART_DELAY)


def is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this code runs in `loop`, and not in another thread or loop."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
