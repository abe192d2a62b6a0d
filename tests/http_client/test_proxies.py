"""The proxy of a connection: its variable, its hosts, and no password in any line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.http_client.proxies import Proxy, choose_proxy
from app.http_client.transport import Origin
from app.settings import SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = ("hunter2", "corp", "pa/ss", "s3cret")


def chosen(base_url: str, environ: Mapping[str, str], **settings: str) -> Proxy | None:
    scheme, _, rest = base_url.partition("://")
    host, _, port = rest.rpartition(":")
    names = {f"WETHOD_{name.upper()}": value for name, value in settings.items()}
    return choose_proxy(load(names), Origin(scheme, host.strip("[]"), int(port)), environ)


WETHOD = "https://api.wethod.com:443"
PROXY = Proxy("http", "proxy.example", 3128)

CHOICES: dict[str, tuple[Mapping[str, str], str, Proxy | None]] = {
    "none": ({}, WETHOD, None),
    "https": ({"HTTPS_PROXY": "http://proxy.example:3128"}, WETHOD, PROXY),
    "lower-case": ({"https_proxy": "http://proxy.example:3128", "HTTPS_PROXY": "http://other"}, WETHOD, PROXY),
    "empty": ({"HTTPS_PROXY": "", "ALL_PROXY": "http://proxy.example:3128"}, WETHOD, PROXY),
    "empty-lower-case": ({"https_proxy": " ", "HTTPS_PROXY": "http://proxy.example:3128"}, WETHOD, PROXY),
    "empty-lower-case-exception": ({"HTTPS_PROXY": "http://other", "no_proxy": "", "NO_PROXY": "*"}, WETHOD, None),
    "by-scheme": ({"HTTPS_PROXY": "http://other", "HTTP_PROXY": "proxy.example:3128"}, "http://w.example:80", PROXY),
    "http-alone": ({"HTTP_PROXY": "http://proxy.example:3128"}, WETHOD, None),
    "all": ({"ALL_PROXY": "http://proxy.example:3128/"}, WETHOD, PROXY),
    "default-port": ({"HTTPS_PROXY": "http://proxy.example"}, WETHOD, Proxy("http", "proxy.example", 80)),
    "default-tls-port": ({"HTTPS_PROXY": "HTTPS://Proxy.example"}, WETHOD, Proxy("https", "proxy.example", 443)),
    "ipv6": ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, WETHOD, Proxy("http", "[fd00::1]", 3128)),
    "credentials": (
        {"HTTPS_PROXY": "http://corp:hunter2%40%2F%C3%A9@proxy.example:3128"},
        WETHOD,
        Proxy("http", "proxy.example", 3128, ("corp", "hunter2@/é")),
    ),
    "user-alone": (
        {"HTTPS_PROXY": "http://corp@proxy.example:3128"},
        WETHOD,
        Proxy("http", "proxy.example", 3128, ("corp", "")),
    ),
    "loopback": ({"HTTP_PROXY": "http://proxy.example:3128"}, "http://127.0.0.9:80", None),
    "loopback-6": ({"HTTP_PROXY": "http://proxy.example:3128"}, "http://[::1]:80", None),
    "localhost": ({"HTTP_PROXY": "http://proxy.example:3128"}, "http://localhost.:80", None),
}


@pytest.mark.parametrize(("environ", "url", "expected"), CHOICES.values(), ids=CHOICES)
def test_the_usual_variables_name_the_proxy(environ: Mapping[str, str], url: str, expected: Proxy | None) -> None:
    assert chosen(url, environ) == expected


def test_the_setting_precedes_every_variable() -> None:
    environ = {"HTTPS_PROXY": "http://other", "NO_PROXY": "*"}
    assert chosen(WETHOD, environ, proxy="http://proxy.example:3128") == PROXY


def test_the_http1_transport_uses_no_proxy() -> None:
    assert chosen(WETHOD, {"HTTPS_PROXY": "http://proxy.example:3128"}, transport="http1") is None


# Entries, then hosts that they match, then hosts that they do not.
BYPASSES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "everything": ("*", ("a.example:443", "10.1.2.3:80", "[fd00::1]:443"), ()),
    "everything-beside-others": ("b.example, * ", ("a.example:443",), ()),
    "nothing": ("", (), ("a.example:443",)),
    "empty-entries": (" ,, ,", (), ("a.example:443", "10.1.2.3:443")),
    "name": ("a.example", ("a.example:443", "b.a.example:443", "A.EXAMPLE:443"), ("ba.example:443", "example:443")),
    "suffix": (".svc", ("w.ns.svc:443", "w.svc:443"), ("svc:443", "wsvc:443")),
    "wildcard": ("*.internal", ("w.internal:443", "a.b.internal:443"), ("internal:443", "winternal:443")),
    "wildcard-without-dot": ("*internal", (), ("w.internal:443", "winternal:443")),
    "trailing-dot-of-entry": ("host.", ("host:443", "a.host:443", "host.:443"), ("hosts:443",)),
    "trailing-dot-of-host": ("a.example,.svc", ("a.example.:443", "w.svc.:443"), ("b.example.:443",)),
    "name-with-port": ("a.example:8443", ("a.example:8443", "b.a.example:8443"), ("a.example:443",)),
    "suffix-with-port": (".svc:80", ("w.svc:80",), ("w.svc:443",)),
    "address": ("10.1.2.3", ("10.1.2.3:443",), ("10.1.2.30:443", "a.example:443")),
    "address-with-port": ("10.1.2.3:80", ("10.1.2.3:80",), ("10.1.2.3:443",)),
    "address-as-suffix": ("2.3", (), ("10.1.2.3:443",)),
    "network": ("10.0.0.0/8", ("10.1.2.3:443", "10.255.0.1:80"), ("11.0.0.1:443", "a.10.0.0.0:443")),
    "network-with-host-bits": ("10.1.2.3/8", ("10.200.0.1:443",), ("11.0.0.1:443",)),
    "network-that-is-none": ("10.0.0.0/99,a/b", (), ("10.0.0.0:443", "a:443")),
    "ipv6": ("fd00::1", ("[fd00::1]:443", "[fd00:0::1]:443"), ("[fd00::2]:443",)),
    "ipv6-with-port": ("[fd00::1]:80", ("[fd00::1]:80",), ("[fd00::1]:443",)),
    "ipv6-network": ("fd00::/8", ("[fd12::1]:443",), ("[fe00::1]:443",)),
    "mapped-address": ("10.0.0.0/8", ("[::ffff:10.1.2.3]:443",), ("[::ffff:11.1.2.3]:443",)),
    "mapped-address-in-entry": ("::ffff:10.1.2.3", ("10.1.2.3:443", "[::ffff:10.1.2.3]:443"), ("10.1.2.4:443",)),
    "mapped-network-in-entry": ("::ffff:10.0.0.0/104", ("10.1.2.3:443",), ("11.0.0.1:443",)),
    "name-not-ascii": ("Wéthod.com.", ("xn--wthod-bsa.com:443", "a.xn--wthod-bsa.com:443"), ("wethod.com:443",)),
    "suffix-not-ascii": ("*.wéthod.com", ("a.xn--wthod-bsa.com:443",), ("xn--wthod-bsa.com:443",)),
    "not-ascii-and-no-name": ("é..b,\udce9,.é b", (), ("b:443",)),
    "spaces": (" a.example , b.example", ("a.example:443", "b.example:443"), ("c.example:443",)),
}


@pytest.mark.parametrize(("no_proxy", "direct", "proxied"), BYPASSES.values(), ids=BYPASSES)
def test_no_proxy_is_matched_as_in_go(no_proxy: str, direct: tuple[str, ...], proxied: tuple[str, ...]) -> None:
    """As other programs of a cluster read the variable."""
    environ = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": no_proxy}
    assert [host for host in direct if chosen(f"https://{host}", environ)] == []
    assert [host for host in proxied if not chosen(f"https://{host}", environ)] == []


BAD = {
    "slash-in-password": ("http://corp:pa/ss@proxy:3128", "http://***@proxy:3128"),
    "hash-in-password": ("http://corp:hunter2#1@proxy:3128", "http://***@proxy:3128"),
    "question-mark-in-password": ("http://corp:hunter2?1@proxy:3128", "http://***@proxy:3128"),
    "at-and-slash-in-password": ("http://corp:hunter2@/x@proxy:3128", "http://***@proxy:3128"),
    "port-of-letters": ("http://corp:hunter2@proxy:http", "http://***@proxy:http"),
    "port-too-large": ("http://corp:hunter2@proxy:99999", "http://***@proxy:99999"),
    "port-zero": ("http://corp:hunter2@proxy:0", "http://***@proxy:0"),
    "another-scheme": ("socks5://corp:hunter2@proxy:1080", "socks5://***@proxy:1080"),
    "no-host": ("http://corp:hunter2@", "http://***@"),
    "path": ("http://corp:hunter2@proxy/s", "http://***@proxy/s"),
    "query": ("http://corp:hunter2@proxy:3128?token=s3cret", "http://***@proxy:3128?***"),
    "without-scheme": ("corp:pa/ss@proxy:3128", "***@proxy:3128"),
    "latin-1": ("http://corp:hunter2%E9@proxy:3128", "http://***@proxy:3128"),
    "latin-1-unencoded": ("http://corp:hunter2\udce9@proxy:3128", "http://***@proxy:3128"),
    "no-address": ("http://corp:hunter2@256.1.1.1:3128", "http://***@256.1.1.1:3128"),
    "line-break": ("http://corp:hunter2@proxy\n:3128", "http://***@proxy\\n:3128"),
}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(("value", "shown"), BAD.values(), ids=BAD)
def test_a_bad_value_is_one_line_without_secrets(variable: str, value: str, shown: str) -> None:
    with pytest.raises(SettingsError) as caught:
        chosen(WETHOD, {variable: value})
    line = str(caught.value)
    assert line.startswith(f"{variable}={shown}: must be the URL of an http or https proxy, such as ")
    assert "\n" not in line
    assert not any(secret in line for secret in SECRETS)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_password_is_not_in_a_proxys_repr() -> None:
    proxy = chosen(WETHOD, {"HTTPS_PROXY": "http://corp:hunter2@proxy.example:3128"})
    assert "hunter2" not in repr(proxy)
    assert proxy is not None
    assert proxy.url == "http://proxy.example:3128"
