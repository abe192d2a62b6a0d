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
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError):
        # OpenSSL's own words for this are "PEM lib" and the like.
        raise SettingsError(f"WETHOD_CA_FILE={ca_file}: must hold certificates in PEM") from None
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


class _EncryptedKeyError(Exception):
    pass


def _refuse_password() -> NoReturn:
    # Without this OpenSSL asks on the terminal, and a service hangs at its start.
    raise _EncryptedKeyError
