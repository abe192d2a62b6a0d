"""The router configurations in YAML of ``deploy/routers`` set every option that the gateway needs."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from app.settings import Settings
from tests.federation.composition import FOLDER
from tests.federation.routers import CONFIGURATIONS

FORWARDED = ["authorization", "wethod-company", "wethod-version", "traceparent", "tracestate", "x-request-id"]
FILES = ("apollo-router.yaml", "cosmo.config.yaml", "hive-router.config.yaml")


@pytest.fixture(scope="module")
def configurations() -> dict[str, dict[str, Any]]:
    paths = [str(CONFIGURATIONS / name) for name in FILES]
    done = subprocess.run(
        ["node", "read_yaml.mjs", *paths], cwd=FOLDER, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(FILES, json.loads(done.stdout), strict=True))


def test_every_yaml_file_is_checked() -> None:
    assert {path.name for path in CONFIGURATIONS.glob("*.y*ml")} == set(FILES)


def test_headers_are_forwarded_to_our_subgraph_alone(configurations: dict[str, dict[str, Any]]) -> None:
    """No other subgraph gets a Wethod token."""
    for configuration in configurations.values():
        assert list(configuration["headers"]) == ["subgraphs"]
        assert list(configuration["headers"]["subgraphs"]) == ["wethod"]
    apollo, cosmo, hive = (configurations[name]["headers"]["subgraphs"]["wethod"] for name in FILES)
    assert apollo == {"request": [{"propagate": {"named": name}} for name in FORWARDED]}
    assert [{**rule, "named": rule["named"].lower()} for rule in cosmo["request"]] == [
        {"op": "propagate", "named": name} for name in FORWARDED
    ]
    assert hive == {"request": [{"propagate": {"named": FORWARDED}}]}


def test_a_router_waits_longer_than_the_gateway(configurations: dict[str, dict[str, Any]]) -> None:
    """Otherwise its client does not learn if the delete was sent."""
    for name, option in zip(FILES, ("timeout", "request_timeout", "request_timeout"), strict=True):
        shaping = configurations[name]["traffic_shaping"]
        ours = seconds(shaping["subgraphs"]["wethod"][option])
        assert ours > Settings.model_fields["wethod_timeout_seconds"].default
        if "router" in shaping:
            assert seconds(shaping["router"][option]) > ours


def test_errors_are_passed_on_and_nothing_is_repeated(configurations: dict[str, dict[str, Any]]) -> None:
    """Two of the three routers have no retries to switch off."""
    apollo, cosmo, hive = (configurations[name] for name in FILES)
    assert apollo["include_subgraph_errors"] == {"subgraphs": {"wethod": True}}
    assert cosmo["subgraph_error_propagation"]["mode"] == "pass-through"
    assert cosmo["traffic_shaping"]["subgraphs"]["wethod"]["retry"] == {"enabled": False}
    assert hive["error_masking"] == {"subgraphs": {"wethod": {"enabled": False}}}


def seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration[:-1])
