"""Bundles: what vouches for their bytes, and what a manifest may say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepfake.engine.bundle import MANIFEST, MOST_MANIFEST_BYTES, Bundle, Whole, find_bundle, names_on
from deepfake.engine.detector import Detector
from deepfake.engine.inputs import Fit, Layout
from deepfake.engine.manifest_fields import BundleError
from deepfake.engine.verdict import Quality
from tests.deepfake.engine.networks import (
    BRIGHT,
    ENCODED,
    FACES,
    encoder_network,
    face_judge_network,
    face_network,
    head_network,
    video_network,
    write_bundle,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bright-1")


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change a manifest."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    return folder


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_manifest_is_read_whole(tmp_path: Path) -> None:
    files = {"encoder.onnx": encoder_network(), "head.onnx": head_network()}
    members = [ENCODED | {"weight": 0.5, "frames": 4, "batch": 8}]
    bundle = Bundle.read(write_bundle(tmp_path / "joined-2", files, members=members))
    member = bundle.manifest.members[0]
    assert (bundle.name, bundle.manifest.name, bundle.manifest.version) == ("joined-2", "Bright", "1")
    assert (member.encoder, member.head, member.weight, member.frames, member.batch) == (
        "encoder.onnx",
        "head.onnx",
        0.5,
        4,
        8,
    )
    assert (member.spec.fit, member.spec.layout, member.spec.raw) == (Fit.STRETCH, Layout.NCHW, False)
    assert bundle.manifest.operating_point.widened == {Quality.TOO_DARK: 1.0}
    assert bundle.manifest.metrics == {"auc": 0.75}


def test_the_digest_of_the_manifest_stands_for_all(folder: Path) -> None:
    before = Bundle.read(folder).sha256
    rewrite(folder, lambda manifest: manifest["calibration"].update(slope=2.0))
    assert Bundle.read(folder).sha256 != before


def test_whole_files_have_no_problem(folder: Path) -> None:
    bundle = Bundle.read(folder)
    assert bundle.problems() == []
    assert bundle.content("video.onnx") == video_network()


HARM: dict[str, tuple[Callable[[Path], object], Whole, str]] = {
    "flipped": (flip_a_byte, Whole.ALTERED, "was altered"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-1]), Whole.ALTERED, "was altered"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"0"), Whole.ALTERED, "was altered"),
    "gone": (Path.unlink, Whole.MISSING, "is missing"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_file_that_is_not_the_manifests_is_never_loaded(folder: Path, harm: str) -> None:
    change, state, words = HARM[harm]
    change(folder / "video.onnx")
    bundle = Bundle.read(folder)
    assert bundle.state_of(bundle.manifest.files[0]) is state
    assert [words in problem for problem in bundle.problems()] == [True]
    with pytest.raises(BundleError, match=f"model bright-1: video.onnx {words}"):
        Detector(bundle)


def test_no_message_tells_where_a_bundle_lies(folder: Path) -> None:
    (folder / "video.onnx").unlink()
    (folder / MANIFEST).rename(folder / "other.json")
    with pytest.raises(BundleError) as refused:
        Bundle.read(folder)
    assert str(folder.parent) not in str(refused.value)


def put(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest.update(changes)


def member(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return put(members=[BRIGHT | changes])


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another format": (put(format=2), "format"),
    "no name": (lambda manifest: manifest.pop("name"), "has no name"),
    "no models": (put(members=[]), "members is not a list with something in it"),
    "an unknown kind": (member(kind="image"), r"members\[0\]\.kind"),
    "a weight in words": (member(weight="1"), r"members\[0\]\.weight"),
    "a weight that is no number": (member(weight=float("nan")), r"members\[0\]\.weight"),
    "a truth for a number": (member(weight=True), r"members\[0\]\.weight"),
    "an input of no size": (member(input={"height": 32}), r"members\[0\]\.input has no width"),
    "an input that is huge": (member(input={"width": 99999, "height": 32}), "input.width"),
    "an unknown fit": (member(input={"width": 32, "height": 32, "fit": "squeeze"}), "input.fit"),
    "a colour of two": (member(input={"width": 32, "height": 32, "mean": [0, 1]}), "input.mean"),
    "a file that is not listed": (member(network="other.onnx"), "other.onnx is used and not listed"),
    "a file elsewhere": (member(network="../video.onnx"), "network is not of the form"),
    "a listed file elsewhere": (
        lambda manifest: manifest["files"][0].update(name="../../secret"),
        r"files\[0\]\.name",
    ),
    "a digest that is none": (lambda manifest: manifest["files"][0].update(sha256="00"), "sha256"),
    "a file twice": (lambda manifest: manifest["files"].append(manifest["files"][0]), "listed twice"),
    "an operating point the wrong way round": (
        put(operating_point={"real_below": 0.9, "fake_above": 0.1}),
        "real_below is above fake_above",
    ),
    "an unknown warning": (
        put(operating_point={"real_below": 0.1, "fake_above": 0.9, "widened": {"ugly": 1}}),
        "'ugly' is no quality warning",
    ),
    "metrics in words": (put(metrics={"auc": "good"}), "metrics"),
    "an origin that is a command": (
        lambda manifest: manifest["files"][0].update(
            origin={"requirement": "a==1 --index-url x", "wheel_sha256": "0" * 64, "member": "a"}
        ),
        "requirement",
    ),
    "a list in place of all": (lambda manifest: manifest.clear(), "has no format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_with_a_manifest_is_named(folder: Path, name: str) -> None:
    change, words = REFUSED[name]
    rewrite(folder, change)
    with pytest.raises(BundleError, match=words):
        Bundle.read(folder)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b" " * MOST_MANIFEST_BYTES + b"{}"]
)
def test_what_is_no_manifest_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError):
        Bundle.read(folder)


def test_the_stamp_changes_with_every_file(folder: Path) -> None:
    bundle = Bundle.read(folder)
    stamps = {bundle.stamp()}
    flip_a_byte(folder / "video.onnx")
    stamps.add(bundle.stamp())
    rewrite(folder, put(version="2"))
    stamps.add(bundle.stamp())
    (folder / "video.onnx").unlink()
    stamps.add(bundle.stamp())
    assert len(stamps) == 4


def test_the_first_shelf_that_has_a_bundle_is_taken(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_bundle(other / "a")
    write_bundle(other / "b")
    write_bundle(one / "b", version="2")
    assert find_bundle("a", (one, other)).manifest.version == "1"
    assert find_bundle("b", (one, other)).manifest.version == "2"
    assert names_on(other) == ["a", "b"]
    assert names_on(tmp_path / "none") == []


@pytest.mark.parametrize("name", ["c", "", "..", "../other/a", "/etc", ".hidden"])
def test_a_name_of_no_bundle_finds_none(tmp_path: Path, name: str) -> None:
    write_bundle(tmp_path / "shelf" / "a")
    with pytest.raises(BundleError):
        find_bundle(name, (tmp_path / "shelf",))


WRONG_NETWORKS = {
    "no network": {"video.onnx": b"nothing of the kind"},
    "one that does not fit its input": {"video.onnx": video_network(side=48)},
    "one of another kind": {"video.onnx": face_judge_network()},
}


@pytest.mark.parametrize("name", WRONG_NETWORKS)
def test_a_network_that_does_not_fit_its_manifest_shows_when_it_is_loaded(tmp_path: Path, name: str) -> None:
    bundle = Bundle.read(write_bundle(tmp_path / "wrong", WRONG_NETWORKS[name]))
    assert bundle.problems() == []
    with pytest.raises(BundleError, match=r"model wrong: video\.onnx"):
        Detector(bundle)


def test_a_face_detector_that_does_not_fit_shows_when_it_is_loaded(tmp_path: Path) -> None:
    files = {
        "video.onnx": video_network(),
        "faces.onnx": face_network(side=32),
        "judge.onnx": face_judge_network(),
    }
    bundle = Bundle.read(write_bundle(tmp_path / "wrong", files, faces=FACES))
    with pytest.raises(BundleError, match=r"model wrong: faces\.onnx takes pictures of one size only"):
        Detector(bundle)
