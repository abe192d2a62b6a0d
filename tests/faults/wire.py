"""The upstream's end of one connection: a raw socket, with or without TLS, that never reads ahead."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import struct

CHUNK = 64 * 1024


class Wire:
    """One accepted connection.

    asyncio's own streams read ahead and answer TLS by themselves; a hostile upstream has to decide both.
    """

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._socket = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.set_tls(tls)

    def set_tls(self, tls: ssl.SSLContext | None) -> None:
        """Choose TLS or none, before anything is received or sent."""
        self._tls = None if tls is None else tls.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def shake_hands(self) -> None:
        """Do the TLS handshake; do nothing if the connection is plain.

        Raises:
            OSError: the peer refused, or closed the connection.
        """
        while self._tls is not None:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                await self._flush()
                raise
            else:
                await self._flush()
                return

    async def arrival(self) -> None:
        """Wait until bytes have arrived, and do not read them."""
        # The loop has no way to wait for a socket that is not read.
        while not self._incoming.pending and not select.select([self._socket], [], [], 0)[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    async def receive(self, limit: int = CHUNK) -> bytes:
        """Receive up to ``limit`` bytes; none if the peer has closed or reset the connection."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            if self._tls is None:
                return await loop.sock_recv(self._socket, limit)
            while True:
                try:
                    return self._tls.read(limit)
                except ssl.SSLWantReadError:
                    await self._flush()
                    await self._fill()
        return b""

    async def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: the peer is gone.
        """
        if self._tls is None:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)
        else:
            self._tls.write(data)
            await self._flush()

    async def send_below_tls(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def notify_close(self) -> None:
        """Send TLS's closure alert (RFC 8446 §6.1); do nothing if the connection is plain."""
        if self._tls is not None:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            await self._flush()

    def finish(self) -> None:
        """Send a FIN; what the peer still sends can be received."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    async def relay(self, port: int) -> None:
        """Pass bytes on to a loopback port and back, until either end is done."""
        loop = asyncio.get_running_loop()
        with socket.socket() as further:
            further.settimeout(0)
            await loop.sock_connect(further, ("127.0.0.1", port))

            async def there() -> None:
                while data := await self.receive():
                    await loop.sock_sendall(further, data)

            async def back() -> None:
                while data := await loop.sock_recv(further, CHUNK):
                    await self.send(data)

            ways = [asyncio.create_task(there()), asyncio.create_task(back())]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def departure(self) -> None:
        """Wait until the peer has closed or reset the connection."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while await loop.sock_recv(self._socket, CHUNK):
                pass

    def reset(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()

    async def _fill(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._socket, CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await asyncio.get_running_loop().sock_sendall(self._socket, self._outgoing.read())
