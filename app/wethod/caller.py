"""The caller of one request: token, company and version, read from the headers once."""

from __future__ import annotations

import functools
import re
import secrets
from typing import TYPE_CHECKING

import msgspec

from app import __version__
from app.settings import COMPANY, is_calendar_date
from schema.context import WethodContext
from schema.errors import WethodFailure

if TYPE_CHECKING:
    from app.headers import Headers, RawHeaders
    from app.settings import Settings

COMPANY_HEADER = "Wethod-Company"
VERSION_HEADER = "Wethod-Version"

# The scheme is not case-sensitive (RFC 9110 §11.1). Wethod checks the token: any visible ASCII is forwarded.
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]+)")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# W3C Trace Context §3.2. Only version 00 is known and forwarded.
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile(rb"[\x20-\x7e]{1,512}")

_ROUTERS = "Routers drop it unless configured to forward it."

_FIXED: RawHeaders = (
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"identity"),
    (b"User-Agent", f"wethod-graphql/{__version__}".encode("ascii")),
)


class Caller(msgspec.Struct, frozen=True, gc=False):
    """The caller of one request.

    Attributes:
        authorization: the value to forward; empty if no usable one arrived.
        authorization_problem: the reason why none is usable; empty if one is.
        company: the company to forward; None if the one that arrived is refused, or if none arrived and none is pinned.
        version: the API version to forward; None if the one that arrived is not usable.
        failures: the problems of company and version, in this order.
        headers: all header fields that arrived.
        request_id: the request's id: the client's own if it is usable, else a new one.
        client: the client's address; empty if it is not known.
        trace: header fields of the trace context to forward; empty unless a setting says so.
    """

    authorization: bytes
    authorization_problem: str
    company: str | None
    version: str | None
    failures: tuple[WethodFailure, ...]
    headers: Headers
    request_id: str
    client: str = ""
    trace: RawHeaders = ()

    def __repr__(self) -> str:
        """Without the token."""
        return f"Caller(company={self.company!r}, version={self.version!r}, request_id={self.request_id!r})"

    def forwarded_headers(self) -> RawHeaders:
        """The header fields for Wethod. Only for a caller without problems."""
        assert self.authorization and self.company and self.version  # noqa: S101, PT018 - checked before
        return (
            (b"Authorization", self.authorization),
            (b"Wethod-Company", self.company.encode("ascii")),
            (b"Wethod-Version", self.version.encode("ascii")),
            *_FIXED,
            (b"X-Request-ID", self.request_id.encode("ascii")),
            *self.trace,
        )


class CallerReader:
    """A reader of callers from the headers of requests.

    Args:
        settings: the name of the Authorization header, the pinned company, the default version, and the switch that
            forwards the trace context.
    """

    def __init__(self, settings: Settings) -> None:
        self._authorization_header = settings.gateway_authorization_header
        self._authorization_name = self._authorization_header.lower().encode("ascii")
        self._pinned_company = settings.wethod_company
        self._default_version = settings.wethod_version
        self._trace_upstream = settings.gateway_trace_upstream
        self._shown = {
            self._authorization_name: self._authorization_header,
            b"wethod-company": COMPANY_HEADER,
            b"wethod-version": VERSION_HEADER,
        }

    def read(self, headers: Headers, client: str = "") -> Caller:
        """Read the caller.

        Args:
            headers: those of the request.
            client: the client's address; empty if it is not known.
        """
        failures: list[WethodFailure] = []
        authorization, problem = self._read_authorization(headers)
        company = self._read_company(headers, failures)
        version = self._read_version(headers, failures)
        return Caller(
            authorization,
            problem,
            company,
            version,
            tuple(failures),
            headers,
            _request_id(headers),
            client,
            _trace(headers) if self._trace_upstream else (),
        )

    def describe(self, caller: Caller) -> WethodContext:
        """Describe the values that would be forwarded, and the problems that prevent it."""
        unauthorized = (
            [WethodFailure(field=self._authorization_header, message=caller.authorization_problem)]
            if not caller.authorization
            else []
        )
        return WethodContext(
            company=caller.company,
            version=caller.version,
            received_headers=[shown for name, shown in self._shown.items() if name in caller.headers],
            failures=[*unauthorized, *caller.failures],
        )

    def _read_authorization(self, headers: Headers) -> tuple[bytes, str]:
        name = self._authorization_header
        value = headers.get(self._authorization_name)
        if value is None:
            return b"", f"The header {name} did not arrive. It carries the caller's Wethod token. {_ROUTERS}"
        if headers.repeated and (values := headers.repeated.get(self._authorization_name)):
            return b"", f"The header {name} arrived {len(values)} times; one was expected."
        match = _BEARER.fullmatch(value)
        if not match:
            return b"", f"The header {name} is not of the form `Bearer <token>`."
        return b"Bearer " + match[1], ""

    def _read_company(self, headers: Headers, failures: list[WethodFailure]) -> str | None:
        pinned = self._pinned_company
        value = headers.get(b"wethod-company")
        if value is None:
            if pinned is None:
                message = (
                    "The header did not arrive. It names the company: the sub-domain of its Wethod address, "
                    f"such as acme. {_ROUTERS}"
                )
                failures.append(WethodFailure(field=COMPANY_HEADER, message=message))
            return pinned
        text = None if b"wethod-company" in headers.repeated else _company(value)
        if text is None:
            message = _problem(headers, b"wethod-company") or "Must be the sub-domain of a company, such as acme."
            failures.append(WethodFailure(field=COMPANY_HEADER, message=message))
            return None
        if pinned is not None and text.lower() != pinned.lower():
            failures.append(WethodFailure(field=COMPANY_HEADER, message="This gateway serves another company only."))
            return None
        return pinned or text

    def _read_version(self, headers: Headers, failures: list[WethodFailure]) -> str | None:
        value = headers.get(b"wethod-version")
        if value is None:
            return self._default_version
        text = None if b"wethod-version" in headers.repeated else _version(value)
        if text is None:
            message = _problem(headers, b"wethod-version") or "Must be a date, such as 2024-06-15."
            failures.append(WethodFailure(field=VERSION_HEADER, message=message))
        return text


def _problem(headers: Headers, name: bytes) -> str | None:
    """A problem that any header can have: repeated, blank or not ASCII; None if it has none of them."""
    values = headers.repeated.get(name)
    if values:
        return f"The header arrived {len(values)} times; one was expected."
    if not headers[name].strip():
        return "The header is blank."
    return None if headers[name].isascii() else "The header is not ASCII."


# Few versions and companies are in use, and neither is a secret.
@functools.lru_cache(maxsize=64)
def _version(value: bytes) -> str | None:
    text = value.decode("latin-1")
    return text if is_calendar_date(text) else None


@functools.lru_cache(maxsize=256)
def _company(value: bytes) -> str | None:
    text = value.decode("latin-1")
    return text if COMPANY.fullmatch(text) else None


def _trace(headers: Headers) -> RawHeaders:
    """The trace context that arrived; nothing if it is not usable."""
    traceparent = headers.get(b"traceparent", b"")
    if b"traceparent" in headers.repeated or not _TRACEPARENT.fullmatch(traceparent):
        return ()
    # Several fields are one list (W3C Trace Context §3.3.1).
    tracestate = headers.joined(b"tracestate")
    if _TRACESTATE.fullmatch(tracestate):
        return (b"traceparent", traceparent), (b"tracestate", tracestate)
    return ((b"traceparent", traceparent),)


def _request_id(headers: Headers) -> str:
    given = headers.get(b"x-request-id")
    if given and b"x-request-id" not in headers.repeated and _REQUEST_ID.fullmatch(given):
        return given.decode("ascii")
    return secrets.token_hex(16)
