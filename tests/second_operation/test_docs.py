"""The page that explains how to add an operation shows the code that is tested."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = (FOLDER.parent.parent / "docs" / "adding-an-operation.md").read_text(encoding="utf-8")
FILES = ("update_email.py", "read_contact.py", "root.py")
CODE = "".join((FOLDER / name).read_text(encoding="utf-8") for name in FILES)


def test_every_block_of_the_page_is_tested_code() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 6
    for block in blocks:
        assert block in CODE, block
