"""What yt-dlp says, word for word, and what is told."""

from __future__ import annotations

import errno

import pytest

from core.errors import Unavailable
from core.fetch_errors import FetchFailed, FetchTooLarge, UnsafeUrl
from deepfake.download.limits import DownloadLimits
from deepfake.download.messages import meaning_of, meaning_of_fetch, meaning_of_text
from deepfake.download.trouble import Trouble, error_of
from deepfake.errors import DownloadFailed

LIMITS = DownloadLimits(extractors=(), max_bytes=50_000_000, max_duration_s=90, timeout_s=1)
HINT = (
    " Use --cookies-from-browser or --cookies for the authentication. See  "
    "https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies"
)
BUG = (
    "; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the appropriate issue "
    "template. Confirm you are on the latest version using  yt-dlp -U"
)

SAID = [
    (f"[youtube] aaaaaaaaaaa: Private video. Sign in if you've been granted access to this video.{HINT}", "private"),
    ("[youtube] aaaaaaaaaaa: Video unavailable", "gone"),
    ("[youtube] aaaaaaaaaaa: Video unavailable. This video is no longer available because the YouTube account associated with this video has been terminated.", "gone"),
    ("[youtube] aaaaaaaaaaa: Video unavailable. This video has been removed by the uploader", "gone"),
    ("[youtube] aaaaaaaaaaa: This video has been removed for violating YouTube's Terms of Service", "gone"),
    ("[youtube] aaaaaaaaaaa: This live stream recording is not available.", "gone"),
    ("[youtube] aaaaaaaaaaa: Video unavailable. The uploader has not made this video available in your country\nThis video is available in Germany.\nYou might want to use a VPN or a proxy server (with --proxy) to workaround.", "region"),
    ("[youtube] aaaaaaaaaaa: Video unavailable. This video contains content from WMG, who has blocked it in your country on copyright grounds", "region"),
    ("[ARD] 1: This video is not available from your location due to geo restriction", "region"),
    (f"[youtube] aaaaaaaaaaa: Sign in to confirm you’re not a bot.{HINT}", "blocked"),
    (f"[youtube] aaaaaaaaaaa: Sign in to confirm you're not a bot.{HINT}", "blocked"),
    ("[youtube] aaaaaaaaaaa: This content isn't available, try again later. The current session has been rate-limited by YouTube for up to an hour.", "blocked"),
    ("[youtube] aaaaaaaaaaa: All player responses are invalid. Your IP is likely being blocked by Youtube", "blocked"),
    (f"[youtube] aaaaaaaaaaa: Sign in to confirm your age. This video may be inappropriate for some users.{HINT}", "sign_in"),
    ("[youtube] aaaaaaaaaaa: Join this channel to get access to members-only content like this video, and other exclusive perks.", "sign_in"),
    ("[youtube] aaaaaaaaaaa: This video is available to this channel's members on level: Tier 2 (or any higher level).", "sign_in"),
    ("[youtube] aaaaaaaaaaa: This video requires payment to watch.", "sign_in"),
    ("[youtube] aaaaaaaaaaa: Premieres in 6 hours", "live"),
    ("[youtube] aaaaaaaaaaa: This live event will begin in 2 days.", "live"),
    ("[youtube] aaaaaaaaaaa: This live event has ended.", "live"),
    ("[youtube] aaaaaaaaaaa: This video is DRM protected", "unsupported"),
    ("[youtube] aaaaaaaaaaa: Requested format is not available. Use --list-formats for a list of available formats", "no_video"),
    (f"[TikTok] 1: You do not have permission to view this post. Log into an account that has access.{HINT}", "private"),
    ("[TikTok] 1: Your IP address is blocked from accessing this post", "blocked"),
    (f"[TikTok] 1: This post may not be comfortable for some audiences. Log in for access.{HINT}", "sign_in"),
    (f"[TikTok] 1: TikTok is requiring login for access to this content.{HINT}", "sign_in"),
    (f"[TikTok] 1: Video not available, status code 10235{BUG}", "gone"),
    ("[tiktok:live] x: The channel is not currently live", "live"),
    (f"[Instagram] DaDEvh1Ixtr: Instagram sent an empty media response. Check if this post is accessible in your browser without being logged-in. If it is not, then use --cookies-from-browser{BUG}", "blocked"),
    (f"[Instagram] x: The webpage request was redirected to the login page. You have exceeded the rate-limit for accessing posts anonymously.{HINT}", "blocked"),
    (f"[Instagram] x: This content is only available for registered users who follow this account.{HINT}", "private"),
    (f"[Instagram] x: Restricted Video: You must be 18 years old or over to see this video.{HINT}", "sign_in"),
    ("[Instagram] x: There is no video in this post", "no_video"),
    ("[twitter] 1: No video could be found in this tweet", "no_video"),
    ("[twitter] 1: Media #1 is not a video", "no_video"),
    (f"[twitter] 1: NSFW tweet requires authentication.{HINT}", "sign_in"),
    (f"[twitter] 1: You are not authorized to view this protected tweet.{HINT}", "private"),
    ("[twitter] 1: Requested tweet is unavailable", "gone"),
    ("[twitter] 1: Suspended", "gone"),
    (f"[twitter] 1: Error(s) while querying API: No status found with that ID.{BUG}", "gone"),
    ("[twitter:broadcast] 1: This live broadcast has not yet started", "live"),
    ("[generic] Unable to download webpage: HTTP Error 503: Service Unavailable (caused by <HTTPError 503: Service Unavailable>)", "network"),
    ("[x] y: Unable to download JSON metadata: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)", "gone"),
    ("ERROR: unable to download video data: HTTP Error 403: Forbidden", "blocked"),
    ("[x] y: Unable to download webpage: HTTP Error 451: Unavailable For Legal Reasons", "region"),
    ("No suitable extractor found for URL https://private-video.example/log-in/live-event", "no_video"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "reason"), SAID, ids=[said.partition(": ")[2][:50] for said, _ in SAID])
def test_sentence_of_ytdlp_is_understood(said: str, reason: str) -> None:
    trouble = meaning_of_text(said)
    assert trouble is not None
    error = error_of(trouble, LIMITS)
    assert isinstance(error, DownloadFailed)
    assert error.reason == reason


@pytest.mark.parametrize("advice", [HINT, BUG])
def test_advice_of_ytdlp_means_nothing(advice: str) -> None:
    assert meaning_of_text(f"[x] y: Nobody has heard of this{advice}") is None


def test_errors_are_looked_into() -> None:
    from yt_dlp.networking.exceptions import RequestError, TransportError
    from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UserNotLive

    def raised(error: Exception) -> DownloadError:
        return DownloadError(f"ERROR: {error}", (type(error), error, None))

    assert meaning_of(raised(GeoRestrictedError("whatever they say"))) is Trouble.REGION
    assert meaning_of(raised(UserNotLive())) is Trouble.LIVE
    assert meaning_of(RequestError(cause=UnsafeUrl(reason="host"))) is Trouble.NO_HOST
    unknown = ExtractorError("down", cause=TransportError(cause=FetchFailed(reason="host")))
    assert meaning_of(raised(unknown)) is Trouble.NO_HOST
    assert meaning_of(raised(OSError(errno.ENOSPC, "No space left on device"))) is Trouble.NO_ROOM
    assert meaning_of(raised(ExtractorError("Unable to extract title"))) is Trouble.SITE_CHANGED
    assert meaning_of(KeyError("LoopbackIE")) is Trouble.CRASHED
    assert meaning_of(MemoryError()) is Trouble.CRASHED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "sign_in"),
        (403, "blocked"),
        (404, "gone"),
        (410, "gone"),
        (429, "blocked"),
        (451, "region"),
        (500, "network"),
    ],
)
def test_status_of_a_direct_link_is_understood(status: int, reason: str) -> None:
    error = error_of(meaning_of_fetch(FetchFailed(reason="status", status=status)), LIMITS)
    assert isinstance(error, DownloadFailed)
    assert error.reason == reason


def test_limits_are_named_to_people() -> None:
    assert "1.5 minutes" in error_of(Trouble.TOO_LONG, LIMITS).message
    assert "50 MB" in error_of(meaning_of_fetch(FetchTooLarge(max_bytes=1)), LIMITS).message


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_a_sentence_for_people(trouble: Trouble) -> None:
    error = error_of(trouble, LIMITS)
    assert isinstance(error, DownloadFailed | Unavailable)
    assert error.message[0].isupper() and error.message.endswith(".")
    assert not any(mark in error.message for mark in ("{", "yt-dlp", "Error", "/"))
