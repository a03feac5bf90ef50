"""What the face model is given, and the files that it is kept in."""

from __future__ import annotations

from deepfake.engine.inputs import InputSpec

#: Pixels of a side of what is cut out, and sides of the face's box that it shows.
SIDE, MARGIN = 224, 1.3
INPUT = InputSpec(width=SIDE, height=SIDE)
#: The network, and what it was fitted to, with its calibration.
NETWORK, ABOUT = "face.onnx", "face.json"
