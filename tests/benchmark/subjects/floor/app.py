"""A bare ASGI application: reads the JSON, answers a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_BODY = b'{"data":{"deleteContact":{"__typename":"DeleteContactSuccess","message":"Contact successfully deleted."}}}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    del scope
    message = await receive()
    msgspec.json.decode(message["body"])
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
