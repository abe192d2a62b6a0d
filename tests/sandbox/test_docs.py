"""docs/sandbox.md agrees with the sandbox."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.sandbox import serve_sandbox
from app.sandbox.admission import TOKENS, VERSION
from app.sandbox.contacts import COMPANIES
from tests.gateway import gateway
from tests.system_parts import require

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def transcript() -> list[tuple[str, str]]:
    """Each command of the document's console blocks, and the output under it."""
    blocks = re.findall(r"^```console\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
    return [
        (command, output.strip()) for command, output in re.findall(r"^\$ (.*)\n([^$]*)", "".join(blocks), re.MULTILINE)
    ]


async def test_every_command_gives_the_output_under_it() -> None:
    require("curl", present=shutil.which("curl") is not None)
    commands = transcript()
    assert len(commands) == DOCUMENT.count("$ curl")
    with serve_sandbox() as url:
        async with gateway(url) as client:
            environment = {"PATH": os.environ["PATH"], "SANDBOX": url, "GATEWAY": client.url}
            printed = [(command, await asyncio.to_thread(output, command, environment)) for command, _ in commands]
    assert printed == commands


def output(command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, encoding="utf-8", check=False, timeout=10, env=environment
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", [*sorted(TOKENS), *COMPANIES, VERSION])
def test_every_token_and_company_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENT
