"""Clips are scored and judged as a site would, once each, and a report says what came of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from deepfake.engine.bundle import Bundle
from deepfake.engine.verdict import Result
from deepfake.training import judging, scoring
from deepfake.training.clips import TrainingClip
from deepfake.training.judging import JudgedClip, Row, judge_clips
from deepfake.training.reporting import cut_figures, hardest_cut, metrics_of, report_of, tables_of
from deepfake.training.scores import Score, ScoresError, add_score, read_scores, write_scores
from deepfake.training.scoring import models_digest, quality_of, score_clips
from deepfake.training.tampering import BLENDED
from tests.deepfake.engine.networks import ENCODED, encoder_network, head_network, video_network, write_bundle
from tests.deepfake.training.collection import a_clip

FILES = {"video.onnx": video_network(), "encoder.onnx": encoder_network(), "head.onnx": head_network()}


def test_scores_are_logits_before_calibration(
    clips: list[TrainingClip], tmp_path: Path, copies: Path
) -> None:
    bundle = write_bundle(
        tmp_path / "bright-1",
        FILES,
        calibration={"slope": 3.0, "offset": 1.0},
        sampling={"frames": 4, "short_side": 64},
    )
    given = {"bundle": bundle, "out": tmp_path / "out", "copies": copies, "workers": 1}
    scores = score_clips(clips[:3], ("plain",), **given)
    probability = judge_clips([(clip, "plain") for clip in clips[:3]], **given)
    for score, judged in zip(scores, probability, strict=True):
        assert 1 / (1 + math.exp(-(3 * score.logit + 1))) == pytest.approx(judged.row.prob_fake, abs=0.02)
        assert score.held_out


def test_members_are_joined_by_their_weights(clips: list[TrainingClip], tmp_path: Path, copies: Path) -> None:
    single = write_bundle(tmp_path / "one-1", FILES, members=[ENCODED])
    twice = write_bundle(
        tmp_path / "two-1", FILES, members=[ENCODED | {"weight": 0.5}, ENCODED | {"frames": 2}]
    )
    one, two = (
        score_clips(clips[:1], ("plain",), bundle=bundle, out=tmp_path / "out", copies=copies, workers=1)[
            0
        ].logit
        for bundle in (single, twice)
    )
    assert two == pytest.approx(1.5 * one, rel=0.1)
    assert models_digest(Bundle.read(single)) != models_digest(Bundle.read(twice))


@pytest.mark.parametrize("kind", ["scores", "verdicts"])
def test_what_was_measured_is_not_measured_again(
    clips: list[TrainingClip], tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bundle = write_bundle(tmp_path / "bright-1")
    tasks = [(clip, "plain") for clip in clips[:3]]

    def measure() -> list[object]:
        given = {"bundle": bundle, "out": tmp_path / "out", "copies": copies, "workers": 1}
        if kind == "scores":
            return list(score_clips(clips[:3], ("plain",), **given))
        return list(judge_clips(tasks, **given))

    first = measure()
    (path,) = (tmp_path / "out").glob(f"{kind}-*.jsonl")
    whole = path.read_text()
    # A kill has cut the last line.
    path.write_text(whole[:-20])
    calls: list[object] = []
    for module, name in ((scoring, "_scored"), (judging, "_judge")):
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda task, own=own: calls.append(task) or own(task))
    assert measure() == first
    assert len(calls) == 1
    assert path.read_text() == whole


def test_scores_survive_being_written(tmp_path: Path) -> None:
    scores = [
        Score("a.mp4", "plain", 1.5, held_out=True, quality=("too_dark",)),
        Score("b.mp4", "crf38", -1, False, 2.0),
    ]
    write_scores(tmp_path / "scores.jsonl", scores[:1])
    add_score(tmp_path / "scores.jsonl", scores[1])
    assert read_scores(tmp_path / "scores.jsonl") == scores
    assert read_scores(tmp_path / "none.jsonl") == []
    (tmp_path / "other.jsonl").write_text('{"event": "x"}\n')
    with pytest.raises(ScoresError):
        read_scores(tmp_path / "other.jsonl")


def test_compressed_clips_deserve_a_warning(clips: list[TrainingClip], copies: Path) -> None:
    assert "heavily_compressed" not in quality_of(clips[0], "crf23", copies)
    assert "heavily_compressed" in quality_of(clips[0], "crf45", copies)
    assert "too_small" in quality_of(clips[0], "plainh", copies)


def judged(number: int, prob: float, *, variant: str = "plain", **changes: object) -> JudgedClip:
    result = Result.AI_GENERATED if prob >= 0.8 else Result.REAL if prob < 0.4 else Result.INCONCLUSIVE
    return JudgedClip(a_clip(number, **changes), Row(f"{number}", variant, prob, str(result)))


def verdicts() -> list[JudgedClip]:
    found = []
    for variant, less in (("plain", 0.0), ("crf38h", 0.3)):
        for number in range(8):
            found += [
                judged(number, 0.9 - less, variant=variant, source="sora", repo="page/sora"),
                judged(20 + number, 0.6, variant=variant, source="gen_b", family="edit", repo="page/b"),
                judged(
                    40 + number,
                    0.1,
                    variant=variant,
                    fake=False,
                    source="panda70m_youtube",
                    repo="page/panda",
                ),
                judged(60 + number, 0.01, variant=variant, fake=False, source="rt_x", family="real_lab"),
            ]
    found += [
        judged(80 + number, 0.2 + 0.1 * number, fake=False, source="face", family="real_face")
        for number in range(3)
    ]
    found += [
        judged(
            80 + number, 0.3 + 0.1 * number, fake=False, source="face", family="real_face", variant=variant
        )
        for number in range(3)
        for variant in ("crf23", BLENDED)
    ]
    return found


def test_a_report_tells_sources_cuts_and_compression() -> None:
    report = report_of(verdicts(), split="devtest", model="0" * 64)
    assert report["cuts"]["hardest"]["auc"] == 1.0
    assert report["cuts"]["hardest"]["generated"] == report["cuts"]["hardest"]["real"] == 8
    # Blended ones got the very probabilities of the real ones.
    assert report["cuts"]["faces, self-blended"]["auc"] == 0.5
    assert report["cuts"]["faces, self-blended"]["generated"] == 3
    assert report["cuts"]["all"]["real"] == report["cuts"]["without robots"]["real"] + 8
    assert report["sweep"]["plain"]["found"] == 0.5
    assert report["sweep"]["crf38h"]["found"] == 0.0
    assert report["generators"]["gen_b"]["called_generated"] == 0.0
    assert report["real_sources"]["rt_x"]["called_real"] == 1.0
    assert report["operating_point"]["false_positives"] == 0.0
    json.dumps(report, allow_nan=False)


def test_figures_for_a_manifest_are_numbers_named_by_their_split() -> None:
    metrics = metrics_of(report_of(verdicts(), split="devtest", model="0" * 64))
    assert metrics["auc_hardest"] == 1.0
    assert metrics["false_positives_crf38h"] == 0.0
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    assert "auc_faces_reenacted" not in metrics
    assert "val_auc" in metrics_of(report_of(verdicts(), split="val", model="0" * 64))


def test_tables_hold_every_source_and_variant() -> None:
    tables = tables_of(report_of(verdicts(), split="devtest", model="0" * 64))
    for name in ("hardest", "sora", "gen_b", "panda70m_youtube", "rt_x", "crf38h"):
        assert f"| {name} |" in tables
    widths = {line.count("|") for line in tables.splitlines() if line.startswith("|")}
    assert widths <= {6, 7, 9, 5}


def test_the_hardest_cut_shares_no_page() -> None:
    fakes = [
        judged(1, 0.9, repo="page/panda"),
        judged(2, 0.9, repo="page/z"),
        judged(3, 0.9, repo="page/z", photoreal=False),
    ]
    reals = [
        judged(4, 0.1, fake=False, source="panda70m_youtube", repo="page/panda"),
        judged(5, 0.1, fake=False, source="other", repo="page/o"),
    ]
    assert hardest_cut([*fakes, *reals]) == [fakes[1], reals[0]]
    assert hardest_cut([*fakes, reals[1]]) == [fakes[0], fakes[1], reals[1]]


def test_nothing_measured_is_told_as_nothing() -> None:
    figures = cut_figures([])
    assert figures["auc"] is None
    assert figures["auc_95"] == [None, None]
    assert figures["false_positives"] is None
