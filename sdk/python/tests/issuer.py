"""Keys and tokens of an issuer in tests."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from service import ACTOR


class Key:
    """A key pair, and the tokens signed with it."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> dict[str, Any]:
        jwk = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**jwk, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def token(self, issuer: str, **claims: object) -> str:
        """An access token, with other claims than usual; None takes one away."""
        now = int(time.time())
        usual = {"iss": issuer, "aud": issuer, "sub": "93", "iat": now, "exp": now + 900}
        merged = {**usual, "actor": ACTOR, **claims}
        return jwt.encode(
            {name: value for name, value in merged.items() if value is not None},
            self.private,
            "ES256",
            headers={"typ": "at+jwt", "kid": self.kid},
        )


def key_set(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.public for key in keys]}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
