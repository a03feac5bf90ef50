"""The verdict's page: calibrated words, drawings, evidence, and the model's limits."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.test import Client

from deepfake import keepsakes
from deepfake.engine.verdict import Manipulation, ProvenanceMark, Quality, Result, Thresholds
from deepfake.jobs import claim_analysis
from deepfake.models import Analysis
from deepfake.runtime import close_detectors, open_detectors
from deepfake.web.limits_words import limits_of
from deepfake.web.timeline import gauge_of, time_text, timeline_of
from deepfake.web.verdict_words import verdict_words
from deepfake.work import allow_attempts, run_analysis
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.engine.clips import scene, with_patch, write_clip
from tests.deepfake.engine.networks import FACES, face_judge_network, face_network, video_network
from tests.deepfake.models_shelf import shelve, use
from tests.deepfake.seams import VERDICT
from tests.deepfake.web.asking import made, send, text_of


def row_of(result: Result, prob_fake: float, **more: Any) -> Analysis:
    return Analysis(status="done", result=result, prob_fake=prob_fake, **more)


@pytest.mark.parametrize(
    ("result", "prob_fake", "title", "number"),
    [
        (Result.AI_GENERATED, 1.0, "Almost certainly AI-made", "99.9"),
        (Result.AI_GENERATED, 0.9951, "Almost certainly AI-made", "99.5"),
        (Result.AI_GENERATED, 0.9, "Very likely AI-made", "90"),
        (Result.AI_GENERATED, 0.899, "Likely AI-made", "90"),
        (Result.AI_GENERATED, 0.66, "Likely AI-made", "66"),
        (Result.AI_GENERATED, 0.5, "More likely AI-made than not", "50"),
        (Result.AI_GENERATED, 0.4, "Suspected to be AI-made", "40"),
        (Result.REAL, 0.004, "Almost certainly real", "99.6"),
        (Result.REAL, 0.1, "Very likely real", "90"),
        (Result.REAL, 0.3, "Likely real", "70"),
        (Result.REAL, 0.45, "More likely real than not", "55"),
        (Result.REAL, 0.6, "Taken for real", "40"),
    ],
)
def test_words_keep_to_the_probability(result: Result, prob_fake: float, title: str, number: str) -> None:
    words = verdict_words(row_of(result, prob_fake))
    assert words.title == title
    assert f"about {number} are" in words.sentence


def test_nothing_is_claimed_where_it_is_inconclusive() -> None:
    words = verdict_words(row_of(Result.INCONCLUSIVE, 0.97))
    assert (words.tone, words.title) == ("unsure", "Inconclusive")


def test_manipulated_face_is_told() -> None:
    words = verdict_words(row_of(Result.AI_GENERATED, 0.97, manipulation=Manipulation.FACE))
    assert "faces in it speak for a manipulation" in words.sentence


def test_timeline_is_drawn_over_the_length() -> None:
    line = timeline_of([(0, 1.0), (5, 0.5), (10, 0.0)], duration_s=10, band=(0.4, 0.8))
    assert line.line == "M0 0L500 100L1000 200"
    assert line.dots.count("h0") == 3
    assert (line.unsure_y, line.unsure_height) == (40, 80)
    assert line.ticks == ("0:00.0", "0:02.5", "0:05.0", "0:07.5", "0:10.0")


def test_timeline_of_odd_figures_stays_in_its_frame() -> None:
    assert timeline_of([], duration_s=0, band=None).line == ""
    assert timeline_of([(3, 1.5)], duration_s=0, band=None).line == "M1000 0"
    assert timeline_of([(9, 0.5)], duration_s=4, band=None).ticks[-1] == "0:09.0"


def test_gauge_has_three_zones() -> None:
    gauge = gauge_of(0.97, (0.4, 0.8))
    assert (gauge.real, gauge.unsure, gauge.fake, gauge.at) == (400, 400, 800, 970)
    assert gauge_of(0.5, None).unsure == 1000


@pytest.mark.parametrize(("time_s", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (3723.44, "1:02:03.4")])
def test_times_are_written_as_players_do(time_s: float, text: str) -> None:
    assert time_text(time_s) == text


def test_measured_limits_are_put_into_plain_words() -> None:
    metrics = {
        "false_positives": 0.031,
        "found": 0.812,
        "auc": 0.95,
        "auc_low": 0.9,
        "auc_high": 0.97,
        "odd": 1.0,
    }
    told = limits_of(metrics)
    assert "Of 100 real videos it calls 3.1 AI-made." in told.sentences
    assert "Of 100 AI-made videos it recognises 81.2." in told.sentences
    assert any("between 90.0 and 97.0 (95% interval)" in sentence for sentence in told.sentences)
    assert len(told.sentences) == 4
    assert ("odd", "1.000") in told.others
    assert limits_of({"found": 0.9, "test_found": 0.7}).sentences == (
        "Of 100 AI-made videos it recognises 70.0.",
    )
    assert limits_of({}).sentences == ()


@pytest.mark.django_db
def test_page_tells_everything_that_the_verdict_stands_on(
    visitor: Client, make_analysis: MakeAnalysis
) -> None:
    verdict = replace(
        VERDICT,
        thresholds=Thresholds(0.2, 0.9),
        quality=tuple(Quality),
        provenance=(
            ProvenanceMark("metadata", "Sora", is_generator=True, detail="software: Sora"),
            ProvenanceMark("c2pa", "A <b>camera</b>", is_generator=False, detail="signed by X", verified=True),
            ProvenanceMark("c2pa", "", is_generator=False, verified=False),
            ProvenanceMark("c2pa", "", is_generator=False, verified=None),
        ),
    )  # fmt: skip
    row = make_analysis(
        status="done", result="ai_generated", prob_fake=0.945, manipulation="face_manipulation",
        evidence=verdict.as_json(), model_name="VideoEfficientAttn", model_version="epoch25",
        model_sha256="c" * 64, processing_time_ms=1234,
    )  # fmt: skip
    response = visitor.get(f"/detect/{row.public_id}")
    said = text_of(response)
    for words in (
        "Very likely AI-made", "94.5% probability of being AI-made", "5.5% probability of being real",
        "Between 20.0% and 90.0% this model does not decide.", "0:00.5: 60% of the verdict",
        "top left: 70% of what spoke for a fake in this frame", "face, left: manipulated with a probability of 97%",
        "640 × 360", "h264 · mp4", "1.2 seconds", "VideoEfficientAttn", "epoch25", "c" * 64,
        "The file itself says that it comes from a program that makes AI video.", "It names: Sora",
        "the signature holds", "that does not hold", "not checked", "A <b>camera</b>",
        "heavily compressed, as it is after being saved", "Hardly anything moves.", "There are no pictures of its frames.",
    ):  # fmt: skip
        assert words in said, words
    page = response.content.decode()
    assert "<b>camera" not in page
    assert "style=" not in page
    assert "<table>" in page


@pytest.mark.django_db
def test_verdicts_of_before_are_shown_too(visitor: Client, make_analysis: MakeAnalysis) -> None:
    evidence = VERDICT.as_json()
    for name in ("thresholds", "provenance", "quality"):
        del evidence[name]
    evidence["model"] = {**asdict(VERDICT.model), "metrics": {}}
    for known in (evidence, {}):
        response = visitor.get(f"/detect/{make_analysis(status='done', evidence=known).public_id}")
        assert response.status_code == 200
        said = text_of(response)
        assert "Nothing was measured of it." in said
        assert "there is no signed provenance" in said


@pytest.mark.django_db(transaction=True)
def test_real_video_is_judged_and_its_pictures_shown(
    visitor: Client, tmp_path: Path, sent: list[int]
) -> None:
    files = {"video.onnx": video_network(), "faces.onnx": face_network(), "judge.onnx": face_judge_network()}
    shelve("with-faces", files, faces=FACES, metrics={"found": 0.5})
    use("with-faces")
    # Bright at the left only: that is where the heat has to be.
    dark, bright = scene(24, level=60, size=(640, 360)), scene(24, level=235, size=(640, 360), seed=2)
    pictures = (
        np.concatenate([right[:, :240], left[:, 240:]], axis=1)
        for left, right in zip(dark, bright, strict=True)
    )
    clip = write_clip(
        tmp_path / "clip.mp4", chain(with_patch(pictures, (220, 20, 20), left=400, top=120, side=110)), tags={"software": "Sora"}
    )  # fmt: skip
    row = made(send(visitor, clip.read_bytes()))
    allow_attempts()
    open_detectors()
    try:
        run_analysis(analysis_id=row.pk)
    finally:
        close_detectors()
        open_detectors()
    row.refresh_from_db()
    assert (row.status, row.error_message) == ("done", "")
    response = visitor.get(f"/detect/{row.public_id}")
    report = response.context["report"]
    assert report.names_generator
    assert report.band
    assert len(report.frames) == len(keepsakes.pictures_kept(row.public_id).plain) >= 4
    assert any(frame.faces for frame in report.frames)
    frame = report.heaviest[0]
    assert all(box.x + box.width <= 500 for box in frame.regions)
    plain, heat = (
        cv2.imdecode(np.frombuffer(visitor.get(address).content, np.uint8), cv2.IMREAD_COLOR).astype(int)
        for address in (frame.picture, frame.heat)
    )
    assert plain.shape == heat.shape
    assert plain.shape[1] / plain.shape[0] == pytest.approx(frame.width / frame.height, rel=0.02)
    colour = (heat.max(axis=2) - heat.min(axis=2)).mean(axis=0)
    assert colour[20:80].mean() > 3 * colour[-80:].mean()
    assert claim_analysis(analysis_id=row.pk) is None
