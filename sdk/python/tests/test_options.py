"""Options that can be meant and those that cannot."""

import pytest

import gatehouse
from gatehouse import AsyncVerifier, Options, Verifier
from gatehouse._options import settings_from

ISSUER = "https://auth.example.org"


def test_everything_has_a_default() -> None:
    settings = settings_from({}, {})
    assert settings.auth_url == "http://localhost:7011"
    assert (settings.timeout, settings.cache_seconds, settings.jwt) == (5, 1, None)

    jwt = settings_from({}, {"GATEHOUSE_ISSUER": ISSUER}).jwt
    assert jwt is not None
    assert (jwt.issuer, jwt.audience, jwt.leeway) == (ISSUER, ISSUER, 30)
    assert (jwt.jwks_url, jwt.algorithms) == (f"{ISSUER}/.well-known/jwks.json", ("ES256",))


def test_options_go_before_the_environment() -> None:
    environment = {
        "AUTH_SERVICE_URL": "http://environment:7011/",
        "GATEHOUSE_ISSUER": ISSUER,
        "GATEHOUSE_AUDIENCE": "city",
    }
    settings = settings_from({}, environment)
    assert settings.auth_url == "http://environment:7011"
    assert settings.jwt is not None
    assert settings.jwt.audience == "city"

    options: Options = {"auth_url": "http://option:1", "audience": "town"}
    settings = settings_from(options, environment)
    assert settings.auth_url == "http://option:1"
    assert settings.jwt is not None
    assert settings.jwt.audience == "town"
    assert settings_from({"issuer": ""}, environment).jwt is None


def test_empty_variables_are_none() -> None:
    empty = dict.fromkeys(("AUTH_SERVICE_URL", "GATEHOUSE_ISSUER", "GATEHOUSE_AUDIENCE"), "")
    assert settings_from({}, empty) == settings_from({}, {})


def test_issuer_is_compared_as_it_was_written() -> None:
    jwt = settings_from({"issuer": f"{ISSUER}/"}, {}).jwt
    assert jwt is not None
    assert jwt.issuer == f"{ISSUER}/"
    assert jwt.jwks_url == f"{ISSUER}/.well-known/jwks.json"


BAD: list[Options] = [
    {"auth_url": "localhost:7011"},
    {"auth_url": "ftp://localhost"},
    {"auth_url": "http://user:password@localhost"},
    {"auth_url": "http://localhost/?a=b"},
    {"auth_url": "http://localhost/#a"},
    {"auth_url": "http://localhost:99999"},
    {"auth_url": "http://localhost:0"},
    {"auth_url": "http://localhost:a"},
    {"auth_url": "http://[::1"},
    {"auth_url": "http://local\nhost"},
    {"auth_url": " http://localhost"},
    {"auth_url": "http://l\u00f6calhost"},
    {"auth_url": "http://localhost\\@example.org"},
    {"auth_url": "http://"},
    {"issuer": "auth.example.org"},
    {"issuer": ISSUER, "jwks_url": "file:///etc/keys"},
    {"issuer": ISSUER, "algorithms": ["HS256"]},
    {"issuer": ISSUER, "algorithms": ["ES256", "none"]},
    {"issuer": ISSUER, "algorithms": []},
    {"issuer": ISSUER, "algorithms": "ES256"},
    {"issuer": ISSUER, "leeway": 31},
    {"issuer": ISSUER, "leeway": -1},
    {"timeout": 0},
    {"timeout": 61},
    {"timeout": float("nan")},
    {"cache_seconds": 2},
    {"cache_seconds": -1},
]


@pytest.mark.parametrize("options", BAD, ids=str)
def test_what_cannot_be_meant_is_refused_at_once(options: Options) -> None:
    for make in (Verifier, AsyncVerifier, gatehouse.configure):
        with pytest.raises(ValueError, match=r"must be") as refused:
            make(**options)
        assert "password@" not in str(refused.value)


def test_unknown_option_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="auth_uri"):
        Verifier(auth_uri="http://localhost")  # type: ignore[call-arg]
