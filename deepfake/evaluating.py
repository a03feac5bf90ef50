"""A model tried on labelled clips: many at a time, and gone on with where it was stopped."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from core.errors import DomainError
from deepfake.engine.bundle import Bundle
from deepfake.engine.measures import Judged
from deepfake.engine.verdict import Result, Verdict
from deepfake.runtime import DetectorCrew

log = logging.getLogger(__name__)

#: Seconds that one clip may take.
CLIP_TIMEOUT_S = 300.0
#: Files of a folder that is not described by a manifest count if their names end so.
SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".gif", ".mpg", ".mpeg", ".wmv", ".flv"}
)
LABELS = {"fake": True, "real": False}


class ClipsInvalid(Exception):
    """What describes the clips cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled clip.

    Attributes:
        name: as the manifest has it.
        source: the generator, or the place that a real clip comes from.
    """

    name: str
    path: Path
    fake: bool
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one clip, a line of the results' file.

    Attributes:
        model: SHA-256 of the model's manifest: what another model said is not taken for this one's.
        error: in words, where there is no verdict.
    """

    file: str
    fake: bool
    source: str
    model: str
    prob_fake: float | None = None
    result: str | None = None
    manipulation: str | None = None
    quality: tuple[str, ...] = ()
    error: str = ""

    def judged(self) -> Judged | None:
        """For the measures; None where there is no verdict."""
        if self.prob_fake is None or self.result is None:
            return None
        return Judged(self.fake, self.source, self.prob_fake, Result(self.result))


def find_clips(path: Path, *, split: str = "") -> list[Clip]:
    """Clips of a ``manifest.csv`` (``file``, ``label`` fake or real, ``generator``, perhaps ``split``), or of a folder.

    A folder without a manifest holds ``fake/SOURCE/...`` and ``real/SOURCE/...``.

    Args:
        split: only those of which the manifest says so; empty for all.

    Raises:
        ClipsInvalid: there are none, or the manifest is not like that.
    """
    manifest = path / "manifest.csv" if path.is_dir() else path
    if manifest.is_file():
        clips = list(_described(manifest, split))
    elif path.is_dir() and not split:
        clips = list(_in_folders(path))
    else:
        raise ClipsInvalid(
            "there is no manifest.csv" if path.is_dir() else "there is no such folder or manifest"
        )
    if not clips:
        raise ClipsInvalid("there are no clips" + (f" of the split {split}" if split else ""))
    return clips


def _described(manifest: Path, split: str) -> Iterator[Clip]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    if split and row["split"] != split:
                        continue
                    name, fake = row["file"], LABELS[row["label"]]
                    yield Clip(name, manifest.parent / name, fake, row.get("generator") or "unnamed")
                except (KeyError, TypeError) as error:
                    raise ClipsInvalid(
                        f"{manifest.name}, line {number}: {error} is missing or none"
                    ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ClipsInvalid(f"{manifest.name} cannot be read as CSV") from error


def _in_folders(folder: Path) -> Iterator[Clip]:
    for label, fake in LABELS.items():
        for path in sorted((folder / label).rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                parts = path.relative_to(folder / label).parts
                yield Clip(
                    str(path.relative_to(folder)), path, fake, parts[0] if len(parts) > 1 else "unnamed"
                )


def evaluate_clips(
    clips: Iterable[Clip],
    *,
    bundle: Bundle,
    out: Path,
    workers: int,
    on_clip: Callable[[Row], None] = lambda _row: None,
) -> list[Row]:
    """Judge every clip that ``out`` has no verdict of this model on yet; one line of JSON is added for each.

    Args:
        workers: child processes, of one thread each.

    Returns:
        A row for every clip, in their order, of this run and of earlier ones.

    Raises:
        OSError: ``out`` cannot be read or written.
    """
    clips = list(clips)
    known = _known(out, bundle.sha256)
    for clip in clips:
        if clip.name in known:
            on_clip(known[clip.name])
    out.parent.mkdir(parents=True, exist_ok=True)
    left = [clip for clip in clips if clip.name not in known]
    crew = DetectorCrew(workers, threads=1)
    try:
        with out.open("a", encoding="utf-8") as file:
            _end_line(out, file)
            for row in _rows(left, bundle, crew, workers):
                file.write(json.dumps(asdict(row)) + "\n")
                file.flush()
                known[row.file] = row
                on_clip(row)
    finally:
        crew.close()
    return [known[clip.name] for clip in clips]


def _rows(clips: list[Clip], bundle: Bundle, crew: DetectorCrew, workers: int) -> Iterator[Row]:
    """Rows as they come; never more in hand than there are children."""
    coming = iter(clips)
    with ThreadPoolExecutor(workers) as threads:
        running: set[Future[Row]] = {
            threads.submit(_row, clip, bundle, crew) for clip in islice(coming, workers)
        }
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {threads.submit(_row, clip, bundle, crew) for clip in islice(coming, len(done))}
                for future in done:
                    yield future.result()
        finally:
            # Whoever stops us must not wait for what is running.
            crew.close()


def _row(clip: Clip, bundle: Bundle, crew: DetectorCrew) -> Row:
    try:
        verdict: Verdict = crew.detect(
            bundle,
            clip.path,
            on_progress=lambda _stage, _share: None,
            cancelled=lambda: False,
            timeout_s=CLIP_TIMEOUT_S,
        )
    except DomainError as error:
        return Row(clip.name, clip.fake, clip.source, bundle.sha256, error=error.message)
    return Row(
        clip.name,
        clip.fake,
        clip.source,
        bundle.sha256,
        prob_fake=verdict.prob_fake,
        result=str(verdict.result),
        manipulation=str(verdict.manipulation) if verdict.manipulation else None,
        quality=tuple(map(str, verdict.quality)),
    )


def _known(out: Path, model: str) -> dict[str, Row]:
    """What an earlier run has written; a last line that a kill cut short, and errors, are tried again."""
    known: dict[str, Row] = {}
    if not out.is_file():
        return known
    for line in out.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            raw: dict[str, Any] = json.loads(line)
            row = Row(**{**raw, "quality": tuple(raw["quality"])})
        except (ValueError, KeyError, TypeError):
            continue
        if row.model == model and row.judged() is not None:
            known[row.file] = row
    return known


def _end_line(out: Path, file: TextIO) -> None:
    """Begin a new line where a kill left half of one."""
    with out.open("rb") as written:
        if written.seek(0, 2) and written.seek(-1, 2) and written.read(1) != b"\n":
            file.write("\n")
