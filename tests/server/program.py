"""A gateway without GraphQL, as a program: ``python -m tests.server.program FACTORY SETTINGS``; prints its URL."""

from __future__ import annotations

import json
import logging
import os
import sys

from app.server.context import WorkerContext
from app.server.workers import run
from app.settings import Settings
from app.start_error import StartError
from tests.server import factories


def main() -> None:
    """Serve."""
    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s")
    settings = Settings(**{"gateway_port": 0, "wethod_timeout_seconds": 0.2} | json.loads(sys.argv[2]))
    factory = getattr(factories, sys.argv[1])
    try:
        code = run(
            factory,
            WorkerContext(settings, audit_key=b"key of this start"),
            announce=lambda url: os.write(1, f"{url}\n".encode()),
        )
    except StartError as error:
        sys.exit(f"wethod-graphql: {error}")
    sys.exit(code)


if __name__ == "__main__":
    main()
