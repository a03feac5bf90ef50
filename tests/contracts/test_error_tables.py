"""Every dialect has words for every error that its services raise."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from accounts.errors import OriginForeign
from anime_search import errors as search_errors
from anime_search.api.tracemoe.errors import ERRORS as TRACEMOE
from anime_search.api.tracemoe_legacy.errors import ERRORS as LEGACY
from anime_search.api.whatanime.errors import ERRORS as WHATANIME
from apikeys import errors as key_errors
from apikeys.api.errors import ERRORS as APIKEYS
from core import surfaces
from core.clock import now
from core.errors import DomainError, Unavailable
from core.surfaces import ErrorTable, InternalFault, MethodNotAllowed, RouteNotFound, render_error
from credits import errors as metering_errors
from credits.days import DayState
from credits.policies import Limits
from credits.services import Snapshot
from credits.windows import WindowState


def all_subclasses(base: type[DomainError]) -> set[type[DomainError]]:
    return {base} | {each for kind in base.__subclasses__() for each in all_subclasses(kind)}


def example_of(kind: type[DomainError]) -> DomainError:
    state = WindowState(10, 11, 60)
    snapshot = Snapshot(Limits(rate=10, daily=10), state, DayState(10, 10, 60, now()))
    if issubclass(kind, search_errors.ImageFetchFailed):
        return kind(url="https://images.example/a.png")
    if issubclass(kind, metering_errors.ConcurrencyExceeded):
        return kind(snapshot=snapshot)
    if issubclass(kind, metering_errors.LimitExceeded):
        return kind(snapshot=snapshot, retry_after_s=60)
    if issubclass(kind, metering_errors.ConcurrencyExceeded):
        return kind(snapshot=snapshot)
    if issubclass(kind, search_errors.ImageFetchFailed):
        return kind(url="https://pictures.example/a.jpg")
    if issubclass(kind, metering_errors.InsufficientCredits):
        return kind(snapshot=snapshot, resets_at=now())
    if issubclass(kind, (metering_errors.RequestRunning, key_errors.KeyGuessingLimited)):
        return kind(retry_after_s=2)
    return kind()


def kinds_of(*modules: ModuleType) -> set[type[DomainError]]:
    """The errors that modules define, without the bases that nobody raises."""
    return {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, DomainError)
        and kind not in (DomainError, InternalFault, metering_errors.LimitExceeded)
    }


#: What a key or a session can come to.
OF_A_CALLER = {
    key_errors.ApiKeyInvalid,
    key_errors.ApiKeyExpired,
    key_errors.ApiKeyRevoked,
    key_errors.KeyGuessingLimited,
}
#: ``IngestFailed`` belongs to a command, what only the page can ask for to the page, and previews to dialects that have them.
OF_THE_PAGE = {
    search_errors.AnimeUnknown,
    search_errors.MatchRefused,
    search_errors.SharedResultGone,
    search_errors.SharesLimited,
}
OF_A_SEARCH = OF_A_CALLER | {
    kind
    for kind in kinds_of(search_errors, surfaces)
    if kind not in {search_errors.IngestFailed, *OF_THE_PAGE} and not kind.__name__.startswith("Preview")
}
OF_LIMITS = {metering_errors.RateLimited, metering_errors.QuotaExhausted}
#: What only a dialect with sessions, credits and named requests can come to.
OF_CREDITS = {
    metering_errors.InsufficientCredits,
    metering_errors.IdempotencyKeyInvalid,
    metering_errors.IdempotencyKeyReused,
    metering_errors.RequestRunning,
    key_errors.SignInRequired,
    OriginForeign,
}
OF_KEYS = (kinds_of(key_errors) - OF_A_CALLER) | {
    OriginForeign,
    key_errors.KeyGuessingLimited,
    surfaces.BodyMalformed,
    surfaces.BodyTooLarge,
    MethodNotAllowed,
    RouteNotFound,
    Unavailable,
}
OF_A_PREVIEW = [
    search_errors.PreviewRefused,
    search_errors.PreviewExpired,
    search_errors.PreviewGone,
    MethodNotAllowed,
    RouteNotFound,
    Unavailable,
]


def by_name(kinds: set[type[DomainError]]) -> list[type[DomainError]]:
    return sorted(kinds, key=lambda kind: kind.__name__)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        *(
            (table, kind)
            for table in (LEGACY, WHATANIME, TRACEMOE)
            for kind in by_name(OF_A_SEARCH | OF_LIMITS)
        ),
        *((WHATANIME, kind) for kind in by_name(OF_CREDITS)),
        (TRACEMOE, metering_errors.ConcurrencyExceeded),
        *((APIKEYS, kind) for kind in by_name(OF_KEYS)),
        *((table, kind) for table in (LEGACY, TRACEMOE) for kind in OF_A_PREVIEW),
        (LEGACY, search_errors.PreviewTimeInvalid),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_dialect_has_words_for_what_its_services_raise(
    table: ErrorTable, kind: type[DomainError]
) -> None:
    response = render_error(table, example_of(kind))
    documented_500 = table is LEGACY and kind is search_errors.ImageUndecodable
    assert (response.status_code == 500) == documented_500
    assert 400 <= response.status_code <= 503
    json.loads(response.content)


@pytest.mark.parametrize("table", [LEGACY, WHATANIME, TRACEMOE, APIKEYS])
def test_every_error_of_the_project_can_be_rendered(table: ErrorTable) -> None:
    for kind in all_subclasses(DomainError):
        assert 400 <= render_error(table, example_of(kind)).status_code <= 503
