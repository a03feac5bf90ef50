"""Boot-time checks of the detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

_HINT = "manage.py deepfake_model list, install, activate"


class Tags(checks.Tags):
    detector = "detector"


@checks.register(Tags.detector)
def check_model(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every file of the model in use must be there, and be as its manifest says."""
    from deepfake import runtime
    from deepfake.engine.manifest_fields import BundleError

    if _is_without_model():
        return []
    try:
        problems = runtime.active_bundle().problems()
    except BundleError as error:
        problems = [str(error)]
    return [checks.Error(problem, hint=_HINT, id="deepfake.E001") for problem in problems]


@checks.register(Tags.detector, deploy=True)
def check_model_is_there(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Whoever only searches scenes needs no model, and is told so once, when it is asked for."""
    if not _is_without_model():
        return []
    message = "no model is installed: analyses are answered 503"
    return [checks.Info(message, hint=_HINT, id="deepfake.I001")]


def _is_without_model() -> bool:
    """Whether no model was ever chosen, and the project has none of its own."""
    from deepfake import runtime
    from deepfake.engine.bundle import CURRENT
    from deepfake.engine.manifest_fields import BundleError

    try:
        name = runtime.active_name()
    except BundleError:
        return False
    return name == CURRENT and not any((shelf / name).is_dir() for shelf in runtime.shelves())
