"""Every command in a document is run here or by a named test, or is listed with the reason why it is not run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from graphql import parse, validate

from app import __version__
from app.sandbox import serve_sandbox
from app.wethod.audit import Audit
from schema.root import build_schema
from schema.sdl import api_sdl, subgraph_sdl
from tests.commands import DOCUMENTS, ROOT, commands_of, fresh_copy, local_wheels, run, serving, shell_environment
from tests.gateway import MUTATION
from tests.system_parts import require

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Command

FINGERPRINT = (
    """python3 -c 'import hashlib, sys; key = open(sys.argv[1], "rb").read().strip(); """
    """print(hashlib.blake2b(sys.argv[2].encode(), key=key, digest_size=16).hexdigest())' audit.key TOKEN"""
)
FIRST_DAY = (
    "WETHOD_COMPANY=acme GATEWAY_AUDIT_LOG=/var/log/wethod-graphql/audit.log "
    "wethod-graphql serve --host 0.0.0.0 --workers 2"
)

PRINTS = {
    "wethod-graphql schema": subgraph_sdl,
    "wethod-graphql schema --api": api_sdl,
}

SERVES_GRAPHQL = {
    # command: (what a test cannot have, what it has instead)
    "wethod-graphql serve --sandbox": {},
    FIRST_DAY: {"/var/log/wethod-graphql/": "", "0.0.0.0": "127.0.0.1"},
}

SERVES_REST = {
    "wethod-graphql sandbox": {"sandbox": "sandbox --port 0"},
    "wethod-graphql sandbox --database FILE": {"FILE": "FILE --port 0"},
}

IN_A_FRESH_COPY = {
    "scripts/demo",
    "scripts/explorer",
    "scripts/schema",
    "scripts/publish-schema",
    "scripts/screenshot",
}

ON_ITS_OWN = {
    "scripts/fuzz",
    "wethod-graphql check",
    "wethod-graphql schema --api > schema.graphql",
    "wethod-graphql schema --api --json > schema.json",
    FINGERPRINT,
}

BY_CI = {"scripts/test", "CI=true scripts/test", "scripts/bootstrap", "scripts/prepare", "scripts/check"}
"""Called by ``.ci/run`` or by each other: a test that ran them would run itself."""

ELSEWHERE = {"docs/sandbox.md": ("curl -s ", "tests/sandbox/test_docs.py", "DOCUMENT.count")}
"""Document: how its commands begin, and the test that runs them all."""

NOT_RUN = {
    "helm lint --strict deploy/helm/wethod-graphql": "needs Helm; tests/deploy does it by its library",
    "helm upgrade --install gateway deploy/helm/wethod-graphql --namespace wethod "
    "--set image.repository=registry.example/wethod-graphql": "needs a cluster; tests/deploy renders the chart",
    "docker build -t wethod-graphql .": "needs a container engine; tests/deploy runs the Dockerfile's commands",
    "docker compose -f deploy/compose.yaml up --build": "needs a container engine; tests/federation runs its services",
    "VENV=.venv-3.13 PYTHON=python3.13 scripts/test": "scripts/test, on a Python that may not be there",
    "HYPOTHESIS_PROFILE=thorough scripts/test": "scripts/test, for hours",
    "SOAK_SECONDS=600 scripts/test tests/scale/test_soak.py": "scripts/test runs it, for five seconds",
    "scripts/audit": "asks advisory services, which differ from day to day; the workflow audit.yml runs it",
    "scripts/mutants": "takes half an hour; a person judges what it prints",
    "scripts/lock": "needs uv, and what the registry answers differs from day to day",
    "scripts/benchmark": "takes minutes, and measures what else the machine does when tests run",
    "scripts/benchmark --report": "writes documents of this repository; tests/benchmark/test_report.py compares them",
    "scripts/benchmark PEER [PEER:FLAG …]": "the form of a command: PEER stands for a folder",
    "wethod-graphql serve": "named without its environment; the same as in the first day's block",
}

RUN = {*PRINTS, *SERVES_GRAPHQL, *SERVES_REST, *IN_A_FRESH_COPY, *ON_ITS_OWN, *BY_CI}
SHOWN = [command for path in DOCUMENTS for command in commands_of(path)]


@pytest.mark.parametrize("command", SHOWN, ids=lambda command: f"{command.document}:{command.line[:60]}")
def test_every_shown_command_is_run_or_listed_with_a_reason(command: Command) -> None:
    document, line = command.document, command.line
    begins, where, counts = ELSEWHERE.get(document, ("", "", ""))
    if begins and line.startswith(begins):
        # That test holds the number of commands that it runs to the number of those in the document.
        assert counts in (ROOT / where).read_text(encoding="utf-8")
        return
    assert line in RUN or line in NOT_RUN, f"{document} shows a command that no test runs: {line}"


def test_every_command_that_runs_is_in_a_document() -> None:
    shown = {command.line for command in SHOWN}
    assert (RUN | NOT_RUN.keys()) - shown == set()


@pytest.mark.parametrize("line", PRINTS)
def test_a_schema_is_printed(line: str, tmp_path: Path) -> None:
    assert run(line, tmp_path) == PRINTS[line]()


def test_schemas_are_written(tmp_path: Path) -> None:
    run("wethod-graphql schema --api > schema.graphql", tmp_path)
    run("wethod-graphql schema --api --json > schema.json", tmp_path)
    assert (tmp_path / "schema.graphql").read_text(encoding="utf-8") == api_sdl()
    assert set(json.loads((tmp_path / "schema.json").read_text(encoding="utf-8"))) == {"__schema"}


def test_the_health_checks_of_the_first_day_pass(tmp_path: Path) -> None:
    with serve_sandbox() as url:
        assert "nothing was sent" in run("wethod-graphql check", tmp_path, {"WETHOD_BASE_URL": url})


def test_the_documented_fingerprint_is_that_of_the_audit(tmp_path: Path) -> None:
    """White space around the key does not count."""
    (tmp_path / "audit.key").write_bytes(b" a key of 20 bytes..\n")
    audit = Audit(tmp_path / "audit", b"a key of 20 bytes..")
    assert run(FINGERPRINT, tmp_path).strip() == audit.fingerprint(b"Bearer TOKEN")
    audit.close(0)


def delete(url: str) -> str:
    headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
    body = {"query": MUTATION, "variables": {"id": "1"}}
    answer = httpx.post(f"{url}/graphql", json=body, headers=headers, timeout=20)
    return str(answer.json()["data"]["deleteContact"]["__typename"])


def put(line: str, replaced: dict[str, str]) -> str:
    for shown, instead in replaced.items():
        assert shown in line
        line = line.replace(shown, instead)
    return line


@pytest.mark.parametrize("line", SERVES_GRAPHQL)
def test_a_gateway_is_served(line: str, tmp_path: Path) -> None:
    with serve_sandbox() as wethod:
        upstream = {} if "--sandbox" in line else {"WETHOD_BASE_URL": wethod}
        with serving(put(line, SERVES_GRAPHQL[line]), tmp_path, {"GATEWAY_PORT": "0", **upstream}) as url:
            assert delete(url) == "DeleteContactSuccess"
    if line == FIRST_DAY:
        assert '"outcome":"DeleteContactSuccess"' in (tmp_path / "audit.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", SERVES_REST)
def test_a_sandbox_is_served(line: str, tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme", "Wethod-Version": "2024-06-15"}
    with serving(put(line, SERVES_REST[line]), tmp_path, {}) as url:
        assert httpx.delete(f"{url}/api/contact/1", headers=headers).status_code == 200
    assert (tmp_path / "FILE").exists() == line.endswith("FILE")


def test_ci_runs_every_test_and_every_check() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "export CI=true" in text
    assert all(f"\n{script}" in text for script in ("scripts/test", "scripts/check"))


def test_a_fresh_copy_is_set_up_and_served(tmp_path: Path) -> None:
    """The build of GraphiQL from nothing is tested with the Dockerfile."""
    folder = fresh_copy(tmp_path)
    python = sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001 - the Python under a venv has no other name
    here = {"PYTHON": python, "GATEWAY_PORT": "0", **local_wheels()}
    with serving("scripts/demo", folder, here, seconds=900) as url:
        assert delete(url) == "DeleteContactSuccess"
        page = httpx.get(f"{url}/graphql", headers={"Accept": "text/html"})
        assert page.status_code == 200
    before = {path: path.read_bytes() for path in (folder / "schema").glob("*.graphql")}
    run("scripts/schema", folder, here)
    assert {path: path.read_bytes() for path in (folder / "schema").glob("*.graphql")} == before
    # A release has a version of its own.
    source = folder / "app" / "__init__.py"
    source.write_text(source.read_text(encoding="utf-8").replace(__version__, "99.0.0"), encoding="utf-8")
    run("scripts/publish-schema", folder, here)
    assert "99.0.0" in (folder / "schema" / "published.graphql").read_text(encoding="utf-8")


def test_bootstrap_removes_only_its_own_environments(tmp_path: Path) -> None:
    """One whose install was interrupted is replaced; another folder is refused."""
    folder = fresh_copy(tmp_path)
    environ = {"PYTHON": sys._base_executable, "VENV": str(tmp_path / "environment")}  # type: ignore[attr-defined]  # noqa: SLF001 - as above

    def bootstrap(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["scripts/bootstrap", "--runtime"],
            cwd=folder,
            env=shell_environment(environ | more),
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    for name in ("thesis.txt", "requirements.lock", "pyvenv.cfg"):
        other = tmp_path / f"with-{name}"
        other.mkdir()
        (other / name).touch()
        done = bootstrap(VENV=str(other))
        assert (done.returncode, (other / name).exists()) == (1, True)
        assert f"{other} is not an environment of this project" in done.stderr
    assert bootstrap(PIP_NO_INDEX="1", PIP_FIND_LINKS="").returncode != 0
    done = bootstrap(**local_wheels())
    assert done.returncode == 0, done.stderr
    assert "installing" not in bootstrap(**local_wheels()).stderr


def test_the_pictures_are_retaken(tmp_path: Path) -> None:
    """``scripts/screenshot`` without its set-up."""
    require("Chromium", present=shutil.which("chromium") is not None)
    pictures = ("graphiql.png", "example.png")
    command = (ROOT / "scripts" / "screenshot").read_text(encoding="utf-8").splitlines()[-1]
    files = " ".join(f"docs/{picture}" for picture in pictures)
    assert command == f'exec "${{VENV:-.venv}}/bin/python" -m tests.explorer.screenshot {files}'
    files = " ".join(f"{tmp_path}/{picture}" for picture in pictures)
    run(f"{sys.executable} -m tests.explorer.screenshot {files}", ROOT)
    for picture in pictures:
        taken, kept = ((folder / picture).read_bytes() for folder in (tmp_path, ROOT / "docs"))
        assert taken[:24] == kept[:24]


def test_the_parsers_are_fuzzed() -> None:
    """``scripts/fuzz`` without its set-up, for two seconds."""
    command = (ROOT / "scripts" / "fuzz").read_text(encoding="utf-8").splitlines()[-1]
    assert command == 'exec "${VENV:-.venv}/bin/python" -m tests.fuzz "$@"'
    assert run(f"{sys.executable} -m tests.fuzz --seconds 2", ROOT)


def graphql_blocks() -> list[str]:
    found = []
    for path in DOCUMENTS:
        found += [block.split("```")[0] for block in path.read_text(encoding="utf-8").split("```graphql\n")[1:]]
    return found


@pytest.mark.parametrize("document", graphql_blocks(), ids=lambda text: " ".join(text.split())[:40])
def test_every_document_shown_is_valid(document: str) -> None:
    assert validate(build_schema()._schema, parse(document)) == []  # noqa: SLF001 - Strawberry has no other way to it
