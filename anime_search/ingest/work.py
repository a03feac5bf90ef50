"""One ingest job, from claim to end."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from django.conf import settings
from django.db import transaction

from anime_search import runtime
from anime_search.engine.episode import parse_path
from anime_search.engine.stamp import FileStamp
from anime_search.engine.work import FileChanged, TrackOrder, TrackReceipt, carry_out, digest_file
from anime_search.ingest.discovery import path_key
from anime_search.ingest.jobs import (
    RENEW_EVERY_S,
    claim_content,
    claim_job,
    end_job,
    postpone_job,
    renew_lease,
)
from anime_search.metadata.services import anime_for_id
from anime_search.models import NAME_LENGTH, FrameTrackFile, IngestJob, JobOutcome, Video, VideoFile
from core import clock
from video.decoders import DecoderFailed, DecoderStopped
from video.reader import VideoError

log = logging.getLogger(__name__)

#: Seconds that reading or decoding one file may take: far beyond any real one, so that a hang ends.
READ_TIMEOUT_S = 3600.0
DECODE_TIMEOUT_S = 6 * 3600.0
#: Of each file: one thread decodes ahead while what came before is described, where a core is free.
DECODER_THREADS = min(2, os.cpu_count() or 1)


class _LeaseLost(Exception):
    """Another worker has taken the job: this one must not write its result."""


def run_ingest_job(*, job_id: int, workers: int = 1) -> None:
    """Carry out a job: identify the file by its content, decode it if that is new, and store its track.

    Returns without doing anything if the job has ended or belongs to another worker.

    Args:
        workers: decoding children of this process that are shared by its jobs.
    """
    job = claim_job(job_id=job_id)
    if job is None:
        return
    try:
        _run(job, workers)
    except VideoError as error:
        end_job(job=job, outcome=JobOutcome.BROKEN, fault=error.fault, message=str(error))
    except FileChanged:
        end_job(job=job, outcome=JobOutcome.GONE, message="was removed or replaced while it was read")
    except DecoderFailed as error:
        end_job(job=job, outcome=JobOutcome.BROKEN, message=str(error))
    except DecoderStopped:
        postpone_job(job=job)
    except _LeaseLost:
        log.warning("ingest job %d was taken over by another worker", job.pk)
    except OSError as error:
        # An unreadable file, a full disk: the same file may well work next time.
        log.warning("ingest job %d failed: %s", job.pk, error)
        end_job(job=job, outcome=JobOutcome.ERROR, message=_reason(error, job.path))
    except Exception as error:
        log.exception("ingest job %d failed", job.pk)
        end_job(job=job, outcome=JobOutcome.ERROR, message=f"{type(error).__name__}: see the log")


def _reason(error: OSError, path: str) -> str:
    reason = error.strerror or type(error).__name__
    return reason if error.filename in (None, path) else f"{reason}: {error.filename}"


def _run(job: IngestJob, workers: int) -> None:
    path, stamp = Path(job.path), FileStamp(job.size, job.mtime_ns, job.inode)
    pool, heartbeat = runtime.decoder_pool(workers), _Heartbeat(job)
    content = pool.run(digest_file, path, stamp, timeout_s=READ_TIMEOUT_S, on_progress=heartbeat)
    descriptor = runtime.geometry().descriptor
    if (video := Video.objects.filter(sha256=content, tracks__descriptor=descriptor).first()) is not None:
        _finish(job, JobOutcome.KNOWN, video, stamp)
        return
    if not claim_content(job=job, content=content):
        postpone_job(job=job)
        return
    receipt = pool.run(
        carry_out,
        track_order(path, stamp, content),
        timeout_s=DECODE_TIMEOUT_S,
        on_progress=heartbeat,
    )
    with transaction.atomic():
        _finish(job, JobOutcome.INDEXED, _store_video(job, content, descriptor, receipt), stamp)


def track_order(path: Path, stamp: FileStamp, video: str) -> TrackOrder:
    """What to make of a file of that content, by the settings and the descriptor in use."""
    return TrackOrder(
        path=path,
        stamp=stamp,
        video=video,
        tracks=runtime.tracks_dir(),
        descriptor=runtime.geometry().descriptor,
        rate_hz=settings.ANIME_SAMPLE_RATE_HZ,
        limits=runtime.VIDEO_LIMITS,
        threads=DECODER_THREADS,
        thumbnails=runtime.thumbnails_dir(),
    )


def _finish(job: IngestJob, outcome: JobOutcome, video: Video, stamp: FileStamp) -> None:
    """Write the job's end and the file's place together, or, if the job was taken away, neither.

    Raises:
        _LeaseLost: the job is somebody else's now.
    """
    with transaction.atomic():
        video_s = video.duration_ms / 1000 if outcome == JobOutcome.INDEXED else None
        if not end_job(job=job, outcome=outcome, video_id=video.pk, video_s=video_s):
            raise _LeaseLost
        _place_file(job, video, stamp)


class _Heartbeat:
    """Renews a job's lease as its child reports progress."""

    def __init__(self, job: IngestJob) -> None:
        self._job = job
        self._renewed_at = -RENEW_EVERY_S

    def __call__(self, done_s: float, total_s: float) -> None:
        if time.monotonic() - self._renewed_at < RENEW_EVERY_S:
            return
        self._renewed_at = time.monotonic()
        if not renew_lease(job=self._job, done_s=done_s, total_s=total_s):
            raise _LeaseLost


def _store_video(job: IngestJob, content: str, descriptor: str, receipt: TrackReceipt) -> Video:
    info = receipt.info
    video, _ = Video.objects.update_or_create(
        sha256=content,
        defaults={
            "size": job.size,
            "duration_ms": round(info.duration_s * 1000),
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "codec": info.codec,
            **_read_off(job),
        },
    )
    FrameTrackFile.objects.update_or_create(
        video=video, descriptor=descriptor, defaults={"frames": receipt.frames, "sha256": receipt.sha256}
    )
    return video


def _read_off(job: IngestJob) -> dict[str, object]:
    """What a path says of the video in it."""
    path = Path(job.path)
    parsed = parse_path(path, Path(job.root))
    return {
        "filename": path.name[:NAME_LENGTH],
        "title": parsed.title[:NAME_LENGTH],
        "season": parsed.season,
        "episode": parsed.episode,
        "episode_end": parsed.episode_end,
        "absolute_episode": parsed.absolute_episode,
        "kind": parsed.kind.value,
        "anime": anime_for_id(anilist_id=parsed.anilist_id) if parsed.anilist_id else None,
    }


def _place_file(job: IngestJob, video: Video, stamp: FileStamp) -> None:
    """Note where the video lies.

    Where it lay before and is no more, it was moved from: those places are forgotten, and unless a copy is
    left behind, the video takes its names from the new place.
    """
    VideoFile.objects.update_or_create(
        path_sha256=path_key(job.path),
        defaults={
            "video": video,
            "path": job.path,
            "size": stamp.size,
            "mtime_ns": stamp.mtime_ns,
            "inode": stamp.inode,
            "seen_at": clock.now(),
        },
    )
    elsewhere = dict(video.files.exclude(path=job.path).values_list("pk", "path"))
    left = [pk for pk, path in elsewhere.items() if not Path(path).is_file()]
    VideoFile.objects.filter(pk__in=left).delete()
    if len(left) == len(elsewhere):
        Video.objects.filter(pk=video.pk).update(**_read_off(job))
