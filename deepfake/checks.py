"""Boot-time checks of the detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

_HINT = (
    "manage.py deepfake_model list, install, activate; what comes with the project lies in deepfake/bundles"
)


class Tags(checks.Tags):
    detector = "detector"


@checks.register(Tags.detector)
def check_model(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every file of the model in use must be there, and be as its manifest says.

    That holds for the project's own model, too, so that a site never starts without a detector.
    """
    from deepfake import runtime
    from deepfake.engine.manifest_fields import BundleError

    try:
        problems = runtime.active_bundle().problems()
    except BundleError as error:
        problems = [str(error)]
    return [checks.Error(problem, hint=_HINT, id="deepfake.E001") for problem in problems]
