"""One request over one httpx transport, and what is known about it at any moment."""

from __future__ import annotations

import asyncio
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from app.headers import parse_headers
from app.http_client.request_encoder import encode_request, sent_headers
from app.http_client.response_parser import has_character, is_encoded
from app.http_client.tls import is_orderly_end
from app.http_client.transport import (
    BODY_SECONDS,
    LISTEN_SECONDS,
    MAX_BODY_BYTES,
    ClosedEarly,
    Interrupted,
    NotSent,
    Origin,
    Response,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpcore

    from app.http_client.transport import Request

NOTHING_WRITTEN = frozenset(
    {
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.LocalProtocolError,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
    }
)
"""The exceptions of httpx that come before the first byte. Before any other, a byte may have been written."""

_DISCONNECTED = "Server disconnected without sending a response."
"""The one message of a protocol error that httpcore writes itself."""


class Exchange:
    """One request in flight on a transport of its own.

    Args:
        request: the request.
        origin: the server that the request is for.
        server_name: the name of the server to connect to, for TLS: that of the origin or of a proxy.
        connect_only: only a connection is wanted.

    Attributes:
        hold_back: no first byte may be written, because the caller has its outcome.
        connected: the connection was ready for the first byte.
        tls_version: the version of the last TLS handshake, with the proxy or the server; None without TLS.

    Raises:
        NotSent: httpx refuses the host.
        ValueError: the request cannot be written as it is given.
    """

    def __init__(self, request: Request, origin: Origin, server_name: str, *, connect_only: bool = False) -> None:
        self._request = request
        self._url = _target_url(origin, request.target)
        self._extensions = {"trace": self._trace, "sni_hostname": server_name}
        self._sent_headers = sent_headers(request, origin.authority)
        encode_request(request, origin.authority)  # only to refuse what cannot be sent
        self._status: int | None = None
        self._headers = parse_headers(())
        self._body: bytes | None = None
        self._failure: Exception | None = None
        self._stream: httpcore.AsyncNetworkStream | None = None
        self._tunnels = False
        self._connect_only = connect_only
        self.hold_back = False
        self.connected = False
        self.tls_version: str | None = None

    async def run(self, transport: httpx.AsyncHTTPTransport) -> None:
        """Send the request and read the response; at the end, the connection is closed."""
        try:
            response = await transport.handle_async_request(
                httpx.Request(
                    self._request.method.decode("ascii"),
                    self._url,
                    headers=self._sent_headers,
                    stream=httpx.ByteStream(self._request.body or b""),
                    extensions=self._extensions,
                )
            )
            self._headers = parse_headers([(name.lower(), value) for name, value in response.headers.raw])
            self._status = response.status_code
            self._body = await self._read_body(response)
        except Exception as failure:  # noqa: BLE001 - `outcome` says what any of them means
            self._failure = failure
            switched = isinstance(failure, httpx.RemoteProtocolError) and "_SWITCH_UPGRADE" in str(failure)
            if switched and self._request.written:
                # h11 has no event for a change of protocols that was not proposed; the response is a 101. Before the
                # request is written, it is a proxy's response to a CONNECT.
                self._status, self._body = HTTPStatus.SWITCHING_PROTOCOLS, b""
        finally:
            if self._stream is not None:
                # httpcore loses the socket if a TLS handshake is cancelled.
                await self._stream.aclose()
            await transport.aclose()

    @property
    def response(self) -> Response | None:
        """The response, if its head is complete."""
        return None if self._status is None else Response(self._status, self._headers, self._body)

    def outcome(self) -> Response:
        """Return the response, or raise what is known without one.

        Raises:
            NotSent: nothing of the request was written.
            Interrupted: something was, and no complete head came back.
        """
        response = self.response
        if response is not None:
            return response
        failure = self._failure
        if isinstance(failure, NotSent):
            raise failure
        reason = f"{type(failure).__name__}: {failure}" if failure else "no response in time"
        if isinstance(failure, httpx.ProxyError):
            # The rest of the message is the proxy's own text, which could hold anything.
            reason = f"the proxy answers {str(failure)[:3]}"
        elif isinstance(failure, httpx.RemoteProtocolError) and str(failure) != _DISCONNECTED:
            # h11 quotes what it cannot parse, such as a cookie.
            reason = "the response is not well-formed HTTP"
        # If httpcore stops reporting its events, the class of the exception must not turn an interrupted request into
        # one that was not sent.
        unreported = isinstance(failure, httpx.HTTPError) and type(failure) not in NOTHING_WRITTEN
        if self._request.written or (unreported and not self._tunnels):
            raise Interrupted(reason) from failure
        if failure is None:
            raise NotSent("no connection in time") from TimeoutError()
        refused = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes_of(failure))
        raise NotSent(reason, transient=not refused) from failure

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow the events of httpcore.

        Raises:
            NotSent: it is too late for the first byte, or ``hold_back`` is set, or only a connection is wanted.
        """
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event.endswith(".start_tls.complete"):
            self._stream = info["return_value"]
            self.tls_version = info["return_value"].get_extra_info("ssl_object").version()
        elif event == "http11.send_request_headers.started":
            if info["request"].method == b"CONNECT":
                self._tunnels = True
                return
            self.connected = True
            if self._connect_only:
                await self._listen()
                raise NotSent("nothing was to be sent")
            if self.hold_back or asyncio.get_running_loop().time() >= self._request.send_by:
                raise NotSent("the time to send ended while connecting")
            self._request.written = True

    async def _listen(self) -> None:
        """Wait for ``LISTEN_SECONDS``, in which the server should do nothing.

        Raises:
            ClosedEarly: the server closed the connection, or sent bytes.
        """
        assert self._stream is not None  # noqa: S101 - it is connected
        try:
            async with asyncio.timeout(LISTEN_SECONDS):
                await self._stream.read(1)
        except TimeoutError:
            return
        except Exception:  # noqa: BLE001, S110 - a failed read is the end of the connection
            pass
        self.connected = False
        raise ClosedEarly("the connection was closed, or bytes arrived, before a request was written")

    async def _read_body(self, response: httpx.Response) -> bytes | None:
        need = self._request.body_needed(response.status_code, self._headers)
        if need == "none":
            return b""
        if is_encoded(self._headers):
            return None
        received = bytearray()
        enough = False
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in response.aiter_raw():
                    received += chunk
                    enough = enough or (need == "first" and has_character(chunk))
                    if enough or len(received) > MAX_BODY_BYTES:
                        # Iteration then ends by itself; leaving the loop would leave httpcore's generators open.
                        await response.aclose()
        except (TimeoutError, httpx.HTTPError):
            if not enough:
                return None
        ended_by_connection = b"content-length" not in self._headers and b"transfer-encoding" not in self._headers
        if not enough and ended_by_connection:
            stream: httpcore.AsyncNetworkStream = response.extensions["network_stream"]
            if not is_orderly_end(stream.get_extra_info("ssl_object")):
                return None
        return bytes(received) if enough or len(received) <= MAX_BODY_BYTES else None


def _target_url(origin: Origin, target: bytes) -> httpx.URL:
    try:
        url = httpx.URL(scheme=origin.scheme, host=origin.host, port=origin.port, raw_path=target)
    except httpx.InvalidURL as error:
        raise NotSent(f"InvalidURL: {error}", transient=False) from error
    if url.raw_path != target:
        # httpx resolves dot segments, which would be another resource's path.
        raise ValueError("httpx would send another target than the one given")
    return url


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes, also those of a group, the innermost first."""
    if error is not None:
        yield from causes_of(error.__cause__ or error.__context__)
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from causes_of(member)
        yield error
