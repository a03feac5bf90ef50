"""The evidence of a verdict, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from core.openapi import Schema, flag, list_of, number, or_null, record, ref, text, whole
from deepfake.engine.verdict import Manipulation, Quality

EVIDENCE_SCHEMAS: Final[dict[str, Schema]] = {
    "Box": record(
        {name: number() for name in ("left", "top", "width", "height")},
        description=_("A part of a frame, in shares of its width and height."),
    ),
    "Evidence": record(
        {
            "manipulation": {
                "type": ["string", "null"],
                "enum": [*(each.value for each in Manipulation), None],
                "description": _("What kind of artificial video it is, where that is known."),
            },
            "frames": list_of(
                record(
                    {
                        "at_s": number(_("Seconds from the start.")),
                        "prob_fake": number(_("Of this frame alone, 0 to 1.")),
                        "weight": number(_("Its share in the verdict, 0 to 1.")),
                        "regions": list_of(
                            record({"box": ref("Box"), "weight": number()}),
                            _("The parts that weighed most."),
                        ),
                    }
                ),
                _("The frames that were looked at."),
            ),
            "faces": list_of(
                record(
                    {
                        "at_s": number(_("Seconds from the start.")),
                        "box": ref("Box"),
                        "score": number(_("How sure it is that this is a face, 0 to 1.")),
                        "prob_fake": or_null(number(_("How likely the face is manipulated, 0 to 1."))),
                    }
                ),
                _("The faces that were found."),
            ),
            "quality": list_of(
                text(enum=[each.value for each in Quality]), _("Why the verdict may be worth less.")
            ),
            "provenance": list_of(
                record(
                    {
                        "found_in": text(enum=["c2pa", "metadata"]),
                        "generator": text(_("The software or model that the file names.")),
                        "is_generator": flag(_("Whether that is known to make AI video.")),
                        "detail": text(),
                        "verified": {
                            "type": ["boolean", "null"],
                            "description": _("Whether its signature holds; null where there is none."),
                        },
                    }
                ),
                _("What the file itself says of where it comes from."),
            ),
            "looked_at": or_null(
                record(
                    {
                        "whole": flag(_("Whether the whole video was there, and not only its beginning.")),
                        "stretches": list_of(
                            record(
                                {
                                    "from_s": number(_("Seconds from the start.")),
                                    "to_s": number(_("Seconds from the start.")),
                                }
                            )
                        ),
                    },
                    description=_("The stretches that frames were taken from."),
                )
            ),
            "video": record(
                {
                    "width": whole(),
                    "height": whole(),
                    "fps": number(),
                    "duration_s": number(),
                    "codec": text(),
                    "container": text(),
                    "bits_per_pixel": number(),
                },
                description=_("What was looked at."),
            ),
            "model": record(
                {
                    "name": text(),
                    "version": text(),
                    "sha256": text(),
                    "metrics": {
                        "type": "object",
                        "additionalProperties": True,
                        "description": _("The model's measured error rates."),
                    },
                },
                description=_("The model that judged."),
            ),
        }
    ),
}
