"""Steps of fitting a network: rates, checkpoints that survive a kill, averaged weights, a journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import cos, pi
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from torch.utils.data import DataLoader

from deepfake.training.faults import TrainingError
from deepfake.training.journal import Journal

#: Steps until the full rate, and the share of it that is left at the end.
LEAST_RATE = 0.01
LONGEST_GRADIENT = 2.0
#: Batches that are made ahead by a process of their own.
_AHEAD = 3


class ResumeError(TrainingError):
    """A checkpoint is of another run: other clips, another recipe or other first weights."""


class MakesBatches(Protocol):
    """Makes the batch of any step: it hangs on the step's number alone, and on nothing that happened before."""

    def __getitem__(self, step: int) -> Any:
        """Tensors of a step, from 0."""
        ...


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass of fitting does.

    Attributes:
        stage: its name in the journal and of its checkpoint.
        steps: batches that are fitted to.
        rate: of the trunk at its highest; what is new learns ``new_rate`` times as fast.
        decay: of the weights.
        averaging: share that the averaged weights keep at each step.
        warm_up, checkpoint_every, look_every: steps.
        workers: processes that make batches.
    """

    stage: str
    steps: int
    rate: float = 3e-4
    new_rate: float = 5.0
    decay: float = 0.02
    averaging: float = 0.995
    warm_up: int = 50
    checkpoint_every: int = 50
    look_every: int = 200
    workers: int = 1


def rate_share(step: int, plan: Pass) -> float:
    """Share of the highest rate at a step (from 0): a linear start, then half a cosine (Loshchilov, Hutter 2017)."""
    rise = min(1.0, (step + 1) / max(1, plan.warm_up))
    return rise * ((1 + cos(pi * step / plan.steps)) / 2 * (1 - LEAST_RATE) + LEAST_RATE)


def fit(
    network: Any,
    batches: MakesBatches,
    plan: Pass,
    folder: Path,
    *,
    of: str,
    trunk: Sequence[Any],
    loss_of: Callable[[Any, Any], tuple[Any, dict[str, float]]],
    look: Callable[[Any], float] | None = None,
    progress: Callable[[int, int, dict[str, float]], None] = lambda _step, _steps, _figures: None,
) -> tuple[int, float]:
    """Fit a network in place, on from its checkpoint where ``folder`` has one; in the end it has the best averaged weights.

    The same batches, plan and first weights give the same weights, whether or not the pass was interrupted, on the same
    machine with the same number of threads; elsewhere sums are rounded in another order.

    Args:
        folder: for ``{stage}.pt``, replaced by a rename every so many steps, and ``journal.jsonl``.
        of: what tells the run apart from others, beside the plan and the first weights.
        trunk: parameters that learn at the trunk's rate; all others learn faster.
        loss_of: loss, and figures for the journal, of the network and a batch.
        look: what averaged weights are chosen by, higher is better; the last ones are taken where it is None.
        progress: is told of every step.

    Returns:
        The step that the weights are of, and what ``look`` said of them (nan where there is none).

    Raises:
        ResumeError: the checkpoint is of another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, journal = folder / f"{plan.stage}.pt", Journal(folder / "journal.jsonl")
    optimizer, rates = _optimizer(network, plan, trunk)
    run = {"plan": asdict(replace(plan, workers=0)), "of": of, "start": _checksum(network)}
    averaged, best = _state(network), None
    best_step, best_score, done = 0, float("nan"), 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["run"] != run:
            raise ResumeError(f"{checkpoint} is of another run")
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        averaged, best = saved["averaged"], saved["best"]
        best_step, best_score, done = saved["best_step"], saved["best_score"], saved["step"]
        torch.set_rng_state(saved["random"])
    journal.rewind(plan.stage, done)
    network.train()
    for step, batch in zip(range(done, plan.steps), _made_ahead(batches, plan, done), strict=True):
        share = rate_share(step, plan)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        loss, figures = loss_of(network, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
        optimizer.step()
        _average(averaged, network, min(plan.averaging, (step + 1) / (step + 10)))
        figures = {"loss": round(float(loss.detach()), 5)} | figures
        last = step + 1 == plan.steps
        if look is not None and ((step + 1) % plan.look_every == 0 or last):
            score = _looked_at(network, averaged, look)
            figures["score"] = round(score, 5)
            if best is None or score > best_score:
                best, best_step, best_score = _copied(averaged), step + 1, score
        journal.write(plan.stage, step=step + 1, rate=round(plan.rate * share, 8), **figures)
        progress(step + 1, plan.steps, figures)
        if (step + 1) % plan.checkpoint_every == 0 or last:
            content = {
                "run": run,
                "step": step + 1,
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "averaged": averaged,
                "best": best,
                "best_step": best_step,
                "best_score": best_score,
                "random": torch.get_rng_state(),
            }
            partial = checkpoint.with_suffix(".part")
            torch.save(content, partial)
            partial.replace(checkpoint)
    network.load_state_dict(averaged if best is None else best)
    network.eval()
    return (plan.steps if best is None else best_step), best_score


def _optimizer(network: Any, plan: Pass, trunk: Sequence[Any]) -> tuple[Any, list[float]]:
    slow = {id(each) for each in trunk}
    learning = [each for each in network.parameters() if each.requires_grad]
    groups, rates = [], []
    for is_slow in (True, False):
        for decayed in (True, False):
            members = [
                each for each in learning if (id(each) in slow) == is_slow and (each.ndim > 1) == decayed
            ]
            if members:
                groups.append({"params": members, "weight_decay": plan.decay if decayed else 0.0})
                rates.append(plan.rate if is_slow else plan.new_rate * plan.rate)
    return torch.optim.AdamW(groups, lr=plan.rate), rates


class _Steps:
    def __init__(self, batches: MakesBatches) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> Any:
        return self._batches[step]


def _made_ahead(batches: MakesBatches, plan: Pass, done: int) -> Any:
    # A process that is forked while OpenCV's threads run may wait for them for ever.
    cv2.setNumThreads(1)
    return DataLoader(
        _Steps(batches),
        sampler=range(done, plan.steps),
        batch_size=None,
        num_workers=plan.workers,
        prefetch_factor=_AHEAD if plan.workers else None,
        multiprocessing_context="fork" if plan.workers else None,
        # Its own, so that taking up a run again draws nothing from torch's.
        generator=torch.Generator(),
    )


def _looked_at(network: Any, averaged: dict[str, Any], look: Callable[[Any], float]) -> float:
    """What is said of the averaged weights; the network has its own again afterwards."""
    own, random = _state(network), torch.get_rng_state()
    network.load_state_dict(averaged)
    network.eval()
    with torch.no_grad():
        score = look(network)
    network.load_state_dict(own)
    network.train()
    torch.set_rng_state(random)
    return score


def _average(averaged: dict[str, Any], network: Any, share: float) -> None:
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                averaged[name].lerp_(value, 1 - share)
            else:
                averaged[name].copy_(value)


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value.clone() for name, value in state.items()}


def _state(network: Any) -> dict[str, Any]:
    return _copied(network.state_dict())


def _checksum(network: Any) -> float:
    """Tells first weights apart."""
    return sum(float(value.double().abs().sum()) for value in network.state_dict().values())
