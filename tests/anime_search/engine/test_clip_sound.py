"""A clip's sound is heard when it is heard in the source, to within one frame of AAC."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.anime_search.engine.clips import PYRAMID, Clip
from tests.anime_search.engine.cuttings import RATE, cut, tone_from, write_with_sound

FILM = Clip(frames=144, fps=24, options=PYRAMID)
AAC_FRAME_S = 1024 / RATE
#: Container, codec, rate, layout, sample format.
TRACKS: dict[str, tuple[str, str, int, str, str]] = {
    "AAC in MP4": ("a.mp4", "aac", 44_100, "stereo", "fltp"),
    "AAC of 5.1 channels": ("a.mp4", "aac", 48_000, "5.1", "fltp"),
    "mono AAC": ("a.mp4", "aac", 22_050, "mono", "fltp"),
    "AC-3 in Matroska": ("a.mkv", "ac3", 48_000, "5.1", "fltp"),
    "Opus in Matroska": ("a.mkv", "libopus", 48_000, "stereo", "s16"),
    "FLAC in Matroska": ("a.mkv", "flac", 44_100, "stereo", "s16"),
    "AAC in MPEG-TS": ("a.ts", "aac", 48_000, "stereo", "fltp"),
    "MP3 in AVI": ("a.avi", "libmp3lame", 44_100, "stereo", "fltp"),
    "PCM in AVI": ("a.avi", "pcm_s16le", 44_100, "stereo", "s16"),
    "MP2 in MPEG-TS": ("b.ts", "mp2", 48_000, "stereo", "s16"),
    "AAC in FLV": ("a.flv", "aac", 44_100, "stereo", "fltp"),
}


@pytest.mark.parametrize("kind", TRACKS)
def test_a_beep_stays_with_its_frame(kind: str, tmp_path: Path) -> None:
    name, codec, rate, layout, form = TRACKS[kind]
    clip = (
        FILM
        if codec not in ("libmp3lame", "pcm_s16le")
        else Clip(codec="mpeg4", options={"g": "24", "qscale": "3"}, frames=144, fps=24)
    )
    # Frame 72 is shown at 3 s: there the beep begins.
    path = write_with_sound(
        tmp_path / name, clip, tone_from(3.0), codec=codec, rate=rate, layout=layout, form=form, until_s=6.0
    )
    for start_s in (0.0, 1.26, 2.5, 2.96):
        played = cut(path, start_s, start_s + 3.2)
        shown_s = next(time_s for time_s, number in played.frames if number == 72)
        # Where the encoder's lead-in comes before the picture, the file's clock begins with that.
        assert shown_s == pytest.approx(3.0 - start_s, abs=0.05)
        assert played.loud_s == pytest.approx(shown_s, abs=AAC_FRAME_S), start_s
        assert played.sound is not None
        assert played.sound.shape[1] / RATE == pytest.approx(played.length_s, abs=2 * AAC_FRAME_S)
        # On both sides, and loud to the end.
        assert np.abs(played.sound[:, -4800:-2400]).max(axis=1).min() > 0.3


@pytest.mark.parametrize("start_s", [-0.0, 5.0, 20_000.0])
def test_a_clock_that_does_not_begin_at_zero_is_one_clock(start_s: float, tmp_path: Path) -> None:
    clip = Clip(frames=144, fps=24, options=PYRAMID, start_s=start_s)
    for name in ("a.mkv", "a.ts"):
        path = write_with_sound(tmp_path / name, clip, tone_from(3.0), rate=48_000, until_s=6.0)
        played = cut(path, 2.0, 4.0)
        shown_s = next(time_s for time_s, number in played.frames if number == 72)
        assert played.loud_s == pytest.approx(shown_s, abs=AAC_FRAME_S)


def test_sound_that_begins_late_or_ends_early_leaves_silence(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        path = write_with_sound(tmp_path / name, FILM, tone_from(0.0), rate=48_000, from_s=2.0, until_s=4.0)
        late = cut(path, 1.0, 3.0)
        assert late.numbers[0] == 24
        assert late.loud_s == pytest.approx(1.0, abs=2 * AAC_FRAME_S)
        early = cut(path, 3.0, 5.0)
        assert early.loud_s < 0.01
        assert early.sound is not None
        assert np.abs(early.sound[:, round(1.1 * RATE) :]).max() < 0.01
        silent = cut(path, 5.0, 5.5)
        assert silent.sound is not None
        assert np.abs(silent.sound).max() < 0.01


def test_a_hole_in_the_sound_stays_a_hole(tmp_path: Path) -> None:
    """Two tones of one file with nothing stored between them."""
    path = write_with_sound(tmp_path / "a.mkv", FILM, tone_from(1.0, 2.0), rate=48_000, until_s=6.0)
    played = cut(path, 0.5, 3.5)
    assert played.sound is not None
    loud = np.abs(played.sound[0]) > 0.1
    assert np.flatnonzero(loud)[-1] / RATE == pytest.approx(1.5, abs=AAC_FRAME_S)


def test_mute_leaves_the_sound_out(tmp_path: Path) -> None:
    path = write_with_sound(tmp_path / "a.mp4", FILM, tone_from(0.0), until_s=6.0)
    assert cut(path, 1.0, 2.0).sound is not None
    assert cut(path, 1.0, 2.0, mute=True).sound is None


def test_sound_ends_with_the_picture(tmp_path: Path) -> None:
    path = write_with_sound(tmp_path / "a.mkv", FILM, tone_from(0.0), until_s=6.0)
    played = cut(path, 5.0, 9.0)
    assert played.sound is not None
    assert played.length_s == pytest.approx(1.0, abs=0.1)
    assert played.sound.shape[1] / RATE == pytest.approx(played.length_s, abs=2 * AAC_FRAME_S)


def test_sound_that_does_not_decode_is_silence(tmp_path: Path) -> None:
    path = write_with_sound(tmp_path / "a.mp4", FILM, tone_from(0.0), until_s=6.0)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            if packet.pos is not None:
                content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(content)
    played = cut(path, 1.0, 2.0)
    assert played.numbers == list(range(24, 48))
    assert played.sound is not None
    assert np.abs(played.sound).max() < 0.01
