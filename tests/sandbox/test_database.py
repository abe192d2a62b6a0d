"""The sandbox's database in a file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from app.sandbox import serve_sandbox
from app.start_error import StartError
from tests.sandbox.requests import editor, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_file_keeps_what_was_deleted(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.db"
    for expected in (200, 404):
        with serve_sandbox(database=database) as url:
            assert status(url, "DELETE", 7) == expected
            assert status(url, "GET", 8) == 200
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox.db"]


async def test_two_sandboxes_share_a_file(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.db"
    with serve_sandbox(database=database) as one, serve_sandbox(database=database) as two:
        async with editor(one) as client:
            answers = await asyncio.gather(
                *(client.delete(f"{url}/api/contact/{number}") for number in range(1, 10) for url in (one, two))
            )
    assert Counter(answer.status_code for answer in answers) == {200: 9, 404: 9}


def test_sandboxes_that_start_together_share_a_complete_file(tmp_path: Path) -> None:
    for attempt in range(3):
        database = tmp_path / f"{attempt}.db"
        start = threading.Barrier(8)

        def first_and_last(database: Path, start: threading.Barrier) -> list[int]:
            start.wait()
            with serve_sandbox(database=database) as url:
                return [status(url, "GET", number) for number in (1, 100)]

        with ThreadPoolExecutor(8) as pool:
            results = [pool.submit(first_and_last, database, start) for _ in range(8)]
        assert [result.result() for result in results] == [[200, 200]] * 8


def make_text(path: Path) -> None:
    path.write_text("Dear diary, " * 100, encoding="utf-8")


def make_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE contact (id INTEGER)")


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {0x57745362}")
        connection.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_text, "file is not a database"),
        (make_foreign, "not a database of this sandbox"),
        (make_newer, "not a database of this sandbox"),
    ],
    ids=["text", "foreign", "newer"],
)
def test_a_file_of_another_program_is_refused_and_unchanged(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "important"
    make(path)
    content = path.read_bytes()
    with pytest.raises(StartError) as refusal, serve_sandbox(database=path):
        pass
    assert str(refusal.value) == f"{path}: {reason}"
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["important"]


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "sandbox.db"
    with pytest.raises(StartError) as refusal, serve_sandbox(database=path):
        pass
    assert str(refusal.value) == f"{path}: unable to open database file"
