"""The frame encoder: an ONNX file that is taken as it is, and what is kept of what it gives."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.inputs import Fit, InputSpec, Layout
from deepfake.engine.manifest import Origin
from deepfake.engine.session import ModelError, OnnxEncoder, OnnxNetwork
from deepfake.training.faults import TrainingError

Numbers = NDArray[np.float32]

#: What CLIP's encoders are given; published with them.
CLIP_INPUT = InputSpec(
    width=224,
    height=224,
    fit=Fit.COVER,
    layout=Layout.NCHW,
    raw=False,
    mean=(0.48145466, 0.4578275, 0.40821073),
    deviation=(0.26862954, 0.26130258, 0.27577711),
)
#: Rows of what is kept of a frame's tokens: their mean, their deviation, the means of the four quarters of the picture.
STATISTICS = 6
#: Frames that are encoded at a time.
BATCH = 4


class EncoderError(TrainingError):
    """The encoder's file is none, or not of the kind that is known here."""


@dataclass(frozen=True, slots=True)
class EncoderFile:
    """An encoder as a file: its name, bytes and SHA-256 (hexadecimal)."""

    name: str
    content: bytes
    sha256: str

    @classmethod
    def read(cls, path: Path) -> EncoderFile:
        """Read it.

        Raises:
            EncoderError: it cannot be read.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise EncoderError(f"{path} cannot be read") from error
        return cls(path.name, content, hashlib.sha256(content).hexdigest())


class FrameFeatures:
    """An encoder that gives an embedding and tokens on a square grid, and what is made of them.

    Attributes:
        embedding, tokens: names of the network's outputs.
        width, token_width: numbers of one of each.
        side: of the grid that the tokens stand on.

    Raises:
        EncoderError: it does not load, or gives something else.
    """

    def __init__(self, file: EncoderFile, *, threads: int = 1) -> None:
        grey = np.full((1, CLIP_INPUT.height, CLIP_INPUT.width, 3), 128, np.uint8)
        try:
            network = OnnxNetwork(file.name, file.content, threads=threads)
            every = OnnxEncoder(network, CLIP_INPUT, wanted=network.outputs, batch=BATCH).encode(grey)
            shapes = {name: value.shape for name, value in every.items()}
            (self.embedding,) = [name for name, shape in shapes.items() if len(shape) == 2]
            (self.tokens,) = [name for name, shape in shapes.items() if len(shape) == 3]
        except ModelError as error:
            raise EncoderError(str(error)) from error
        except ValueError as error:
            raise EncoderError(f"{file.name} does not give one embedding and one grid of tokens") from error
        self.width, self.token_width = shapes[self.embedding][1], shapes[self.tokens][2]
        self.side = round((shapes[self.tokens][1] - 1) ** 0.5)
        if self.side**2 != shapes[self.tokens][1] - 1:
            raise EncoderError(f"{file.name}: its tokens are no square grid with one more in front")
        self._encoder = OnnxEncoder(network, CLIP_INPUT, wanted=[self.embedding, self.tokens], batch=BATCH)

    def encoded(self, frames: NDArray[np.uint8]) -> dict[str, Numbers]:
        """Both outputs by name for (T, H, W, 3) frames."""
        return self._encoder.encode(frames)

    def of(self, frames: NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
        """Embeddings (T, width) and statistics (T, 6, token width) of (T, H, W, 3) frames."""
        encoded = self.encoded(frames)
        return encoded[self.embedding], statistics_of(encoded[self.tokens])


def statistics_of(tokens: Numbers) -> Numbers:
    """What is kept of (T, 1 + g * g, width) tokens, the first of which is of the whole picture: (T, 6, width)."""
    patches = tokens[:, 1:]
    side = round(patches.shape[1] ** 0.5)
    grid = patches.reshape(len(tokens), side, side, -1)
    half = side // 2
    quarters = (
        grid[:, :half, :half],
        grid[:, :half, half:],
        grid[:, half:, :half],
        grid[:, half:, half:],
    )
    return np.stack(
        [patches.mean(1), patches.std(1), *(quarter.mean((1, 2)) for quarter in quarters)], axis=1
    ).astype(np.float32)


def origin_of(file: EncoderFile, wheel: Path) -> Origin:
    """Where an encoder's file is in a wheel, for a manifest.

    Raises:
        EncoderError: the wheel cannot be read, or holds no such file.
    """
    name, version = wheel.name.split("-")[:2] if wheel.name.count("-") >= 2 else ("", "")
    if not name:
        raise EncoderError(f"{wheel.name} is not the name of a wheel")
    try:
        content = wheel.read_bytes()
        with ZipFile(wheel) as members:
            for member in members.infolist():
                if member.file_size == len(file.content):
                    digest = hashlib.sha256(members.read(member)).hexdigest()
                    if digest == file.sha256:
                        return Origin(
                            f"{name}=={version}", hashlib.sha256(content).hexdigest(), member.filename
                        )
    except (OSError, BadZipFile) as error:
        raise EncoderError(f"{wheel.name} cannot be read") from error
    raise EncoderError(f"{wheel.name} does not hold {file.name}")
