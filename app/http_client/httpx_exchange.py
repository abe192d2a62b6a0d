"""One request over one httpx transport, and what is known of it at any moment."""

from __future__ import annotations

import asyncio
import enum
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from app.http_client.transport import (
    BODY_SECONDS,
    MAX_BODY_BYTES,
    BodyNeed,
    Interrupted,
    NotSent,
    Origin,
    RawHeaders,
    Reply,
    Request,
    body_need,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Meaning(enum.Enum):
    """What an exception of httpx says about the request."""

    NOT_SENT = enum.auto()
    INTERRUPTED = enum.auto()
    ANSWERED_WITHOUT_BODY = enum.auto()


MEANINGS: Mapping[type[Exception], Meaning] = {
    httpx.ConnectError: Meaning.NOT_SENT,
    httpx.ConnectTimeout: Meaning.NOT_SENT,
    httpx.InvalidURL: Meaning.NOT_SENT,
    httpx.LocalProtocolError: Meaning.NOT_SENT,
    httpx.PoolTimeout: Meaning.NOT_SENT,
    httpx.ProxyError: Meaning.NOT_SENT,
    httpx.RequestNotRead: Meaning.NOT_SENT,
    httpx.UnsupportedProtocol: Meaning.NOT_SENT,
    httpx.CloseError: Meaning.INTERRUPTED,
    httpx.CookieConflict: Meaning.INTERRUPTED,
    httpx.HTTPError: Meaning.INTERRUPTED,
    httpx.NetworkError: Meaning.INTERRUPTED,
    httpx.ProtocolError: Meaning.INTERRUPTED,
    httpx.ReadError: Meaning.INTERRUPTED,
    httpx.ReadTimeout: Meaning.INTERRUPTED,
    httpx.RemoteProtocolError: Meaning.INTERRUPTED,
    httpx.RequestError: Meaning.INTERRUPTED,
    httpx.StreamError: Meaning.INTERRUPTED,
    httpx.TimeoutException: Meaning.INTERRUPTED,
    httpx.TransportError: Meaning.INTERRUPTED,
    httpx.WriteError: Meaning.INTERRUPTED,
    httpx.WriteTimeout: Meaning.INTERRUPTED,
    httpx.DecodingError: Meaning.ANSWERED_WITHOUT_BODY,
    httpx.HTTPStatusError: Meaning.ANSWERED_WITHOUT_BODY,
    httpx.ResponseNotRead: Meaning.ANSWERED_WITHOUT_BODY,
    httpx.StreamClosed: Meaning.ANSWERED_WITHOUT_BODY,
    httpx.StreamConsumed: Meaning.ANSWERED_WITHOUT_BODY,
    httpx.TooManyRedirects: Meaning.ANSWERED_WITHOUT_BODY,
}
"""Every exception class of httpx. One that could mean two things has the meaning that promises less."""


class Stage(enum.Enum):
    """How far a request got, by httpcore's trace events."""

    CONNECTING = enum.auto()
    TUNNELLING = enum.auto()
    WRITTEN = enum.auto()


class Exchange:
    """One request under way.

    Attributes:
        stage: how far the request got.
        over: set once the caller has its answer; nothing is written after it.
    """

    __slots__ = ("_body", "_failure", "_headers", "_request", "_status", "_wire", "over", "stage")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._status: int | None = None
        self._headers: RawHeaders = ()
        self._body: bytes | None = None
        self._failure: Exception | None = None
        self._wire: httpcore.AsyncNetworkStream | None = None
        self.stage = Stage.CONNECTING
        self.over = False

    async def run(self, transport: httpx.AsyncHTTPTransport, origin: Origin) -> None:
        """Carry the request and read the answer; whatever ends it, its connection is closed."""
        try:
            response = await transport.handle_async_request(self._message(origin))
            self._headers = tuple((name.lower(), value) for name, value in response.headers.raw)
            self._status = response.status_code
            self._body = await self._read_body(response)
        except Exception as failure:  # noqa: BLE001 - `outcome` says what any of them means
            self._failure = failure
            if isinstance(failure, httpx.RemoteProtocolError) and "_SWITCH_UPGRADE" in str(failure):
                # h11 has no event for a change of protocols that nobody proposed; its answer is a 101 all the same.
                self._status, self._body = HTTPStatus.SWITCHING_PROTOCOLS, b""
        finally:
            if self._wire is not None:
                # httpcore loses the socket of a TLS handshake that is cancelled.
                await self._wire.aclose()
            await transport.aclose()

    def outcome(self) -> Reply:
        """Say what is known.

        Raises:
            NotSent: nothing of the request was written.
            Interrupted: something was, and no complete head came back.
        """
        if self._status is not None:
            return Reply(self._status, self._headers, self._body)
        failure = self._failure
        if isinstance(failure, NotSent):
            raise failure
        if failure is None:
            if self.stage is Stage.WRITTEN:
                raise Interrupted("no answer in time")
            raise NotSent("no connection in time")
        reason = f"{type(failure).__name__}: {failure}"
        if self.stage is Stage.WRITTEN or (self.stage is Stage.CONNECTING and claims_more_than_connecting(failure)):
            raise Interrupted(reason) from failure
        raise NotSent(reason, transient=not refused_certificate(failure)) from failure

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow httpcore; nothing suspends between the event of a write and the write.

        Raises:
            NotSent: in place of the first byte, when it would come too late.
        """
        if event == "connection.connect_tcp.complete":
            self._wire = info["return_value"]
        elif event == "http11.send_request_headers.started":
            if info["request"].method == b"CONNECT":
                self.stage = Stage.TUNNELLING
                return
            if self.over or asyncio.get_running_loop().time() >= self._request.send_by:
                raise NotSent("the time to send ran out while connecting")
            self.stage = Stage.WRITTEN
        elif event == "http11.send_request_headers.failed" and isinstance(
            info["exception"], httpcore.LocalProtocolError
        ):
            # h11 refuses a head before any of it is written.
            self.stage = Stage.CONNECTING

    def _message(self, origin: Origin) -> httpx.Request:
        target = self._request.target
        url = httpx.URL(scheme=origin.scheme, host=origin.host, port=origin.port, raw_path=target)
        if url.raw_path != target:
            # httpx resolves dot segments: another contact's path, or the collection's.
            raise NotSent("httpx would send another target than the one given", transient=False)
        return httpx.Request(
            self._request.method.decode("ascii"),
            url,
            headers=[(b"Host", origin.authority), *self._request.shared.fields, *self._request.headers],
            stream=httpx.ByteStream(b""),
            extensions={"trace": self._trace},
        )

    async def _read_body(self, response: httpx.Response) -> bytes | None:
        need = body_need(response.status_code, self._headers)
        if need is BodyNeed.NONE:
            return b""
        if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in self._headers):
            return None
        limit = MAX_BODY_BYTES if need is BodyNeed.WHOLE else 0
        received = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in response.aiter_raw():
                    received += chunk
                    if len(received) > limit:
                        # The reading then ends by itself; to leave the loop would leave httpcore's generators open.
                        await response.aclose()
        except (TimeoutError, httpx.HTTPError):
            if need is BodyNeed.WHOLE or not received:
                return None
        return bytes(received) if need is BodyNeed.FIRST_BYTE or len(received) <= limit else None


def claims_more_than_connecting(failure: Exception) -> bool:
    """Whether a class means that something was sent.

    An event that a later httpcore does not tell must not turn an interrupted request into one that was never sent.
    """
    return MEANINGS.get(type(failure), Meaning.NOT_SENT) is not Meaning.NOT_SENT


def refused_certificate(failure: BaseException | None) -> bool:
    """Whether a certificate that does not hold is among the causes of an exception."""
    while failure is not None:
        if isinstance(failure, ssl.SSLCertVerificationError):
            return True
        failure = failure.__cause__ or failure.__context__
    return False
