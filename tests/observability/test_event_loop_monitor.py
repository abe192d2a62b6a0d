"""The monitor calls in time and goes on, also if something cannot be written or recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.observability.event_loop_monitor import EventLoopMonitor

if TYPE_CHECKING:
    import pytest


async def test_a_pause_between_retries_does_not_delay_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delay would count as one of the event loop."""
    monkeypatch.setattr("app.observability.event_loop_monitor._RETRY_SECONDS", 3_600.0)
    ticked = asyncio.Event()
    monitor = EventLoopMonitor(on_tick=lambda _: ticked.set(), retry=lambda: False)
    monitor.start()
    async with asyncio.timeout(20):
        await ticked.wait()
    await monitor.stop(0)


async def test_a_tick_that_fails_is_logged_and_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    delays: list[float] = []
    again = asyncio.Event()

    def on_tick(delay: float) -> None:
        delays.append(delay)
        if len(delays) == 1:
            raise ValueError("a bug")
        again.set()

    monitor = EventLoopMonitor(on_tick, retry=lambda: True)
    monitor.start()
    async with asyncio.timeout(20):
        await again.wait()
    await monitor.stop(0)
    assert [record.message for record in caplog.records] == ["the event loop's delay could not be recorded"]
    assert "ValueError: a bug" in caplog.text
