"""The gateway listens on its address, or prints one line with the reason why it cannot."""

from __future__ import annotations

import socket

import pytest

from app.server.config import ServerConfig
from app.server.listener import listen, url_of
from app.start_error import StartError
from tests.system_parts import require_ipv6


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "http://"),
        ("0.0.0.0", "http://0.0.0.0:"),
        ("::1", "http://[::1]:"),
    ],
)
def test_an_address_is_bound_and_named(host: str, url: str) -> None:
    if host == "::1":
        require_ipv6()
    with listen(ServerConfig(host, 0)) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert url_of(listener).startswith(url)
        assert url_of(listener).endswith(f":{port}")
        with socket.create_connection(listener.getsockname()[:2]):
            pass


def test_an_address_that_cannot_be_bound_is_named_in_one_line() -> None:
    with pytest.raises(StartError) as caught:
        listen(ServerConfig("192.0.2.1", 80))
    assert str(caught.value) == "cannot listen on 192.0.2.1:80: cannot assign requested address"
    with pytest.raises(StartError, match=r"^cannot listen on does-not-exist\.invalid:80: [^\n]+$"):
        listen(ServerConfig("does-not-exist.invalid", 80))
    with pytest.raises(StartError, match=r"^cannot listen on \[2001:db8::1\]:80: [^\n]+$"):
        listen(ServerConfig("2001:db8::1", 80))
