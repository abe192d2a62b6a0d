"""Every attack, by the group in which docs/attacks.md shows it."""

from __future__ import annotations

from tests.attack.contacts import CONTACTS
from tests.attack.content import CONTENT
from tests.attack.documents import DISCLOSURE, VOLUME
from tests.attack.forgeries import CORS, FORGERIES
from tests.attack.framing import FRAMING
from tests.attack.limits import LIMITS
from tests.attack.masking import MASKING
from tests.attack.routes import ROUTES

GROUPS = {
    "Cross-site request forgery": FORGERIES,
    "Cross-origin requests (CORS)": CORS,
    "Expensive documents": VOLUME,
    "Information disclosure": DISCLOSURE,
    "Malformed bodies": CONTENT,
    "Injection in ids and headers": CONTACTS,
    "Other hosts and paths": ROUTES,
    "Request smuggling": FRAMING,
    "Leaks from failures of Wethod": MASKING,
    "Limits: the largest allowed value and the next one": LIMITS,
}

ATTACKS = {name: attack for group in GROUPS.values() for name, attack in group.items()}
