"""An analysis of a video: what was asked, how far it is, what came of it."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from deepfake.engine.verdict import Manipulation, Result
from deepfake.errors import DownloadReason

#: Letters of an analysis's public id: lower-case hexadecimal digits.
ID_LENGTH = 12
#: Longest title or message that is kept.
TEXT_LENGTH = 255


class AnalysisStatus(models.TextChoices):
    """States of an analysis; the last three are for good."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    DONE = "done", pgettext_lazy("state of a job", "done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class SourceType(models.TextChoices):
    """Where the video comes from; the values are the public contract's."""

    URL = "url", _("address")
    FILE = "file", _("file")


class Stage(models.TextChoices):
    """What a running analysis is at."""

    DOWNLOAD = "download", _("download")
    DECODE = "decode", _("decode")
    FACES = "faces", _("faces")
    MODEL = "model", _("model")


OPEN = (AnalysisStatus.QUEUED, AnalysisStatus.RUNNING)


def new_public_id() -> str:
    """An id that tells nothing of how many analyses there are.

    Its 48 bits are no secret: an analysis is only ever looked up together with its owner.
    """
    return secrets.token_hex(ID_LENGTH // 2)


class Analysis(models.Model):
    """An analysis, which is the job of a worker too: the row is the truth, messages only point at it.

    A worker claims it by a conditional update and renews ``leased_until`` while it works. One whose lease ran out
    belongs to a worker that died, and is queued again, ``MAX_ATTEMPTS`` times at most. A row that has ended never
    changes again.

    Attributes:
        public_id: what the API calls it.
        owner: None for somebody without an account.
        visitor: of a guest at the pages, the digest that the browser's session is known by
            (:attr:`accounts.principal.Principal.visitor`).
        api_key_id: the API key that was shown; no reference, since a key may be forgotten.
        source_url: as it was given while the analysis is open, without what opens doors after that
            (:func:`deepfake.addresses.without_secrets`); empty for a file.
        title: what the video is called where it was found; empty where nothing says.
        keeps_file: whether the owner asked that the uploaded file stays when there is a verdict; without that it goes.
        worker: host, process and its start, of the attempt that runs or ran last.
        stage, share: how far the attempt is; the share of its stage, 0 to 1.
        prob_fake: calibrated, 0 to 1.
        evidence: the whole verdict, as :meth:`deepfake.engine.verdict.Verdict.as_json` gives it.
        processing_time_ms: of the attempt that ended it, without the time in the queue.
        error_code, error_message: why there is no result: the code of a ``DomainError``, and its sentence.
        error_reason: of a failed download, a :class:`deepfake.errors.DownloadReason`.
        admission_id: what was taken for it (``credits.models.Admission``); None where nothing was.
        request_key: the caller's own name for the request, where it has one.
    """

    MAX_ATTEMPTS: ClassVar[int] = 3

    public_id = models.CharField(max_length=ID_LENGTH, unique=True, default=new_public_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="analyses"
    )
    visitor = models.CharField(max_length=64, blank=True, editable=False)
    api_key_id = models.BigIntegerField(null=True)
    source_type = models.CharField(max_length=4, choices=SourceType.choices)
    source_url = models.TextField(blank=True)
    title = models.CharField(max_length=TEXT_LENGTH, blank=True)
    keeps_file = models.BooleanField(default=False)
    status = models.CharField(max_length=9, choices=AnalysisStatus.choices, default=AnalysisStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    leased_until = models.DateTimeField(null=True)
    stage = models.CharField(max_length=8, choices=Stage.choices, blank=True)
    share = models.FloatField(default=0)
    result = models.CharField(
        max_length=12, choices=[(each.value, each.value) for each in Result], blank=True
    )
    prob_fake = models.FloatField(null=True)
    manipulation = models.CharField(
        max_length=20, choices=[(each.value, each.value) for each in Manipulation], blank=True
    )
    evidence = models.JSONField(null=True)
    model_name = models.CharField(max_length=100, blank=True)
    model_version = models.CharField(max_length=100, blank=True)
    model_sha256 = models.CharField(max_length=64, blank=True)
    processing_time_ms = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_reason = models.CharField(
        max_length=11, choices=[(each.value, each.value) for each in DownloadReason], blank=True
    )
    error_message = models.CharField(max_length=TEXT_LENGTH, blank=True)
    admission_id = models.UUIDField(null=True, unique=True)
    request_key = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = _("analyses")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at", "-id"], name="analysis_newest_of_owner"),
            models.Index(
                fields=["visitor", "-created_at", "-id"],
                condition=~Q(visitor=""),
                name="analysis_newest_of_visitor",
            ),
            models.Index(fields=["id"], condition=Q(status__in=OPEN), name="analysis_open"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="analysis_by_end"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(status__in=AnalysisStatus.values), name="analysis_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status="running", leased_until__isnull=False)
                | (~Q(status="running") & Q(leased_until__isnull=True)),
                name="analysis_is_leased_while_it_runs",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN, ended_at__isnull=True)
                | (~Q(status__in=OPEN) & Q(ended_at__isnull=False)),
                name="analysis_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    status="done",
                    result__in=[each.value for each in Result],
                    prob_fake__isnull=False,
                    evidence__isnull=False,
                    processing_time_ms__isnull=False,
                )
                | (~Q(status="done") & Q(result="", prob_fake__isnull=True, evidence__isnull=True)),
                name="analysis_has_a_result_when_done",
            ),
            models.CheckConstraint(
                condition=(Q(status__in=["failed", "cancelled"]) & ~Q(error_code=""))
                | (~Q(status__in=["failed", "cancelled"]) & Q(error_code="")),
                name="analysis_without_result_says_why",
            ),
            models.CheckConstraint(
                condition=(Q(source_type="url") & ~Q(source_url="")) | Q(source_type="file", source_url=""),
                name="analysis_has_one_source",
            ),
            models.CheckConstraint(
                condition=Q(visitor="") | Q(owner__isnull=True), name="analysis_has_one_owner"
            ),
            models.CheckConstraint(
                condition=Q(keeps_file=False) | Q(source_type="file"), name="analysis_keeps_files_only"
            ),
            models.CheckConstraint(
                condition=Q(share__gte=0, share__lte=1)
                & (Q(prob_fake__isnull=True) | Q(prob_fake__gte=0, prob_fake__lte=1)),
                name="analysis_shares_are_shares",
            ),
            models.CheckConstraint(condition=Q(attempts__lte=3), name="analysis_attempts_are_few"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def thousandths_fake(self) -> int:
        """How likely the video is artificial, in thousandths, so that both probabilities add up to 1 as told."""
        return round(1000 * (self.prob_fake or 0.0))

    @property
    def confidence(self) -> float | None:
        """How likely what is told is so, in percent; None without a result, the likelier of both where undecided."""
        fake = self.thousandths_fake
        match self.result:
            case Result.AI_GENERATED:
                return fake / 10
            case Result.REAL:
                return (1000 - fake) / 10
            case Result.INCONCLUSIVE:
                return max(fake, 1000 - fake) / 10
            case _:
                return None
