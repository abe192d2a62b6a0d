"""Starts a server, loads it, and reads what that cost it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
SERVER_CORE, LOAD_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Authorization": "Bearer bench-token",
    "Wethod-Company": "acme",
    "Wethod-Version": "2024-06-15",
}


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to.

    Attributes:
        requests: answered ones.
        seconds: how long it took.
        p50: median latency in milliseconds.
        p99: the 99th percentile.
        max: the longest.
        errors: answers that are not 2xx, and broken connections.
        bad: wrong answers, where they were looked at.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    max: float
    errors: int
    bad: int


def free_port() -> int:
    """A port that was free a moment ago, below those that outgoing connections take."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


class Process:
    """A program in a session of its own, pinned to a core."""

    def __init__(
        self, command: list[str], core: int | str, log: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        if shutil.which("taskset"):
            command = ["taskset", "-c", str(core), *command]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(environ or {})},
            )

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def _stats(self) -> list[list[str]]:
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self._process.pid:
                found.append(fields)
        return found

    def cpu_seconds(self) -> float:
        """CPU time of all its processes, user and system."""
        return sum(int(fields[11]) + int(fields[12]) for fields in self._stats()) / TICKS

    def rss_mb(self) -> float:
        """Resident memory of all its processes, in MB."""
        return sum(int(fields[21]) for fields in self._stats()) * PAGE / 1e6

    def stop(self) -> None:
        """Ask it to end, and end it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(10 if number == signal.SIGKILL else 8)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def start_stub(port: int, log: Path) -> Process:
    """The upstream, on the load's core."""
    stub = Process([sys.executable, str(HERE / "stub.py"), str(port)], LOAD_CORE, log)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            deletes(port)
        except OSError:
            time.sleep(0.02)
        else:
            return stub
    raise RuntimeError(f"the upstream did not start, see {log}")


def deletes(stub_port: int) -> int:
    """How many DELETEs the upstream has seen."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stub_port}/count", timeout=5) as answer:
        return int(answer.read())


def ask(url: str, body: bytes) -> bytes:
    """One request as the load sends them."""
    request = urllib.request.Request(url, body, HEADERS)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        found: bytes = answer.read()
        return found


def load(
    url: str,
    body: Path,
    *,
    connections: int,
    seconds: float,
    check: bool = False,
    expect: str = "successfully deleted",
    distinct: int = 0,
    unlike: bool = False,
) -> Load:
    """Send requests for so long, with wrk where it is, else from Python."""
    wrk = shutil.which("wrk")
    if not wrk:
        template = body.read_text(encoding="utf-8").strip()
        return asyncio.run(
            _load_from_python(url, template, connections, seconds, expect if check else "", unlike=unlike)
        )
    base, _, path = url.removeprefix("http://").partition("/")
    environ = {"BODY": str(body), "ENDPOINT": "/" + path, "EXPECT": expect, "DISTINCT": str(distinct)}
    if unlike:
        environ["UNLIKE"] = "1"
    if check:
        environ["CHECK"] = "1"
    command = [wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s"]
    if shutil.which("taskset"):
        command = ["taskset", "-c", str(LOAD_CORE), *command]
    done = subprocess.run(
        [*command, str(HERE / "load.lua"), f"http://{base}"],
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=seconds + 30,
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return Load(**json.loads(line.removeprefix("RESULT ")))


async def _load_from_python(
    url: str, template: str, connections: int, seconds: float, expect: str, *, unlike: bool
) -> Load:
    base, _, path = url.removeprefix("http://").partition("/")
    host, _, port = base.partition(":")
    fields = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    times: list[float] = []
    errors = bad = 0
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        nonlocal errors, bad
        reader, writer = await asyncio.open_connection(host, int(port))
        while (started := time.perf_counter()) < end:
            number += connections
            content = template.replace("@ID@", str(1000 + number % 1024)).replace("@N@", str(number)).encode()
            own = f"X-Request-ID: load-{number}\r\n" if unlike else ""
            head = f"POST /{path} HTTP/1.1\r\nHost: {base}\r\n{fields}{own}Content-Length: {len(content)}\r\n\r\n"
            writer.write(head.encode() + content)
            answer_head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line[15:]) for line in answer_head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            answer = await reader.readexactly(length)
            times.append(time.perf_counter() - started)
            errors += not answer_head.startswith(b"HTTP/1.1 200")
            bad += bool(expect) and expect.encode() not in answer
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(connections)))
    took = time.perf_counter() - began
    times.sort()
    p50, p99, longest = (1000 * times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.99, 1))
    return Load(len(times), took, p50, p99, longest, errors, bad)
