"""The services of deploy/compose.yaml, run without containers: their commands, environments and files."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from app.sandbox import serve_sandbox
from tests.commands import serving
from tests.federation.composition import FOLDER
from tests.federation.routers import node
from tests.federation.supergraph import SUPERGRAPH, compose_supergraph
from tests.gateway import MUTATION
from tests.support import free_port
from tests.system_parts import require

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = FOLDER.parents[1] / "deploy"
SERVICES: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
HEADERS = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
PROGRAM = "node_modules/@graphql-hive/gateway/dist/bin.js"


def mounted(service: str) -> dict[str, Path]:
    """The files of a service by the path at which it finds them."""
    found = {}
    for volume in SERVICES[service]["volumes"]:
        source, target, mode = volume.split(":")
        assert mode == "ro"
        found[target] = DEPLOY / source
    return found


def test_every_mounted_file_exists() -> None:
    """Docker makes a folder of a missing one."""
    for service in ("router", "prometheus"):
        assert all(path.exists() for path in mounted(service).values()), service


def test_the_supergraph_is_up_to_date() -> None:
    """If this fails, run scripts/schema."""
    assert SUPERGRAPH.read_text(encoding="utf-8") == compose_supergraph()


def test_the_router_has_the_tested_version() -> None:
    instructions = SERVICES["router"]["build"]["dockerfile_inline"]
    version = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["dependencies"]["@graphql-hive/gateway"]
    assert f" @graphql-hive/gateway@{version}\n" in instructions
    assert 'ENTRYPOINT ["node_modules/.bin/hive-gateway"]' in instructions
    assert (FOLDER / "node_modules/.bin/hive-gateway").resolve() == (FOLDER / PROGRAM).resolve()


def test_every_address_is_a_port_of_a_service() -> None:
    gateway, prometheus = SERVICES["gateway"]["environment"], mounted("prometheus")["/etc/prometheus"]
    assert gateway["WETHOD_BASE_URL"] == f"http://sandbox:{SERVICES['sandbox']['command'][-1]}"
    (job,) = yaml.safe_load((prometheus / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"gateway:{gateway['GATEWAY_METRICS_PORT']}"]}]
    assert "http://gateway:8000/graphql" in SUPERGRAPH.read_text(encoding="utf-8")
    dockerfile = (DEPLOY.parent / "Dockerfile").read_text(encoding="utf-8")
    assert "GATEWAY_HOST=0.0.0.0 GATEWAY_PORT=8000" in dockerfile


@pytest.mark.parametrize("service", SERVICES)
def test_every_port_is_published_on_loopback(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", ()))
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]


def test_promtool_accepts_the_configuration() -> None:
    require("promtool", present=shutil.which("promtool") is not None)
    file = mounted("prometheus")["/etc/prometheus"] / "prometheus.yml"
    done = subprocess.run(
        ["promtool", "check", "config", str(file)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rule files found" in done.stdout


async def test_a_contact_is_deleted_through_all_services(tmp_path: Path) -> None:
    """Names and ports differ, since there is no network of containers."""
    environ = dict(SERVICES["gateway"]["environment"])
    metrics = environ["GATEWAY_METRICS_PORT"] = str(free_port())
    with serve_sandbox() as sandbox:
        environ["WETHOD_BASE_URL"] = sandbox
        # The image's entry point and command; its host and port are what a test cannot have.
        with serving("wethod-graphql serve", tmp_path, environ | {"GATEWAY_PORT": "0"}) as url:
            supergraph = tmp_path / "supergraph.graphql"
            supergraph.write_text(
                SUPERGRAPH.read_text(encoding="utf-8").replace("http://gateway:8000", url), encoding="utf-8"
            )
            files = {**mounted("router"), "/gateway/supergraph.graphql": supergraph}
            port = str(free_port())
            shown = [*SERVICES["router"]["command"]]
            shown[shown.index("--host") + 1] = "127.0.0.1"
            shown[shown.index("--port") + 1] = port
            command = [str(files.get(f"/gateway/{argument}", argument)) for argument in shown]
            log = tmp_path / "router.log"
            async with (
                node([PROGRAM, *command], f"http://127.0.0.1:{port}/graphql", log) as router,
                httpx.AsyncClient(timeout=20) as http,
            ):
                body = {"query": MUTATION, "variables": {"id": "1"}}
                answer = await http.post(router, json=body, headers=HEADERS)
                metrics_text = (await http.get(f"http://127.0.0.1:{metrics}/metrics")).text
    assert answer.json()["data"]["deleteContact"]["__typename"] == "DeleteContactSuccess"
    assert 'wethod_operation_total{operation="deleteContact",outcome="DeleteContactSuccess"} 1' in metrics_text
