"""Why somebody is not let in, in the words and numbers of HTTP."""


class Refusal(Exception):
    """Nobody is let in with this request. Never carries a credential.

    Answer with ``status``, ``headers`` and the JSON body ``{"detail": refusal.detail}``.
    """

    status: int
    """401, 403 or 503."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        """What may be shown to the client."""

    @property
    def headers(self) -> dict[str, str]:
        """``WWW-Authenticate`` or ``Retry-After``, where they belong."""
        return {}


class Unauthenticated(Refusal):
    """401: nobody is known to be calling."""

    status = 401

    def __init__(self, detail: str = "Not authenticated") -> None:
        super().__init__(detail)

    @property
    def headers(self) -> dict[str, str]:
        """``WWW-Authenticate``."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Refusal):
    """403: it is known who is calling, and they may not."""

    status = 403

    def __init__(self, detail: str = "Not permitted") -> None:
        super().__init__(detail)


class Unavailable(Refusal):
    """503: it cannot be said who is calling, as whoever knows does not say."""

    status = 503

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """In how many seconds to try again, if the other side said so."""

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After``, if it is known."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
