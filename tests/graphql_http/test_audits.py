"""The public GraphQL-over-HTTP audits (npm ``graphql-http``) against a running gateway, each by its id."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import gateway
from tests.system_parts import require_packages

FOLDER = Path(__file__).parent / "audits"

SUPERSEDED = {
    "572B": 400,  # expects 200 for a document that cannot be parsed
    "FDE2": 400,  # expects 200 for one that is not valid; its document cannot be parsed either
    "7B9B": 422,  # expects 200 for variables that cannot be coerced
    "86EE": 422,  # expects 400 for variables that cannot be coerced
}
"""Audits that expect older rules than the edition of September 2026, with the status of the edition (ADR 6).

74FF, which expects 400 for a document that is not valid, is superseded too. It passes because its document cannot be
parsed, which is a 400.
"""

MUST = ("4655 82A3 BF61 78D5 2C94 03D4 13EE B8B3 0220 0221 0222 28B9 1B7A").split()  # noqa: SIM905 - a table
SHOULD = (  # noqa: SIM905 - a table
    "22EB 47DE 80D8 34A2 8161 94B0 94B1 94B2 2EA1 428F 865D 556A D586 51FE 5E5B 74FF 9ABE BCF8 B7N8"
).split()
MAY = "5A70 9C48 A5BF D6D5 6A70 B6DC 8764".split()  # noqa: SIM905 - a table
MAY_WITH_400 = (  # noqa: SIM905 - a table
    "423L LKJ0 LKJ1 LKJ2 LKJ3 6C00 6C01 6C02 6C03 4760 4761 4762 4763 58B0 58B1 58B2 58B3 3E3A"
).split()
"""Optional ones that expect 400 for JSON that is not a well-formed request; the edition has 422."""


@pytest.fixture(scope="module")
async def audits() -> dict[str, dict[str, Any]]:
    require_packages(FOLDER)
    # The audits send only { __typename }, so nothing is sent to this upstream.
    async with gateway("http://127.0.0.1:1", {"GATEWAY_INTROSPECTION": "true"}) as client:
        process = await asyncio.create_subprocess_exec(
            "node", "run.mjs", f"{client.url}/graphql", cwd=FOLDER, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0
    return {result["id"]: result for result in map(json.loads, output.splitlines())}


async def test_every_audit_is_listed_here(audits: dict[str, dict[str, Any]]) -> None:
    """A new version of the audits may add some."""
    assert sorted(audits) == sorted([*MUST, *SHOULD, *MAY, *MAY_WITH_400, *SUPERSEDED])
    for level, ids in {"MUST": MUST, "SHOULD": [*SHOULD, *SUPERSEDED], "MAY": [*MAY, *MAY_WITH_400]}.items():
        assert {audits[id_]["name"].split()[0] for id_ in ids} == {level}


@pytest.mark.parametrize("id_", [*MUST, *SHOULD, *MAY])
async def test_an_audit_passes(audits: dict[str, dict[str, Any]], id_: str) -> None:
    assert (audits[id_]["status"], audits[id_]["reason"]) == ("ok", None), audits[id_]["name"]


@pytest.mark.parametrize("id_", [*SUPERSEDED, *MAY_WITH_400])
async def test_a_superseded_audit_fails_with_the_newer_status(audits: dict[str, dict[str, Any]], id_: str) -> None:
    assert audits[id_]["status"] != "ok"
    assert audits[id_]["http"] == SUPERSEDED.get(id_, 422)
