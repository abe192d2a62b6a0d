"""The error that stops a start."""

from __future__ import annotations


class StartError(Exception):
    """The gateway cannot start. The message is one line for the operator."""
