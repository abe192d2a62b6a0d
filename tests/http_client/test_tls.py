"""A connection to Wethod is secured by one context, made from the settings."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID

from app.http_client.tls import make_proxy_ssl_context, make_ssl_context
from app.settings import SettingsError

HOST = "api.wethod.example"


@pytest.fixture(scope="module", name="authority")
def make_authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="files")
def write_files(tmp_path: Path, authority: trustme.CA) -> Path:
    """Write the files that an operator may name, valid and invalid."""
    mine, other = authority.issue_cert("gateway.example"), authority.issue_cert("other.example")
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our own authority")]))
        .last_update(dt.datetime.now(tz=dt.UTC))
        .next_update(dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=9))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    for name, data in {
        "ca": authority.cert_pem.bytes(),
        "cert": mine.cert_chain_pems[0].bytes(),
        "key": mine.private_key_pem.bytes(),
        "both": mine.private_key_and_cert_chain_pem.bytes(),
        "other-key": other.private_key_pem.bytes(),
        "encrypted-key": encrypted,
        "encrypted-both": encrypted + mine.cert_chain_pems[0].bytes(),
        "empty": b"",
        "crl": crl,
        "binary": b"\x80\xff\x00",
    }.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Do a handshake in memory: the client's end and the server's."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=HOST),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    pending = list(ends)
    for turn in range(20):
        end = ends[turn % 2]
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        pending = [other for other in pending if other is not end]
        if not pending:
            break
    assert not pending
    return ends


def server_context(authority: trustme.CA, host: str = HOST) -> ssl.SSLContext:
    """Make the context of a server that shows a certificate for a host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert(host).configure_cert(context)
    return context


def test_the_authorities_are_those_of_the_system_or_of_the_file(files: Path) -> None:
    system = ssl.create_default_context()
    assert make_ssl_context().get_ca_certs() == system.get_ca_certs()
    assert make_ssl_context().verify_flags == system.verify_flags
    assert len(make_ssl_context(ca_file=files / "ca").get_ca_certs()) == 1


def test_an_authority_of_a_proxy_may_be_one_of_the_systems(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(files / "ca"))
    assert make_proxy_ssl_context(files / "ca").cert_store_stats()["x509"] == 1


def write_lax_authority(directory: Path) -> ssl.SSLContext:
    """Write ``lax-ca``, and make the context of a server that it certifies.

    It is an authority as companies make them, without what RFC 5280 strictly requires: its basicConstraints is not
    critical, and it has no keyUsage.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our own authority")])
    key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    begin = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=1)

    def sign(subject: x509.Name, own_key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> bytes:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(own_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + dt.timedelta(days=9))
            .add_extension(extension, critical=extension.oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
            .sign(key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    (directory / "lax-ca").write_bytes(sign(name, key, x509.BasicConstraints(ca=True, path_length=None)))
    private = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf = sign(x509.Name([]), leaf_key, x509.SubjectAlternativeName([x509.DNSName(HOST)]))
    (directory / "lax-leaf").write_bytes(private + leaf)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "lax-leaf")
    return context


def test_an_authority_of_the_operator_need_not_be_strict(tmp_path: Path) -> None:
    """The default of Python 3.13 would refuse it."""
    server = write_lax_authority(tmp_path)
    shake_hands(make_ssl_context(ca_file=tmp_path / "lax-ca"), server)
    shake_hands(make_proxy_ssl_context(tmp_path / "lax-ca"), server)


def test_a_key_log_that_cannot_be_written_is_named(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of authorities is read in the same call."""
    monkeypatch.chdir(files)
    monkeypatch.setenv("SSLKEYLOGFILE", "absent/keys.log")
    with pytest.raises(SettingsError) as caught:
        make_ssl_context(ca_file=files / "ca")
    assert str(caught.value) == "SSLKEYLOGFILE=absent/keys.log: cannot be written: No such file or directory"
    monkeypatch.setenv("SSLKEYLOGFILE", str(files / "keys.log"))
    make_ssl_context(ca_file=files / "ca")
    assert (files / "keys.log").exists()


def test_http_1_1_is_negotiated_with_a_server_that_prefers_http_2(files: Path, authority: trustme.CA) -> None:
    _, server = shake_hands(make_ssl_context(ca_file=files / "ca"), server_context(authority))
    assert server.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [
        pytest.param("other.example", True, "Hostname mismatch", id="another-host"),
        pytest.param(HOST, False, "unable to get local issuer certificate", id="unknown-authority"),
    ],
)
def test_a_certificate_of_another_host_or_authority_is_refused(
    files: Path, authority: trustme.CA, host: str, *, trusted: bool, reason: str
) -> None:
    client = make_ssl_context(ca_file=files / "ca" if trusted else None)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        shake_hands(client, server_context(authority, host))


def test_old_tls_is_refused(files: Path, authority: trustme.CA) -> None:
    server = server_context(authority)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        shake_hands(make_ssl_context(ca_file=files / "ca"), server)


@pytest.mark.parametrize(
    ("cert", "key"), [pytest.param("cert", "key", id="two-files"), pytest.param("both", None, id="one-file")]
)
def test_the_client_certificate_is_presented(files: Path, authority: trustme.CA, cert: str, key: str | None) -> None:
    client = make_ssl_context(
        ca_file=files / "ca", client_cert_file=files / cert, client_key_file=None if key is None else files / key
    )
    server = server_context(authority)
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    _, end = shake_hands(client, server)
    shown = end.getpeercert()
    assert shown is not None
    assert shown["subjectAltName"] == (("DNS", "gateway.example"),)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"ca_file": "empty"}, "WETHOD_CA_FILE=empty: must hold certificates in PEM"),
        ({"ca_file": "binary"}, "WETHOD_CA_FILE=binary: must hold certificates in PEM"),
        ({"ca_file": "key"}, "WETHOD_CA_FILE=key: must hold certificates in PEM"),
        ({"ca_file": "crl"}, "WETHOD_CA_FILE=crl: must hold certificates in PEM"),
        ({"ca_file": "absent"}, "WETHOD_CA_FILE=absent: cannot be read: No such file or directory"),
        ({"ca_file": "."}, "WETHOD_CA_FILE=.: cannot be read: Is a directory"),
        (
            {"client_cert_file": "cert"},
            "WETHOD_CLIENT_CERT_FILE=cert: must hold a certificate in PEM, and its key",
        ),
        (
            {"client_cert_file": "binary"},
            "WETHOD_CLIENT_CERT_FILE=binary: must hold a certificate in PEM, and its key",
        ),
        (
            {"client_cert_file": "cert", "client_key_file": "other-key"},
            (
                "WETHOD_CLIENT_CERT_FILE=cert: must hold a certificate in PEM, "
                "and WETHOD_CLIENT_KEY_FILE=other-key its key"
            ),
        ),
        (
            {"client_cert_file": "cert", "client_key_file": "encrypted-key"},
            "WETHOD_CLIENT_KEY_FILE=encrypted-key: must hold a key that is not encrypted",
        ),
        (
            {"client_cert_file": "encrypted-both"},
            "WETHOD_CLIENT_CERT_FILE=encrypted-both: must hold a key that is not encrypted",
        ),
    ],
)
def test_a_wrong_file_is_named_in_one_line(
    files: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], line: str
) -> None:
    """There must be no prompt for a password."""
    monkeypatch.chdir(files)
    with pytest.raises(SettingsError) as caught:
        make_ssl_context(**{name: Path(file) for name, file in given.items()})
    assert str(caught.value) == line
