"""Why an analysis has no verdict, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from deepfake.errors import (
    AnalysisCancelled,
    AnalysisTimedOut,
    DetectorUnavailable,
    DownloadFailed,
    DownloadReason,
    VideoUnreadable,
)
from deepfake.models import Analysis, AnalysisStatus

#: The sentences that services tell, for the catalogues of translations; what is not among them is shown as it is.
SENTENCES: Final = (
    gettext_noop("The file is not a video that can be read."),
    gettext_noop("The file has no picture, only sound or nothing at all."),
    gettext_noop("Not one picture of the video can be decoded."),
    gettext_noop("The file is cut off."),
    gettext_noop("The video is damaged."),
    gettext_noop("The video's pictures are too large."),
    gettext_noop("The video could not be read, or not in time."),
    gettext_noop("This video is private: only people whom its owner has let in can see it."),
    gettext_noop("This video is not there any more: it was removed, or the link is wrong."),
    gettext_noop("There is nothing behind this link any more."),
    gettext_noop("This video cannot be seen in our server's country. Please send the video file itself."),
    gettext_noop("This is a live stream, or one that has yet to begin. Only recorded videos can be analysed."),
    gettext_noop("The site shows this video only to people who are signed in. Please send the video file itself."),
    gettext_noop("The site shows this video only to people who are signed in and old enough. Please send the video file itself."),
    gettext_noop("The site shows this video only to its members, or to those who pay. Please send the video file itself."),
    gettext_noop("This video is protected against copying."),
    gettext_noop("Videos of this site cannot be downloaded at the moment. Please send the video file itself."),
    gettext_noop("The site does not hand this video to our server. Please try again later, or send the video file itself."),
    gettext_noop("The site has trouble answering. Please try again later."),
    gettext_noop("The download took too long."),
    gettext_noop("No public web server was found at this link's address."),
    gettext_noop("The connection to this link's server failed."),
    gettext_noop("This link redirects too many times."),
    gettext_noop("There is no video behind this link."),
    gettext_noop("This link leads to a web page of a site whose videos cannot be downloaded, not to a video file."),
    gettext_noop("This video could not be downloaded. Please send the video file itself."),
    gettext_noop("The address of the video is too long."),
    gettext_noop("Only http and https links can be downloaded."),
    gettext_noop("Links with a user name or a password are not accepted."),
    gettext_noop("This link is not a valid web address."),
    gettext_noop("The port of this link is not allowed."),
    gettext_noop("There is no room for the video at the moment. Please try again later."),
    gettext_noop("The video could not be downloaded from this address."),
    gettext_noop("The analysis was cancelled by the staff of this site."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no verdict: a title, a sentence, and whether trying again may help."""

    title: str
    sentence: str
    may_repeat: bool


def failure_words(analysis: Analysis) -> Failure:
    """What to say of an analysis that failed or was cancelled."""
    code, sentence = analysis.error_code, sentence_of(analysis.error_message)
    if code == AnalysisTimedOut.code:
        return Failure(
            _("The analysis took too long"),
            _("Try a shorter part of the video, or try again when less is going on."),
            may_repeat=True,
        )
    if analysis.status == AnalysisStatus.CANCELLED:
        is_own = analysis.error_message == AnalysisCancelled.default_message
        return Failure(_("The analysis was cancelled"), "" if is_own else sentence, may_repeat=True)
    if code == DownloadFailed.code:
        lasting = (DownloadReason.TOO_LONG, DownloadReason.TOO_LARGE, DownloadReason.GONE)
        return Failure(
            _("The video could not be fetched"),
            _of_limits(analysis.error_reason) or sentence,
            may_repeat=analysis.error_reason not in lasting,
        )
    if code == VideoUnreadable.code:
        return Failure(_("The video could not be read"), sentence, may_repeat=False)
    if code == DetectorUnavailable.code:
        return Failure(
            _("The detector is out of order"),
            _("Whoever runs this site has to see to it. Please try again later."),
            may_repeat=True,
        )
    return Failure(
        _("Something went wrong on our side"),
        _("It has been noted. Please try again later."),
        may_repeat=True,
    )


def sentence_of(message: str) -> str:
    """A sentence of the services in the reader's language."""
    return _(message) if message in SENTENCES else message


def _of_limits(reason: str) -> str:
    """The sentences that have numbers in them."""
    if reason == DownloadReason.TOO_LONG:
        minutes = f"{settings.DEEPFAKE_MAX_DURATION_S / 60:.3g}"
        return _("This video is too long: at most %(minutes)s minutes are taken.") % {"minutes": minutes}
    if reason == DownloadReason.TOO_LARGE:
        megabytes = f"{settings.DEEPFAKE_MAX_BYTES / 1_000_000:.3g}"
        return _("This video is too large: at most %(megabytes)s MB are taken.") % {"megabytes": megabytes}
    return ""
