"""What a caller sends as media: a picture, an animation, or a video; its first frame, or a few of all of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from django.conf import settings

from anime_search import runtime
from anime_search.engine.animation import read_animation
from anime_search.engine.image import sniff_format
from anime_search.engine.moving import SIDE, MovingPicture, moving_of_video, sniff_video
from anime_search.engine.stills import still_at
from anime_search.errors import ImageTooLarge, ImageUndecodable
from core.errors import Unavailable
from video.decoders import DecoderFailed, DecoderStopped
from video.progress import Progress
from video.reader import VideoError, VideoLimits

Result = TypeVar("Result")

#: Bytes of an upload that the current trace.moe API takes.
MAX_BYTES: Final = 25 * 1024 * 1024
#: Seconds that the frames of a video may take; a child process is ended then.
DEADLINE_S: Final = 10.0
#: Wide enough for every view of a query.
STILL_WIDTH: Final = 640
#: 4K, and no more: a first frame of 36 megapixels would cost more than the search.
LIMITS: Final = VideoLimits(max_pixels=4096 * 2304)
#: Of an animation: as of a picture, and of frames that are no larger than a video's.
FRAME_LIMITS: Final = replace(runtime.IMAGE_LIMITS, working_side=SIDE)


def picture_of(media: bytes) -> bytes:
    """The bytes of a picture: the media itself, or the first frame of a video as JPEG.

    A video is decoded in a child process with limits on its memory and time, from a file under a name of ours.

    Raises:
        ImageTooLarge, ImageUndecodable: it is neither, or broken.
        Unavailable: this process is stopping.
    """
    if len(media) > MAX_BYTES:
        raise ImageTooLarge
    if sniff_format(media) is not None:
        return media
    return _in_child(first_frame, media)


def moving_of(media: bytes) -> MovingPicture | None:
    """The frames of an animation or a video that are worth a search; None for a picture that stands still.

    None as well for what is neither: whoever decodes it as a picture says so. A video is decoded in the child.

    Raises:
        ImageTooLarge, ImageUndecodable: the video is beyond the limits, or broken.
        Unavailable: this process is stopping.
    """
    if len(media) > MAX_BYTES:
        raise ImageTooLarge
    if sniff_format(media) is not None:
        return read_animation(media, FRAME_LIMITS)
    return None if sniff_video(media) is None else _in_child(video_frames, media)


def _in_child(work: Callable[[str, Progress], Result], media: bytes) -> Result:
    """Work on a file with these bytes, in the child that decodes uploads.

    Raises:
        ImageUndecodable, Unavailable: as above.
    """
    folder = Path(settings.DATA_DIR) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="video-") as file:
        file.write(media)
        file.flush()
        try:
            return runtime.upload_decoder().run(work, file.name, timeout_s=DEADLINE_S)
        except (VideoError, DecoderFailed) as error:
            raise ImageUndecodable from error
        except DecoderStopped as error:
            raise Unavailable from error


def first_frame(path: str, _report: Progress) -> bytes:
    """The child's part: the first frame as JPEG.

    Raises:
        VideoError: there is none.
    """
    return still_at(Path(path), 0.0, width=STILL_WIDTH, limits=LIMITS)


def video_frames(path: str, _report: Progress) -> MovingPicture:
    """The child's part: a few frames of a clip.

    Raises:
        VideoError: there are none.
    """
    return moving_of_video(Path(path), limits=LIMITS)
