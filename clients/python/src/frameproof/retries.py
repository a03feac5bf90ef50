"""When a request is sent again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

#: Statuses that say "not now"; 409 is a request of the same idempotency key that is being worked on.
_NOT_NOW: Final = frozenset({409, 429, 502, 503, 504})
_IN_PROGRESS: Final = 409
#: Seconds that are waited where the server does not say: doubled each time.
_FIRST_WAIT_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a client is.

    Attributes:
        attempts: requests that are sent at most, the first among them; 1 never tries again.
        most_wait_s: the longest wait for another attempt. Where the server asks for more, as at a limit of a day, the
            error is raised at once.
    """

    attempts: int = 3
    most_wait_s: float = 30.0

    def wait_s(
        self, *, attempt: int, repeatable: bool, status: int | None, code: str, retry_after_s: float | None
    ) -> float | None:
        """Seconds to wait before the next attempt; None where there is to be none.

        Args:
            attempt: requests that were sent so far.
            repeatable: whether sending it again can never be charged again: it reads only, or has an idempotency key.
            status: of the answer; None where there was none.
            code: the server's name of the error.
            retry_after_s: as the server says.
        """
        if not repeatable or attempt >= self.attempts:
            return None
        if status is not None and status not in _NOT_NOW:
            return None
        if status == _IN_PROGRESS and code != "REQUEST_IN_PROGRESS":
            return None
        if retry_after_s is None:
            # Many clients that failed together must not come again together.
            retry_after_s = _FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311
        return retry_after_s if retry_after_s <= self.most_wait_s else None
