"""The HTTP request of a call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app.http_client.transport import Request
from schema.errors import WethodFailure
from schema.json_codec import encode

if TYPE_CHECKING:
    from app.wethod.call import Arguments, CallContext
    from schema.rest import RestOperation

_PATH_PARAMETER = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_JSON = (b"Content-Type", b"application/json")


def check_path(operation: RestOperation[Any, Any], arguments: Arguments) -> list[WethodFailure]:
    """Check that no path parameter can change the rest of the path, even if the operation's own check allows it."""
    failures = []
    for position in operation.path_parameters:
        if not _PATH_PARAMETER.fullmatch(str(arguments[position])):
            name = operation.parameters[position]
            failures.append(WethodFailure(field=name, message="Must be 1 to 64 letters, digits or hyphens."))
    return failures


def build(
    operation: RestOperation[Any, Any], context: CallContext, arguments: Arguments, *, base_path: str, send_by: float
) -> Request:
    """Build the request of a call whose arguments and caller have been checked."""
    target = base_path + operation.path_format.format(*arguments)
    if operation.query is not None and (pairs := operation.query(*arguments)):
        target += "?" + urlencode(pairs)
    headers = context.caller.forwarded_headers()
    body: bytes | None = None
    if operation.body is not None:
        body = encode(operation.body(*arguments))
        headers = (*headers, _JSON)
    return Request(
        method=operation.method.encode("ascii"),
        target=target.encode("ascii"),
        headers=headers,
        send_by=send_by,
        deadline=context.deadline,
        body_needed=operation.body_needed,
        fairness_key=context.caller.authorization,
        body=body,
    )
