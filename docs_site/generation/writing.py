"""The OpenAPI document as the file has it."""

from __future__ import annotations

import json

from docs_site.generation.document import build_document


def written() -> str:
    """The document's text: one that two runs write alike, and that reads well in a comparison."""
    return json.dumps(build_document(), indent=1, ensure_ascii=False) + "\n"
