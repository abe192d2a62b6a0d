"""How a connection to Wethod is secured, for both transports."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NoReturn

from app.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def make_ssl_context(
    *, ca_file: Path | None = None, client_cert_file: Path | None = None, client_key_file: Path | None = None
) -> ssl.SSLContext:
    """TLS 1.2 or newer, the certificate and its host name checked, HTTP/1.1 offered (RFC 7301).

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's.
        client_cert_file: PEM file of a client certificate.
        client_key_file: PEM file of its key; None where the certificate's file holds it.

    Raises:
        SettingsError: a file is not what its setting says. The line never shows what a file holds.
    """
    context = _trusting(ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if client_cert_file is not None:
        try:
            context.load_cert_chain(client_cert_file, client_key_file, password=_refuse_password)
        except _EncryptedKeyError:
            name, path = (
                ("WETHOD_CLIENT_KEY_FILE", client_key_file)
                if client_key_file is not None
                else ("WETHOD_CLIENT_CERT_FILE", client_cert_file)
            )
            raise SettingsError(f"{name}={path}: must hold a key that is not encrypted") from None
        except (OSError, ValueError):
            where = f"and WETHOD_CLIENT_KEY_FILE={client_key_file} its key" if client_key_file else "and its key"
            raise SettingsError(
                f"WETHOD_CLIENT_CERT_FILE={client_cert_file}: must hold a certificate in PEM, {where}"
            ) from None
    return context


def make_proxy_ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """How a connection to an https proxy itself is secured. It is shown no client certificate, which is for Wethod.

    Args:
        ca_file: PEM file of authorities to trust beside the system's: who certifies Wethod seldom certifies a proxy.

    Raises:
        SettingsError: the file is not what its setting says.
    """
    context = _trusting(None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        _trusting(ca_file, context)
    return context


def _trusting(ca_file: Path | None, context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context that trusts what a file holds, or the system where there is none; or one that trusts it, too."""
    try:
        if context is None:
            return ssl.create_default_context(cafile=ca_file)
        context.load_verify_locations(ca_file)
    except (OSError, ValueError):
        # OpenSSL's own words for this are "PEM lib" and the like.
        raise SettingsError(f"WETHOD_CA_FILE={ca_file}: must hold certificates in PEM") from None
    return context


class _EncryptedKeyError(Exception):
    pass


def _refuse_password() -> NoReturn:
    # Without this OpenSSL asks on the terminal, and a service hangs at its start.
    raise _EncryptedKeyError
