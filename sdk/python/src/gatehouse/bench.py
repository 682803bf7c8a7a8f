"""Measure what verifying a JWT costs: ``python -m gatehouse.bench``.

Prints the speed of ``Verifier.verify`` and ``AsyncVerifier.verify``, headers of a request
included, as a share of the speed of PyJWT's own ``jwt.decode`` with the same key, checking the
same signature, issuer, audience and times. Both run in turn in one process, so the ratio
depends little on the machine. At least 0.9 is wanted; it ends with 1 below.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from statistics import median
from threading import Thread

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from gatehouse._verifiers import AsyncVerifier, Verifier

_WANTED = 0.9
_ROUNDS = 31
_CALLS = 300
_LIFETIME = 900


def main() -> int:
    """Measure, print, and return 1 if it is slower than wanted."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    public_key = ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
    public_key |= {"kid": "bench", "alg": "ES256", "use": "sig"}
    with _key_set_served({"keys": [public_key]}) as issuer, Verifier(issuer=issuer) as verifier:
        token = _token(private_key, issuer)
        headers = {"Host": "localhost", "Accept": "*/*", "Authorization": f"Bearer {token}"}
        in_asyncio = AsyncVerifier(issuer=issuer)
        key = jwt.PyJWK(public_key)

        def bare() -> object:
            return jwt.decode(
                token, key, algorithms=["ES256"], issuer=issuer, audience=issuer, leeway=30
            )

        with asyncio.Runner() as runner:
            ratios = {
                "Verifier": _ratio(bare, lambda: _time(lambda: verifier.verify(headers))),
                "AsyncVerifier": _ratio(bare, lambda: runner.run(_time_async(in_asyncio, headers))),
            }
            runner.run(in_asyncio.aclose())
    for name, (ratio, ours, theirs) in ratios.items():
        print(f"{name + ':':15}{ours:7.1f} µs   PyJWT alone: {theirs:7.1f} µs   ratio {ratio:.2f}")
    return 0 if all(ratio >= _WANTED for ratio, _, _ in ratios.values()) else 1


def _ratio(
    bare: Callable[[], object], ours_timed: Callable[[], float]
) -> tuple[float, float, float]:
    """Return the median ratio of speeds, and the median microseconds of both."""
    ours_timed(), _time(bare)  # fetches keys, warms caches
    rounds = [(ours_timed(), _time(bare)) for _ in range(_ROUNDS)]
    return (
        median(theirs / ours for ours, theirs in rounds),
        median(ours for ours, _ in rounds),
        median(theirs for _, theirs in rounds),
    )


def _time(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - begun) / _CALLS * 1e6


async def _time_async(verifier: AsyncVerifier, headers: dict[str, str]) -> float:
    begun = time.perf_counter()
    for _ in range(_CALLS):
        await verifier.verify(headers)
    return (time.perf_counter() - begun) / _CALLS * 1e6


def _token(private_key: ec.EllipticCurvePrivateKey, issuer: str) -> str:
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": issuer,
        "sub": "93",
        "iat": now,
        "nbf": now,
        "exp": now + _LIFETIME,
        "jti": "01JDGATEHOUSEBENCHMARK0000",
        "actor": {
            "actor_id": "user:93",
            "actor_type": "human",
            "microdao_ids": ["microdao:daarion", "microdao:7"],
            "roles": ["member", "microdao_owner"],
            "user_id": "93",
        },
    }
    return jwt.encode(claims, private_key, "ES256", headers={"typ": "at+jwt", "kid": "bench"})


@contextmanager
def _key_set_served(key_set: dict[str, object]) -> Iterator[str]:
    body = json.dumps(key_set).encode()

    class KeySet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), KeySet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
