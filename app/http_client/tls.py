"""TLS contexts for connections to Wethod and to a proxy, and the end of such a connection."""

from __future__ import annotations

import os
import ssl
import sys
from typing import TYPE_CHECKING, NoReturn

from app.settings import SettingsError, shown_setting

if TYPE_CHECKING:
    from pathlib import Path


def make_ssl_context(
    *, ca_file: Path | None = None, client_cert_file: Path | None = None, client_key_file: Path | None = None
) -> ssl.SSLContext:
    """Make the context for Wethod: TLS 1.2 or newer, certificate and host name checked, HTTP/1.1 offered (RFC 7301).

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's.
        client_cert_file: PEM file of a client certificate.
        client_key_file: PEM file of its key; None if the certificate's file holds it.

    Raises:
        SettingsError: a file is not what its setting says. The line never shows what a file holds.
    """
    context = _make_context(ca_file, system=ca_file is None)
    if client_cert_file is not None:
        _load_client_certificate(context, client_cert_file, client_key_file)
    return context


def make_proxy_ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Make the context for an https proxy. It has no client certificate, which is for Wethod.

    Args:
        ca_file: PEM file of authorities to trust beside the system's: the authority that certifies Wethod seldom
            certifies a proxy.

    Raises:
        SettingsError: the file is not what its setting says.
    """
    return _make_context(ca_file, system=True)


def is_orderly_end(tls: ssl.SSLObject | None) -> bool:
    """Return whether the peer itself ended a connection. Over TLS, a FIN alone may be forged (RFC 9112 §9.8).

    Args:
        tls: the TLS of the connection, which has ended and is read to its end; None without TLS.
    """
    if tls is None:
        return True
    try:
        return not tls.read(1)  # nothing more: the peer has sent a close alert
    except ssl.SSLZeroReturnError:
        return True
    except ssl.SSLError:
        return False


def _make_context(ca_file: Path | None, *, system: bool) -> ssl.SSLContext:
    # The steps of ssl.create_default_context, one by one, so that each failure is reported with its cause.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        _trust_file(context, ca_file)
    if system:
        context.load_default_certs()
        if ca_file is None and sys.version_info >= (3, 13):
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    key_log = os.environ.get("SSLKEYLOGFILE")
    if key_log:
        try:
            context.keylog_filename = key_log
        except OSError as error:
            raise SettingsError(
                f"{shown_setting('SSLKEYLOGFILE', key_log)}: cannot be written: {error.strerror}"
            ) from None
    return context


def _trust_file(context: ssl.SSLContext, ca_file: Path) -> None:
    """Trust the certificates of a file, in a context that trusts nothing yet."""
    setting = shown_setting("WETHOD_CA_FILE", ca_file)
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        # OpenSSL's own message is "PEM lib" or the like.
        raise SettingsError(f"{setting}: must hold certificates in PEM") from None
    except OSError as error:
        raise SettingsError(f"{setting}: cannot be read: {error.strerror}") from None
    if not context.cert_store_stats()["x509"]:
        # OpenSSL also accepts a file that holds only revocations (CRL).
        raise SettingsError(f"{setting}: must hold certificates in PEM")
    # No strict check: private authorities often lack what RFC 5280 requires, such as a critical basicConstraints, and
    # the operator named this one. What the file holds is trusted, an intermediate authority included.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _load_client_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    cert = shown_setting("WETHOD_CLIENT_CERT_FILE", cert_file)
    key = shown_setting("WETHOD_CLIENT_KEY_FILE", key_file) if key_file else ""
    try:
        context.load_cert_chain(cert_file, key_file, password=_refuse_password)
    except _EncryptedKeyError:
        raise SettingsError(f"{key or cert}: must hold a key that is not encrypted") from None
    except (ssl.SSLError, ValueError):
        its_key = f"and {key} its key" if key else "and its key"
        raise SettingsError(f"{cert}: must hold a certificate in PEM, {its_key}") from None
    except OSError as error:
        names = f"{cert}, {key}" if key else cert
        raise SettingsError(f"{names}: cannot be read: {error.strerror}") from None


class _EncryptedKeyError(Exception):
    pass


def _refuse_password() -> NoReturn:
    # Otherwise OpenSSL asks on the terminal, and a service hangs at its start.
    raise _EncryptedKeyError
