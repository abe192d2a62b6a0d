"""Settings from the environment, each with its default, its bounds and its unit.

A bad value stops the start: ``load`` raises ``SettingsError`` with one line for each setting that is wrong, naming
the variable, the value (secrets and user info masked) and what is allowed.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
import sys
from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPANY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
"""One DNS label (RFC 1035 section 2.3.1, relaxed by RFC 1123 section 2.1)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""A field name (RFC 9110 section 5.1)."""

_LARGEST_PORT = 65_535


class SettingsError(ValueError):
    """One line for each setting that is wrong."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address literal never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_calendar_date(value: str) -> bool:
    """Whether a value is ``YYYY-MM-DD`` and such a day exists, as Wethod names its versions."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _split(value: object) -> object:
    return tuple(part for item in value.split(",") if (part := item.strip())) if isinstance(value, str) else value


def _absolute(value: str, schemes: tuple[str, ...]) -> SplitResult:
    """Split an absolute URL.

    Raises:
        ValueError: it has another scheme, no host, or a port that is none.
    """
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
        raise ValueError(f"must be an absolute {' or '.join(schemes)} URL with a host")
    return parts


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""A comma separated list."""

Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Bytes = Annotated[int, Field(ge=1_024, le=1024 * 1024 * 1024)]
Port = Annotated[int, Field(ge=0, le=_LARGEST_PORT)]


class Settings(BaseModel):
    """Every setting. The field's name in upper case is the variable's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    wethod_base_url: str = Field(
        default="https://api.wethod.com",
        description="Where Wethod is: https, or http on loopback or with `WETHOD_ALLOW_PLAINTEXT`; "
        "no user info, query or fragment.",
    )
    wethod_allow_plaintext: bool = Field(
        default=False, description="Allow http to a host that is not loopback. Tokens then travel in the clear."
    )
    wethod_company: str | None = Field(
        default=None,
        description="Pins the gateway to one company: an absent `Wethod-Company` means it, another value is refused.",
    )
    wethod_version: str = Field(
        default="2024-06-15", description="API version where the request has no `Wethod-Version`: a calendar date."
    )
    wethod_timeout_seconds: Annotated[float, Field(ge=0.2, le=300, allow_inf_nan=False)] = Field(
        default=10.0, description="The one deadline of a GraphQL request, from its body being read."
    )
    wethod_connect_timeout_seconds: Seconds = Field(default=2.0, description="A connect, TLS handshake included.")
    wethod_max_connections: Count = Field(default=100, description="Connections to Wethod, for each worker.")
    wethod_transport: Literal["auto", "http1", "httpx"] = Field(
        default="auto", description="`auto` takes `http1` unless a proxy applies, which needs `httpx`."
    )
    wethod_proxy: str | None = Field(
        default=None,
        description="URL of an http or https proxy to Wethod. "
        "Without it `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` apply.",
    )
    wethod_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the certificate authorities to trust instead of the system's; "
        "for an https proxy itself, beside them.",
    )
    wethod_client_cert_file: Path | None = Field(default=None, description="PEM file of a client certificate.")
    wethod_client_key_file: Path | None = Field(
        default=None, description="PEM file of its key; absent where the certificate's file holds it."
    )

    gateway_host: str = Field(default="127.0.0.1", description="Address to listen on.")
    gateway_port: Port = Field(default=8000, description="Port to listen on; 0 takes a free one.")
    gateway_workers: Annotated[int, Field(ge=1, le=256)] = Field(default=1, description="Worker processes.")
    gateway_graphiql: bool | None = Field(
        default=None, description="GraphiQL for browsers; without a value on with the sandbox, off otherwise."
    )
    gateway_introspection: bool | None = Field(
        default=None,
        description="Introspection, and suggestions in errors; without a value on with the sandbox, off otherwise.",
    )
    gateway_cors_origins: Names = Field(
        default=(), description="Origins whose pages may call the gateway, comma separated; never `*`."
    )
    gateway_authorization_header: str = Field(
        default="Authorization", description="Header that carries the Wethod token."
    )
    gateway_trusted_documents: Path | None = Field(
        default=None, description="Manifest of the only documents to run, beside `_service`; reloaded on SIGHUP."
    )
    gateway_trusted_proxies: Names = Field(
        default=(), description="Addresses or networks whose `X-Forwarded-For` is believed, comma separated."
    )
    gateway_max_body_bytes: Bytes = Field(default=64 * 1024, description="Longest request body.")
    gateway_max_header_bytes: Bytes = Field(
        default=32 * 1024, description="Longest request line and headers, together."
    )
    gateway_max_tokens: Count = Field(
        default=1_000, description="Most tokens of a document; twice as many selections, fragments unfolded."
    )
    gateway_max_depth: Count = Field(
        default=20, description="Deepest nesting of a document; `__schema` and `__type` count one."
    )
    gateway_max_root_fields: Count = Field(default=20, description="Most root fields of an operation.")
    gateway_max_in_flight: Count = Field(
        default=1_000, description="Most deletes in progress, for each worker; twice that many requests."
    )
    gateway_read_timeout_seconds: Seconds = Field(default=10.0, description="A whole request, head and body.")
    gateway_keep_alive_seconds: Seconds = Field(
        default=125.0,
        description="An idle connection is kept; longer than a router or balancer in front keeps its own.",
    )
    gateway_drain_delay_seconds: Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)] = Field(
        default=3.0, description="After SIGTERM: readiness fails, requests are still served."
    )
    gateway_drain_seconds: Seconds = Field(
        default=15.0, description="After that: what is in progress may finish; at least `WETHOD_TIMEOUT_SECONDS` + 1."
    )
    gateway_log_format: Literal["console", "json"] = Field(
        default_factory=lambda: "console" if sys.stderr and sys.stderr.isatty() else "json",
        description="Default: `console` on a terminal, `json` elsewhere.",
    )
    gateway_log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        default="info", description="Least level that is logged."
    )
    gateway_audit_log: str = Field(
        default="stdout", description="Where the audit of deletes goes: `stdout`, `off` or a file's path."
    )
    gateway_audit_key_file: Path | None = Field(
        default=None,
        description="Key of the token fingerprints, at least 16 bytes; absent: a random one for each start.",
    )
    gateway_metrics_port: Annotated[int, Field(ge=1, le=_LARGEST_PORT)] | None = Field(
        default=None, description="Port of `/metrics`; when set, metrics are served only there."
    )
    gateway_trace_upstream: bool = Field(default=False, description="Pass the trace context on to Wethod.")

    @field_validator("wethod_base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = _absolute(value, ("https", "http"))
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not carry user info")
        if "?" in value or "#" in value:
            raise ValueError("must not carry a query or fragment")
        if not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)*/?", parts.path) or any(
            segment in {".", ".."} for segment in parts.path.split("/")
        ):
            raise ValueError("must have a path of plain segments, or none")
        return value.rstrip("/")

    @field_validator("wethod_company")
    @classmethod
    def _check_company(cls, value: str | None) -> str | None:
        if value is not None and not COMPANY.fullmatch(value):
            raise ValueError("must be one DNS label, such as acme")
        return value

    @field_validator("wethod_version")
    @classmethod
    def _check_version(cls, value: str) -> str:
        if not is_calendar_date(value):
            raise ValueError("must be a calendar date, such as 2024-06-15")
        return value

    @field_validator("wethod_proxy")
    @classmethod
    def _check_proxy(cls, value: str | None) -> str | None:
        if value is not None:
            _absolute(value, ("http", "https"))
        return value

    @field_validator("gateway_authorization_header")
    @classmethod
    def _check_header_name(cls, value: str) -> str:
        if not _TOKEN.fullmatch(value) or value.lower() in {"wethod-company", "wethod-version", "host", "cookie"}:
            raise ValueError("must be the name of a header that has no other meaning here")
        return value

    @field_validator("gateway_cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or origin != f"{parts.scheme}://{parts.netloc}" or "@" in origin:
                raise ValueError("must list origins such as https://app.example.com, never *")
        return value

    @field_validator("gateway_trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError("must list addresses or networks such as 10.0.0.0/8") from None
        return value

    @field_validator("wethod_ca_file", "wethod_client_cert_file", "wethod_client_key_file", "gateway_trusted_documents")
    @classmethod
    def _check_file(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.is_file() and os.access(value, os.R_OK)):
            raise ValueError("must be a file that can be read")
        return value

    @field_validator("gateway_audit_key_file")
    @classmethod
    def _check_key_file(cls, value: Path | None) -> Path | None:
        cls._check_file(value)
        if value is not None and len(value.read_bytes().strip()) < 16:  # noqa: PLR2004 - said in the message
            raise ValueError("must hold a key of at least 16 bytes")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        parts = urlsplit(self.wethod_base_url)
        if parts.scheme == "http" and not self.wethod_allow_plaintext and not is_loopback(parts.hostname or ""):
            raise ValueError(
                f"WETHOD_BASE_URL={self.wethod_base_url}: must be https, or http on loopback "
                "or with WETHOD_ALLOW_PLAINTEXT=true"
            )
        if self.gateway_drain_seconds < self.wethod_timeout_seconds + 1:
            raise ValueError(
                f"GATEWAY_DRAIN_SECONDS={self.gateway_drain_seconds:g}: must be at least WETHOD_TIMEOUT_SECONDS + 1 "
                f"({self.wethod_timeout_seconds + 1:g}), or a drain would cut deletes"
            )
        if self.gateway_metrics_port is not None and self.gateway_metrics_port == self.gateway_port:
            raise ValueError(
                f"GATEWAY_METRICS_PORT={self.gateway_metrics_port}: must not be GATEWAY_PORT, which listens there"
            )
        if self.wethod_client_key_file and not self.wethod_client_cert_file:
            raise ValueError("WETHOD_CLIENT_KEY_FILE: needs WETHOD_CLIENT_CERT_FILE beside it")
        if self.wethod_proxy and self.wethod_transport == "http1":
            raise ValueError("WETHOD_TRANSPORT=http1: does not speak to proxies; use auto or httpx with WETHOD_PROXY")
        return self


def masked(name: str, value: str) -> str:
    """A value as it may be shown: user info of URLs masked, control characters escaped, at most 80 characters."""
    if name in {"WETHOD_BASE_URL", "WETHOD_PROXY"}:
        value = re.sub(r"(^|//)[^/?#]*@", r"\1***@", value)
        value = re.sub(r"[?#].*", "?***", value)
    shown = value.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= 80 else shown[:77] + "..."  # noqa: PLR2004 - a line's worth


def load(environ: Mapping[str, str] | None = None, **given: object) -> Settings:
    """Read the settings.

    Args:
        environ: the variables; the process's own by default.
        given: fields that take precedence, such as command line options.

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
        for problem in error.errors(include_url=False, include_context=True):
            message = problem["msg"].removeprefix("Value error, ")
            if problem["loc"]:
                name = str(problem["loc"][0]).upper()
                message = f"{name}={masked(name, str(values.get(name.lower(), '')))}: {message}"
            lines.append(message)
        raise SettingsError("\n".join(lines)) from None


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings of this gateway and are none: a slip of the pen worth a warning."""
    known = {name.upper() for name in Settings.model_fields}
    return sorted(name for name in environ if name.startswith(("WETHOD_", "GATEWAY_")) and name not in known)
