"""Access tokens beyond the shared vectors."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from conftest import MakeVerify
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from issuer import Key, bearer, key_set
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from service import ACTOR, Reply, Service

from gatehouse import Unauthenticated
from gatehouse._strict_json import read_object


def _signed(private_key: Any, algorithm: str, issuer: str) -> str:  # noqa: ANN401
    claims = {"iss": issuer, "aud": issuer, "sub": "1", "exp": time.time() + 60, "actor": ACTOR}
    return jwt.encode(claims, private_key, algorithm, headers={"typ": "at+jwt", "kid": "k"})


RSA = rsa.generate_private_key(65537, 2048)
RSA_JWK = RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True)
EC384 = ec.generate_private_key(ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
KINDS = [
    ("RS256", RSA, RSA_JWK),
    ("PS512", RSA, RSA_JWK),
    ("ES384", EC384, ECAlgorithm.to_jwk(EC384.public_key(), as_dict=True)),
    ("EdDSA", ED25519, OKPAlgorithm.to_jwk(ED25519.public_key(), as_dict=True)),
]


@pytest.mark.parametrize(
    ("algorithm", "private_key", "public_key"), KINDS, ids=lambda v: str(v)[:5]
)
def test_other_algorithms_count_when_they_are_asked_for(
    make_verify: MakeVerify,
    service: Service,
    algorithm: str,
    private_key: Any,  # noqa: ANN401
    public_key: dict[str, Any],
) -> None:
    # PyJWT writes what a key is for as for a private one.
    jwk = {name: value for name, value in public_key.items() if name != "key_ops"} | {"kid": "k"}
    service.answer = lambda _: Reply(body={"keys": [jwk]})
    headers = bearer(_signed(private_key, algorithm, service.url))

    both = make_verify(issuer=service.url, algorithms=["ES256", algorithm])
    assert both(headers).actor_id == "user:93"
    with pytest.raises(Unauthenticated):
        make_verify(issuer=service.url)(headers)
    other = next(kind for kind, key, _ in reversed(KINDS) if key is not private_key)
    service.answer = lambda _: Reply(body={"keys": [jwk, Key("good").public]})
    with pytest.raises(Unauthenticated):
        make_verify(issuer=service.url, algorithms=["ES256", other])(headers)


@pytest.mark.filterwarnings("ignore:.*RSA key.*")
def test_short_rsa_keys_are_left_out(make_verify: MakeVerify, service: Service) -> None:
    short = rsa.generate_private_key(65537, 1024)
    jwk = RSAAlgorithm.to_jwk(short.public_key(), as_dict=True) | {"kid": "k", "alg": "RS256"}
    service.answer = lambda _: Reply(body={"keys": [jwk, Key("good").public]})
    verify = make_verify(issuer=service.url, algorithms=["RS256", "ES256"])

    with pytest.raises(Unauthenticated):
        verify(bearer(_signed(short, "RS256", service.url)))


def test_no_letter_of_a_token_can_be_changed(make_verify: MakeVerify, service: Service) -> None:
    key = Key("1")
    keys = Reply(body=key_set(key))
    service.answer = lambda asked: Reply(401) if asked.path == "/auth/me" else keys
    verify = make_verify(auth_url=service.url, issuer=service.url)
    token = key.token(service.url)
    assert verify(bearer(token)).actor_id == "user:93"

    for place, letter in enumerate(token):
        # The next letter of the alphabet differs in the last bit, which padding would hide.
        others = {chr(ord(letter) ^ 1), "A", "."} - {letter}
        for other in sorted(others):
            changed = token[:place] + other + token[place + 1 :]
            with pytest.raises(Unauthenticated):
                pytest.fail(f"{place} {other}: {verify(bearer(changed))}")


@pytest.mark.parametrize("exp", ["1e999", "-1e999", "NaN", "Infinity", "true", '"9"', "9" * 5000])
def test_times_that_are_no_times_are_refused(
    make_verify: MakeVerify, service: Service, exp: str
) -> None:
    key = Key("1")
    service.answer = lambda _: Reply(body=key_set(key))
    url = service.url
    claims = f'{{"iss":"{url}","aud":"{url}","sub":"1","actor":{json.dumps(ACTOR)},"exp":{exp}}}'
    header = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": "1"})
    parts = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (header, claims)]
    signature = ECAlgorithm(ECAlgorithm.SHA256).sign(b".".join(parts), key.private)
    parts.append(base64.urlsafe_b64encode(signature).rstrip(b"="))

    with pytest.raises(Unauthenticated):
        make_verify(issuer=url)(bearer(b".".join(parts).decode()))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1",
        b"[]",
        b"null",
        b'{"a":1}x',
        b'{"a":1,}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'{"b":[{"a":1,"a":1}]}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b"{'a':1}",
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 100_000,
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32"),
    ],
    ids=lambda text: str(text[:20]),
)
def test_json_that_is_no_object_in_one_way_is_none(text: bytes) -> None:
    assert read_object(text) is None
