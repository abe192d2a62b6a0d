"""An upstream that costs next to nothing: it answers every DELETE with 200 and counts them.

``GET /count`` answers the count. ``GET /differ`` makes each reply different from the one before, as an API that counts
does in its headers; ``GET /same`` repeats one reply.
"""

from __future__ import annotations

import asyncio
import sys

_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: stub\r\nDate: Tue, 24 Nov 2026 05:46:17 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\nX-RateLimit-Remaining: %d\r\n\r\n"
)
_DELETED = b'{"message":"Contact successfully deleted."}'
_FIRST_REMAINING = 1_000_000


class Stub(asyncio.Protocol):
    deletes = 0
    differ = True

    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # a socket's, always
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Answer every complete request; none of them has a body."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            if head.startswith(b"DELETE "):
                Stub.deletes += 1
                self._answer(_DELETED)
                continue
            target = head.split(b" ", 2)[1]
            if target in {b"/differ", b"/same"}:
                Stub.differ = target == b"/differ"
            self._answer(b"%d" % Stub.deletes)

    def _answer(self, body: bytes) -> None:
        remaining = _FIRST_REMAINING + (Stub.deletes if Stub.differ else 0)
        self._transport.write(_HEAD % (len(body), remaining) + body)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
