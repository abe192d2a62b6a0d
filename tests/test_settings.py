"""A bad setting stops the start with one line that names variable, value and what is allowed."""

from __future__ import annotations

import pytest

from app.settings import Settings, SettingsError, load, unknown_variables

REFUSED = {
    "WETHOD_BASE_URL": {
        "ftp://api.wethod.com": "must be an absolute https or http URL with a host",
        "api.wethod.com": "must be an absolute https or http URL with a host",
        "https://": "must be an absolute https or http URL with a host",
        "https://api.wethod.com/a/../b": "must have a path of plain segments, or none",
    },
    "WETHOD_COMPANY": {"acme.wethod.com": "must be one DNS label, such as acme", "-a": "must be one DNS label"},
    "WETHOD_VERSION": {"2024-02-30": "must be a calendar date", "v1": "must be a calendar date"},
    "WETHOD_TIMEOUT_SECONDS": {"0": "greater than or equal to 0.2", "x": "valid number", "nan": "finite number"},
    "WETHOD_TRANSPORT": {"aiohttp": "'auto', 'http1' or 'httpx'"},
    "WETHOD_PROXY": {"ftp://proxy": "must be an absolute http or https URL with a host"},
    "WETHOD_CA_FILE": {"/does/not/exist.pem": "must be a file that can be read"},
    "GATEWAY_PORT": {"65536": "less than or equal to 65535", "http": "valid integer"},
    "GATEWAY_CORS_ORIGINS": {"*": "never *", "https://a.example/": "must list origins", "https://a,*": "never *"},
    "GATEWAY_AUTHORIZATION_HEADER": {"a b": "must be the name of a header", "Wethod-Company": "no other meaning"},
    "GATEWAY_TRUSTED_PROXIES": {"proxy.example": "must list addresses or networks"},
    "GATEWAY_DRAIN_SECONDS": {
        "5": "must be at least WETHOD_TIMEOUT_SECONDS + 1 (11)",
        "10.9": "must be at least WETHOD_TIMEOUT_SECONDS + 1 (11)",
    },
    "GATEWAY_METRICS_PORT": {"8000": "must not be GATEWAY_PORT"},
    "GATEWAY_KEEP_ALIVE_SECONDS": {"0": "greater than 0"},
    "GATEWAY_LOG_LEVEL": {"verbose": "'debug', 'info', 'warning', 'error' or 'critical'"},
}


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        pytest.param(name, value, allowed, id=f"{name}={value}")
        for name, cases in REFUSED.items()
        for value, allowed in cases.items()
    ],
)
def test_a_bad_value_is_named(name: str, value: str, allowed: str) -> None:
    """One line: the variable, its value, and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        load({name: value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{name}={value}: ")
    assert allowed in line


def test_every_bad_setting_is_named_at_once() -> None:
    """An operator mends the environment in one round."""
    with pytest.raises(SettingsError) as caught:
        load({"GATEWAY_PORT": "x", "WETHOD_VERSION": "y", "GATEWAY_WORKERS": "0"})
    assert [line.partition("=")[0] for line in str(caught.value).splitlines()] == [
        "WETHOD_VERSION",
        "GATEWAY_PORT",
        "GATEWAY_WORKERS",
    ]


@pytest.mark.parametrize("name", ["WETHOD_BASE_URL", "WETHOD_PROXY"])
def test_user_info_is_masked(name: str) -> None:
    """Secrets do not reach the terminal."""
    with pytest.raises(SettingsError) as caught:
        load({name: "ftp://someone:hunter2@host?key=hunter3"})
    assert "hunter" not in str(caught.value)
    assert f"{name}=ftp://***@host?***: " in str(caught.value)


@pytest.mark.parametrize("url", ["https://api.wethod.com/?token=hunter2", "https://api.wethod.com/#hunter2"])
def test_a_query_in_the_base_url_is_refused(url: str) -> None:
    """A target is built behind the base: what follows a question mark would end up in the wrong place."""
    with pytest.raises(SettingsError) as caught:
        load({"WETHOD_BASE_URL": url})
    assert str(caught.value) == "WETHOD_BASE_URL=https://api.wethod.com/?***: must not carry a query or fragment"


def test_user_info_in_the_base_url_is_refused() -> None:
    """A token belongs to the caller, not to the gateway."""
    with pytest.raises(SettingsError, match="must not carry user info"):
        load({"WETHOD_BASE_URL": "https://someone:hunter2@api.wethod.com"})


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
def test_plaintext_leaves_the_machine_only_when_asked_to(url: str, plaintext: str, *, allowed: bool) -> None:
    """Tokens do not travel in the clear by accident."""
    environ = {"WETHOD_BASE_URL": url, "WETHOD_ALLOW_PLAINTEXT": plaintext}
    if allowed:
        assert load(environ).wethod_base_url == url.rstrip("/")
    else:
        with pytest.raises(SettingsError, match="WETHOD_ALLOW_PLAINTEXT=true"):
            load(environ)


def test_the_defaults_are_those_of_the_design() -> None:
    """Nothing set is a gateway that works."""
    settings = load({})
    assert settings == Settings()
    assert (settings.wethod_connect_timeout_seconds, settings.wethod_max_connections) == (2.0, 100)
    assert (settings.gateway_max_in_flight, settings.gateway_drain_delay_seconds) == (1_000, 3.0)
    assert (settings.gateway_drain_seconds, settings.gateway_host, settings.gateway_port) == (15.0, "127.0.0.1", 8000)


def test_lists_are_comma_separated_and_empty_variables_are_none() -> None:
    """As the design says, and as container platforms set them."""
    settings = load({"GATEWAY_CORS_ORIGINS": " https://a.example, https://b.example:8443 ,", "GATEWAY_PORT": ""})
    assert settings.gateway_cors_origins == ("https://a.example", "https://b.example:8443")
    assert settings.gateway_port == 8000


def test_an_option_takes_precedence_over_its_variable() -> None:
    """The command line is nearer than the environment."""
    assert load({"GATEWAY_PORT": "1"}, gateway_port=2, gateway_host=None).gateway_port == 2


def test_a_slip_of_the_pen_is_found() -> None:
    """A misspelt variable is no silent default."""
    assert unknown_variables({"GATEWAY_HOTS": "x", "GATEWAY_HOST": "y", "PATH": "z"}) == ["GATEWAY_HOTS"]
