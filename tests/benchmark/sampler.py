"""The gateway under a sampling profiler: user CPU by module, in its place, under load.

``python -m tests.benchmark.sampler FILE`` serves as ``wethod-graphql serve`` does, and writes the number of samples of
each module to FILE when it ends. SIGUSR1 starts the sampling.
"""

from __future__ import annotations

import collections
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import main

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parents[2]
_INTERVAL_SECONDS = 0.001
_OURS = tuple(f"{ROOT / name}/" for name in ("app", "schema"))

samples: collections.Counter[str] = collections.Counter()


def sample(_: int, frame: FrameType | None) -> None:
    """Count the innermost module of ours on the stack."""
    while frame is not None and not frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    samples["" if frame is None else str(Path(frame.f_code.co_filename).relative_to(ROOT))] += 1


def start(*_: object) -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, _INTERVAL_SECONDS, _INTERVAL_SECONDS)


if __name__ == "__main__":
    signal.signal(signal.SIGVTALRM, sample)
    signal.signal(signal.SIGUSR1, start)
    try:
        main(["serve"])
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        Path(sys.argv[1]).write_text(json.dumps(samples), encoding="utf-8")
