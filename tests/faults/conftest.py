"""One stage for all faults that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.stage import Stage, set_stage


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """Give two servers, a PostgreSQL and a broker, all of this folder's own."""
    with set_stage() as running:
        yield running
