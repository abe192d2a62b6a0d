"""TLS handshakes that fail."""

from __future__ import annotations

from tests.faults.certificates import Certificate
from tests.faults.fault import Fault, Unsent, Until
from tests.faults.steps import SOUND, Arrive, Close, Hang, Present, Reset, Send, Step, WithoutTls

INSTEAD: dict[str, tuple[str, tuple[Step, ...]]] = {
    "tls-close": ("closes the connection instead of a TLS handshake", (Arrive(), Close())),
    "tls-reset": ("resets the connection instead of a TLS handshake", (Arrive(), Reset())),
    "tls-plain": (
        "answers a TLS handshake in plain HTTP",
        (Arrive(), Send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), Hang()),
    ),
    "tls-alert": ("answers the TLS handshake with an alert", (Arrive(), Send(b"\x15\x03\x03\x00\x02\x02\x28"), Hang())),
    "tls-garbage": ("answers a TLS handshake with random bytes", (Arrive(), Send(bytes(range(256))), Hang())),
}

CERTIFICATES = {
    "certificate-expired": ("presents an expired certificate", Certificate.EXPIRED),
    "certificate-of-another": ("presents a certificate for another host", Certificate.OTHER_HOST),
    "certificate-untrusted": ("presents a certificate of an authority that is not trusted", Certificate.UNTRUSTED),
}

HANDSHAKES = {
    **{
        name: Fault(does, (WithoutTls(), *steps), Unsent(), requests=0, needs_tls=True)
        for name, (does, steps) in INSTEAD.items()
    },
    "tls-hang": Fault(
        "hangs in the TLS handshake",
        (WithoutTls(), Hang()),
        Unsent(),
        requests=0,
        until=Until.CONNECT_TIMEOUT,
        needs_tls=True,
    ),
    **{
        name: Fault(does, (Present(certificate), *SOUND), Unsent(transient=False), requests=0, needs_tls=True)
        for name, (does, certificate) in CERTIFICATES.items()
    },
}
