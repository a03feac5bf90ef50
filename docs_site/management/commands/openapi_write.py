"""``manage.py openapi_write``: make ``docs/openapi.json`` anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.commands import OperatorCommand
from docs_site.document import DOCUMENT


class Command(OperatorCommand):
    help = (
        "Make docs/openapi.json anew from the surfaces' own descriptions. It needs the tools of developers."
    )
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing, and fail if it would change")

    def run(self, check: bool, dry_run: bool, **options: Any) -> dict[str, Any]:
        try:
            from docs_site.generation.writing import written
        except ModuleNotFoundError as error:
            raise CommandError(f"{error.name} is not installed: run make setup-dev first") from None
        made = written()
        changed = not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != made
        if check and changed:
            raise CommandError("docs/openapi.json is not what the code says: run make openapi")
        if changed and not dry_run and not check:
            DOCUMENT.write_text(made, encoding="utf-8")
        return {"document": str(DOCUMENT), "bytes": len(made.encode()), "changed": changed}
