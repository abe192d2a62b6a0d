"""Every fault under its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.bodies import bodies
from tests.faults.cuts import cuts
from tests.faults.handshakes import handshakes
from tests.faults.heads import heads

if TYPE_CHECKING:
    from tests.faults.fault import Fault

FAULTS: dict[str, Fault] = dict([*cuts(), *heads(), *bodies(), *handshakes()])
