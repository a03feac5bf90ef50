"""Titles, videos, their files and frame tracks, the jobs that index them, and results that were shared."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from anime_search.engine.episode import ParsedPath, VideoKind
from video.faults import VideoFault

#: Longest title, file name or message that is kept.
NAME_LENGTH = 255


class AnimeFormat(models.TextChoices):
    """How a title was published, in AniList's words (``MediaFormat``)."""

    TV = "TV", _("TV series")
    TV_SHORT = "TV_SHORT", _("TV short")
    MOVIE = "MOVIE", _("Movie")
    SPECIAL = "SPECIAL", _("Special")
    OVA = "OVA", _("OVA")
    ONA = "ONA", _("ONA")
    MUSIC = "MUSIC", _("Music video")


class AnimeSeason(models.TextChoices):
    """Quarter of the year in which a title began (AniList's ``MediaSeason``)."""

    WINTER = "WINTER", _("Winter")
    SPRING = "SPRING", _("Spring")
    SUMMER = "SUMMER", _("Summer")
    FALL = "FALL", _("Fall")


class Anime(models.Model):
    """A title. One that only a folder's number names is kept too, and filled in when its metadata comes."""

    anilist_id = models.PositiveIntegerField(unique=True)
    mal_id = models.PositiveIntegerField(null=True, blank=True, db_index=True)
    title_native = models.CharField(max_length=NAME_LENGTH, blank=True)
    title_romaji = models.CharField(max_length=NAME_LENGTH, blank=True)
    title_english = models.CharField(max_length=NAME_LENGTH, blank=True)
    title_chinese = models.CharField(max_length=NAME_LENGTH, blank=True)
    title_korean = models.CharField(max_length=NAME_LENGTH, blank=True)
    synonyms = models.JSONField(default=list, blank=True)
    synonyms_chinese = models.JSONField(default=list, blank=True)
    season = models.CharField(max_length=6, choices=AnimeSeason.choices, blank=True)
    season_year = models.PositiveSmallIntegerField(null=True, blank=True)
    start_month = models.PositiveSmallIntegerField(null=True, blank=True)
    format = models.CharField(max_length=8, choices=AnimeFormat.choices, blank=True)
    episodes = models.PositiveIntegerField(null=True, blank=True)
    is_adult = models.BooleanField(default=False)
    cover_url = models.URLField(max_length=500, blank=True)
    metadata_at = models.DateTimeField(
        _("metadata fetched at"), null=True, blank=True, help_text=_("empty: AniList was not asked yet")
    )
    metadata_missing = models.BooleanField(default=False, help_text=_("AniList has no such anime"))

    class Meta:
        verbose_name_plural = "anime"

    def __str__(self) -> str:
        return self.display_title or f"AniList {self.anilist_id}"

    @property
    def pages(self) -> tuple[tuple[str, str], ...]:
        """Name and address of the pages that AniList and MyAnimeList have of the title, as far as they are known."""
        anilist = ("AniList", f"https://anilist.co/anime/{self.anilist_id}")
        if self.mal_id is None:
            return (anilist,)
        return anilist, ("MyAnimeList", f"https://myanimelist.net/anime/{self.mal_id}")

    @property
    def display_title(self) -> str:
        """The title most readers know; empty while nothing but the number is known."""
        return (
            self.title_romaji
            or self.title_english
            or self.title_native
            or self.title_chinese
            or self.title_korean
        )


class Video(models.Model):
    """A video by its content: the same bytes are one video, wherever they lie and whatever they are called."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()
    anime = models.ForeignKey(Anime, null=True, blank=True, on_delete=models.SET_NULL, related_name="videos")
    filename = models.CharField(max_length=NAME_LENGTH)
    title = models.CharField(max_length=NAME_LENGTH, help_text=_("read off the path"))
    season = models.PositiveIntegerField(null=True, blank=True)
    episode = models.FloatField(null=True, blank=True)
    episode_end = models.FloatField(null=True, blank=True)
    absolute_episode = models.FloatField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in VideoKind])
    duration_ms = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    fps = models.FloatField()
    codec = models.CharField(max_length=40)
    indexed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["anime", "episode"], name="video_by_episode")
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def parsed(self) -> ParsedPath:
        """What was read off the path, as far as it is kept."""
        return ParsedPath(
            title=self.title,
            season=self.season,
            episode=self.episode,
            episode_end=self.episode_end,
            absolute_episode=self.absolute_episode,
            kind=VideoKind(self.kind),
            version=None,
            release_group=None,
            anilist_id=None,
            year=None,
        )


class VideoFile(models.Model):
    """A place where a video lies. Size, time and inode tell cheaply whether the file is still the same."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="files")
    path = models.TextField()
    path_sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()
    mtime_ns = models.BigIntegerField()
    inode = models.CharField(max_length=20)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.path


class FrameTrackFile(models.Model):
    """The descriptors of a video, by one descriptor; the vectors are in a file beside the manifest of it here."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="tracks")
    descriptor = models.CharField(max_length=40)
    frames = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["video", "descriptor"], name="one_track_a_descriptor"),
        ]

    def __str__(self) -> str:
        return f"{self.video_id}/{self.descriptor}"


class JobStatus(models.TextChoices):
    """States of a job; the row is the truth, whatever a broker says."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    DONE = "done", pgettext_lazy("state of a job", "done")
    FAILED = "failed", _("failed")


class JobOutcome(models.TextChoices):
    """How a job that ended did so."""

    INDEXED = "indexed", _("indexed")
    KNOWN = "known", _("content known already")
    BROKEN = "broken", _("broken file")
    GONE = "gone", _("file gone or replaced")
    ERROR = "error", _("our failure")


class IngestJob(models.Model):
    """One file to be indexed: queued, then running under a lease, then done or failed.

    A worker claims it by a conditional update and renews ``leased_until`` while it works; a job whose lease
    ran out belongs to a worker that died, and may be claimed again, ``MAX_ATTEMPTS`` times at most.
    """

    MAX_ATTEMPTS: ClassVar[int] = 3

    path = models.TextField()
    path_sha256 = models.CharField(max_length=64, db_index=True)
    root = models.TextField()
    size = models.PositiveBigIntegerField()
    mtime_ns = models.BigIntegerField()
    inode = models.CharField(max_length=20)
    status = models.CharField(max_length=8, choices=JobStatus.choices, default=JobStatus.QUEUED)
    outcome = models.CharField(max_length=8, choices=JobOutcome.choices, blank=True)
    fault = models.CharField(max_length=12, choices=[(f.value, f.value) for f in VideoFault], blank=True)
    message = models.CharField(max_length=NAME_LENGTH, blank=True)
    content = models.CharField(max_length=64, blank=True, help_text=_("SHA-256, once the file was read"))
    video = models.ForeignKey(Video, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs")
    attempts = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=120, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    done_s = models.FloatField(default=0)
    total_s = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "leased_until"], name="ingest_job_to_claim")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["path_sha256"],
                condition=Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING]),
                name="one_open_ingest_job_a_path",
            ),
            models.UniqueConstraint(
                fields=["content"],
                condition=Q(status=JobStatus.RUNNING) & ~Q(content=""),
                name="one_running_ingest_job_a_content",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.path}"


#: Letters of a shared result's public id: lower-case hexadecimal digits.
SHARE_ID_LENGTH = 12


def new_share_id() -> str:
    """An id that tells nothing of how many results are shared, and opens nothing: it is looked up with its owner."""
    return secrets.token_hex(SHARE_ID_LENGTH // 2)


class SharedResult(models.Model):
    """A search's result, which whoever searched has shared by a link; the picture beside it is a file.

    Of the link only the digest is stored: nobody who reads this table can open it. Whoever withdraws a result has
    it deleted, as its time does: nothing of it stays.

    Attributes:
        public_id: what its owner's pages and its picture's file call it.
        digest: SHA-256 of the link's token.
        owner: None for somebody without an account.
        visitor: of a guest, the digest that the browser's session is known by
            (:attr:`accounts.principal.Principal.visitor`).
        result: what was found, as :func:`anime_search.shared_answers.plain_answer` gives it: it is shown as it was,
            whatever becomes of videos and titles.
    """

    public_id = models.CharField(
        max_length=SHARE_ID_LENGTH, unique=True, default=new_share_id, editable=False
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="shared_results",
    )
    visitor = models.CharField(max_length=64, blank=True, editable=False)
    result = models.JSONField(editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at"], name="share_newest_of_owner"),
            models.Index(
                fields=["visitor", "-created_at"], condition=~Q(visitor=""), name="share_newest_of_visitor"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(owner__isnull=True) & ~Q(visitor="") | Q(owner__isnull=False, visitor=""),
                name="share_has_one_owner",
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class PastSearch(models.Model):
    """What a search of an account came to, for its owner to look up: the picture is not part of it.

    Attributes:
        by_program: it was asked with an API key, and not on the page.
        confident: whether the scene was called a match.
        at_ms: the moment in the video, in milliseconds.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="+")
    at_ms = models.PositiveBigIntegerField()
    similarity = models.FloatField()
    confident = models.BooleanField()
    by_program = models.BooleanField()
    found_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("past searches")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-found_at"], name="past_search_by_owner"),
            models.Index(fields=["found_at"], name="past_search_by_time"),
        ]

    def __str__(self) -> str:
        return f"video {self.video_id} at {self.at_ms / 1000:.1f} s, {self.found_at:%Y-%m-%d %H:%M}"
