"""Two replicas behind a real proxy: under load, one may be killed and the other drained."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from typing import TYPE_CHECKING

import httpx

from tests.gateway import HEADERS
from tests.program import Program, running
from tests.support import NO_TLS, free_port, until
from tests.system_parts import require
from tests.upstream import Answer, Asked, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") or ""

DELETE = "mutation($id: ID!) { deleteContact(id: $id) { __typename } }"

CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream gateways {{ {servers} keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    # A POST that was sent to a replica is never sent to another: nginx's own default, and it has to stay so.
    location / {{ proxy_pass http://gateways; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


@contextlib.asynccontextmanager
async def proxy(folder: Path, replicas: list[Program]) -> AsyncIterator[str]:
    port = free_port()
    servers = " ".join(
        f"server {replica.url.removeprefix('http://')} max_fails=1 fail_timeout=1s;" for replica in replicas
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, servers=servers, port=port), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)
    )
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(verify=NO_TLS) as http, asyncio.timeout(10):
        while True:
            with contextlib.suppress(httpx.TransportError):
                await http.get(f"{url}/health/ready")
                break
            await asyncio.sleep(0.02)
    try:
        yield url
    finally:
        process.terminate()
        await process.wait()


async def test_a_replica_is_killed_and_another_drained_under_load(tmp_path: Path) -> None:
    """Only requests of the killed replica are lost, and no outcome is wrong."""
    require("nginx", present=bool(NGINX))
    deleted: set[str] = set()

    def delete(asked: Asked) -> Answer:
        contact_id = asked.target.rpartition("/")[2]
        there = contact_id not in deleted
        deleted.add(contact_id)
        return answer(200 if there else 404, b'{"key": "not_found"}', delay_seconds=0.01)

    environ = {"GATEWAY_DRAIN_DELAY_SECONDS": "0.5"}
    async with (
        upstream(delete) as wethod,
        running(wethod.url, environ) as first,
        running(wethod.url, environ) as second,
        running(wethod.url, environ) as third,
        proxy(tmp_path, [first, second, third]) as url,
    ):
        outcomes: dict[str, str] = {}
        unanswered: list[str] = []
        stop = asyncio.Event()
        ids = iter(range(1, 1_000_000))

        async def load() -> None:
            async with httpx.AsyncClient(timeout=20, verify=NO_TLS) as http:
                while not stop.is_set():
                    contact_id = str(next(ids))
                    body = {"query": DELETE, "variables": {"id": contact_id}}
                    response = await http.post(f"{url}/graphql", json=body, headers=HEADERS)
                    if response.status_code == 200:
                        outcomes[contact_id] = response.json()["data"]["deleteContact"]["__typename"]
                    else:
                        assert response.status_code == 502, response.text  # nginx lost the replica it had asked
                        unanswered.append(contact_id)

        clients = [asyncio.create_task(load()) for _ in range(12)]
        await until(lambda: len(outcomes) > 100)
        first.process.send_signal(signal.SIGKILL)
        await until(lambda: len(outcomes) > 400)
        lost = len(unanswered)
        second.process.send_signal(signal.SIGTERM)
        assert await second.wait() == 0
        drained_at = len(outcomes)
        await until(lambda: len(outcomes) > drained_at + 100)
        stop.set()
        await asyncio.gather(*clients)

    assert lost <= len(clients)
    assert len(unanswered) == lost, "a drained replica loses nothing"
    assert set(outcomes.values()) == {"DeleteContactSuccess"}
    assert {contact_id for contact_id in outcomes if contact_id not in deleted} == set()
    assert len(outcomes) + len(unanswered) == next(ids) - 1
    targets = [asked.target for asked in wethod.asked]
    assert len(targets) == len(set(targets)), "no delete was sent twice"
