"""Sums by the hour that the status page is read from: small, and exact however many processes add to them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from status.hours import start_of


class SearchDuration(models.Model):
    """How many searches of an hour took so long.

    Attributes:
        bucket: see :func:`status.hours.bucket_of`; ``FAILED`` for those without an answer.
    """

    hour = models.PositiveIntegerField(help_text=_("counted from 1970, in UTC"))
    bucket = models.SmallIntegerField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["hour", "bucket"], name="one_duration_an_hour_and_bucket"),
        ]

    def __str__(self) -> str:
        return f"{start_of(self.hour):%Y-%m-%d %H} h, bucket {self.bucket}: {self.count}"


class ReadyHour(models.Model):
    """The minutes of an hour in which the search was seen to be ready.

    Attributes:
        minutes: a bit for each minute, the lowest for the first.
    """

    hour = models.PositiveIntegerField(primary_key=True, help_text=_("counted from 1970, in UTC"))
    minutes = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{start_of(self.hour):%Y-%m-%d %H} h: {self.minutes.bit_count()} minutes"
