"""What a run was like, step by step: JSON lines that survive a kill and a new start."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a pass: its loss, the share of queries that found their key first, and the trunk's rate."""

    stage: str
    step: int
    loss: float
    accuracy: float
    rate: float


class Journal:
    """A file of one JSON object a step."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, record: StepRecord) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")

    def read(self) -> list[StepRecord]:
        """All whole lines; a line that a kill has cut is left out."""
        if not self._path.is_file():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [StepRecord(**json.loads(line)) for line in lines if line.endswith("\n")]

    def rewind(self, stage: str, step: int) -> None:
        """Forget what a pass did after a step: it is done again."""
        kept = [each for each in self.read() if each.stage != stage or each.step <= step]
        partial = self._path.with_suffix(".part")
        partial.write_text("".join(json.dumps(asdict(each)) + "\n" for each in kept), encoding="utf-8")
        partial.replace(self._path)
