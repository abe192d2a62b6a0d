"""The invented people that a new sandbox starts with."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as ``GET /api/contact/{id}`` shows it; the times are ISO 8601 in UTC."""

    id: int
    created_at: str
    updated_at: str
    client_id: int
    email: str
    name: str
    surname: str
    role: str
    notes: str | None
    linkedin: str | None
    description: str | None
    telephone: str | None


@dataclass(frozen=True, slots=True)
class Seed:
    """A contact, whose it is, and whether something forbids its deletion."""

    company: str
    in_use: bool
    contact: Contact


def seeds() -> list[Seed]:
    """The contacts of a new sandbox, the same every time: 1 to 100 are acme's, 101 to 200 globex's."""
    return [_seed(index) for index in range(len(COMPANIES) * CONTACTS_EACH)]


def _seed(index: int) -> Seed:
    number = index + 1
    name = _NAMES[index % len(_NAMES)]
    # Shifted by one a round, so that no two people share their full name.
    surname = _SURNAMES[(index + index // len(_NAMES)) % len(_SURNAMES)]
    slug = f"{name}.{surname}".lower()
    created = _EPOCH + timedelta(hours=31 * index)
    # What makes Wethod answer 412 is not documented. This trigger is invented: a contact that something refers to.
    in_use = number % IN_USE_EVERY == 0
    return Seed(
        company=COMPANIES[index // CONTACTS_EACH],
        in_use=in_use,
        contact=Contact(
            id=number,
            created_at=created.isoformat(),
            updated_at=(created + timedelta(days=number % 7)).isoformat(),
            client_id=index // 5 + 1,
            email=f"{slug}@example.com",
            name=name,
            surname=surname,
            role=_ROLES[index % len(_ROLES)],
            notes="In use: named in an open project." if in_use else None,
            linkedin=f"https://www.example.com/in/{slug}" if number % 3 == 0 else None,
            description="Met at the trade fair." if number % 4 == 0 else None,
            # From the range that Ofcom keeps free for fiction.
            telephone=f"+44 20 7946 0{number:03d}",
        ),
    )
