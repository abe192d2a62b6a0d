"""The contacts, in SQLite."""

from __future__ import annotations

import enum
import sqlite3
from dataclasses import astuple, fields
from typing import TYPE_CHECKING

from app.sandbox.people import Contact, seeds

if TYPE_CHECKING:
    from pathlib import Path

# "WtSb": marks a file as ours, so that a path given by mistake does no harm to somebody's database.
_APPLICATION_ID = 0x57745362
_SCHEMA_VERSION = 1

_COLUMNS = ", ".join(field.name for field in fields(Contact))
_CREATE = """
CREATE TABLE contact (
    id INTEGER PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, client_id INTEGER NOT NULL,
    email TEXT NOT NULL, name TEXT NOT NULL, surname TEXT NOT NULL, role TEXT NOT NULL,
    notes TEXT, linkedin TEXT, description TEXT, telephone TEXT,
    company TEXT NOT NULL, in_use INTEGER NOT NULL
)
"""
_INSERT = f"INSERT INTO contact VALUES ({', '.join('?' * (len(fields(Contact)) + 2))})"  # noqa: S608 - question marks
_SELECT = f"SELECT {_COLUMNS} FROM contact WHERE company = ? AND id = ?"  # noqa: S608 - names of our own
_DELETE = "DELETE FROM contact WHERE company = ? AND id = ? AND NOT in_use"


class DatabaseUnusableError(Exception):
    """The file cannot serve as the sandbox's database; the message names it and says why."""


class Deletion(enum.Enum):
    """How an attempt to delete ended."""

    DELETED = enum.auto()
    IN_USE = enum.auto()
    ABSENT = enum.auto()


class Contacts:
    """The contacts of every company. One thread's: the one that opened it.

    Each operation is one statement or is decided by one, so that of several deletes of one contact exactly one finds
    it, whichever process asks.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def delete(self, company: str, contact_id: int) -> Deletion:
        """Delete a contact of a company, unless it is in use; ids are at most 2^63-1."""
        if self._connection.execute(_DELETE, (company, contact_id)).rowcount:
            return Deletion.DELETED
        return Deletion.IN_USE if self.get(company, contact_id) else Deletion.ABSENT

    def get(self, company: str, contact_id: int) -> Contact | None:
        """A contact of a company, or None where that company has no such contact; ids are at most 2^63-1."""
        row = self._connection.execute(_SELECT, (company, contact_id)).fetchone()
        return Contact(*row) if row else None

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


def open_contacts(database: str | Path | None) -> Contacts:
    """Open a database, new ones filled with ``seeds()``.

    Args:
        database: path of a file, which is made where there is none; None is memory, gone when closed.

    Raises:
        DatabaseUnusableError: the file cannot be opened or written, or is not a sandbox's.
    """
    where = ":memory:" if database is None else str(database)
    try:
        connection = sqlite3.connect(where, isolation_level=None)
    except sqlite3.Error as error:
        raise DatabaseUnusableError(f"{where}: {error}") from error
    try:
        _prepare(connection, where)
    except sqlite3.Error as error:
        connection.close()
        raise DatabaseUnusableError(f"{where}: {error}") from error
    except DatabaseUnusableError:
        connection.close()
        raise
    return Contacts(connection)


def _prepare(connection: sqlite3.Connection, where: str) -> None:
    # Immediate: of two sandboxes that find a new file, one fills it and the other waits and finds it filled.
    connection.execute("BEGIN IMMEDIATE")
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application_id, version, objects) == (0, 0, 0):
        connection.execute(_CREATE)
        connection.executemany(_INSERT, [(*astuple(seed.contact), seed.company, int(seed.in_use)) for seed in seeds()])
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    elif (application_id, version) != (_APPLICATION_ID, _SCHEMA_VERSION):
        raise DatabaseUnusableError(f"{where}: not a database of this sandbox")
    connection.execute("COMMIT")
    # A delete need not wait for the disk: a power cut harms a demonstration at most. WAL would spare the wait too, but
    # of several sandboxes that switch a new file to it, one now and then finds it locked and gives up.
    connection.execute("PRAGMA synchronous = OFF")
