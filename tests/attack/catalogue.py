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
    "Forged requests of a page": FORGERIES,
    "Requests across origins": CORS,
    "Documents that cost too much": VOLUME,
    "Documents that ask for information": DISCLOSURE,
    "Malformed bodies": CONTENT,
    "Injections in ids and headers": CONTACTS,
    "Other hosts and paths": ROUTES,
    "Hidden requests (smuggling)": FRAMING,
    "Failures of Wethod that reveal too much": MASKING,
    "Limits, at the last allowed value and the next": LIMITS,
}

ATTACKS = {name: attack for group in GROUPS.values() for name, attack in group.items()}
