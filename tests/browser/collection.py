"""What the browser tests search in and with: the demo clip, a second video with a title, and pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from anime_search.demo import demo_videos, take_screenshot

#: AniList's numbers end far below: this one is nobody's.
ANILIST_ID = 9_999_901
LONG_TITLE = (
    "Watashi ga Kono Nagai Namae no Eiga ni Tensei Shitara Usagi to Chouchou ni Kakomarete Shimatta Ken: "
    "Mori no Okusoko de Hajimaru Slow Life wa Omottayori mo Zutto Taihen deshita"
)
#: What an English reader is shown of it.
SHOWN_TITLE = "That Time I Was Reborn Into a Film With a Long Name, Among Rabbits and Butterflies"
LONG_NAME = (
    "[Some-Very-Thorough-Subs] "
    "Watashi_ga_Kono_Nagai_Namae_no_Eiga_ni_Tensei_Shitara_Usagi_to_Chouchou_ni_Kakomarete_Shimatta_Ken"
    " - 05 [BD 1920x1080 x265 10bit FLAC][0123ABCD].mkv"
)
_TITLES = {
    "id": ANILIST_ID,
    "type": "ANIME",
    "title": {
        "romaji": LONG_TITLE,
        "english": SHOWN_TITLE,
        "native": "私がこの長い名前の映画に転生したらウサギと蝶々に囲まれてしまった件 〜森の奥底で始まるスローライフ〜",
    },
    "isAdult": True,
}


@dataclass(frozen=True, slots=True)
class Collection:
    """Files of a test run.

    Attributes:
        videos: the folder to index: the clip, and a small copy of half of it, partly covered, that counts as adult.
        titles: metadata of the second video, as AniList's API writes it.
        screenshot: a frame of the clip that was cropped, mirrored and made small.
        gif: a second of the clip, small, as an animation of more than a picture that is sent as it is.
        video: the same as MP4.
        noise: a picture of nothing.
        text: no picture, although its name says so.
    """

    videos: Path
    titles: Path
    screenshot: Path
    gif: Path
    video: Path
    noise: Path
    text: Path


def make_collection(folder: Path) -> Collection:
    """Write everything below ``folder``."""
    videos = demo_videos(folder / "videos")
    clip = next(videos.rglob("*.mp4"))
    _copy_smaller(clip, videos / str(ANILIST_ID) / LONG_NAME)
    titles = folder / "titles.json"
    titles.write_text(json.dumps([_TITLES]))
    screenshot = folder / "screenshot.jpg"
    screenshot.write_bytes(take_screenshot(clip).jpeg)
    noise = folder / "noise.png"
    pixels = np.random.default_rng(7).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    cv2.imwrite(str(noise), pixels)
    text = folder / "text.png"
    text.write_text("This is no picture, whatever its name says. " * 20)
    gif, video = folder / "moving.gif", folder / "moving.mp4"
    _take_part(clip, gif, video)
    return Collection(videos, titles, screenshot, gif, video, noise, text)


def _take_part(clip: Path, gif: Path, video: Path) -> None:
    """Two seconds of the clip from 1.6 s on, five frames a second."""
    with av.open(str(clip)) as source:
        frames = [frame.to_image(width=640, height=360) for frame in source.decode(video=0)][40:90:5]
    # Noise in a corner makes it larger than what the page would redraw, and lose all frames but one.
    grain = np.random.default_rng(1).integers(0, 256, (360, 90, 3), dtype=np.uint8)
    for frame in frames:
        frame.paste(Image.fromarray(grain), (550, 0))
    frames[0].save(gif, save_all=True, append_images=frames[1:], duration=200)
    with av.open(str(video), "w") as output:
        stream = output.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_image(frame)))
        output.mux(stream.encode(None))


def _copy_smaller(clip: Path, target: Path) -> None:
    """The first four seconds, small and a third of each picture covered: else it would be one answer with the clip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(clip)) as source, av.open(str(target), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "30"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for frame in source.decode(video=0):
            if frame.time > 4:
                break
            small = frame.to_ndarray(width=320, height=180, format="rgb24")
            small[:, :112] = 90
            output.mux(stream.encode(av.VideoFrame.from_ndarray(small, format="rgb24")))
        output.mux(stream.encode(None))
