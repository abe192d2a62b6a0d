"""The command that fuzzes both parsers: ``python -m tests.fuzz [--seconds N] [--seed S] [TARGET ...]``."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys

from tests.fuzz.campaign import TARGETS, run


def main() -> int:
    """Run the targets one after the other; the exit code says whether something was found."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Fuzz the readers of requests and replies.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=float, default=60, help="how long, all targets together (60)")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="seed of all random choices")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(TARGETS)}")
    failed = False
    for name in names:
        campaign = asyncio.run(run(name, options.seconds / len(names), options.seed))
        print(campaign, flush=True)  # noqa: T201 - the report
        failed = failed or campaign.finding is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
