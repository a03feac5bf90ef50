"""Every dialect has words for every error that its services raise."""

from __future__ import annotations

import json

import pytest

from accounts.errors import ApiKeyInvalid
from anime_search import errors as search_errors
from anime_search.api.tracemoe.errors import ERRORS as TRACEMOE
from anime_search.api.tracemoe_legacy.errors import ERRORS as LEGACY
from anime_search.api.whatanime.errors import ERRORS as WHATANIME
from core import surfaces
from core.errors import DomainError, Unavailable
from core.surfaces import ErrorTable, InternalFault, MethodNotAllowed, RouteNotFound, render_error
from credits import errors as metering_errors
from credits.services import Snapshot
from credits.windows import WindowState


def all_subclasses(base: type[DomainError]) -> set[type[DomainError]]:
    return {base} | {each for kind in base.__subclasses__() for each in all_subclasses(kind)}


def example_of(kind: type[DomainError]) -> DomainError:
    if issubclass(kind, metering_errors.LimitExceeded):
        state = WindowState(10, 11, 60)
        return kind(snapshot=Snapshot(state, state), retry_after_s=60)
    return kind()


#: What a search can come to: of limits, the two kinds; ``IngestFailed`` belongs to a command, and previews to dialects that have them.
OF_A_SEARCH = sorted(
    (
        kind
        for module in (search_errors, metering_errors, surfaces)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, DomainError)
        and kind
        not in (DomainError, InternalFault, search_errors.IngestFailed, metering_errors.LimitExceeded)
        and not kind.__name__.startswith("Preview")
    ),
    key=lambda kind: kind.__name__,
)
OF_A_PREVIEW = [
    search_errors.PreviewRefused,
    search_errors.PreviewExpired,
    search_errors.PreviewGone,
    MethodNotAllowed,
    RouteNotFound,
    Unavailable,
]


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        *((table, kind) for table in (LEGACY, WHATANIME) for kind in [*OF_A_SEARCH, ApiKeyInvalid]),
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


@pytest.mark.parametrize("table", [LEGACY, WHATANIME, TRACEMOE])
def test_every_error_of_the_project_can_be_rendered(table: ErrorTable) -> None:
    for kind in all_subclasses(DomainError):
        assert 400 <= render_error(table, example_of(kind)).status_code <= 503
