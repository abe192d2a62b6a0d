"""The context of one request: who asks, for which company, in which version, as the headers say."""

from __future__ import annotations

import functools
import re
import secrets
from typing import TYPE_CHECKING

import msgspec

from app.settings import COMPANY, is_calendar_date
from schema.context import WethodContext
from schema.errors import WethodFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from app.settings import Settings
    from app.wethod.client import WethodClient
    from app.wethod.transport import RawHeaders
    from schema.contact import DeleteContactOutcome

COMPANY_HEADER = "Wethod-Company"
VERSION_HEADER = "Wethod-Version"

# RFC 6750 section 2.1; the scheme in any case, RFC 9110 section 11.1.
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]+=*)")
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
        self._three = self._shown.keys()
        self._received = tuple(self._shown.values())
        self._wanted = frozenset(
            (
                self._authorization_name,
                b"wethod-company",
                b"wethod-version",
                b"x-request-id",
                b"traceparent",
                b"tracestate",
            )
        )

    def read(self, headers: Iterable[tuple[bytes, bytes]], client: str = "") -> Caller:
        """Read the caller.

        Args:
            headers: the fields of the request, names in lower case (ASGI's ``scope["headers"]``).
            client: the client's address.
        """
        wanted = self._wanted
        found: dict[bytes, bytes | list[bytes]] = {}
        for name, value in headers:
            if name in wanted:
                earlier = found.get(name)
                if earlier is None:
                    found[name] = value
                elif isinstance(earlier, list):
                    earlier.append(value)
                else:
                    found[name] = [earlier, value]

        authorization, problem = self._read_authorization(found.get(self._authorization_name))
        failures: list[WethodFailure] = []
        company = self._read_company(found.get(b"wethod-company"), failures)
        version = self._read_version(found.get(b"wethod-version"), failures)
        received = self._received
        if len(found) < len(received) or not found.keys() >= self._three:
            received = tuple(shown for name, shown in self._shown.items() if name in found)
        request_id = found.get(b"x-request-id")
        traceparent = found.get(b"traceparent")
        if not isinstance(traceparent, bytes) or not _TRACEPARENT.fullmatch(traceparent):
            traceparent = None
        return Caller(
            authorization=authorization,
            authorization_problem=problem,
            company=company,
            version=version,
            failures=tuple(failures),
            received=received,
            request_id=(
                request_id.decode("ascii")
                if isinstance(request_id, bytes) and _REQUEST_ID.fullmatch(request_id)
                else secrets.token_hex(16)
            ),
            client=client,
            trace=_trace(traceparent, found.get(b"tracestate")) if self._trace_upstream and traceparent else (),
            traceparent=traceparent.decode("ascii") if traceparent else None,
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
        text = _single(COMPANY_HEADER, value, failures)
        if text is None:
            return None
        if not _is_company(text):
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
        text = _single(VERSION_HEADER, value, failures)
        if text is None:
            return None
        if not _is_version(text):
            failures.append(WethodFailure(field=VERSION_HEADER, message="Must be a date, such as 2024-06-15."))
            return None
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


@functools.lru_cache(maxsize=256)
def _is_version(text: str) -> bool:
    # The few that are in use are asked about with every request.
    return is_calendar_date(text)


@functools.lru_cache(maxsize=1_024)
def _is_company(text: str) -> bool:
    return COMPANY.fullmatch(text) is not None


def _single(name: str, value: bytes | list[bytes], failures: list[WethodFailure]) -> str | None:
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
