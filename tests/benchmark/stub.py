"""An upstream that costs next to nothing: constant answers, endless keep-alive, a count of its requests."""

from __future__ import annotations

import asyncio
import sys

_LATE_SECONDS = 0.05
_OK = b'{"message":"Contact successfully deleted."}'


class Stub(asyncio.Protocol):
    """Answers 200, below ``/unlike`` each with a head of its own, below ``/error/N`` a 403 whose body has N bytes.

    Below ``/late`` it answers after 50 ms.

    For ``/count`` it answers how many requests it has seen.
    """

    deletes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request; none of them has a body."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            target = head.split(b" ", 2)[1]
            if target == b"/count":
                self._answer(200, str(Stub.deletes).encode())
                continue
            Stub.deletes += 1
            if target.startswith(b"/error/"):
                size = int(target.split(b"/")[2])
                self._answer(403, b'{"message":"%s"}' % (b"x" * max(0, size - 14)))
            elif target.startswith(b"/unlike/"):
                self._answer(200, _OK, b"X-Request-ID: %d\r\n" % Stub.deletes)
            elif target.startswith(b"/late/"):
                asyncio.get_running_loop().call_later(_LATE_SECONDS, self._answer, 200, _OK)
            else:
                self._answer(200, _OK)

    def _answer(self, status: int, body: bytes, line: bytes = b"") -> None:
        head = b"HTTP/1.1 %d X\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (
            status,
            line,
            len(body),
        )
        self._transport.write(head + body)  # type: ignore[attr-defined]


async def main(port: int) -> None:
    """Serve until stopped."""
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
