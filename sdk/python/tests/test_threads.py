"""A verifier in programs without asyncio: Flask, forks, and its own end."""

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from wsgiref.types import WSGIApplication

import flask
import httpx
import pytest
from conftest import PATIENCE
from service import Asked, Reply, Service
from werkzeug.serving import make_server

from gatehouse import Refusal, Verifier, check_role

SESSION = {"Authorization": "Bearer session-1"}


def _flask_app(verifier: Verifier) -> flask.Flask:
    app = flask.Flask(__name__)

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> flask.typing.ResponseReturnValue:
        return {"detail": refusal.detail}, refusal.status, refusal.headers

    @app.get("/protected")
    def protected() -> str:
        return verifier.verify(flask.request.headers).actor_id

    @app.get("/admins")
    def admins() -> str:
        check_role(verifier.verify(flask.request.headers), "admin")
        return "admins"

    return app


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with Verifier(auth_url=service.url, timeout=PATIENCE) as verifier:
        app: WSGIApplication = _flask_app(verifier)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as http:
            yield http
        server.shutdown()
        thread.join()
        server.server_close()


def test_flask(client: httpx.Client, service: Service) -> None:
    assert client.get("/protected", headers=SESSION).text == "user:93"
    assert client.get("/admins", headers=SESSION).status_code == 403
    nobody = client.get("/protected")
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"] == "Bearer"
    assert nobody.json() == {"detail": "Not authenticated"}
    service.answer = lambda _: Reply(503, headers={"Retry-After": "3"})
    away = client.get("/protected", headers={"Authorization": "Bearer session-2"})
    assert (away.status_code, away.headers["Retry-After"]) == (503, "3")


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key"])
def test_header_that_wsgi_joins_is_nobodys(
    client: httpx.Client, service: Service, name: str
) -> None:
    sent = [(name, "Bearer a"), (name, "Bearer b")]
    assert client.get("/protected", headers=sent).status_code == 401
    assert service.asked == []


def test_verifier_works_after_a_fork(service: Service) -> None:
    verifier = Verifier(auth_url=service.url, timeout=PATIENCE)
    assert verifier.verify(SESSION).actor_id == "user:93"
    with warnings.catch_warnings(action="ignore"):  # newer Pythons warn of threads here
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if verifier.verify({"Authorization": "Bearer other"}).actor_id else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert verifier.verify({"Authorization": "Bearer third"}).actor_id == "user:93"
    verifier.close()


def test_lock_of_another_thread_does_not_come_along_a_fork(service: Service) -> None:
    verifier = Verifier(auth_url=service.url, timeout=PATIENCE)
    with verifier._lock, verifier._verification._introspection._known._lock:
        with warnings.catch_warnings(action="ignore"):
            child = os.fork()
        if child == 0:
            try:
                signal.alarm(int(PATIENCE))
                os._exit(0 if verifier.verify(SESSION).actor_id else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_closing_at_any_moment_hurts_nobody(service: Service) -> None:
    verifier = Verifier(auth_url=service.url, timeout=PATIENCE, cache_seconds=0)
    ended = threading.Event()

    def close() -> None:
        while not ended.is_set():
            verifier.close()

    def verify(number: int) -> str:
        return verifier.verify({"Authorization": f"Bearer {number}"}).actor_id

    with ThreadPoolExecutor(5) as threads:
        closing = threads.submit(close)
        assert set(threads.map(verify, range(200))) == {"user:93"}
        ended.set()
        closing.result(PATIENCE)
    verifier.close()


def test_closing_waits_for_those_who_wait(service: Service) -> None:
    asked, opened = threading.Event(), threading.Event()

    def answer(_: Asked) -> Reply:
        asked.set()
        opened.wait(PATIENCE)
        return Reply()

    service.answer = answer
    verifier = Verifier(auth_url=service.url, timeout=PATIENCE)
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(verifier.verify, SESSION)
        assert asked.wait(PATIENCE)
        closing = threads.submit(verifier.close)
        opened.set()
        closing.result(PATIENCE)
        assert waiting.result(PATIENCE).actor_id == "user:93"


def test_closed_verifier_opens_again(service: Service) -> None:
    verifier = Verifier(auth_url=service.url, timeout=PATIENCE)
    for number in range(3):
        assert verifier.verify({"Authorization": f"Bearer {number}"}).actor_id == "user:93"
        verifier.close()
        verifier.close()
    assert service.connections == 3
    assert "gatehouse" not in [thread.name for thread in threading.enumerate()]
