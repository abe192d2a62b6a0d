"""The measurement of a server: its start, its load and its cost."""

from __future__ import annotations

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
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

Heads: TypeAlias = Literal["differ", "same"]
"""Request heads and replies that differ, as routers and APIs send them; or one head and one reply, repeated."""

HERE = Path(__file__).parent
SUBJECTS = HERE / "subjects"
SERVER_CORE, LOAD_CORE = "0", "1"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_START_SECONDS = 30
_HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "Bearer bench-token",
    "Wethod-Company": "acme",
    "Wethod-Version": "2024-06-15",
}


class Load(msgspec.Struct, frozen=True):
    """The result of one load.

    Attributes:
        requests: the requests that were answered.
        errors: answers other than 2xx, and broken connections.
        wrong: answers that are no success, if they were checked.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int
    wrong: int


class Process:
    """A program in a session of its own, pinned to a core."""

    def __init__(self, command: list[str], core: str, log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", core, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def alive(self) -> bool:
        return self._process.poll() is None

    def cpu_seconds(self) -> tuple[float, float]:
        """Return the CPU time of all its processes, in user space and in the kernel."""
        stats = list(self._stats())
        return sum(int(fields[11]) for fields in stats) / _TICKS, sum(int(fields[12]) for fields in stats) / _TICKS

    def rss_mb(self) -> float:
        """Return the resident memory of all its processes, in MB."""
        return sum(int(fields[21]) for fields in self._stats()) * _PAGE / 1e6

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self) -> None:
        for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, number)
                self._process.wait(seconds)
                return

    def _stats(self) -> Iterator[list[str]]:
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
                if int(fields[3]) == self._process.pid:
                    yield fields


class Server:
    """A server under test: ``FOLDER[:FLAG]``, running. The folder is a path, or the name of one of ``subjects``.

    Attributes:
        process: its processes.
        cold_seconds: time from its start to its first right answer.
    """

    def __init__(self, spec: str, upstream: Upstream, logs: Path) -> None:
        name, _, flag = spec.partition(":")
        folder = SUBJECTS / name if (SUBJECTS / name).is_dir() else Path(name).resolve()
        self._body = folder / "body.json"
        path = folder / "path"
        self._endpoint = path.read_text(encoding="utf-8").strip() if path.exists() else "/graphql"
        port = free_port()
        self._origin = f"http://127.0.0.1:{port}"
        started = time.monotonic()
        log = logs / f"{folder.name}.log"
        command = [str(folder / "start.sh"), str(port), f"http://127.0.0.1:{upstream.port}", *([flag] if flag else [])]
        self.process = Process(command, SERVER_CORE, log)
        while not self._answers():
            if not self.process.alive() or time.monotonic() - started > _START_SECONDS:
                self.process.stop()
                raise RuntimeError(f"{spec} gives no right answer, see {log}")
            time.sleep(0.01)
        self.cold_seconds = time.monotonic() - started

    def _answers(self) -> bool:
        question = self._body.read_bytes().replace(b"@ID@", b"7")
        request = urllib.request.Request(self._origin + self._endpoint, question, _HEADERS)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
                return b"successfully deleted" in answer.read()
        except OSError:
            return False

    def load(self, heads: Heads, connections: int, seconds: int, *, check: bool = False) -> Load:
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "load.lua")]
        done = subprocess.run(
            ["taskset", "-c", LOAD_CORE, *wrk, self._origin],
            env={
                **os.environ,
                "BODY": str(self._body),
                "ENDPOINT": self._endpoint,
                "HEADS": heads,
                "CHECK": "1" if check else "0",
            },
            capture_output=True,
            encoding="utf-8",
            timeout=seconds + 60,
            check=True,
        )
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        return msgspec.convert(json.loads(line.removeprefix("RESULT ")), Load)


class Upstream:
    def __init__(self, logs: Path) -> None:
        self.port = free_port()
        self.process = Process([sys.executable, str(HERE / "stub.py"), str(self.port)], LOAD_CORE, logs / "stub.log")
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.ask("count")
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def ask(self, what: str) -> int:
        """Send a command (see ``stub.py``), and return the number of DELETEs so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=5) as answer:
            return int(answer.read())


def free_port() -> int:
    """Find a port that is free now, below those that outgoing connections take."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def check_tools() -> None:
    """Exit if a program that the benchmark needs is missing."""
    missing = [name for name in ("wrk", "taskset") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"scripts/benchmark needs {' and '.join(missing)}")
