"""docs/scale.md calculates with the gateway's own defaults."""

from __future__ import annotations

import math
from pathlib import Path

from app.settings import Settings

DOCUMENT = (Path(__file__).parents[2] / "docs/scale.md").read_text(encoding="utf-8")


def test_the_formulas_use_the_default_settings() -> None:
    settings = Settings()
    assert f"`n` = {settings.wethod_max_connections} connections (`WETHOD_MAX_CONNECTIONS`)" in DOCUMENT
    assert f"`K` = {settings.gateway_max_in_flight:,} places for calls (`GATEWAY_MAX_IN_FLIGHT`)" in DOCUMENT
    assert f"the default timeout of {settings.wethod_timeout_seconds:g} s" in DOCUMENT


def test_the_example_follows_from_the_formulas() -> None:
    """1,000 deletes a second at a latency of 0.2 s."""
    rate, latency = 1_000, 0.2
    in_use = rate * latency
    connections = math.ceil(in_use + 2.5 * math.sqrt(in_use) + 1)
    assert f"{connections} connections to Wethod and {math.ceil(rate * 0.72)}\ntokens" in DOCUMENT
    assert f"carries {Settings().wethod_max_connections / latency:g} deletes a second" in DOCUMENT
