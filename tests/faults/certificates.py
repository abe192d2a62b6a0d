"""Certificates of the hostile Wethod, good and bad, made for each test session."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import ssl
from dataclasses import dataclass

import trustme


class Certificate(enum.Enum):
    VALID = enum.auto()
    EXPIRED = enum.auto()
    OTHER_HOST = enum.auto()
    UNTRUSTED = enum.auto()


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that the gateway trusts, and one that it does not."""

    trusted: trustme.CA
    stranger: trustme.CA

    def server(self, certificate: Certificate) -> ssl.SSLContext:
        """A server's context with the given kind of certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._issue(certificate).configure_cert(context)
        return context

    def mutual_server(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        """A valid server's context that requires a client certificate, in one version of TLS."""
        context = self.server(Certificate.VALID)
        context.minimum_version = context.maximum_version = version
        context.verify_mode = ssl.CERT_REQUIRED
        self.trusted.configure_trust(context)
        return context

    def client(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.trusted.configure_trust(context)
        return context

    def _issue(self, certificate: Certificate) -> trustme.LeafCert:
        match certificate:
            case Certificate.EXPIRED:
                yesterday = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=1)
                return self.trusted.issue_cert("127.0.0.1", not_after=yesterday)
            case Certificate.OTHER_HOST:
                return self.trusted.issue_cert("wethod.example")
            case Certificate.UNTRUSTED:
                return self.stranger.issue_cert("127.0.0.1")
            case Certificate.VALID:
                return self.trusted.issue_cert("127.0.0.1")


@functools.cache
def authority() -> Authority:
    return Authority(trustme.CA(), trustme.CA())
