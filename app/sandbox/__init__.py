"""A small Wethod on SQLite, for demonstrations and tests: contacts that can be deleted without harm."""

from __future__ import annotations

from app.sandbox.application import run_sandbox, serve_sandbox

__all__ = ["run_sandbox", "serve_sandbox"]
