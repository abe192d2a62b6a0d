"""Clients of the npm world against the live gateway and its sandbox; docs/clients.md shows their code as recipes."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from app.sandbox import serve_sandbox
from schema.sdl import api_sdl
from tests.clients.project import HERE, Project, StepError, copy_project
from tests.gateway import gateway
from tests.upstream import HANGING, LOST, Answer, Asked, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RELAY_MANIFEST = "persisted_queries.json"
MANIFESTS = {
    "TRUSTED_URL": "gql/persisted-documents.json",
    "APOLLO_URL": "persisted-query-manifest.json",
    "RELAY_TRUSTED_URL": RELAY_MANIFEST,
}


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, generated and compiled as its recipes say; Relay's also with persisted documents."""
    built = copy_project(tmp_path_factory.mktemp("clients"), api_sdl())
    await built.generate()
    shutil.copytree(HERE / "relay", built.folder / "relay_trusted")
    config = json.loads((HERE / "relay.trusted.config.json").read_text(encoding="utf-8"))
    (built.folder / "relay.trusted.config.json").write_text(
        json.dumps(config | {"src": "relay_trusted"}), encoding="utf-8"
    )
    (built.folder / RELAY_MANIFEST).write_text("{}", encoding="utf-8")
    for name in ("relay.config.json", "relay.trusted.config.json"):
        await built.compile_relay(name)
    await built.compile()
    return built


def by_contact(asked: Asked) -> Answer:
    """Return the answer for a contact that checks/fates.ts describes."""
    return {
        "/api/contact/1": answer(200),
        "/api/contact/2": answer(404, b'{"key": "not_found", "message": "Contact not found"}'),
        "/api/contact/3": HANGING,
        "/api/contact/4": answer(403, b'{"key": "forbidden", "message": "You need crm.edit."}'),
        "/api/contact/5": LOST,
        "/api/contact/6": answer(409),
    }[asked.target]


@pytest.fixture(scope="module")
async def addresses(project: Project) -> AsyncIterator[dict[str, str]]:
    """Gateways before one sandbox, for any document and for each tool's manifest; another before a scripted Wethod."""
    async with contextlib.AsyncExitStack() as stack:
        wethod = stack.enter_context(serve_sandbox())
        urls = {"GATEWAY_URL": (await stack.enter_async_context(gateway(wethod))).url}
        for name, manifest in MANIFESTS.items():
            environ = {"GATEWAY_TRUSTED_DOCUMENTS": str(project.folder / manifest)}
            urls[name] = (await stack.enter_async_context(gateway(wethod, environ))).url
        scripted = await stack.enter_async_context(upstream(by_contact))
        environ = {"WETHOD_TIMEOUT_SECONDS": "3.0"}
        urls["SCRIPTED_URL"] = (await stack.enter_async_context(gateway(scripted.url, environ))).url
        yield {name: f"{url}/graphql" for name, url in urls.items()}


CHECKS = {
    "apollo-client": "checks/apollo",
    "apollo-client-persisted": "checks/apollo_persisted",
    "urql-graphcache": "checks/urql",
    "graphql-request": "checks/graphql_request",
    "apollo-client-optimistic": "checks/apollo_optimistic",
    "urql-graphcache-optimistic": "checks/urql_optimistic",
    "relay": "relay/relay",
    "relay-optimistic": "relay/optimistic",
    "relay-trusted": "relay_trusted/relay",
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_a_client_deletes_and_understands_every_outcome(
    project: Project, addresses: dict[str, str], check: str
) -> None:
    """Each check covers the delete, the client's cache and the errors."""
    environ = addresses | {"RELAY_URL": addresses["RELAY_TRUSTED_URL" if "trusted" in check else "GATEWAY_URL"]}
    environ["CONTACT_ID"] = "41" if "trusted" in check else "42"
    said = await project.run("node", "--test", "--test-reporter=tap", f"{check}.test.js", environ=environ)
    counts = dict(re.findall(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", said, re.MULTILINE))
    written = count_tests(project.folder / f"{check}.test.ts")
    assert int(counts.pop("pass")) >= written > 1
    assert set(counts.values()) == {"0"}


def count_tests(file: Path) -> int:
    """Count the calls of ``test`` in a module and in the modules beside it that it imports."""
    text = file.read_text(encoding="utf-8")
    beside = [file.with_name(f"{name}.ts") for name in re.findall(r' from "\./([a-z_]+)\.js"', text)]
    return len(re.findall(r"^ *test\(", text, re.MULTILINE)) + sum(map(count_tests, beside))


NEW_MEMBER = """
type WethodConflictError implements WethodError {
  key: String!
  message: String!
  statusCode: Int
  response: WethodResponse
}
"""

EXHAUSTIVE = """
import type { Outcome } from "../recipes/contact.js";

export function name(outcome: NonNullable<Outcome>): string {
  switch (outcome.__typename) {
%s
    default:
      return outcome satisfies never;
  }
}
"""


async def test_a_new_member_breaks_no_client(project: Project, tmp_path: Path) -> None:
    """Every recipe compiles; a switch without a default branch does not."""
    union = re.search(r"union DeleteContactResult = (.*)", api_sdl())
    assert union
    later = copy_project(tmp_path, api_sdl().replace(union[0], f"{union[0]} | WethodConflictError") + NEW_MEMBER)
    await later.generate()
    assert "WethodConflictError" in (later.folder / "gql" / "graphql.ts").read_text(encoding="utf-8")
    await later.compile_relay("relay.config.json")
    await later.compile()

    # The proof that the compiler sees the new member: code that names every old one passes before and fails after.
    cases = "\n".join(f'    case "{member}": return "{member}";' for member in union[1].split(" | "))
    for each in (project, later):
        (each.folder / "checks" / "exhaustive.ts").write_text(EXHAUSTIVE % cases, encoding="utf-8")
    await project.compile()
    with pytest.raises(StepError, match=r"exhaustive\.ts.*WethodConflictError"):
        await later.compile()
