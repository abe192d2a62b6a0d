"""A gateway without GraphQL, as a program: ``python -m tests.server.program FACTORY CONFIG``; prints its URL."""

from __future__ import annotations

import json
import logging
import os
import sys

from app.server.config import ServerConfig
from app.server.run import run
from app.start_error import StartError
from tests.server import factories


def main() -> None:
    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s")
    config = ServerConfig(**{"port_setting": "GATEWAY_PORT"} | json.loads(sys.argv[2]))
    factory = getattr(factories, sys.argv[1])
    try:
        code = run(
            factory,
            b"context of this start",
            config,
            announce=lambda url: os.write(1, f"{url}\n".encode()),
        )
    except StartError as error:
        sys.exit(f"wethod-graphql: {error}")
    sys.exit(code)


if __name__ == "__main__":
    main()
