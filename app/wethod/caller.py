"""The context of one request: who asks, for which company, in which version, as the headers say."""

from __future__ import annotations

import functools
import re
import secrets
from typing import TYPE_CHECKING

import msgspec

from app.http_client.request_head import NO_FIELDS, SharedFields, caller_fields
from app.settings import COMPANY, is_calendar_date
from schema.context import WethodContext
from schema.errors import WethodFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from app.headers import Fields
    from app.http_client.transport import RawHeaders
    from app.settings import Settings
    from app.wethod.executor import WethodClient
    from schema.contact import DeleteContactOutcome

COMPANY_HEADER = "Wethod-Company"
VERSION_HEADER = "Wethod-Version"

# The scheme in any case (RFC 9110 §11.1), and visible ASCII: judging tokens is the task of Wethod.
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]+)")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# W3C Trace Context section 3.2; only version 00 is understood, and passed on.
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile(rb"[\x20-\x7e]{1,512}")

_ROUTERS = "Routers drop it unless they are told to pass it on."


class Caller(msgspec.Struct, frozen=True, gc=False):
    """What the headers of one request say, read once.

    Attributes:
        authorization: the value to forward; None where no usable one arrived.
        authorization_problem: why not; empty where there is one.
        company: the company to forward; None where no usable one arrived and none is pinned.
        version: the API version to forward; None where the one that arrived is unusable.
        failures: what is wrong with company and version, in this order.
        received: which of the three headers arrived, by configured name.
        forwarded: the header fields for Wethod; none where one of the three is missing.
        request_id: the request's id, the caller's own where it is a usable one.
        client: the client's address as the trusted proxies give it; empty where it is not known.
        trace: trace context to pass on, empty unless a setting says so.
        traceparent: the trace context that arrived, None where none usable did.
    """

    authorization: bytes | None
    authorization_problem: str
    company: str | None
    version: str | None
    failures: tuple[WethodFailure, ...]
    received: tuple[str, ...]
    forwarded: SharedFields
    request_id: str
    client: str = ""
    trace: RawHeaders = ()
    traceparent: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Caller(company={self.company!r}, version={self.version!r}, request_id={self.request_id!r})"


class CallerReader:
    """Reads the caller from a request's headers by this gateway's settings."""

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
        self._received = tuple(self._shown.values())

    def read(self, fields: Fields, client: str = "") -> Caller:
        """Read the caller, once for all requests of the same head.

        Args:
            fields: those of the request's head.
            client: the client's address.
        """
        known = fields.caller
        if known is not None and known.client == client:
            # The head is that of an earlier request and says the same, but an id that it does not give is new.
            given = fields.get(b"x-request-id")
            if given is not None and given == known.request_id.encode("ascii"):
                return known
            return msgspec.structs.replace(known, request_id=_REQUEST_IDS.next())
        caller = fields.caller = self._read(fields, client)
        return caller

    def _read(self, fields: Fields, client: str) -> Caller:
        bearer = fields.get(self._authorization_name)
        company = fields.get(b"wethod-company")
        version = fields.get(b"wethod-version")
        request_id = fields.get(b"x-request-id")
        traceparent = fields.get(b"traceparent")
        failures: list[WethodFailure] = []
        authorization, problem = self._read_authorization(bearer)
        usable_company = self._read_company(company, failures)
        usable_version = self._read_version(version, failures)
        received = self._received
        if bearer is None or company is None or version is None:
            received = tuple(shown for name, shown in self._shown.items() if name in fields)
        if not isinstance(traceparent, bytes) or not _TRACEPARENT.fullmatch(traceparent):
            traceparent = None
        return Caller(
            authorization,
            problem,
            usable_company,
            usable_version,
            tuple(failures),
            received,
            caller_fields(authorization, usable_company, usable_version)
            if authorization and usable_company and usable_version
            else NO_FIELDS,
            (
                request_id.decode("ascii")
                if isinstance(request_id, bytes) and _REQUEST_ID.fullmatch(request_id)
                else _REQUEST_IDS.next()
            ),
            client,
            _trace(traceparent, fields.get(b"tracestate")) if self._trace_upstream and traceparent else (),
            traceparent.decode("ascii") if traceparent else None,
        )

    def _read_authorization(self, value: bytes | list[bytes] | None) -> tuple[bytes | None, str]:
        name = self._authorization_header
        if value is None:
            return None, f"The header {name} did not arrive. It carries the caller's Wethod token. {_ROUTERS}"
        if isinstance(value, list):
            return None, f"The header {name} arrived {len(value)} times; one was expected."
        match = _BEARER.fullmatch(value)
        if not match:
            return None, f"The header {name} is not of the form `Bearer <token>`."
        return b"Bearer " + match[1], ""

    def _read_company(self, value: bytes | list[bytes] | None, failures: list[WethodFailure]) -> str | None:
        pinned = self._pinned_company
        if value is None:
            if pinned is None:
                failures.append(
                    WethodFailure(
                        field=COMPANY_HEADER,
                        message="The header did not arrive. It names the company: the sub-domain of its Wethod "
                        f"address, such as acme. {_ROUTERS}",
                    )
                )
            return pinned
        text = _company(value) if isinstance(value, bytes) and len(value) <= _LONGEST else None
        if text is None:
            if _single(COMPANY_HEADER, value, failures) is not None:
                failures.append(
                    WethodFailure(field=COMPANY_HEADER, message="Must be the sub-domain of a company, such as acme.")
                )
            return None
        if pinned is not None and text.lower() != pinned.lower():
            failures.append(WethodFailure(field=COMPANY_HEADER, message="This gateway serves another company only."))
            return None
        return pinned or text

    def _read_version(self, value: bytes | list[bytes] | None, failures: list[WethodFailure]) -> str | None:
        if value is None:
            return self._default_version
        text = _version(value) if isinstance(value, bytes) and len(value) <= _LONGEST else None
        if text is None and _single(VERSION_HEADER, value, failures) is not None:
            failures.append(WethodFailure(field=VERSION_HEADER, message="Must be a date, such as 2024-06-15."))
        return text

    def describe(self, caller: Caller) -> WethodContext:
        """What the caller's request would forward, and what would keep it from being forwarded."""
        unauthorized = (
            [WethodFailure(field=self._authorization_header, message=caller.authorization_problem)]
            if caller.authorization is None
            else []
        )
        return WethodContext(
            company=caller.company,
            version=caller.version,
            received_headers=list(caller.received),
            failures=[*unauthorized, *caller.failures],
        )


# The few versions and companies that are in use are asked about with every request.
_LONGEST = 63
"""A longer value is neither, and not worth remembering."""


@functools.lru_cache(maxsize=256)
def _version(value: bytes) -> str | None:
    text = value.decode("latin-1")
    return text if is_calendar_date(text) else None


@functools.lru_cache(maxsize=1_024)
def _company(value: bytes) -> str | None:
    text = value.decode("latin-1")
    return text if COMPANY.fullmatch(text) else None


class _RequestIds:
    """Unguessable ids, 128 bits each. The system is asked for many at once: asking for one costs half of an id."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left: list[str] = []

    def next(self) -> str:
        left = self._left
        if not left:
            digits = secrets.token_hex(16 * 256)
            left.extend(digits[start : start + 32] for start in range(0, len(digits), 32))
        return left.pop()


_REQUEST_IDS = _RequestIds()


def _single(name: str, value: bytes | list[bytes], failures: list[WethodFailure]) -> str | None:
    """The text of a value; None, and a failure, where it is repeated, blank or not ASCII."""
    if isinstance(value, list):
        message = f"The header arrived {len(value)} times; one was expected."
    elif not value.strip():
        message = "The header is blank."
    elif not value.isascii():
        message = "The header is not ASCII."
    else:
        return value.decode("ascii")
    failures.append(WethodFailure(field=name, message=message))
    return None


def _trace(traceparent: bytes, tracestate: bytes | list[bytes] | None) -> RawHeaders:
    if isinstance(tracestate, bytes) and _TRACESTATE.fullmatch(tracestate):
        return (b"traceparent", traceparent), (b"tracestate", tracestate)
    return ((b"traceparent", traceparent),)


class RequestContext:
    """Wethod's contacts as the caller of one request sees them: the schema's ``Contacts``.

    Args:
        client: what deletes.
        callers: what describes the caller.
        caller: who asks.
        deadline: event loop time in seconds by which every delete of the request has its outcome.
    """

    __slots__ = ("_callers", "_client", "_deadline", "caller")

    def __init__(self, client: WethodClient, callers: CallerReader, caller: Caller, deadline: float) -> None:
        self._client = client
        self._callers = callers
        self.caller = caller
        self._deadline = deadline

    def delete(self, contact_id: str) -> Awaitable[DeleteContactOutcome]:
        """Delete one contact for this caller."""
        return self._client.delete(self.caller, contact_id, self._deadline)

    def context(self) -> WethodContext:
        """What this request would forward."""
        return self._callers.describe(self.caller)
