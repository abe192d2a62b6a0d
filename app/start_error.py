"""The error that stops a start."""

from __future__ import annotations


class StartError(Exception):
    """The gateway cannot start. The message is for the operator, a line for each problem."""
