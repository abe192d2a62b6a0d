"""The invented people that a new sandbox starts with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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


def seeds() -> list[dict[str, object]]:
    """The rows of a new database, the same every time: 1 to 100 are acme's, 101 to 200 globex's."""
    return [_seed(index) for index in range(len(COMPANIES) * CONTACTS_EACH)]


def _seed(index: int) -> dict[str, object]:
    number = index + 1
    name = _NAMES[index % len(_NAMES)]
    # Shifted by one a round, so that no two people share their full name.
    surname = _SURNAMES[(index + index // len(_NAMES)) % len(_SURNAMES)]
    slug = f"{name}.{surname}".lower()
    created = _EPOCH + timedelta(hours=31 * index)
    # Wethod does not document the cause of a 412. This one is invented: a contact that something refers to.
    in_use = number % IN_USE_EVERY == 0
    return {
        "id": number,
        "created_at": created.isoformat(),
        "updated_at": (created + timedelta(days=number % 7)).isoformat(),
        "client_id": index // 5 + 1,
        "email": f"{slug}@example.com",
        "name": name,
        "surname": surname,
        "role": _ROLES[index % len(_ROLES)],
        "notes": "In use: named in an open project." if in_use else None,
        "linkedin": f"https://www.example.com/in/{slug}" if number % 3 == 0 else None,
        "description": "Met at the trade fair." if number % 4 == 0 else None,
        # From the range that Ofcom keeps free for fiction.
        "telephone": f"+44 20 7946 0{number:03d}",
        "company": COMPANIES[index // CONTACTS_EACH],
        "in_use": in_use,
    }
