"""Fixtures of the domain's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from chats import events

if TYPE_CHECKING:
    pass


@pytest.fixture
def told(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Iterator[list[object]]:
    """Give the domain events told while the test runs, in order; `commit` in a test makes them leave."""
    seen: list[object] = []

    def note(event: object, **kwargs: object) -> None:
        seen.append(event)

    events.domain_event.connect(note)
    yield seen
    events.domain_event.disconnect(note)
