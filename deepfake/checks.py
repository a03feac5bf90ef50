"""Boot-time checks of the detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks


class Tags(checks.Tags):
    detector = "detector"


@checks.register(Tags.detector)
def check_model(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every file of the model in use must be there, and be as its manifest says."""
    from deepfake import runtime
    from deepfake.engine.bundle import CURRENT, SHIPPED
    from deepfake.engine.manifest_fields import BundleError

    hint = "manage.py deepfake_model list, install, activate"
    try:
        name = runtime.active_name()
        if name == CURRENT and not any((shelf / name).is_dir() for shelf in runtime.shelves()):
            return [
                checks.Info(
                    f"there is no model {CURRENT} in {SHIPPED.parent.name}/{SHIPPED.name}: analyses are answered 503 until one is installed",
                    hint=hint,
                    id="deepfake.I001",
                )
            ]
        problems = runtime.active_bundle().problems()
    except BundleError as error:
        problems = [str(error)]
    return [checks.Error(problem, hint=hint, id="deepfake.E001") for problem in problems]
