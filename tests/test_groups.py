"""Tests that share a costly fixture run in one process."""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from tests.commands import ROOT, run


def test_a_group_and_a_file_stay_in_one_process() -> None:
    """A version of pytest or pytest-xdist may ignore the groups."""
    files = "tests/test_deploy.py tests/test_locks.py tests/scale/test_document.py"
    output = run(f"{sys.executable} -m pytest -n 2 -v -p no:cacheprovider {files}", ROOT)
    processes = defaultdict(set)
    for process, file in re.findall(r"\[(gw\d)\].* (tests/\S+)::", output):
        processes[file].add(process)
    assert len(processes) > 1
    assert all(len(names) == 1 for names in processes.values()), processes
