"""The command line through real processes: its output, its refusals, its exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner
from graphql import build_client_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from app import __version__
from app.cli import announce, main
from app.main import WorkerContext
from app.settings import load
from app.urls import shown
from tests.gateway import AUDIT_KEY
from tests.program import CLEAN, running
from tests.support import NO_TLS, free_port, until
from tests.system_parts import require
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.program import Program


def run(
    *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env=CLEAN | dict(environ or {}),
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


@contextlib.asynccontextmanager
async def sandbox_gateway(*arguments: str, environ: Mapping[str, str] | None = None) -> AsyncIterator[Program]:
    """Run ``serve`` on its embedded sandbox, and wait for the whole announcement."""
    async with running(None, environ, arguments=arguments) as program:
        await until(lambda: "try it" in "".join(program.log))
        yield program


@pytest.mark.parametrize(
    "command", [[], ["serve"], ["sandbox"], ["schema"], ["check"]], ids=lambda value: " ".join(value) or "main"
)
def test_every_option_has_a_help_text(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Usage: wethod-graphql" in done.stdout
    options = re.findall(r"^  (?:-\w, )?--[a-z-]+.*$", done.stdout, re.MULTILINE)
    assert all(re.search(r"\s{2,}\S", line.strip()) for line in options), options


def test_the_version_is_printed() -> None:
    assert run("--version").stdout == f"wethod-graphql, version {__version__}\n"


def test_schema_prints_the_result_of_the_introspection_query() -> None:
    """The SDL is tested with the commands of the documents."""
    for arguments, has_service in ((["--json"], True), (["--json", "--api"], False)):
        introspection = json.loads(run("schema", *arguments).stdout)
        fields = build_client_schema(introspection).query_type.fields  # type: ignore[union-attr]
        assert ("_service" in fields) == has_service


def test_a_bad_setting_stops_the_start_with_a_line_each() -> None:
    for command in ("serve", "check"):
        done = run(command, environ={"GATEWAY_LOG_LEVEL": "loud", "WETHOD_BASE_URL": "http://a:hunter2@b"})
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "wethod-graphql: WETHOD_BASE_URL=http://***@b: must not contain user info",
            "wethod-graphql: GATEWAY_LOG_LEVEL=loud: must be 'debug', 'info', 'warning', 'error' or 'critical'",
        ]


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_key_file_whose_read_fails_stops_the_start_with_a_line(command: str) -> None:
    require("Linux, which has a file that opens and cannot be read", present=sys.platform == "linux")
    done = run(command, environ={"GATEWAY_AUDIT_KEY_FILE": "/proc/self/mem", "GATEWAY_PORT": "x"})
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "wethod-graphql: GATEWAY_PORT=x: must be a whole number",
        "wethod-graphql: GATEWAY_AUDIT_KEY_FILE=/proc/self/mem: cannot be read: Input/output error",
    ]


# Q and Z occur in no message.
user_infos = st.text("QZ/?#@:%[]\\ \t\n\xff\u2028.", min_size=1, max_size=30)


@given(
    user_info=user_infos,
    name=st.sampled_from(["WETHOD_PROXY", "WETHOD_BASE_URL"]),
    scheme=st.sampled_from(["http://", "https://", ""]),
)
@settings(max_examples=200, deadline=None)
def test_user_info_of_a_url_is_never_shown(user_info: str, name: str, scheme: str) -> None:
    environ = {"WETHOD_BASE_URL": "http://127.0.0.1:1", name: f"{scheme}{user_info}@127.0.0.1:1"}
    for command, more in (("serve", {"GATEWAY_PORT": "x"}), ("check", {})):
        done = CliRunner().invoke(main, [command], env=environ | more)
        assert done.exit_code == 1
        assert isinstance(done.exception, SystemExit)
        assert not {"Q", "Z"} & set(done.output)
        assert "xff" not in done.output
        assert all(line.startswith(("wethod-graphql: ", "settings are valid")) for line in done.output.splitlines())
    # `serve` blocks it until the server handles it; the programs of later tests would inherit that.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["--sandbox"], {"WETHOD_BASE_URL": "https://api.wethod.com"}, "cannot be combined with WETHOD_BASE_URL"),
        (["--sandbox", "--host", "0.0.0.0"], {}, "0.0.0.0 is not loopback"),
        (["--sandbox"], {"GATEWAY_HOST": "192.0.2.1"}, "192.0.2.1 is not loopback"),
    ],
    ids=["base-url", "all-addresses", "host-by-environment"],
)
def test_a_sandbox_on_a_network_or_beside_a_base_url_needs_force(
    arguments: list[str], environ: dict[str, str], words: str
) -> None:
    """Its tokens are well known."""
    done = run("serve", *arguments, environ=environ)
    assert done.returncode == 1
    assert words in done.stderr
    assert "--force" in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        (
            "WETHOD_COMPANY",
            "mycompany",
            "--sandbox knows only the companies acme and globex: change or unset WETHOD_COMPANY",
        ),
        ("WETHOD_VERSION", "2025-01-01", "--sandbox knows only the version 2024-06-15: unset WETHOD_VERSION"),
    ],
    ids=["company", "version"],
)
def test_a_company_or_version_that_the_sandbox_does_not_know_is_refused(setting: str, value: str, line: str) -> None:
    """The sandbox would reject every request."""
    done = run("serve", "--sandbox", "--force", environ={setting: value})
    assert (done.returncode, done.stderr) == (1, f"wethod-graphql: {line}\n")


@pytest.mark.parametrize(
    "environ",
    [
        {"WETHOD_PROXY": "http://127.0.0.1:1"},
        {"WETHOD_COMPANY": "globex"},
        {"GATEWAY_AUTHORIZATION_HEADER": "Wethod-'Token"},
    ],
    ids=lambda environ: next(iter(environ)),
)
async def test_the_announced_command_works_with_every_setting(environ: dict[str, str]) -> None:
    async with sandbox_gateway(environ=environ) as program:
        assert pasted(program)["__typename"] == "DeleteContactSuccess"


async def test_force_serves_the_sandbox_instead_of_the_base_url() -> None:
    async with sandbox_gateway("--force", environ={"WETHOD_BASE_URL": "http://127.0.0.1:1"}) as program:
        assert "forwards to  an embedded sandbox" in "".join(program.log)
        assert pasted(program)["__typename"] == "DeleteContactSuccess"


async def test_the_audit_may_go_to_standard_error() -> None:
    async with sandbox_gateway(environ={"GATEWAY_AUDIT_LOG": "STDERR", "GATEWAY_LOG_LEVEL": "ERROR"}) as program:
        pasted(program)
        await until(lambda: '"outcome":"DeleteContactSuccess"' in program.log[-1])


async def test_an_ascii_locale_changes_nothing(tmp_path: Path) -> None:
    document = "mutation Delete($id: ID!) { deleteContact(id: $id) { __typename } } # è"
    manifest = tmp_path / "dokumente-ü.json"
    manifest.write_text(json.dumps({"key": document}, ensure_ascii=False), encoding="utf-8")
    locale = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    strict = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning"}
    environ = {"GATEWAY_TRUSTED_DOCUMENTS": str(manifest), "GATEWAY_GRAPHIQL": "true", "GATEWAY_LOG_FORMAT": "console"}
    async with running(None, environ | locale | strict) as program:
        headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
        request = {"documentId": "key", "variables": {"id": "1"}}
        async with httpx.AsyncClient(verify=NO_TLS) as http:
            answer = await http.post(f"{program.url}/graphql", json=request, headers=headers)
        assert answer.json() == {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}
        program.process.terminate()
        assert await program.wait() == 0


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command, setting in ((["serve", "--sandbox"], " (GATEWAY_PORT)"), (["sandbox"], "")):
            done = run(*command, "--port", str(port))
            assert done.returncode == 1
            assert f"cannot listen on 127.0.0.1:{port}{setting}: address already in use" in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["serve", "--sandbox"], ["serve", "--sandbox", "--workers", "2"], ["sandbox"]], ids=" ".join
)
@pytest.mark.parametrize("redirection", ["2>/dev/full", "<&- >&- 2>&-"], ids=["full", "closed"])
async def test_a_program_serves_and_stops_without_a_standard_stream(arguments: list[str], redirection: str) -> None:
    port = str(free_port())
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "app", *arguments, "--port", port),
        env=CLEAN | {"GATEWAY_DRAIN_DELAY_SECONDS": "0", "GATEWAY_AUDIT_LOG": "off"},
    )

    async def answers() -> bool:
        assert process.returncode is None
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient(verify=NO_TLS) as http:
                await http.get(f"http://127.0.0.1:{port}/")
            return True
        return False

    try:
        await until(answers)
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_audit_on_a_closed_standard_output_prevents_the_start(workers: str) -> None:
    arguments = (sys.executable, "-m", "app", "serve", "--port", "0", "--workers", workers)
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *arguments],
        env=CLEAN | {"WETHOD_BASE_URL": "http://127.0.0.1:1"},
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == b"wethod-graphql: GATEWAY_AUDIT_LOG=stdout: standard output is closed\n"


def pasted(program: Program) -> dict[str, str]:
    """Run the announced curl line, and return the outcome."""
    announcement = "".join(program.log)
    line = announcement[announcement.index("curl ") :].splitlines()[0]
    done = subprocess.run(shlex.split(line), capture_output=True, encoding="utf-8", timeout=10, check=True)
    outcome: dict[str, str] = json.loads(done.stdout)["data"]["deleteContact"]
    return outcome


async def test_serve_prints_its_pages_and_a_command_that_works() -> None:
    async with sandbox_gateway() as program:
        announcement = "".join(program.log)
        assert f"GraphiQL     open {program.url}/graphql in a browser" in announcement
        assert f"example      open {program.url}/example in a browser" in announcement
        assert pasted(program)["__typename"] == "DeleteContactSuccess"
        assert pasted(program)["__typename"] == "WethodNotFoundError"
        async with httpx.AsyncClient(base_url=program.url, verify=NO_TLS) as http:
            assert (await http.get("/example")).status_code == 200
            assert (await http.get("/health/ready")).json() == {"status": "ready"}
            assert "wethod_operation_total" in (await http.get("/metrics")).text


def test_trusted_documents_exclude_pages_and_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text("{}", encoding="utf-8")
    settings = load({"GATEWAY_TRUSTED_DOCUMENTS": str(manifest)})
    announce("http://127.0.0.1:1", WorkerContext(settings, AUDIT_KEY, sandbox=True))
    assert [line.split("  ")[1] for line in capsys.readouterr().err.splitlines()[1:]] == ["forwards to", "GraphiQL"]


def test_the_sandbox_keeps_its_contacts_in_a_file(tmp_path: Path) -> None:
    for expected in (200, 404):
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "sandbox", "--port", "0", "--database", str(tmp_path / "contacts.db")],
            env=CLEAN,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert process.stderr
        line = process.stderr.readline()
        url = line.split()[-1]
        headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme", "Wethod-Version": "2024-06-15"}
        assert httpx.delete(f"{url}/api/contact/1", headers=headers).status_code == expected
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 0


async def test_check_connects_sends_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    async with upstream([answer(200)]) as wethod:
        audit = tmp_path / "audit"
        environ = {"WETHOD_BASE_URL": wethod.url, "GATEWAY_HSOT\n": "x", "GATEWAY_AUDIT_LOG": str(audit)}
        done = await asyncio.to_thread(run, "check", environ=environ)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            "settings are valid",
            r"GATEWAY_HSOT\n is no setting of this gateway; is it misspelt?",
            f"{wethod.url} (http1): TCP connection succeeded; nothing was sent",
        ]
        assert (wethod.connections, wethod.asked) == (1, [])
        assert not audit.exists()


async def test_check_does_not_open_a_fifo(tmp_path: Path) -> None:
    """Its reader ends with its last writer, so the start that follows would find none."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    async with upstream([answer(200)]) as wethod:
        environ = {"WETHOD_BASE_URL": wethod.url, "GATEWAY_AUDIT_LOG": str(fifo)}
        checked = await asyncio.to_thread(run, "check", environ=environ)
        ends = select.poll()
        ends.register(reader, select.POLLIN)
        assert ends.poll(0) == []
        os.close(reader)
        checked_without_reader = await asyncio.to_thread(run, "check", environ=environ)
        served_without_reader = await asyncio.to_thread(run, "serve", "--port", "0", environ=environ)
    for done in (checked, checked_without_reader):
        assert (done.returncode, done.stderr) == (0, "")
    assert served_without_reader.stderr == f"wethod-graphql: GATEWAY_AUDIT_LOG={fifo}: No such device or address\n"


def test_check_fails_where_wethod_cannot_be_reached() -> None:
    done = run("check", environ={"WETHOD_BASE_URL": "http://127.0.0.1:1"})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("wethod-graphql: http://127.0.0.1:1 cannot be reached: ")


@pytest.mark.parametrize(
    ("setting", "name", "problem"),
    [
        ("GATEWAY_AUDIT_LOG", "folder", "Is a directory"),
        ("GATEWAY_AUDIT_LOG", "absent/audit", "No such file or directory"),
        ("GATEWAY_AUDIT_LOG", "absent/../audit", "No such file or directory"),
        ("GATEWAY_AUDIT_LOG", "file/../audit", "Not a directory"),
        ("GATEWAY_AUDIT_LOG", "loop", "Too many levels of symbolic links"),
        ("GATEWAY_AUDIT_LOG", "link-to-absent", "No such file or directory"),
        ("GATEWAY_TRUSTED_DOCUMENTS", "file", "it is not JSON"),
        ("GATEWAY_TRUSTED_DOCUMENTS", "manifest", "the document Bad (key) cannot be run: Cannot query field"),
    ],
    ids=[
        "folder",
        "no-folder",
        "parent-of-no-folder",
        "parent-of-file",
        "loop",
        "dangling-link",
        "no-manifest",
        "bad-document",
    ],
)
def test_check_and_serve_report_the_same_errors(tmp_path: Path, setting: str, name: str, problem: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link-to-absent").symlink_to("absent/audit")
    (tmp_path / "manifest").write_text(json.dumps({"key": "query Bad { nothing }"}), encoding="utf-8")
    environ = {"WETHOD_BASE_URL": "http://127.0.0.1:1", setting: str(tmp_path / name)}
    checked, served = (run(*command, environ=environ) for command in (["check"], ["serve", "--port", "0"]))
    assert (checked.returncode, checked.stdout, served.returncode) == (1, "", 1)
    assert checked.stderr == served.stderr
    assert len(checked.stderr.splitlines()) == 1
    assert checked.stderr.startswith(f"wethod-graphql: {setting}={shown(str(tmp_path / name))}: {problem}")


NOT_USABLE = {
    "password": ("GATEWAY_AUDIT_LOG", "postgres://audit:hunter2@db/x", "***@db/x: No such file or directory"),
    "audit": ("GATEWAY_AUDIT_LOG", "no/a\nb", r"no/a\nb: No such file or directory"),
    "trusted": ("GATEWAY_TRUSTED_DOCUMENTS", "a\nb", r"a\nb: it is not JSON: "),
    "authority": ("WETHOD_CA_FILE", "a\nb", r"a\nb: must hold certificates in PEM"),
    "certificate": ("WETHOD_CLIENT_CERT_FILE", "a\nb", r"a\nb: must hold a certificate in PEM, and its key"),
    "proxy": ("WETHOD_PROXY", "http://audit:hunter2@256.1.1.1:3128", "http://***@256.1.1.1:3128: must be an absolute "),
}
"""A value that turns out to be bad when it is used: the setting, the value, and the start of the line."""


@pytest.mark.parametrize("command", ["check", "serve"])
@pytest.mark.parametrize(("setting", "value", "line"), NOT_USABLE.values(), ids=NOT_USABLE)
def test_a_value_that_cannot_be_used_is_masked_and_in_one_line(
    tmp_path: Path, command: str, setting: str, value: str, line: str
) -> None:
    (tmp_path / "a\nb").touch()
    done = run(command, environ={"WETHOD_BASE_URL": "https://127.0.0.1:1", setting: value}, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"wethod-graphql: {setting}={line}")


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_bad_proxy_variable_is_one_line(command: str) -> None:
    environ = {"HTTPS_PROXY": "http://user:pa/ss@proxy:3128", "WETHOD_BASE_URL": "https://wethod.example"}
    done = run(command, environ=environ)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(
        "wethod-graphql: HTTPS_PROXY=http://***@proxy:3128: must be the URL of an http or https proxy"
    )
    assert line.endswith("; WETHOD_PROXY or NO_PROXY can take its place")


@pytest.mark.parametrize("command", ["check", "serve"])
def test_an_ipv6_address_behind_a_proxy_is_refused(command: str) -> None:
    environ = {"WETHOD_PROXY": "http://user:hunter2@127.0.0.1:1", "WETHOD_BASE_URL": "https://[fd00::1]:8443"}
    done = run(command, environ=environ)
    assert done.returncode == 1
    assert done.stderr == (
        "wethod-graphql: WETHOD_BASE_URL=https://[fd00::1]:8443: "
        "must have a name or an IPv4 address as its host, because a proxy applies\n"
    )


async def test_check_masks_what_a_library_quotes() -> None:
    """A warning about the headers of an exporter quotes them."""
    async with upstream([answer(200)]) as wethod:
        environ = {
            "WETHOD_BASE_URL": wethod.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key hunter2",
        }
        done = await asyncio.to_thread(run, "check", environ=environ)
    assert done.returncode == 0
    assert "Header format invalid!" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", ["schema", "check"])
@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_one_line(command: str, *, buffered: bool) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" > /dev/full', "sh", sys.executable, "-m", "app", command],
        env=CLEAN | {"PYTHONUNBUFFERED": "" if buffered else "1"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "wethod-graphql: [Errno 28] No space left on device\n")
