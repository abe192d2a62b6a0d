"""``python -m app`` is ``wethod-graphql``."""

from app.cli import PROGRAM, main

main(prog_name=PROGRAM)
