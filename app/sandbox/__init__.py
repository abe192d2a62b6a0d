"""A small Wethod on SQLite, for demonstrations and tests: contacts that can be deleted without harm."""

from __future__ import annotations

from app.sandbox.application import create_sandbox
from app.sandbox.contacts import DatabaseUnusableError
from app.sandbox.runner import SandboxThread, run_sandbox
from app.sandbox.server import serve_sandbox

__all__ = ["DatabaseUnusableError", "SandboxThread", "create_sandbox", "run_sandbox", "serve_sandbox"]
