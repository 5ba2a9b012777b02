"""What the faults share, all of this folder's own, because they break it; each leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.stage import Stage, far_database, set_stage
from tests.freezing_proxy import FreezingProxy
from tests.processes import Server


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """Give two servers, a PostgreSQL and a broker."""
    with set_stage() as running:
        yield running


@pytest.fixture(scope="package")
def far(stage: Stage) -> Iterator[tuple[FreezingProxy, tuple[Server, Server]]]:
    """Give two more servers that reach a database of theirs only through a proxy."""
    with far_database(stage.postgresql) as running:
        yield running
