"""The asynchronous client: the same as the synchronous one, word for word, with ``await``."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from frameproof import exchanges
from frameproof.connecting import TIMEOUT_S, VERDICT_TIMEOUT_S, Connection, connection_failed
from frameproof.errors import FrameproofError, StillRunning
from frameproof.exchanges import Exchange, Source
from frameproof.models import Account, Analysis, AnalysisPage, Ranking, RecentSearches, SearchResult, Usage
from frameproof.retries import RetryPolicy

Result = TypeVar("Result")


class AsyncClient:
    """Asks a Frameproof server; an asynchronous context manager.

    Searches and analyses carry an idempotency key, one of your own or a random one, so that a request that is sent
    again after a broken connection or a "not now" is charged once.

    Args:
        host: address of the server; else ``FRAMEPROOF_HOST``, else this machine's port 8000.
        api_key: else ``FRAMEPROOF_API_KEY``; an empty one asks as a guest, who may search and read rankings.
        timeout_s: for each request's answer; verdicts have longer.
        retry: how patient the client is.
        transport: of httpx, for tests and special networks.

    Raises:
        ValueError: the host or the key is none.
    """

    def __init__(
        self,
        host: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retry: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection.of(host, api_key, timeout_s, retry)
        self._http = httpx.AsyncClient(**self._connection.options(), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def search(self, image: Source, *, idempotency_key: str | None = None) -> SearchResult:
        """Find the scene of a screenshot, an animation or a short video.

        Args:
            image: the path of a file, its bytes, or its address.
            idempotency_key: a name of your own for this search.

        Raises:
            ApiError: the server refused it, or failed.
            ConnectionFailed, UnexpectedAnswer: as the names say.
            OSError: the file cannot be read.
        """
        return await self._send(exchanges.search(image, idempotency_key))

    async def detect(
        self, video: Source, *, idempotency_key: str | None = None, timeout_s: float = VERDICT_TIMEOUT_S
    ) -> Analysis:
        """Have a video judged, and wait for the verdict in one request, which the server limits to a minute or so.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer, OSError: as :meth:`search`.
        """
        return await self._send(exchanges.detect(video, idempotency_key, is_async=False, timeout_s=timeout_s))

    async def start_detection(self, video: Source, *, idempotency_key: str | None = None) -> Analysis:
        """Have a video judged, and return at once; :meth:`wait_for` waits for the verdict.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer, OSError: as :meth:`search`.
        """
        return await self._send(exchanges.detect(video, idempotency_key, is_async=True))

    async def get_analysis(self, analysis_id: str) -> Analysis:
        """How an analysis stands.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        return await self._send(exchanges.get_analysis(analysis_id))

    async def wait_for(self, analysis: Analysis | str, *, timeout_s: float = 600.0) -> Analysis:
        """The analysis with its verdict. It is looked at less and less often: each look is one of the day's requests.

        Raises:
            StillRunning: it has no verdict in this time; it goes on.
            ApiError: it came to nothing, and was refunded; or a look at it was refused.
            ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        analysis_id = analysis if isinstance(analysis, str) else analysis.id
        deadline = time.monotonic() + timeout_s
        for pause_s in exchanges.poll_waits():
            standing = await self.get_analysis(analysis_id)
            if not standing.is_open:
                if (failure := exchanges.failure_of(standing)) is not None:
                    raise failure
                return standing
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            await asyncio.sleep(min(pause_s, left_s))
        raise StillRunning(analysis_id)

    async def dismiss(self, analysis_id: str) -> str:
        """Cancel an analysis that is open, and have it refunded; delete one that has ended.

        Returns:
            ``cancelled`` or ``deleted``.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        return await self._send(exchanges.dismiss(analysis_id))

    async def analyses(self, *, page: int = 1, per_page: int = 20) -> AnalysisPage:
        """A page of one's analyses, newest first.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        return await self._send(exchanges.analyses(page, per_page))

    async def account(self) -> Account:
        """Whose key it is, with tier and credits.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        return await self._send(exchanges.account())

    async def usage(self) -> Usage:
        """What was used, and what is left of the day's requests.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        return await self._send(exchanges.usage())

    async def rankings(self, period: str = "all", *, limit: int = 50, include_adult: bool = False) -> Ranking:
        """The titles searched most.

        Args:
            period: daily, weekly, monthly, yearly or all.
            limit: titles at most, up to 100.
            include_adult: whether adult titles are among them.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        return await self._send(exchanges.rankings(period, limit, include_adult=include_adult))

    async def recent_searches(
        self, *, limit: int = 20, offset: int = 0, include_adult: bool = False
    ) -> RecentSearches:
        """Scenes that were found lately, latest first.

        Raises:
            ApiError, ConnectionFailed, UnexpectedAnswer: as :meth:`search`.
        """
        return await self._send(exchanges.recent_searches(limit, offset, include_adult=include_adult))

    async def _send(self, exchange: Exchange[Result]) -> Result:
        attempt = 1
        while True:
            try:
                return exchange.read_answer(await self._attempt(exchange))
            except FrameproofError as error:
                wait_s = self._connection.next_wait_s(exchange, attempt, error)
                if wait_s is None:
                    raise
            await asyncio.sleep(wait_s)
            attempt += 1

    async def _attempt(self, exchange: Exchange[Result]) -> httpx.Response:
        options: dict[str, Any] = {
            "params": exchange.params,
            "headers": exchange.headers,
            "timeout": self._connection.timeout_of(exchange),
        }
        try:
            if exchange.upload is None:
                return await self._http.request(exchange.method, exchange.path, json=exchange.body, **options)
            with exchange.upload.opened() as files:
                return await self._http.request(exchange.method, exchange.path, files=files, **options)
        except httpx.TransportError as error:
            raise connection_failed(self._connection.host, error) from error
