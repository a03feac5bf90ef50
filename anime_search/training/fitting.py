"""One pass of fitting: from a network's weights to better ones, by a number of steps, resumable after a kill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader

from anime_search.training.batches import Batches
from anime_search.training.journal import Journal, StepRecord
from anime_search.training.losses import REMEMBER_AFTER, Memory, pair_loss
from anime_search.training.network import DIM, SceneNetwork
from anime_search.training.pictures import TrainingPictures

#: The projection and the pooling learn so many times faster than the trunk: they start from nothing.
HEAD_RATE = 3.0
#: Steps until the full rate, and the share of it that is left at the end.
WARM_UP, LEAST_RATE = 40, 0.005
WEIGHT_DECAY, LONGEST_GRADIENT = 1e-4, 5.0
#: Batches that are made ahead by a process of their own.
_AHEAD = 4


class ResumeError(Exception):
    """A checkpoint is of another run: other pictures, steps, rates, seed or first weights."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass does.

    Attributes:
        stage: its name in the journal and of its checkpoint.
        steps: batches that are fitted to.
        rate: of the trunk at its highest; it falls as a cosine.
        seed: of the batches.
        checkpoint_every: steps.
    """

    stage: str
    steps: int
    rate: float
    seed: int
    checkpoint_every: int = 50


def rate_share(step: int, steps: int) -> float:
    """Share of the highest rate at a step (from 0): a linear start, then half a cosine (Loshchilov, Hutter 2017)."""
    return min(1.0, step / WARM_UP) * (1 + cos(pi * step / steps)) / 2 + LEAST_RATE


def fit(
    network: SceneNetwork,
    pictures: TrainingPictures,
    plan: Pass,
    folder: Path,
    *,
    progress: Callable[[StepRecord], None],
) -> None:
    """Fit a network in place, on from the pass's checkpoint where ``folder`` has one.

    The same pictures, plan and first weights give the same weights, whether or not the pass was interrupted, on the
    same machine with the same number of threads; elsewhere sums are rounded in another order.

    Args:
        folder: for ``{stage}.pt``, replaced by a rename every so many steps, and ``journal.jsonl``.
        progress: is told of every step.

    Raises:
        ResumeError: the checkpoint is of another run.
    """
    checkpoint, journal = folder / f"{plan.stage}.pt", Journal(folder / "journal.jsonl")
    network.freeze_first_blocks()
    network.train()
    trunk = [each for each in network.trunk.parameters() if each.requires_grad]
    fresh = [*network.head.parameters(), *network.pool.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": trunk, "lr": plan.rate}, {"params": fresh, "lr": HEAD_RATE * plan.rate}],
        weight_decay=WEIGHT_DECAY,
    )
    rates = [plan.rate, HEAD_RATE * plan.rate]
    memory = Memory.empty(DIM)
    run = {"plan": asdict(plan), "pictures": pictures.digest(), "start": _checksum(network)}
    done = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["run"] != run:
            raise ResumeError(f"{checkpoint} is of another run")
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        memory = Memory(saved["memory_keys"], saved["memory_kin"])
        torch.set_rng_state(saved["random"])
        done = saved["step"]
    journal.rewind(plan.stage, done)

    for step, batch in zip(range(done, plan.steps), _made_ahead(pictures, plan, done), strict=True):
        share = rate_share(step, plan.steps)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        keys, queries = network(torch.cat([batch.keys, batch.queries])).chunk(2)
        loss = pair_loss(keys, queries, batch.kin, memory)
        optimizer.zero_grad()
        loss.total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
        optimizer.step()
        if step > REMEMBER_AFTER:
            memory.remember(keys, batch.kin)
        record = StepRecord(plan.stage, step + 1, loss.total.item(), loss.accuracy, rates[0] * share)
        journal.write(record)
        progress(record)
        if (step + 1) % plan.checkpoint_every == 0 or step + 1 == plan.steps:
            _save(
                checkpoint,
                {
                    "run": run,
                    "step": step + 1,
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "memory_keys": memory.keys,
                    "memory_kin": memory.kin,
                    # Batches come from their step's own seed; this is for whatever else may ask torch.
                    "random": torch.get_rng_state(),
                },
            )


@dataclass(slots=True)
class _TorchBatch:
    keys: torch.Tensor
    queries: torch.Tensor
    kin: torch.Tensor


class _TorchBatches:
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> _TorchBatch:
        batch = self._batches[step]
        return _TorchBatch(*(torch.from_numpy(each) for each in (batch.keys, batch.queries, batch.kin)))


def _made_ahead(pictures: TrainingPictures, plan: Pass, done: int) -> DataLoader[_TorchBatch]:
    # A process that is forked while OpenCV's threads run may wait for them for ever.
    cv2.setNumThreads(1)
    return DataLoader(
        _TorchBatches(Batches(pictures, plan.seed)),
        sampler=range(done, plan.steps),
        batch_size=None,
        num_workers=1,
        prefetch_factor=_AHEAD,
        multiprocessing_context="fork",
        # Its own, so that taking up a run again draws nothing from torch's.
        generator=torch.Generator(),
    )


def _checksum(network: SceneNetwork) -> float:
    """Tells first weights apart."""
    return sum(float(value.double().abs().sum()) for value in network.state_dict().values())


def _save(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".part")
    torch.save(content, partial)
    partial.replace(path)
