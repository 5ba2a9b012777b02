"""A page that stays open over midnight, or over a night in which the machine slept."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.chat.test_live import Tap, connected
from tests.browser.conftest import Opener, Stage

DAY_LABELS = ".day"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati"])
def test_today_becomes_yesterday_and_a_new_message_begins_a_day(enter: Opener, stage: Stage, zone: str) -> None:
    posted = stage.jane.post(stage.chat_id, "Good night")
    page = enter("john", "/notifications/", timezone_id=zone)
    page.clock.install(time=datetime.now(UTC))
    tap = Tap(page)
    page.goto(stage.path)
    connected(page)
    days = page.locator(DAY_LABELS)
    expect(days).to_have_text(["Today"])
    first = days.element_handle()
    left: int = page.evaluate("new Date(new Date().setHours(24, 0, 0, 0)) - Date.now()")
    if left > 60_000:
        page.clock.fast_forward(left - 30_000)
        connected(page)
        expect(days).to_have_text(["Today"])
        assert days.element_handle().evaluate("(now, first) => now === first", first)
    page.clock.run_for(36_000)
    expect(days).to_have_text(["Yesterday"])
    # What is said from now on begins a day; the server's clock has not gone on, so the frame is made here.
    connected(page)
    tomorrow: str = page.evaluate("new Date().toISOString()")
    morning: dict[str, Any] = {
        **posted, "id": str(uuid.uuid4()), "client_id": str(uuid.uuid4()), "seq": 2, "revision": 2, "body": "Morning",
        "html": "<p>Morning</p>", "created_at": tomorrow,
    }  # fmt: skip
    tap.socket.send(json.dumps({"type": "chat.message.posted", "chat_id": stage.chat_id, "data": morning}))
    expect(page.locator(".message .message-body")).to_have_text(["Good night", "Morning"])
    expect(days).to_have_text(["Yesterday", "Today"])
    # The machine sleeps for two nights and wakes: its timers are late.
    page.clock.fast_forward(2 * 24 * 3600 * 1000)
    expect(days.nth(0)).not_to_have_text("Yesterday")
    expect(days.nth(1)).not_to_have_text("Today")
    expect(days.nth(1)).not_to_have_text("Yesterday")
