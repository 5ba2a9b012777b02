"""Background tasks have an owner who notices their death."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from realtime import metrics

logger = logging.getLogger(__name__)
RESTART_DELAY = 1.0  # seconds: a task that dies at once must not turn into a busy loop


class Supervisor:
    """Runs background tasks until stopped; one that ends or fails is logged and started again."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

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

    async def _keep_running(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
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
