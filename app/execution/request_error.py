"""TRANSITION: stands in for the module of the same name in the rewritten ``execution``; take theirs at the merge."""

from __future__ import annotations

from app.documents.request_error import ErrorCode
from app.documents.request_error import Refusal as RequestError

__all__ = ["ErrorCode", "RequestError"]
