"""Videos judged in child processes: models taken up and refused, and whatever can happen to a child."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from deepfake import runtime
from deepfake.checks import Tags
from deepfake.engine.bundle import CURRENT, SHIPPED
from deepfake.engine.verdict import Result, Verdict
from deepfake.errors import AnalysisCancelled, DetectorUnavailable, VideoTooLong, VideoUnreadable
from tests import footage
from tests.deepfake.engine.clips import scene, write_clip
from tests.deepfake.engine.networks import slow_network, video_network
from tests.deepfake.models_shelf import shelve, use

DARK = {"video.onnx": video_network(middle=250)}


@pytest.fixture(scope="module")
def children() -> Iterator[runtime.DetectorCrew]:
    """One child for all tests: starting it takes longer than what it does here."""
    crew = runtime.DetectorCrew(1, threads=1)
    yield crew
    crew.close()


@pytest.fixture(autouse=True)
def site(own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with one model, which is in use."""
    monkeypatch.setattr(runtime, "SHIPPED", tmp_path / "shipped")
    shelve("bright")
    use("bright")
    return own_data_dir


@pytest.fixture
def crew(children: runtime.DetectorCrew, monkeypatch: pytest.MonkeyPatch) -> runtime.DetectorCrew:
    monkeypatch.setattr(runtime, "_crew", lambda: children)
    return children


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", scene(16, level=200, size=(128, 96)))


def judge(path: Path, cancelled: Callable[[], bool] = lambda: False) -> Verdict:
    return runtime.detect(path, on_progress=lambda _stage, _share: None, cancelled=cancelled)


def seen_from(crew: runtime.DetectorCrew, path: Path, **options: object) -> Verdict:
    given: dict[str, object] = {
        "on_progress": lambda _stage, _share: None,
        "cancelled": lambda: False,
        "timeout_s": 60,
    }
    return crew.detect(runtime.active_bundle(), path, **(given | options))


def test_a_video_is_judged_by_the_model_in_use(crew: runtime.DetectorCrew, clip: Path) -> None:
    verdict = judge(clip)
    assert verdict.result is Result.AI_GENERATED
    assert verdict.model.sha256 == runtime.active_bundle().sha256


def test_a_model_that_is_activated_meanwhile_is_taken_up(crew: runtime.DetectorCrew, clip: Path) -> None:
    shelve("dark", DARK, version="2")
    assert judge(clip).model.version == "1"
    use("dark")
    verdict = judge(clip)
    assert (verdict.model.version, verdict.result) == ("2", Result.REAL)
    use("bright")
    assert judge(clip).result is Result.AI_GENERATED


def test_a_model_that_is_replaced_in_its_place_is_loaded_again(
    crew: runtime.DetectorCrew, clip: Path
) -> None:
    before = judge(clip)
    (runtime.models_dir() / "bright").rename(runtime.models_dir() / "old")
    shelve("bright", DARK)
    after = judge(clip)
    assert (before.result, after.result) == (Result.AI_GENERATED, Result.REAL)
    assert before.model.sha256 != after.model.sha256


def test_a_model_that_is_altered_while_it_is_loaded_is_not_used_until_it_is_whole(
    crew: runtime.DetectorCrew, clip: Path
) -> None:
    judge(clip)
    file = runtime.models_dir() / "bright" / "video.onnx"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for _ in range(2):
        with pytest.raises(DetectorUnavailable) as refused:
            judge(clip)
        assert "video.onnx" not in refused.value.message
    file.unlink()
    with pytest.raises(DetectorUnavailable):
        judge(clip)
    file.write_bytes(whole)
    assert judge(clip).result is Result.AI_GENERATED


@pytest.mark.parametrize("name", ["none", "../bright", "", "bright\nbright", "/etc"])
def test_a_model_in_use_that_there_is_not_makes_the_detector_unavailable(clip: Path, name: str) -> None:
    use(name)
    with pytest.raises(DetectorUnavailable):
        judge(clip)


def test_a_setting_goes_before_what_was_activated(
    crew: runtime.DetectorCrew, clip: Path, settings: Settings
) -> None:
    shelve("dark", DARK)
    settings.DEEPFAKE_MODEL = "dark"
    assert judge(clip).result is Result.REAL


def test_without_any_choice_the_projects_own_model_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.active_file().unlink()
    monkeypatch.setattr(runtime, "CURRENT", "bright")
    assert runtime.active_bundle().name == "bright"


UNREADABLE = {
    "text": (footage.NOT_A_VIDEO, "not a video"),
    "nothing": (b"", "not a video"),
    "sound": (footage.sound_only(), "no picture"),
    "no frame": (footage.no_frames(), "Not one picture"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_video_is_told_in_a_sentence(
    crew: runtime.DetectorCrew, tmp_path: Path, name: str
) -> None:
    content, words = UNREADABLE[name]
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(VideoUnreadable, match=words) as refused:
        judge(path)
    assert str(tmp_path) not in refused.value.message


def test_a_video_that_is_too_long_is_refused_in_words_that_name_the_limit(
    crew: runtime.DetectorCrew, tmp_path: Path, settings: Settings
) -> None:
    path = write_clip(tmp_path / "long.mp4", scene(64, level=200, size=(128, 96)))
    settings.DEEPFAKE_MAX_DURATION_S = 6.0
    with pytest.raises(VideoTooLong) as refused:
        judge(path)
    assert refused.value.message == "This video is too long: at most 0.1 minutes are taken."
    settings.DEEPFAKE_MAX_DURATION_S = 9.0
    assert judge(path).result is Result.AI_GENERATED


def test_the_child_is_told_that_there_was_more(crew: runtime.DetectorCrew, clip: Path) -> None:
    verdict = runtime.detect(clip, whole=False, on_progress=lambda *_: None, cancelled=lambda: False)
    assert not verdict.looked_at.whole
    assert "only_beginning" in verdict.quality


def test_progress_is_told_by_stage(crew: runtime.DetectorCrew, tmp_path: Path) -> None:
    long = write_clip(tmp_path / "long.mp4", scene(400), options={"g": "400"})
    told: list[tuple[str, float]] = []
    runtime.detect(
        long, on_progress=lambda stage, share: told.append((stage, share)), cancelled=lambda: False
    )
    assert all(stage in ("decode", "faces", "model") and 0 <= share <= 1 for stage, share in told)


def test_what_is_not_wanted_is_not_begun(crew: runtime.DetectorCrew, clip: Path) -> None:
    with pytest.raises(AnalysisCancelled):
        judge(clip, cancelled=lambda: True)


@pytest.fixture
def slow(crew: runtime.DetectorCrew) -> None:
    """A model that takes minutes."""
    shelve("slow", {"video.onnx": slow_network(side=6000)})
    use("slow")


def test_a_verdict_that_is_called_off_is_given_up_within_a_second(
    crew: runtime.DetectorCrew, slow: None, clip: Path
) -> None:
    begun = time.monotonic()
    with pytest.raises(AnalysisCancelled):
        judge(clip, cancelled=lambda: time.monotonic() > begun + 0.3)
    assert time.monotonic() - begun < 1.5
    use("bright")
    assert judge(clip).result is Result.AI_GENERATED


def test_a_video_that_takes_too_long_is_given_up(crew: runtime.DetectorCrew, slow: None, clip: Path) -> None:
    with pytest.raises(VideoUnreadable, match="not in time"):
        seen_from(crew, clip, timeout_s=1.0)
    use("bright")
    assert judge(clip).result is Result.AI_GENERATED


def test_a_child_that_dies_costs_one_video_only(crew: runtime.DetectorCrew, slow: None, clip: Path) -> None:
    def kill() -> bool:
        for child in psutil.Process().children():
            # One that was killed already is nobody's to ask until its parent has looked at it.
            with suppress(psutil.NoSuchProcess):
                if "multiprocessing.spawn" in " ".join(child.cmdline()):
                    child.kill()
        return False

    with pytest.raises(VideoUnreadable):
        judge(clip, cancelled=kill)
    use("bright")
    assert judge(clip).result is Result.AI_GENERATED


def test_a_model_that_wants_more_memory_than_it_may_have_is_refused(
    crew: runtime.DetectorCrew, clip: Path
) -> None:
    shelve("huge", {"video.onnx": slow_network(side=60_000, memory=True)})
    use("huge")
    with pytest.raises(DetectorUnavailable):
        judge(clip)
    use("bright")
    assert judge(clip).result is Result.AI_GENERATED


def test_whoever_waits_for_a_child_can_be_called_off(
    crew: runtime.DetectorCrew, slow: None, clip: Path
) -> None:
    ended: list[type[BaseException]] = []
    release = threading.Event()

    def hold() -> None:
        try:
            judge(clip, cancelled=release.is_set)
        except AnalysisCancelled as error:
            ended.append(type(error))

    holding = threading.Thread(target=hold)
    holding.start()
    time.sleep(0.2)
    begun = time.monotonic()
    with pytest.raises(AnalysisCancelled):
        judge(clip, cancelled=lambda: time.monotonic() > begun + 0.3)
    assert time.monotonic() - begun < 1.5
    release.set()
    holding.join(10)
    assert ended == [AnalysisCancelled]


def test_a_process_that_stops_calls_off_what_runs_and_begins_nothing(clip: Path) -> None:
    runtime.close_detectors()
    try:
        with pytest.raises(AnalysisCancelled):
            judge(clip)
    finally:
        runtime.open_detectors()


@pytest.mark.parametrize("at", ["start", "work"])
def test_a_crew_that_is_closed_calls_off_what_runs(clip: Path, at: str) -> None:
    crew = runtime.DetectorCrew(1, threads=1)
    if at == "work":
        # The child is there: what comes next is worked on at once, and for a minute.
        seen_from(crew, clip)
    shelve("slow", {"video.onnx": slow_network(side=6000)})
    use("slow")
    closing = threading.Timer(0.5, crew.close)
    began = time.monotonic()
    closing.start()
    with pytest.raises(AnalysisCancelled):
        seen_from(crew, clip)
    # A machine that does other work may be slow over it, but nothing waits for the child.
    assert time.monotonic() - began < 15
    closing.join(30)
    assert not closing.is_alive()


# --- boot-time checks --------------------------------------------------------------------------------------------


def found() -> list[str | None]:
    return [each.id for each in checks.run_checks(tags=[Tags.detector])]


def test_a_whole_model_passes_the_check_at_boot() -> None:
    assert found() == []


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_a_file_that_is_missing_or_altered_stops_at_boot(harm: Callable[[Path], object]) -> None:
    harm(runtime.models_dir() / "bright" / "video.onnx")
    (error,) = checks.run_checks(tags=[Tags.detector])
    assert error.id == "deepfake.E001"
    assert "model bright: video.onnx" in error.msg


def test_a_model_in_use_that_there_is_not_stops_at_boot() -> None:
    use("none")
    assert found() == ["deepfake.E001"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (shutil.rmtree, "there is no model bright"),
        (lambda folder: (folder / "manifest.json").unlink(), "model bright: its manifest is missing"),
        (lambda folder: (folder / "video.onnx").unlink(), "model bright: video.onnx is missing"),
        (
            lambda folder: (folder / "video.onnx").write_bytes(b"other"),
            "model bright: video.onnx was altered",
        ),
    ],
    ids=["gone", "without manifest", "file missing", "file altered"],
)
@pytest.mark.parametrize(
    ("command", "options"),
    [("check", {"deploy": True}), ("serve", {"skip_checks": False}), ("anime_demo", {"skip_checks": False})],
)
def test_a_broken_model_of_the_projects_own_stops_what_serves_with_clear_words(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    options: dict[str, bool],
    harm: Callable[[Path], object],
    words: str,
) -> None:
    runtime.active_file().unlink()
    (tmp_path / "shipped").mkdir()
    (runtime.models_dir() / "bright").rename(tmp_path / "shipped" / "bright")
    monkeypatch.setattr(runtime, "CURRENT", "bright")
    assert found() == []
    harm(tmp_path / "shipped" / "bright")
    with pytest.raises(SystemCheckError, match=f"deepfake.E001.*{words}"):
        call_command(command, **options)


def test_the_model_that_comes_with_the_project_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.active_file().unlink()
    monkeypatch.setattr(runtime, "SHIPPED", SHIPPED)
    assert runtime.active_bundle().name == CURRENT
    assert found() == []
