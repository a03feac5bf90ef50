"""A card's words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.translation import override

from anime_search import errors as search_errors
from anime_search.models import Video
from anime_search.web.cards import episode_text, recognised, time_text
from anime_search.web.errors import PROBLEMS
from core import errors as core_errors
from core import surfaces
from core.clock import now
from core.errors import DomainError
from core.pages import in_words
from credits import errors as metering_errors
from credits.policies import Limits
from credits.problems import problem_of
from credits.services import Snapshot


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0, "0:00.00"),
        (2.68, "0:02.68"),
        (59.994, "0:59.99"),
        (59.996, "1:00.00"),
        (301.25, "5:01.25"),
        (3599.999, "1:00:00.00"),
        (7384.5, "2:03:04.50"),
        (90000, "25:00:00.00"),
    ],
)
def test_time_reads_as_in_a_player(time_s: float, text: str) -> None:
    assert time_text(time_s) == text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"kind": "episode", "episode": 5.0}, "Episode 5"),
        ({"kind": "episode", "episode": 12.5, "season": 2}, "Season 2 · Episode 12.5"),
        ({"kind": "episode", "episode": 5.0, "episode_end": 6.0}, "Episode 5–6"),
        (
            {"kind": "episode", "episode": 5.0, "season": 2, "absolute_episode": 30.0},
            "Season 2 · Episode 5 (number 30 of all seasons)",
        ),
        ({"kind": "episode", "episode": 0.0}, "Episode 0"),
        ({"kind": "episode", "episode": 3.0, "season": 0}, "Episode 3"),
        ({"kind": "ova", "episode": 2.0}, "OVA 2"),
        ({"kind": "opening", "episode": 1.0}, "Opening 1"),
        ({"kind": "ending"}, "Ending"),
        ({"kind": "preview"}, "Preview"),
        ({"kind": "special"}, "Special"),
        ({"kind": "movie"}, "Movie"),
        ({"kind": "unknown", "season": 3}, "Season 3"),
        ({"kind": "unknown"}, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_episode_is_named(facts: dict[str, Any], text: str) -> None:
    assert episode_text(Video(**facts)) == text


@pytest.mark.parametrize(
    ("language", "text", "wait"),
    [
        ("ko", "시즌 2 · 5화 (통산 30화)", "1시간 2분"),
        ("ja", "第2期 · 第5話（通算30話）", "1時間2分"),
        ("zh-hant", "第 2 季 · 第 5 集（總第 30 集）", "1 小時 2 分鐘"),
    ],
)
def test_numbers_stand_where_a_language_has_them(language: str, text: str, wait: str) -> None:
    with override(language):
        assert episode_text(Video(kind="episode", episode=5.0, season=2, absolute_episode=30.0)) == text
        assert in_words(3720) == wait


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("full", ()),
        ("full+mirrored", ("mirrored",)),
        ("borders_removed", ("borders removed",)),
        ("borders_removed+mirrored", ("borders removed", "mirrored")),
        ("some_new_view", ("some new view",)),
    ],
)
def test_what_was_recognised_is_named(view: str, words: tuple[str, ...]) -> None:
    assert recognised(view) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "1 minute 1 second"),
        (3599, "59 minutes 59 seconds"),
    ],
)
def test_wait_is_told_to_the_second(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


def _kinds() -> list[type[DomainError]]:
    modules = (search_errors, core_errors, surfaces, metering_errors)
    return sorted(
        {
            kind
            for module in modules
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, DomainError)
        },
        key=lambda kind: kind.__name__,
    )


@pytest.mark.parametrize("kind", _kinds())
def test_every_error_has_words_and_a_status(kind: type[DomainError]) -> None:
    state = Snapshot(Limits(), None, None)
    problem = problem_of(
        PROBLEMS, kind("", retry_after_s=9, resets_at=now() + timedelta(hours=2), snapshot=state)
    )
    assert 400 <= problem.status < 600
    assert problem.title
    assert problem.advice
    assert (problem.retry_after_s is not None) == (problem.status in (429, 503))


@pytest.mark.parametrize(("balance", "page"), [(None, "account_login"), (0, "pricing")])
def test_who_has_used_everything_is_shown_a_way_out(balance: int | None, page: str) -> None:
    state = Snapshot(Limits(), None, None, balance=balance)
    for error in (
        metering_errors.QuotaExhausted(snapshot=state, retry_after_s=9),
        metering_errors.InsufficientCredits(snapshot=state, resets_at=None),
    ):
        way_out = problem_of(PROBLEMS, error).way_out
        assert way_out is not None
        assert way_out[0] == page
