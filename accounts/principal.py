"""On whose behalf a service acts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PrincipalKind(StrEnum):
    GUEST = "guest"
    USER = "user"
    API_KEY = "api_key"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: what a service takes instead of a request.

    Attributes:
        kind: how the caller proved who it is; an operator works at the command line and is never metered.
        user_id: the account, where there is one.
        key_id: the API key that was shown, where one was.
        address: the client's address behind trusted proxies.
        tier: name of the tier whose policies apply.
        visitor: digest of what a browser's session is known by, where something is kept for its guest; never told.
    """

    kind: PrincipalKind
    user_id: int | None = None
    key_id: int | None = None
    address: str = ""
    tier: str = "guest"
    visitor: str = ""

    @property
    def account_id(self) -> int:
        """The account.

        Raises:
            ValueError: the caller has none.
        """
        if self.user_id is None:
            raise ValueError("a guest has no account")
        return self.user_id

    @classmethod
    def guest(cls, address: str) -> Principal:
        """Somebody known by an address alone."""
        return cls(kind=PrincipalKind.GUEST, address=address)

    @classmethod
    def operator(cls) -> Principal:
        """Whoever runs a command on the machine itself."""
        return cls(kind=PrincipalKind.OPERATOR, tier="enterprise")
