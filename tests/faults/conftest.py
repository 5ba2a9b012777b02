"""What the faults share, all of this folder's own, because they break it; each leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.support.stage import Rig, Stage, set_rig, set_stage


@pytest.fixture(autouse=True)
def _starts_programs(processes: None) -> None:
    """Every test here has servers."""


@pytest.fixture(scope="package")
def stage(processes: None) -> Iterator[Stage]:
    """Give two servers, a PostgreSQL and a broker."""
    with set_stage() as running:
        yield running


@pytest.fixture(scope="package")
def rig(stage: Stage) -> Iterator[Rig]:
    """Give two more servers, on another database of the same PostgreSQL."""
    with set_rig(stage.postgresql) as running:
        yield running
