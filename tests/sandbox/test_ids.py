"""For any text in the place of the id, only the addressed contact is deleted."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox import serve_sandbox
from app.sandbox.application import LOST
from tests.sandbox.requests import address, contacts_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Live:
    url: str
    database: Path

    def delete(self, target: bytes, *, company: str, token: str) -> int | None:
        """Send a DELETE with this exact target; return the status, or None if the connection was closed."""
        with socket.create_connection(address(self.url), timeout=5) as connection:
            connection.sendall(
                b"DELETE %s HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                b"Wethod-Company: %s\r\nWethod-Version: 2024-06-15\r\n\r\n" % (target, token.encode(), company.encode())
            )
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return int(answer.split(b" ", 2)[1]) if answer else None

    def contacts(self) -> set[tuple[str, int]]:
        return contacts_in(self.database)


EDITOR = {"company": "acme", "token": "demo-editor"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One sandbox for all examples: a contact that an example deleted stays deleted."""
    database = tmp_path_factory.mktemp("sandbox") / "sandbox.db"
    with serve_sandbox(database=database, slow_seconds=0.01) as url:
        yield Live(url, database)


BAD = (
    *(b"..", b"%2e%2e", b".", b"0", b"-1", b"+1", b"1.0", b"1e1", b"007", b"0x7", b"1_1", b"null"),
    *(b"7%20", b"%207", b"7%0a", b"7%0d%0aX:1", b"7%00", b"%00", b"7;x", b"7%3Fx=1"),
    *(b"%D9%A7", b"7%D9%A7", b"%EF%BC%97", b"%ff", b"\xff"),
    *(b"9223372036854775808", b"9" * 5_000),
)


@pytest.mark.parametrize("segment", BAD, ids=lambda segment: repr(segment[:20]))
def test_a_bad_id_deletes_nothing(live: Live, segment: bytes) -> None:
    before = live.contacts()
    assert live.delete(b"/api/contact/" + segment, **EDITOR) == 400
    assert live.contacts() == before


ELSEWHERE = (
    *(b"//api/contact/7", b"/API/contact/7", b"/api//contact/7", b"/v1/api/contact/7"),
    *(b"/api/contact/7%2F8", b"/api/contact/7/8", b"/api/contact/7/../8", b"/api/contact/"),
    b"/api/contact/9223372036854775807",
)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_another_path_deletes_nothing(live: Live, target: bytes) -> None:
    before = live.contacts()
    assert live.delete(target, **EDITOR) == 404
    assert live.contacts() == before


SEGMENTS = st.one_of(
    st.integers(1, 210).map(lambda number: str(number).encode()),
    st.integers().map(lambda number: str(number).encode()),
    st.text().map(lambda text: quote(text, safe="").encode()),
    st.binary().map(lambda raw: quote(raw, safe="").encode()),
    st.from_regex(rb"[0-9%a-fA-F.;,+~!$&'()*:@/_-]{1,40}", fullmatch=True),
    st.binary(min_size=1).filter(lambda raw: not re.search(rb"[\x00-\x20\x7f]", raw)),
)


@given(
    segment=SEGMENTS,
    company=st.sampled_from(["acme", "globex", "initech", "ACME", ""]),
    token=st.sampled_from(["demo-editor", "demo-viewer", "demo-throttled", "demo-slow", "demo-dropped", "other", ""]),
)
def test_only_the_addressed_contact_disappears(live: Live, segment: bytes, company: str, token: str) -> None:
    """For any path segment, company and token."""
    before = live.contacts()
    status = live.delete(b"/api/contact/" + segment, company=company, token=token)
    gone = before - live.contacts()

    named = re.fullmatch(r"[1-9][0-9]{0,18}", unquote(re.split(rb"[?#]", segment)[0].decode("latin-1")))
    addressed = {(company, int(named[0]))} if named else set()
    may_delete = token in {"demo-editor", "demo-slow", "demo-dropped"}
    in_use = any(contact_id % 10 == 0 for _, contact_id in addressed)

    assert status is None or status < 500
    assert gone == (addressed & before if may_delete and not in_use else set())
    if any(contact_id in LOST for _, contact_id in addressed):
        assert status != 200
    elif token == "demo-dropped":
        assert (status is None) == bool(gone)
    else:
        assert (status == 200) == bool(gone)
