"""Settings from the environment, each with its default, its bounds and its unit.

A bad value stops the start. ``load`` raises ``SettingsError`` with one line for each setting that is wrong: the
variable, the value (secrets masked) and what is allowed. Every message is written here or in ``app/urls.py``; messages
of libraries may quote the value.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from app.start_error import StartError
from app.urls import mask, parse_base_url, parse_listen_host, parse_origin, parse_proxy_url, parse_url, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SENDING_SECONDS = 2.0
"""Time in which a request to Wethod must be written, waits and connects included."""

RESERVE_SECONDS = 0.1
"""Nothing is sent with less time left: its response would come too late, and its outcome would only become unknown."""

COMPANY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
"""One DNS label (RFC 1035 section 2.3.1, relaxed by RFC 1123 section 2.1)."""

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""A field name (RFC 9110 section 5.1)."""

_TAKEN_HEADERS = frozenset(
    (
        # HTTP: connection, proxies, caches, and what a response has (RFC 9110, RFC 9111, RFC 9218).
        *("age", "allow", "alt-svc", "authentication-info", "cache-control", "connection", "early-data", "etag"),
        *("expect", "expires", "forwarded", "from", "host", "http2-settings", "keep-alive", "last-modified"),
        *("location", "max-forwards", "pragma", "priority", "range", "retry-after", "server", "te", "trailer"),
        *("transfer-encoding", "upgrade", "vary", "via", "warning", "www-authenticate"),
        *("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"),
        # Set by browsers, most of them forbidden for a page (Fetch, *forbidden request-header*).
        *("cookie", "cookie2", "date", "dnt", "last-event-id", "origin", "referer", "save-data", "set-cookie"),
        *("upgrade-insecure-requests", "user-agent", "x-http-method", "x-http-method-override", "x-method-override"),
        # Read by the gateway for another purpose.
        *("accept", "baggage", "traceparent", "tracestate", "wethod-company", "wethod-version", "x-request-id"),
    )
)
_TAKEN_PREFIXES = ("accept-", "access-control-", "content-", "if-", "proxy-", "sec-")
"""Headers with another purpose in HTTP, in browsers or in the gateway: none of them may carry the token."""

_AUDIT_KEYWORDS = ("stdout", "stderr", "off")
_MIN_KEY_BYTES = 16
_MAX_PORT = 65_535

_MESSAGES = {
    "bool_parsing": "must be true or false",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "greater_than_equal": "must be at least {ge:.12g}",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "less_than_equal": "must be at most {le:.12g}",
    "literal_error": "must be {expected}",
    "string_unicode": "must be text in the encoding of the locale",
    "value_error": "{error}",
}
"""The message for each type of pydantic's errors that a variable can cause."""


class SettingsError(StartError):
    """One line for each setting that is wrong."""


def is_loopback(host: str) -> bool:
    """Return whether a host name or address literal never leaves this machine."""
    if host.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_calendar_date(value: str) -> bool:
    """Return whether a value is ``YYYY-MM-DD`` and such a day exists, as Wethod names its versions."""
    try:
        # Python reads other forms of a date as well, such as 20240615.
        return dt.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _split(value: object) -> object:
    return tuple(part for item in value.split(",") if (part := item.strip())) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _must(holds: Callable[[Any], object], message: str) -> AfterValidator:
    """Refuse every value that a condition does not hold for."""

    def check(value: object) -> object:
        if not holds(value):
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


def _is_readable_file(value: Path) -> bool:
    try:
        return value.is_file() and os.access(value, os.R_OK)
    except OSError:  # a name that is too long, for instance
        return False


def _read_key(file: Path) -> bytes:
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(key) < _MIN_KEY_BYTES:
        raise ValueError(f"must hold a key of at least {_MIN_KEY_BYTES} bytes")
    return key


def _check_key(file: Path) -> Path:
    _read_key(file)
    return file


def _is_taken(name: str) -> bool:
    return name in _TAKEN_HEADERS or name.startswith(_TAKEN_PREFIXES)


def _parse_audit_target(value: str) -> str:
    if value.lower() in _AUDIT_KEYWORDS:
        return value.lower()
    # A bare word is more likely a keyword that does not exist than a file in the working directory.
    if not ("/" in value or "." in value):
        raise ValueError("must be stdout, stderr, off, or the path of a file, with a / or a . in it")
    return value


_AnyCase = BeforeValidator(_lower)
"""Marks keywords that may be written in any case."""

_Listed = BeforeValidator(_split)
"""Marks a comma separated list."""

Company = Annotated[str, _must(COMPANY.fullmatch, "must be one DNS label, such as acme")]
Version = Annotated[str, _must(is_calendar_date, "must be a calendar date, such as 2024-06-15")]
Origins = Annotated[tuple[Annotated[str, AfterValidator(parse_origin)], ...], _Listed]
HeaderName = Annotated[
    str,
    _must(
        lambda name: _FIELD_NAME.fullmatch(name) and not _is_taken(name.lower()),
        "must be the name of a header that has no other meaning here",
    ),
]
CorsHeader = Annotated[
    str,
    _must(
        lambda name: _FIELD_NAME.fullmatch(name) and name != "*",
        "must list names of headers such as X-Tenant, never *",
    ),
]
Network = Annotated[str, _must(_is_network, "must list addresses or networks such as 10.0.0.0/8")]
File = Annotated[Path, _must(_is_readable_file, "must be a file that can be read")]
KeyFile = Annotated[File, AfterValidator(_check_key)]
Seconds = Annotated[float, Field(ge=0.1, le=3_600, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Bytes = Annotated[int, Field(ge=1_024, le=1024 * 1024 * 1024)]


class Settings(BaseModel):
    """Every setting. The field's name in upper case is the variable's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    wethod_base_url: Annotated[str, AfterValidator(parse_base_url)] = Field(
        default="https://api.wethod.com",
        description="Base URL of Wethod: https, or http on loopback or with `WETHOD_ALLOW_PLAINTEXT`; "
        "no user info, query or fragment.",
    )
    wethod_allow_plaintext: bool = Field(
        default=False, description="Allow http to a host that is not loopback. Tokens then travel in the clear."
    )
    wethod_company: Company | None = Field(
        default=None,
        description="Pins the gateway to one company: a request without `Wethod-Company` uses this company; "
        "another value is refused.",
    )
    wethod_version: Version = Field(
        default="2024-06-15", description="API version where the request has no `Wethod-Version`: a calendar date."
    )
    wethod_timeout_seconds: Annotated[float, Field(ge=0.2, le=300, allow_inf_nan=False)] = Field(
        default=10.0, description="Deadline of a GraphQL request, in seconds from the moment its body has been read."
    )
    wethod_connect_timeout_seconds: Annotated[float, Field(ge=0.1, le=SENDING_SECONDS, allow_inf_nan=False)] = Field(
        default=2.0,
        description="Seconds for a connect, TLS handshake included; at most 2, because a request must be sent within "
        "2 s.",
    )
    wethod_max_connections: Count = Field(default=100, description="Connections to Wethod, for each worker.")
    wethod_bulk_concurrency: Count = Field(
        default=4, description="Most deletes that one `deleteContacts` runs at a time."
    )
    wethod_transport: Annotated[Literal["auto", "http1", "httpx"], _AnyCase] = Field(
        default="auto", description="`http1`, `httpx` or `auto`: `httpx` if a proxy applies, otherwise `http1`."
    )
    wethod_proxy: Annotated[str, AfterValidator(lambda text: str(parse_proxy_url(text)))] | None = Field(
        default=None,
        repr=False,  # it may hold a password
        description="URL of an http or https proxy to Wethod. "
        "Without it `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` apply.",
    )
    wethod_ca_file: File | None = Field(
        default=None,
        description="PEM file of the certificate authorities to trust instead of the system's; "
        "for the certificate of an https proxy, in addition to them.",
    )
    wethod_client_cert_file: File | None = Field(default=None, description="PEM file of a client certificate.")
    wethod_client_key_file: File | None = Field(
        default=None, description="PEM file of its key; not needed if the certificate's file contains the key."
    )

    gateway_host: Annotated[str, AfterValidator(parse_listen_host)] = Field(
        default="127.0.0.1", description="Address to listen on."
    )
    gateway_port: Annotated[int, Field(ge=0, le=_MAX_PORT)] = Field(
        default=8000, description="Port to listen on; 0 chooses a free one."
    )
    gateway_workers: Annotated[int, Field(ge=1, le=256)] = Field(default=1, description="Worker processes.")
    gateway_graphiql: bool | None = Field(
        default=None,
        description="GraphiQL for browsers; on by default with the sandbox, unless `GATEWAY_TRUSTED_DOCUMENTS` is set.",
    )
    gateway_introspection: bool | None = Field(
        default=None,
        description="Introspection, and suggestions in errors; by default on with the sandbox, off otherwise.",
    )
    gateway_cors_origins: Origins = Field(
        default=(),
        description="Origins whose pages may call the gateway, comma separated, such as "
        "`https://app.example.com` or `capacitor://localhost`; never `*`.",
    )
    gateway_cors_headers: Annotated[tuple[CorsHeader, ...], _Listed] = Field(
        default=(),
        description="Additional request headers that those pages may send, comma separated. "
        "Those of the gateway and of common clients are always allowed.",
    )
    gateway_authorization_header: HeaderName = Field(
        default="Authorization", description="Header that carries the Wethod token."
    )
    gateway_trusted_documents: File | None = Field(
        default=None,
        description="Manifest of the only documents to run, besides `_service` and `__typename`. SIGHUP reloads it.",
    )
    gateway_trusted_proxies: Annotated[tuple[Network, ...], _Listed] = Field(
        default=(),
        description="Addresses or networks of the proxies whose `X-Forwarded-For` is trusted, comma separated.",
    )
    gateway_max_body_bytes: Bytes = Field(default=64 * 1024, description="Longest request body, in bytes.")
    gateway_max_header_bytes: Bytes = Field(
        default=32 * 1024, description="Longest request line and headers together, in bytes."
    )
    # At least 21: the shortest delete counts as seven selections.
    gateway_max_tokens: Annotated[int, Field(ge=21, le=1_000_000)] = Field(
        default=1_000,
        description="Most tokens of a document. It also limits selections: a third of this number as written, "
        "twice this number after fragments are expanded.",
    )
    # At least 3: `deleteContacts` has its outcomes at the third level.
    gateway_max_depth: Annotated[int, Field(ge=3, le=1_000_000)] = Field(
        default=20, description="Deepest nesting of a document; `__schema` and `__type` count as one level."
    )
    gateway_max_root_fields: Count = Field(default=20, description="Most root fields of an operation.")
    gateway_max_deletes: Count = Field(
        default=100, description="Most deletes of a request, over all its fields; a repeated id counts each time."
    )
    gateway_max_in_flight: Count = Field(
        default=1_000,
        description="Most deletes in progress for each worker. "
        "From twice this number of requests, further requests are refused.",
    )
    gateway_read_timeout_seconds: Seconds = Field(
        default=10.0, description="Seconds for a whole request, head and body."
    )
    gateway_keep_alive_seconds: Seconds = Field(
        default=125.0,
        description="Seconds until an idle connection is closed; longer than in the router or balancer in front.",
    )
    gateway_drain_delay_seconds: Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)] = Field(
        default=3.0, description="Seconds after SIGTERM in which readiness fails and requests are still served."
    )
    gateway_drain_seconds: Seconds = Field(
        default=15.0, description="Seconds after the delay to finish requests; at least `WETHOD_TIMEOUT_SECONDS` + 1."
    )
    gateway_log_format: Annotated[Literal["console", "json"], _AnyCase] = Field(
        default_factory=lambda: "console" if sys.stderr and sys.stderr.isatty() else "json",
        description="`console` or `json`; by default `console` on a terminal, `json` elsewhere.",
    )
    gateway_log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], _AnyCase] = Field(
        default="info", description="Lowest level that is logged: `debug`, `info`, `warning`, `error` or `critical`."
    )
    gateway_audit_log: Annotated[str, AfterValidator(_parse_audit_target)] = Field(
        default="stdout", description="Target of the audit of deletes: `stdout`, `stderr`, `off` or a file's path."
    )
    gateway_audit_key_file: KeyFile | None = Field(
        default=None,
        description="File with the key of the token fingerprints, at least 16 bytes; by default a random key.",
    )
    gateway_metrics_port: Annotated[int, Field(ge=1, le=_MAX_PORT)] | None = Field(
        default=None, description="Port of `/metrics`; if set, metrics are served only there."
    )
    gateway_trace_upstream: bool = Field(default=False, description="Pass the trace context on to Wethod.")

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        url = parse_url(self.wethod_base_url)
        if url and url.scheme == "http" and not self.wethod_allow_plaintext and not is_loopback(url.host):
            raise ValueError(
                f"WETHOD_BASE_URL={self.wethod_base_url}: must be https, or http on loopback "
                "or with WETHOD_ALLOW_PLAINTEXT=true"
            )
        if self.gateway_drain_seconds < self.wethod_timeout_seconds + 1:
            raise ValueError(
                f"GATEWAY_DRAIN_SECONDS={self.gateway_drain_seconds:g}: must be at least WETHOD_TIMEOUT_SECONDS + 1 "
                f"({self.wethod_timeout_seconds + 1:g}), or a drain would cut deletes"
            )
        if url and url.scheme == "http" and self.wethod_client_cert_file:
            setting = shown_setting("WETHOD_CLIENT_CERT_FILE", self.wethod_client_cert_file)
            raise ValueError(f"{setting}: needs https in WETHOD_BASE_URL")
        if self.wethod_client_key_file and not self.wethod_client_cert_file:
            raise ValueError("WETHOD_CLIENT_KEY_FILE: needs WETHOD_CLIENT_CERT_FILE beside it")
        if self.wethod_proxy and self.wethod_transport == "http1":
            raise ValueError("WETHOD_TRANSPORT=http1: cannot use a proxy; use auto or httpx with WETHOD_PROXY")
        if self.gateway_metrics_port is not None and self.gateway_metrics_port == self.gateway_port:
            raise ValueError(f"GATEWAY_METRICS_PORT={self.gateway_metrics_port}: must differ from GATEWAY_PORT")
        return self


def load(environ: Mapping[str, str] | None = None, **given: object) -> Settings:
    """Read the settings.

    Args:
        environ: the variables, by default those of the process. An empty one counts as absent.
        given: fields that take precedence, such as command line options; None counts as absent.

    Raises:
        SettingsError: one line for each setting that is wrong.
    """
    variables = os.environ if environ is None else environ
    values: dict[str, object] = {
        name: value for name in Settings.model_fields if (value := variables.get(name.upper()))
    }
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_url=False, include_input=False):
            message = _MESSAGES.get(problem["type"], "is not allowed").format(**problem.get("ctx", {}))
            if problem["loc"]:
                field = str(problem["loc"][0])
                message = f"{shown_setting(field.upper(), values.get(field, ''))}: {message}"
            lines.append(message)
        # pydantic reports each bad entry of a list; the lines are equal, so show one.
        raise SettingsError("\n".join(dict.fromkeys(lines))) from None


def shown_setting(variable: str, value: object) -> str:
    """Return ``VARIABLE=value`` for a message: one line, in which a secret in the value is masked."""
    return f"{variable}={shown(mask(str(value)))}"


def read_audit_key(settings: Settings) -> bytes:
    """Return the key of the token fingerprints; a random one if no file holds it.

    Raises:
        SettingsError: the file has changed since the settings were read.
    """
    file = settings.gateway_audit_key_file
    try:
        return _read_key(file) if file else secrets.token_bytes(32)
    except ValueError as error:
        raise SettingsError(f"{shown_setting('GATEWAY_AUDIT_KEY_FILE', file)}: {error}") from None


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that begin like settings of this gateway but are not settings, probably misspelt."""
    known = {name.upper() for name in Settings.model_fields}
    return sorted(name for name in environ if name.startswith(("WETHOD_", "GATEWAY_")) and name not in known)
