"""A bad setting stops the start with one line that names the variable, the value and the allowed values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_core import PydanticUndefined

from app.settings import Settings, SettingsError, load, read_audit_key, unknown_variables
from app.urls import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
HTTP_URL = "must be an absolute http or https URL with a host and, if any, a port from 1 to 65535"
ORIGINS = "must list origins such as https://app.example.com, without paths and never *"
HEADER = "must be the name of a header that has no other meaning here"
AUDIT = "must be stdout, stderr, off, or the path of a file, with a / or a . in it"
LEVELS = "must be 'debug', 'info', 'warning', 'error' or 'critical'"


def rows_of(table: Mapping[str, Mapping[str, object]]) -> list[Any]:
    """Return the rows of a table: name of the setting, value, and what is expected."""
    return [
        pytest.param(name, value, expected, id=f"{name}={value[:40]}")
        for name, cases in table.items()
        for value, expected in cases.items()
    ]


REFUSED = {
    "WETHOD_BASE_URL": {
        "ftp://api.wethod.com": HTTP_URL,
        "api.wethod.com": HTTP_URL,
        "https://": HTTP_URL,
        "https://a b.com": HTTP_URL,
        "https://a..b.com": HTTP_URL,
        "https://api.wethod.com:0": HTTP_URL,
        "https://api.wethod.com:99999": HTTP_URL,
        "https://api.wethod.com:port": HTTP_URL,
        "https://[::1": HTTP_URL,
        "https://[1.2.3.4]": HTTP_URL,
        "https://256.1.1.1": HTTP_URL,
        "https://010.1.2.3": HTTP_URL,
        "https://127.1": HTTP_URL,
        "https://wethod.1.": HTTP_URL,
        "https://[fe80::1%eth0]": "must have an IPv6 address without a zone",
        "https://[fe80::1%25eth0]:8443": "must have an IPv6 address without a zone",
        "https://api.wethod.com/a/../b": "must have a path of plain segments, or none; no query, no fragment",
        "https://api.wethod.com/a%2Fb": "must have a path of plain segments, or none; no query, no fragment",
    },
    "WETHOD_ALLOW_PLAINTEXT": {"perhaps": "must be true or false"},
    "WETHOD_COMPANY": {
        "acme.wethod.com": "must be one DNS label, such as acme",
        "-a": "must be one DNS label, such as acme",
    },
    "WETHOD_VERSION": {
        "2024-02-30": "must be a calendar date, such as 2024-06-15",
        "v1": "must be a calendar date, such as 2024-06-15",
    },
    "WETHOD_TIMEOUT_SECONDS": {"0": "must be at least 0.2", "x": "must be a number", "nan": "must be a finite number"},
    "WETHOD_CONNECT_TIMEOUT_SECONDS": {"2.1": "must be at most 2"},
    "WETHOD_TRANSPORT": {"aiohttp": "must be 'auto', 'http1' or 'httpx'"},
    "WETHOD_PROXY": dict.fromkeys(
        ("ftp://proxy", "proxy:3128", "http://proxy:port", "http://proxy:99999", "http://proxy/path"),
        f"{HTTP_URL}; in user info, percent-encode / ? # [ ]",
    ),
    "WETHOD_CA_FILE": {
        "/does/not/exist.pem": "must be a file that can be read",
        "a" * 5_000: "must be a file that can be read",
        "/tmp": "must be a file that can be read",  # noqa: S108 - a folder, and nothing is written to it
    },
    "WETHOD_BULK_CONCURRENCY": {"0": "must be at least 1"},
    "GATEWAY_HOST": dict.fromkeys(("a b", "*", "0"), "must be an address or a host name"),
    "GATEWAY_PORT": {"65536": "must be at most 65535", "http": "must be a whole number"},
    "GATEWAY_CORS_ORIGINS": dict.fromkeys(
        (
            "*",
            "https://a.example/",
            "https://a,*",
            "https://",
            "https://*",
            "https://*.example.com",
            "https://a.example:0",
            "app.example.com",
            "null",
        ),
        ORIGINS,
    ),
    "GATEWAY_CORS_HEADERS": dict.fromkeys(("*", "X-A, b c"), "must list names of headers such as X-Tenant, never *"),
    "GATEWAY_AUTHORIZATION_HEADER": dict.fromkeys(
        (
            *("a b", "Wethod-Company", "Content-Length", "Transfer-Encoding", "Connection", "TE", "Cookie"),
            # The gateway reads them.
            *("Accept", "Content-Encoding", "Expect", "Forwarded", "X-Forwarded-For", "X-Request-ID", "Tracestate"),
            *("Access-Control-Request-Method", "Access-Control-Request-Headers", "Upgrade", "Host", "User-Agent"),
            # Browsers do not let a page set them.
            *("Accept-Charset", "Cookie2", "Date", "DNT", "Keep-Alive", "Proxy-Status", "Referer", "Sec-Fetch-Site"),
            *("Set-Cookie", "Trailer", "Via", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"),
            # HTTP has another meaning for them.
            *("Accept-Language", "Cache-Control", "From", "If-None-Match", "Last-Modified", "Priority", "Range"),
            *("Retry-After", "WWW-Authenticate", "X-Real-IP"),
        ),
        HEADER,
    ),
    "GATEWAY_TRUSTED_PROXIES": {"proxy.example": "must list addresses or networks such as 10.0.0.0/8"},
    "GATEWAY_MAX_BODY_BYTES": {"9999999999": "must be at most 1073741824"},
    "GATEWAY_MAX_TOKENS": {"20": "must be at least 21", "9999999": "must be at most 1000000"},
    "GATEWAY_MAX_DEPTH": {"2": "must be at least 3"},
    "GATEWAY_MAX_DELETES": {"0": "must be at least 1", "9" * 5_000: "must be a whole number of fewer digits"},
    "GATEWAY_READ_TIMEOUT_SECONDS": {"1e-9": "must be at least 0.1", "3601": "must be at most 3600"},
    "GATEWAY_DRAIN_SECONDS": {
        "10.5": "must be at least WETHOD_TIMEOUT_SECONDS + 1 (11), or a drain would cut deletes",
    },
    "GATEWAY_LOG_LEVEL": {"verbose": LEVELS},
    "GATEWAY_LOG_FORMAT": {"text": "must be 'console' or 'json'"},
    "GATEWAY_AUDIT_LOG": dict.fromkeys(("none", "-", "syslog"), AUDIT),
    "GATEWAY_METRICS_PORT": {"0": "must be at least 1", "8000": "must differ from GATEWAY_PORT"},
}


@pytest.mark.parametrize(("name", "value", "allowed"), rows_of(REFUSED))
def test_a_bad_value_is_named(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({name: value})
    shown = value if len(value) <= 80 else f"{value[:77]}..."
    assert str(caught.value) == f"{name}={shown}: {allowed}"


def test_every_bad_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"GATEWAY_PORT": "x", "WETHOD_VERSION": "y", "GATEWAY_WORKERS": "0"})
    assert [line.partition("=")[0] for line in str(caught.value).splitlines()] == [
        "WETHOD_VERSION",
        "GATEWAY_PORT",
        "GATEWAY_WORKERS",
    ]


@pytest.mark.parametrize("name", ["WETHOD_BASE_URL", "WETHOD_PROXY"])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ftp://user:hunter2@host?key=hunter3", "ftp://***@host?***"),
        ("http://user:hunter/2@proxy:3128", "http://***@proxy:3128"),
        ("http://user:hunter?2@proxy:3128", "http://***@proxy:3128"),
        ("http://user:hunter#2@proxy:3128", "http://***@proxy:3128"),
        ("http://user:hunter@2@proxy:99999", "http://***@proxy:99999"),
        ("http://user:hunter2@proxy:port", "http://***@proxy:port"),
        ("http://user:hunter2%E9@proxy:3128", "http://***@proxy:3128"),
        ("user:hunter2@proxy:3128", "***@proxy:3128"),
        ("hunter://2@proxy:3128", "***@proxy:3128"),
        ("http://user:hunter\n2@proxy:port", "http://***@proxy:port"),
        ("https://proxy/#hunter2", "https://proxy/?***"),
    ],
    ids=repr,
)
def test_secrets_in_a_url_are_masked(name: str, value: str, shown: str) -> None:
    """No message of a library quotes the value."""
    with pytest.raises(SettingsError) as caught:
        load({name: value})
    assert str(caught.value).startswith(f"{name}={shown}: must ")
    assert "hunter" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_password_of_a_proxy_is_not_in_the_settings_representation() -> None:
    settings = load({"WETHOD_PROXY": "http://user:hunter2@proxy:3128"})
    assert settings.wethod_proxy == "http://user:hunter2@proxy:3128"
    assert "hunter2" not in f"{settings!r} {settings}"


ACCEPTED: dict[str, dict[str, object]] = {
    "WETHOD_BASE_URL": {
        # A name is encoded as in DNS; the dot of an absolute name stays.
        "https://wéthod.com/API": "https://xn--wthod-bsa.com/API",
        "https://name.:8443": "https://name.:8443",
        "https://API.wethod.com/": "https://api.wethod.com",
        "https://my_service": "https://my_service",
        "https://10.1.2.3": "https://10.1.2.3",
        "https://10-1-2-3.pod:8443": "https://10-1-2-3.pod:8443",
        "https://[2001:DB8::1]:1": "https://[2001:db8::1]:1",
    },
    "WETHOD_TRANSPORT": {"Http1": "http1"},
    "GATEWAY_HOST": {
        "::": "::",
        "[::]": "::",
        "127.0.0.1": "127.0.0.1",
        "localhost": "localhost",
        "gateway.internal.": "gateway.internal.",
    },
    "GATEWAY_PORT": {"": 8000},
    "GATEWAY_CORS_ORIGINS": {
        # As browsers send them.
        "https://APP.example.com:443,http://wéthod.com:80": ("https://app.example.com", "http://xn--wthod-bsa.com"),
        "http://a:8080,capacitor://localhost": ("http://a:8080", "capacitor://localhost"),
        " https://a.example, https://b.example:8443 ,": ("https://a.example", "https://b.example:8443"),
    },
    "GATEWAY_AUTHORIZATION_HEADER": {
        name: name for name in ("authorization", "Wethod-Authorization", "X-Forwarded-Authorization", "Secret")
    },
    "GATEWAY_LOG_LEVEL": {"INFO": "info"},
    "GATEWAY_LOG_FORMAT": {"JSON": "json"},
    "GATEWAY_AUDIT_LOG": {
        "STDOUT": "stdout",
        "stderr": "stderr",
        "Off": "off",
        "audit.log": "audit.log",
        "logs/AUDIT": "logs/AUDIT",
    },
}


@pytest.mark.parametrize(("name", "value", "expected"), rows_of(ACCEPTED))
def test_a_value_is_normalised(name: str, value: str, expected: object) -> None:
    """An empty variable counts as absent."""
    assert getattr(load({name: value}), name.lower()) == expected


def test_a_key_file_that_changes_after_its_check_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "audit\n.key"
    file.write_bytes(b" a key of 20 bytes..\n")
    settings = load({"GATEWAY_AUDIT_KEY_FILE": str(file)})
    assert read_audit_key(settings) == b"a key of 20 bytes.."
    file.write_bytes(b"")
    with pytest.raises(SettingsError) as caught:
        read_audit_key(settings)
    assert str(caught.value) == f"GATEWAY_AUDIT_KEY_FILE={shown(str(file))}: must hold a key of at least 16 bytes"
    file.unlink()
    with pytest.raises(SettingsError) as caught:
        read_audit_key(settings)
    assert str(caught.value) == f"GATEWAY_AUDIT_KEY_FILE={shown(str(file))}: cannot be read: No such file or directory"


def test_the_documented_settings_are_those_of_the_code() -> None:
    """``settings_table()`` is the text of the document."""
    assert settings_table() in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), settings_table()


def test_the_readme_shows_settings_as_the_document_does() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.splitlines() if re.match(r"\| `(?:WETHOD|GATEWAY)_", line)]
    assert len(rows) == 6
    assert set(rows) <= set(settings_table().splitlines())
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [row.split()[1] for row in rows] == re.findall(r"^- \*\*(`\w+`)\.\*\*", operations, re.MULTILINE)[:6]


def settings_table() -> str:
    """Return the table of all settings, as docs/settings.md has it."""
    rows = [
        f"| `{name.upper()}` | {shown_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| Variable | Default | Meaning |", "| --- | --- | --- |", *rows])


def shown_default(default: object) -> str:
    """Return a default as the table shows it: nothing if a setting has none."""
    if default is None or default == () or default is PydanticUndefined:
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


@pytest.mark.parametrize(
    ("url", "plaintext", "allowed"),
    [
        ("http://127.0.0.1:8080", "", True),
        ("http://localhost/prefix", "", True),
        ("http://[::1]:1", "", True),
        ("http://wethod.example", "", False),
        ("http://127.0.0.1.example", "", False),
        ("http://wethod.example", "true", True),
        ("https://wethod.example/prefix/", "", True),
    ],
)
def test_plaintext_to_another_machine_needs_a_setting(url: str, plaintext: str, *, allowed: bool) -> None:
    environ = {"WETHOD_BASE_URL": url, "WETHOD_ALLOW_PLAINTEXT": plaintext}
    if allowed:
        assert load(environ).wethod_base_url == url.rstrip("/")
    else:
        with pytest.raises(SettingsError, match="WETHOD_ALLOW_PLAINTEXT=true"):
            load(environ)


def test_a_client_certificate_needs_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would never be presented. A CA file may be for an https proxy."""
    monkeypatch.chdir(tmp_path)
    Path("a.pem").touch()
    environ = {"WETHOD_BASE_URL": "http://127.0.0.1:8080", "WETHOD_CLIENT_CERT_FILE": "a.pem"}
    with pytest.raises(SettingsError) as caught:
        load(environ)
    assert str(caught.value) == "WETHOD_CLIENT_CERT_FILE=a.pem: needs https in WETHOD_BASE_URL"
    load(environ | {"WETHOD_BASE_URL": "https://wethod.example"})
    load({"WETHOD_BASE_URL": "http://127.0.0.1:8080", "WETHOD_CA_FILE": "a.pem"})


def test_an_option_takes_precedence_over_its_variable() -> None:
    assert load({"GATEWAY_PORT": "1"}, gateway_port=2, gateway_host=None).gateway_port == 2


def test_a_misspelt_variable_is_found() -> None:
    """The default would apply silently."""
    assert unknown_variables({"GATEWAY_HOTS": "x", "GATEWAY_HOST": "y", "PATH": "z"}) == ["GATEWAY_HOTS"]
