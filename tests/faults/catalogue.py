"""Every fault under its name."""

from __future__ import annotations

from tests.faults.bodies import FAULTS_OF_BODIES
from tests.faults.cuts import CUTS
from tests.faults.handshakes import HANDSHAKES
from tests.faults.heads import HEADS

FAULTS = CUTS | HEADS | FAULTS_OF_BODIES | HANDSHAKES
