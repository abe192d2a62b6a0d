"""Every attack, by what it is after."""

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
    "A page forges a request": FORGERIES,
    "A page asks across origins": CORS,
    "A document costs too much": VOLUME,
    "A document asks what is not told": DISCLOSURE,
    "A body breaks its reader": CONTENT,
    "An id or a header is more than it says": CONTACTS,
    "A target leads elsewhere": ROUTES,
    "A request hides another": FRAMING,
    "Wethod's failure is told too well": MASKING,
    "A limit and the next": LIMITS,
}

ATTACKS = {name: attack for group in GROUPS.values() for name, attack in group.items()}
