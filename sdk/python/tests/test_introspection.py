"""Answers of the auth service, good and bad."""

import gzip
import json
import socket
import time
from collections.abc import Callable

import pytest
from clock import Clock
from conftest import MakeVerify
from service import ACTOR, Reply, Service

from gatehouse import ActorIdentity, Forbidden, Refusal, Unauthenticated, Unavailable

SESSION = {"Authorization": "Bearer session-1"}
SOFIA = {"actor_id": "agent:sofia", "actor_type": "agent", "microdao_ids": [], "roles": ["agent"]}


def test_actor_is_who_the_auth_service_says(make_verify: MakeVerify, service: Service) -> None:
    verify = make_verify(auth_url=service.url)

    assert verify(SESSION) == ActorIdentity(
        actor_id="user:93",
        actor_type="human",
        microdao_ids=("microdao:daarion", "microdao:7"),
        roles=("member", "microdao_owner"),
        user_id="93",
    )


def test_unknown_members_are_ignored_and_user_id_may_be_absent(
    make_verify: MakeVerify, service: Service
) -> None:
    service.answer = lambda _: Reply(body=SOFIA | {"display_name": "Sofia", "more": {"a": [1]}})

    assert make_verify(auth_url=service.url)(SESSION) == ActorIdentity(
        "agent:sofia", "agent", (), ("agent",), ""
    )


def test_only_credentials_are_sent(make_verify: MakeVerify, service: Service) -> None:
    verify = make_verify(auth_url=f"{service.url}/")
    verify(
        SESSION
        | {
            "Cookie": "theme=dark; session_token=abc%3D; other=1",
            "Host": "example.org",
            "X-Forwarded-For": "10.0.0.1",
            "X-Request-Id": "1",
            "Origin": "https://example.org",
        }
    )

    (asked,) = service.asked
    assert asked.path == "/auth/me"
    assert asked.headers == {
        "authorization": "Bearer session-1",
        "cookie": "session_token=abc%3D",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "gatehouse-python",
        "host": service.url.removeprefix("http://"),
    }


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        (Reply(401, {"detail": "no"}), Unauthenticated),
        (Reply(401, b"not json"), Unauthenticated),
        (
            Reply(401, headers={"Retry-After": f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT"}),
            Unauthenticated,
        ),
        (Reply(403, {"detail": "no"}), Forbidden),
        (Reply(201), Unavailable),
        (Reply(204, b""), Unavailable),
        (Reply(301, headers={"Location": "/auth/me2"}), Unavailable),
        (Reply(307, headers={"Location": "/auth/me2"}), Unavailable),
        (Reply(400), Unavailable),
        (Reply(404), Unavailable),
        (Reply(429), Unavailable),
        (Reply(500), Unavailable),
        (Reply(502, b"<html>"), Unavailable),
        (Reply(503), Unavailable),
        (Reply(body=b""), Unavailable),
        (Reply(body=b"<html>"), Unavailable),
        (Reply(body=None), Unavailable),
        (Reply(body=[ACTOR]), Unavailable),
        (Reply(body={"actor": ACTOR}), Unavailable),
        (Reply(body=b"[" * 60_000), Unavailable),
        (Reply(body=json.dumps(ACTOR).encode("utf-16")), Unavailable),
        (Reply(body=json.dumps(ACTOR).encode() + b"{}"), Unavailable),
        (Reply(body=b'{"actor_id":"user:1",' + json.dumps(ACTOR).encode()[1:]), Unavailable),
        (Reply(body=ACTOR | {"actor_id": ""}), Unavailable),
        (Reply(body=ACTOR | {"actor_id": 93}), Unavailable),
        (Reply(body=ACTOR | {"actor_id": "user:\ud800"}), Unavailable),
        (Reply(body=ACTOR | {"actor_type": "robot"}), Unavailable),
        (Reply(body=ACTOR | {"actor_type": ["human"]}), Unavailable),
        (Reply(body=ACTOR | {"roles": "system_admin"}), Unavailable),
        (Reply(body=ACTOR | {"roles": None}), Unavailable),
        (Reply(body=ACTOR | {"roles": [1]}), Unavailable),
        (Reply(body=ACTOR | {"user_id": 93}), Unavailable),
        (Reply(body=ACTOR | {"padding": "x" * 64 * 1024}), Unavailable),
        (
            Reply(
                body=gzip.compress(json.dumps(ACTOR).encode()), headers={"Content-Encoding": "gzip"}
            ),
            Unavailable,
        ),
    ],
)
def test_any_other_answer_is_no_actor(
    make_verify: MakeVerify, service: Service, reply: Reply, refusal: type[Refusal]
) -> None:
    service.answer = lambda _: reply

    with pytest.raises(refusal) as refused:
        make_verify(auth_url=service.url)(SESSION)
    assert refused.type is refusal
    assert [asked.path for asked in service.asked] == ["/auth/me"], "a redirect was followed"


@pytest.mark.parametrize(
    ("sent", "passed_on"),
    [
        ("7", {"Retry-After": "7"}),
        ("Fri, 31 Dec 1999 23:59:59 GMT", {"Retry-After": "0"}),
        ("soon", {}),
        ("-1", {}),
        ("", {}),
        ("9" * 5000, {}),
        (f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT", {}),
        (f"Fri, 31 Dec 1999 {'9' * 20}:59:59 GMT", {}),
        (f"Fri, 31 Dec 1999 23:59:59 +{'9' * 20}", {}),
    ],
)
def test_retry_after_is_passed_on_if_it_can_be_read(
    make_verify: MakeVerify, service: Service, sent: str, passed_on: dict[str, str]
) -> None:
    service.answer = lambda _: Reply(503, headers={"Retry-After": sent})

    with pytest.raises(Unavailable) as refused:
        make_verify(auth_url=service.url)(SESSION)
    assert refused.value.headers == passed_on


def _silence(connection: socket.socket) -> None:
    connection.recv(1)


def _headers_in_drops(connection: socket.socket) -> None:
    _in_drops(connection, b"HTTP/1.1 200 OK\r\nX-Padding: ")


def _body_in_drops(connection: socket.socket) -> None:
    _in_drops(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")


def _in_drops(connection: socket.socket, beginning: bytes) -> None:
    connection.sendall(beginning)
    for _ in range(1000):
        time.sleep(0.02)
        connection.sendall(b" ")


@pytest.mark.parametrize("write", [_silence, _headers_in_drops, _body_in_drops])
def test_slow_answer_is_given_up_in_time(
    make_verify: MakeVerify, service: Service, write: Callable[[socket.socket], None]
) -> None:
    service.answer = lambda _: Reply(write=write)
    verify = make_verify(auth_url=service.url, timeout=0.2)

    begun = time.monotonic()
    with pytest.raises(Unavailable, match="no answer"):
        verify(SESSION)
    assert time.monotonic() - begun < 15, "it waited for the end"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Padding: x\r\n" * 20_000,
    ],
)
def test_broken_answer_is_no_answer(
    make_verify: MakeVerify, service: Service, answer: bytes
) -> None:
    service.answer = lambda _: Reply(write=lambda connection: connection.sendall(answer))

    with pytest.raises(Unavailable, match="no answer"):
        make_verify(auth_url=service.url)(SESSION)


def test_refused_connection_is_unavailable(make_verify: MakeVerify) -> None:
    with Service() as gone:
        url = gone.url

    with pytest.raises(Unavailable, match="ConnectError"):
        make_verify(auth_url=url)(SESSION)


def test_it_recovers_when_the_auth_service_does(make_verify: MakeVerify, service: Service) -> None:
    verify = make_verify(auth_url=service.url)
    service.answer = lambda _: Reply(500)
    with pytest.raises(Unavailable):
        verify(SESSION)

    service.answer = lambda _: Reply()
    assert verify(SESSION).actor_id == "user:93"


def test_good_answer_counts_for_one_second(make_verify: MakeVerify, service: Service) -> None:
    clock = Clock()
    verify = make_verify(auth_url=service.url, now=clock)

    verify(SESSION)
    clock.at += 0.99
    verify(SESSION)
    assert len(service.asked) == 1

    service.answer = lambda _: Reply(401)
    clock.at += 0.02
    with pytest.raises(Unauthenticated):
        verify(SESSION)


def test_clock_put_back_makes_answers_old(make_verify: MakeVerify, service: Service) -> None:
    clock = Clock()
    verify = make_verify(auth_url=service.url, now=clock)

    verify(SESSION)
    clock.at -= 60
    verify(SESSION)
    assert len(service.asked) == 2


def test_age_of_an_answer_counts_from_its_question(
    make_verify: MakeVerify, service: Service
) -> None:
    clock = Clock()
    verify = make_verify(auth_url=service.url, now=clock)

    def slowly(_: object) -> Reply:
        clock.at += 2
        return Reply()

    service.answer = slowly
    verify(SESSION)
    verify(SESSION)
    assert len(service.asked) == 2


@pytest.mark.parametrize("reply", [Reply(401), Reply(403), Reply(500)])
def test_refusals_are_not_remembered(
    make_verify: MakeVerify, service: Service, reply: Reply
) -> None:
    service.answer = lambda _: reply
    verify = make_verify(auth_url=service.url)

    for _ in range(2):
        with pytest.raises(Refusal):
            verify(SESSION)
    assert len(service.asked) == 2


def test_answers_are_not_mixed_up(make_verify: MakeVerify, service: Service) -> None:
    service.answer = lambda asked: Reply(
        body=ACTOR | {"actor_id": str(sorted(asked.headers.items()))}
    )
    verify = make_verify(auth_url=service.url)

    ways = [
        {"Authorization": "Bearer a"},
        {"Authorization": "Bearer b"},
        {"Cookie": "session_token=a"},
        {"Cookie": "__Host-session_token=a"},
        {"Authorization": "Bearer a", "Cookie": "session_token=a"},
        {"Authorization": "Bearer a", "Cookie": "session_token=b"},
    ]
    first = [verify(way) for way in ways]
    assert len(set(first)) == len(ways)
    assert [verify(way) for way in ways] == first
    assert len(service.asked) == len(ways)


def test_cookies_of_the_auth_service_are_not_kept(
    make_verify: MakeVerify, service: Service
) -> None:
    service.answer = lambda _: Reply(headers={"Set-Cookie": "session_token=of-the-first; Path=/"})
    verify = make_verify(auth_url=service.url)

    verify({"Authorization": "Bearer first"})
    verify({"Authorization": "Bearer second"})
    assert "cookie" not in service.asked[1].headers


def test_environment_does_not_send_credentials_elsewhere(
    make_verify: MakeVerify, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Service() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert make_verify(auth_url=service.url)(SESSION).actor_id == "user:93"
        assert proxy.asked == []


def test_connection_is_used_again(make_verify: MakeVerify, service: Service) -> None:
    verify = make_verify(auth_url=service.url)
    for number in range(5):
        verify({"Authorization": f"Bearer {number}"})
    assert service.connections == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Cookie": "theme=dark"},
        {"X-API-Key": "dk_short"},
        {"X-API-Key": "gh_ak_short"},
        {"X-API-Key": "dk_short", "Authorization": "Bearer session-1"},
        {"Authorization": "Bearer gh_ak_short"},
        {"Authorization": "Bearer gh_ak_short", "Cookie": "session_token=session-1"},
        {"Authorization": f"Bearer {'x' * 16 * 1024}"},
        {"Cookie": f"session_token={'x' * 16 * 1024}"},
        # Their lower and upper cases are the s, S and k of ASCII.
        {"Authorization": "Bearer \u017fession-1"},
        {"Authorization": "Bearer \u212aey"},
        {"X-API-Key": "\u017fession-1"},
        {"Cookie": "session_token=\u017fession-1"},
    ],
)
def test_hopeless_requests_are_refused_without_asking(
    make_verify: MakeVerify, service: Service, headers: dict[str, str]
) -> None:
    with pytest.raises(Unauthenticated):
        make_verify(auth_url=service.url)(headers)
    assert service.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "gh_st_of-a-gateway"},
        {"X-API-Key": "ak_of-somebody-else"},
        {"X-API-Key": "DK_short"},
        {"X-API-Key": "gh_st_of-a-gateway", "Authorization": "Bearer dk_short"},
        {"X-API-Key": f"dk_{'0' * 43}3xMPgs", "Authorization": "Bearer dk_short"},
        {"Cookie": "session_token=dk_short"},
    ],
)
def test_what_may_be_good_is_asked_about(
    make_verify: MakeVerify, service: Service, headers: dict[str, str]
) -> None:
    assert make_verify(auth_url=service.url)(headers).actor_id == "user:93"
    (asked,) = service.asked
    shown = {name.lower(): value for name, value in headers.items()}
    assert {name: value for name, value in asked.headers.items() if name in shown} == shown


def test_all_session_cookies_are_shown(make_verify: MakeVerify, service: Service) -> None:
    """The auth service refuses two of different actors: a neighbouring host may have set one."""
    verify = make_verify(auth_url=service.url)
    verify({"Cookie": "session_token=a; x=1;session_token=b; __Host-session_token=c"})
    verify({"Cookie": "; ".join(f"session_token={number}" for number in range(9))})

    assert [asked.headers["cookie"] for asked in service.asked] == [
        "__Host-session_token=c; session_token=a; session_token=b",
        "session_token=0; session_token=1; session_token=2; session_token=3",
    ]


@pytest.mark.parametrize("status", [200, 401, 403, 500])
def test_credentials_are_not_in_errors(
    make_verify: MakeVerify, service: Service, status: int
) -> None:
    service.answer = lambda _: Reply(status, b"your token swordfish is not for me")

    with pytest.raises(Refusal) as refused:
        make_verify(auth_url=service.url)({"Authorization": "Bearer swordfish"})
    error: BaseException | None = refused.value
    while error is not None:
        assert "swordfish" not in f"{error!r} {error} {vars(error)}"
        error = error.__cause__ or error.__context__
