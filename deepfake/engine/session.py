"""Networks as ONNX: one session each, verified bytes in, numbers that are numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.inputs import InputSpec, in_batches, prepared

Numbers = NDArray[np.float32]


class ModelError(Exception):
    """A network does not load, or gives something else than its kind has to; the text names what, and no path."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a model says of the frames of one video.

    Attributes:
        logit: of the video; above 0 speaks for generated.
        frame_logits: (T,) of each frame alone.
        attention: (T,) weight of each frame, of sum 1.
        heat: (T, gh, gw) what each part of the model's view adds to a frame's logit; None where it does not tell.
    """

    logit: float
    frame_logits: Numbers
    attention: Numbers
    heat: Numbers | None = None


class FrameEncoder(Protocol):
    """Turns frames into vectors."""

    def encode(self, frames: NDArray[np.uint8]) -> Mapping[str, Numbers]:
        """Encode (T, H, W, 3) uint8 RGB; each output has T rows."""
        ...


class VideoModel(Protocol):
    """Judges the frames of one video together. May be used by several threads at a time."""

    def view(self, frames: NDArray[np.uint8]) -> View:
        """Judge (T, H, W, 3) uint8 RGB, T at least 1.

        Raises:
            ModelError: what came out is no judgement.
        """
        ...


class OnnxNetwork:
    """One network.

    Args:
        name: for messages.
        content: the file's bytes, which somebody has verified. Bytes and not a path: what was verified is what is
            loaded, and an ONNX file can then not name other files as its weights.
        threads: that one call may use.

    Raises:
        ModelError: it does not load.
    """

    def __init__(self, name: str, content: bytes, *, threads: int = 1) -> None:
        # It takes long to load, and whoever only asks for names does without.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Waiting busily between two calls would take a core from whoever decodes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Videos have any number of frames of any shape: what is kept for one shape would add up to all of them.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 4
        self.name = name
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common base but this
            raise ModelError(f"{name} is not a network that loads") from error
        self.inputs: dict[str, list[Any]] = {each.name: each.shape for each in self._session.get_inputs()}
        self.outputs: tuple[str, ...] = tuple(each.name for each in self._session.get_outputs())

    @property
    def only_input(self) -> str:
        """Name of the input, where there is one.

        Raises:
            ModelError: there are several.
        """
        if len(self.inputs) != 1:
            raise ModelError(f"{self.name} has {len(self.inputs)} inputs, not one")
        return next(iter(self.inputs))

    def run(self, wanted: Sequence[str], given: Mapping[str, NDArray[Any]]) -> dict[str, Numbers]:
        """Compute outputs by name, as float32.

        Raises:
            ModelError: it cannot be computed of this, or holds something that is no number.
        """
        if missing := set(wanted) - set(self.outputs):
            raise ModelError(f"{self.name} has no output {', '.join(sorted(missing))}")
        try:
            found = self._session.run(list(wanted), dict(given))
        except Exception as error:  # onnxruntime's errors have no common base but this
            raise ModelError(f"{self.name} does not take what it is given") from error
        results = {name: np.asarray(value, np.float32) for name, value in zip(wanted, found, strict=True)}
        for name, value in results.items():
            if not np.isfinite(value).all():
                raise ModelError(f"{self.name}: {name} is not a number")
        return results


class OnnxVideoModel:
    """One network that takes all frames of a video: (1, T, ...) in; logit, frame logits, attention, perhaps heat out."""

    def __init__(self, network: OnnxNetwork, spec: InputSpec) -> None:
        self._network, self._spec = network, spec
        self._input = network.only_input
        shape = network.inputs[self._input]
        #: Frames that it takes; None for any number.
        self._length = shape[1] if len(shape) == 5 and isinstance(shape[1], int) else None

    def view(self, frames: NDArray[np.uint8]) -> View:
        """See :meth:`VideoModel.view`. A network of so many frames is given some twice where there are fewer."""
        places = np.arange(len(frames))
        if self._length is not None:
            places = np.linspace(0, len(frames) - 1, self._length).round().astype(int)
        given = prepared(frames, self._spec)[places][None]
        return _gathered(_view_of(self._network, {self._input: given}, len(places)), places, len(frames))


class OnnxEncoder:
    """A network that encodes frames one by one; a :class:`FrameEncoder`.

    Args:
        wanted: the outputs that are needed: what nobody asks for is not computed.
        batch: frames at a time.
    """

    def __init__(
        self, network: OnnxNetwork, spec: InputSpec, *, wanted: Sequence[str], batch: int = 4
    ) -> None:
        self._network, self._spec, self._wanted, self._batch = network, spec, tuple(wanted), batch
        self._input = network.only_input

    def encode(self, frames: NDArray[np.uint8]) -> dict[str, Numbers]:
        """See :meth:`FrameEncoder.encode`."""
        parts = [
            self._network.run(self._wanted, {self._input: batch})
            for batch in in_batches(frames, self._spec, self._batch)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._wanted}


class EncoderWithHead:
    """Frames encoded one by one, and a small network that judges what became of them together.

    Args:
        head: its inputs take (1, T, ...) of the encoder's outputs.
        feeds: which output of the encoder each input of the head takes.
    """

    def __init__(self, encoder: FrameEncoder, head: OnnxNetwork, feeds: Mapping[str, str]) -> None:
        self._encoder, self._head, self._feeds = encoder, head, dict(feeds)

    def view(self, frames: NDArray[np.uint8]) -> View:
        """See :meth:`VideoModel.view`."""
        encoded = self._encoder.encode(frames)
        given = {name: encoded[output][None] for name, output in self._feeds.items()}
        return _view_of(self._head, given, len(frames))


def _view_of(network: OnnxNetwork, given: Mapping[str, NDArray[Any]], count: int) -> View:
    wanted = [name for name in ("logit", "frame_logits", "attention", "heat") if name in network.outputs]
    if missing := {"logit", "frame_logits", "attention"} - set(wanted):
        raise ModelError(f"{network.name} has no output {', '.join(sorted(missing))}")
    found = network.run(wanted, given)
    logits, attention = found["frame_logits"].reshape(-1), found["attention"].reshape(-1)
    heat = found.get("heat")
    if found["logit"].size != 1 or len(logits) != count or len(attention) != count or attention.min() < 0:
        raise ModelError(f"{network.name} did not judge {count} frames")
    if heat is not None:
        if heat.ndim < 3 or heat.size // (heat.shape[-1] * heat.shape[-2]) != count:
            raise ModelError(f"{network.name}: its heat is not of {count} frames")
        heat = heat.reshape(count, *heat.shape[-2:])
    return View(float(found["logit"].reshape(())), logits, _shares(attention), heat)


def _gathered(view: View, places: NDArray[np.intp], count: int) -> View:
    """What was said of frames that were given several times, or not at all, as said of each frame once."""
    if len(places) == count and (places == np.arange(count)).all():
        return view
    times = np.bincount(places, minlength=count)
    attention = np.bincount(places, view.attention, count).astype(np.float32)
    sums = np.bincount(places, view.frame_logits, count)
    logits = np.where(times > 0, sums / np.maximum(times, 1), view.logit).astype(np.float32)
    heat = None
    if view.heat is not None:
        heat = np.zeros((count, *view.heat.shape[1:]), np.float32)
        heat[places] = view.heat
    return View(view.logit, logits, attention, heat)


def _shares(weights: Numbers) -> Numbers:
    total = float(weights.sum())
    if total <= 0:
        return np.full(len(weights), 1 / len(weights), np.float32)
    return (weights / total).astype(np.float32)
