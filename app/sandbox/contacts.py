"""The contacts, in SQLite, and the invented people that a new database starts with."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from app.start_error import StartError

if TYPE_CHECKING:
    from pathlib import Path

MAX_ID: Final = 2**63 - 1
COMPANIES = ("acme", "globex")
CONTACTS_EACH = 100
IN_USE_EVERY = 10

_NAMES = (
    *("Ada", "Bruno", "Carla", "Davide", "Elena", "Fabio", "Giulia", "Hanna", "Ivo", "Jana"),
    *("Karim", "Livia", "Marco", "Nadia", "Oscar", "Paola", "Quentin", "Rosa", "Sandro", "Teresa"),
)
_SURNAMES = (
    *("Albani", "Berger", "Conti", "Dupont", "Esposito", "Ferrari", "Greco", "Hoffmann", "Ivanov", "Jansen"),
    *("Keller", "Longo", "Marini", "Novak", "Orsini", "Pellegrini", "Quaranta", "Ricci", "Serra", "Tanner"),
)
_ROLES = ("Project manager", "Chief financial officer", "Head of purchasing", "Art director", "Office manager")
_EPOCH = datetime(2024, 7, 1, 8, 0, tzinfo=UTC)

# "WtSb" marks a file as ours, so that a path given by mistake does no harm to another database.
_APPLICATION_ID = 0x57745362
_SCHEMA_VERSION = 1

_CREATE = """
CREATE TABLE contact (id INTEGER PRIMARY KEY, created_at, updated_at, client_id, email, name, surname, role,
    notes, linkedin, description, telephone, company, in_use)
"""
_INSERT = "INSERT INTO contact VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GET = """
SELECT id, created_at, updated_at, client_id, email, name, surname, role, notes, linkedin, description, telephone
FROM contact WHERE company = ? AND id = ?
"""
_DELETE = "DELETE FROM contact WHERE company = ? AND id = ? AND NOT in_use"
_PAGE = """
SELECT id, name, surname, iif(in_use, 'in_use', 'free') AS state
FROM contact WHERE company = ? AND ? IN (0, client_id) ORDER BY id LIMIT ? OFFSET ?
"""


class Contacts:
    """The contacts of every company. Only the thread that opened them may use them.

    One statement decides each delete: of several deletes of one contact, in any number of processes, exactly one
    finds it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        self._execute = connection.execute
        self.close = connection.close

    def delete(self, company: str, contact_id: int) -> bool:
        """Delete a contact of a company. False if the contact is absent or in use."""
        return self._execute(_DELETE, (company, contact_id)).rowcount == 1

    def get(self, company: str, contact_id: int) -> dict[str, object] | None:
        """A contact of a company as ``GET /api/contact/{id}`` shows it, or None."""
        row = self._execute(_GET, (company, contact_id)).fetchone()
        return dict(row) if row else None

    def page(self, company: str, client_id: int, limit: int, offset: int) -> list[dict[str, object]]:
        """The contacts of a company as ``GET /api/contacts`` lists them; a client_id of 0 means every client."""
        return [dict(row) for row in self._execute(_PAGE, (company, client_id, limit, offset))]


def open_contacts(database: Path | None) -> Contacts:
    """Open a database, or make it, filled with invented people; None is memory, gone when closed.

    Raises:
        StartError: the file cannot be opened or written, or is not a sandbox's.
    """
    where = str(database or ":memory:")
    connection = None
    try:
        connection = sqlite3.connect(where, isolation_level=None)
        _prepare(connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise StartError(f"{where}: {error}") from error
    return Contacts(connection)


def _prepare(connection: sqlite3.Connection) -> None:
    # Immediate: if two sandboxes find a new file, one fills it, and the other waits and finds it filled.
    connection.execute("BEGIN IMMEDIATE")
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application_id, version, objects) == (0, 0, 0):
        connection.execute(_CREATE)
        connection.executemany(_INSERT, (_seed(index) for index in range(len(COMPANIES) * CONTACTS_EACH)))
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    elif (application_id, version) != (_APPLICATION_ID, _SCHEMA_VERSION):
        raise sqlite3.DatabaseError("not a database of this sandbox")
    connection.execute("COMMIT")
    # A delete need not wait for the disk: a power cut harms a demonstration at most. WAL would avoid the wait too, but
    # if several sandboxes switch a new file to it, one sometimes finds it locked.
    connection.execute("PRAGMA synchronous = OFF")


def _seed(index: int) -> tuple[object, ...]:
    """Make a row of a new database, the same every time: 1 to 100 are acme's, 101 to 200 globex's."""
    number = index + 1
    name = _NAMES[index % len(_NAMES)]
    # Shifted by one a round, so that no two people share their full name.
    surname = _SURNAMES[(index + index // len(_NAMES)) % len(_SURNAMES)]
    slug = f"{name}.{surname}".lower()
    created = _EPOCH + timedelta(hours=31 * index)
    # Wethod does not document the cause of a 412. This one is invented: a contact that something refers to.
    in_use = number % IN_USE_EVERY == 0
    return (
        number,
        created.isoformat(),
        (created + timedelta(days=number % 7)).isoformat(),
        index // 5 + 1,  # the client
        f"{slug}@example.com",
        name,
        surname,
        _ROLES[index % len(_ROLES)],
        "In use: named in an open project." if in_use else None,
        f"https://www.example.com/in/{slug}" if number % 3 == 0 else None,
        "Met at the trade fair." if number % 4 == 0 else None,
        f"+44 20 7946 0{number:03d}",  # from the range that Ofcom keeps free for fiction
        COMPANIES[index // CONTACTS_EACH],
        in_use,
    )
