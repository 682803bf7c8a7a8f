"""Everything that verifying is, except for the asking."""

from collections.abc import Iterable

from gatehouse._access_tokens import AccessTokens
from gatehouse._api_keys import is_well_formed_api_key, looks_like_api_key
from gatehouse._credentials import Credentials, Headers, credentials_in
from gatehouse._introspection import Introspection
from gatehouse._key_set import KeySet
from gatehouse._options import Settings
from gatehouse._questions import Steps
from gatehouse._refusals import Unauthenticated


class Verification:
    """Decides what is verified here and what is asked; remembers answers and keys."""

    def __init__(self, settings: Settings) -> None:
        timeout, now = settings.timeout, settings.now
        self._introspection = Introspection(settings.auth_url, timeout, settings.cache_seconds, now)
        self._tokens: AccessTokens | None = None
        if (jwt := settings.jwt) is not None:
            keys = KeySet(jwt.jwks_url, jwt.algorithms, timeout, now)
            self._tokens = AccessTokens(
                jwt.issuer, jwt.audience, jwt.algorithms, jwt.leeway, keys, now
            )

    def of(self, headers: Headers | Iterable[tuple[str, str]]) -> Steps:
        """Begin to verify a request."""
        credentials = credentials_in(headers)
        _refuse_hopeless(credentials)
        if self._tokens is not None and (token := credentials.only_jwt()) is not None:
            return self._tokens.verify(token)
        return self._introspection.verify(credentials)


def _refuse_hopeless(credentials: Credentials) -> None:
    """Refuse what the auth service would refuse, without asking it."""
    if not credentials.headers:
        raise Unauthenticated()
    if credentials.are_too_long():
        raise Unauthenticated("The credential is too long")
    # Gateways put session tokens into X-API-Key, too, so what has no key's prefix may be one.
    first = credentials.api_key or credentials.bearer or ""
    if looks_like_api_key(first) and not is_well_formed_api_key(first):
        raise Unauthenticated("The API key is mistyped or cut off")
