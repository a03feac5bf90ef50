"""What a run did: JSON lines that survive a kill and a new start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Journal:
    """A file of one JSON object a line, each with the ``event`` that it tells of."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, event: str, **said: Any) -> None:
        """Add a line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event} | said) + "\n")

    def read(self, event: str = "") -> list[dict[str, Any]]:
        """All whole lines, or those of one event; a line that a kill has cut is left out."""
        if not self._path.is_file():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [json.loads(line) for line in lines if line.endswith("\n")]
        return [line for line in whole if not event or line["event"] == event]

    def rewind(self, event: str, step: int) -> None:
        """Forget the lines of an event with a later ``step``, and a line that was cut: they are done again."""
        kept = [line for line in self.read() if line["event"] != event or line.get("step", 0) <= step]
        if not self._path.is_file():
            return
        partial = self._path.with_suffix(".part")
        partial.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        partial.replace(self._path)
