"""Searches that count, matches that wait for somebody's word, and the sums that rankings are read from.

Titles are named by their AniList id and videos by their row's id, both without a constraint of the database:
what was searched stays counted when a video or a title is deleted, and a title that comes back has its count.
Reading joins the title, so that one that is not there is not shown.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from anime_search.models import Anime, Video
from rankings.periods import Period

#: Bytes of the hash that a caller is known by, in hexadecimal digits.
CALLER_LENGTH: Final = 64
#: Longest id of a search.
SEARCH_ID_LENGTH: Final = 32

_OUTLIVES: Final[dict[str, Any]] = {
    "on_delete": models.DO_NOTHING,
    "db_constraint": False,
    "db_index": False,
    "related_name": "+",
}


class FoundScene(models.Model):
    """A moment of a video that a search came to.

    Attributes:
        caller: a keyed hash of who searched, another one each day (see :mod:`rankings.callers`).
        day: the UTC day of the search: it counts in the periods that hold this day.
        at_ms: the moment, in milliseconds.
    """

    caller = models.CharField(max_length=CALLER_LENGTH)
    day = models.DateField()
    anime = models.ForeignKey(Anime, to_field="anilist_id", db_column="anilist_id", **_OUTLIVES)
    video = models.ForeignKey(Video, **_OUTLIVES)
    at_ms = models.PositiveBigIntegerField()
    similarity = models.FloatField()
    found_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"AniList {self.anime_id} at {self.at_ms / 1000:.1f} s, {self.found_at:%Y-%m-%d %H:%M}"


class SearchEvent(FoundScene):
    """A search that counts: of a scene that the search, or whoever searched, was sure of.

    The two constraints are the rule that a caller's scene counts once a day. Time is cut into buckets of 20 s,
    and a second time with the cuts half a bucket later; two moments within 10 s of each other share a bucket
    of one kind at least, so that no edge of a bucket lets a scene be counted twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bucket = models.PositiveBigIntegerField()
    shifted_bucket = models.PositiveBigIntegerField()
    confirmed = models.BooleanField(help_text=_("by whoever searched; else the search itself was sure"))

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["-found_at"], name="event_by_time")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["day", "caller", "video", "bucket"], name="scene_counts_once_a_day"
            ),
            models.UniqueConstraint(
                fields=["day", "caller", "video", "shifted_bucket"], name="scene_counts_once_a_day_shifted"
            ),
        ]


class UnsureMatch(FoundScene):
    """A candidate of a search that was not sure of it; it counts if whoever searched confirms it."""

    search_id = models.CharField(max_length=SEARCH_ID_LENGTH)
    position = models.PositiveSmallIntegerField(help_text=_("among the candidates, from 0"))

    class Meta:
        verbose_name_plural = _("unsure matches")
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["found_at"], name="unsure_by_time")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["search_id", "position"], name="one_unsure_match_a_position"),
        ]


class MatchFeedback(models.Model):
    """What whoever searched said of a match, with what the search went by: examples to measure the search with.

    Neither the picture nor who searched is kept. Title and video are named as elsewhere here.

    Attributes:
        at_ms: the moment, in milliseconds.
        view: what had been done to the picture, as the search read it.
        confident: whether the search itself was sure of its first candidate.
        asked_frames: of a clip; 0 for a picture.
        descriptor, vector: see :class:`anime_search.services.DescribedQuery`; empty where it was forgotten.
    """

    search_id = models.CharField(max_length=SEARCH_ID_LENGTH)
    position = models.PositiveSmallIntegerField(help_text=_("among the candidates, from 0"))
    is_right = models.BooleanField()
    judged_at = models.DateTimeField()
    found_at = models.DateTimeField()
    anime = models.ForeignKey(Anime, to_field="anilist_id", db_column="anilist_id", null=True, **_OUTLIVES)
    video = models.ForeignKey(Video, **_OUTLIVES)
    at_ms = models.PositiveBigIntegerField()
    similarity = models.FloatField()
    probability = models.FloatField()
    view = models.CharField(max_length=120)
    confident = models.BooleanField()
    asked_frames = models.PositiveSmallIntegerField()
    descriptor = models.CharField(max_length=40, blank=True)
    vector = models.BinaryField()

    class Meta:
        verbose_name_plural = _("match feedback")
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["judged_at"], name="feedback_by_time")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["search_id", "position"], name="one_feedback_a_position"),
            models.UniqueConstraint(
                fields=["search_id"], condition=models.Q(is_right=True), name="one_right_match_a_search"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.search_id}/{self.position}: {'right' if self.is_right else 'wrong'}"


class Tally(models.Model):
    """How often a title was searched in one period: kept up to date with every search, never summed to be read."""

    period = models.CharField(max_length=7, choices=Period.choices)
    start = models.DateField(help_text=_("first day of the period"))
    anime = models.ForeignKey(Anime, to_field="anilist_id", db_column="anilist_id", **_OUTLIVES)
    count = models.PositiveBigIntegerField()

    class Meta:
        verbose_name_plural = _("tallies")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["period", "start", "-count", "anime"], name="tally_by_count")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["period", "start", "anime"], name="one_tally_a_title_and_period"),
        ]

    def __str__(self) -> str:
        return f"AniList {self.anime_id}, {self.period} from {self.start}: {self.count}"
