"""How well scene boundaries are found: films put together from shots of real clips, with every kind of transition.

The film is made as ingest sees it: 256x144 pictures, 12 a second. Shots come from different groups of
near-duplicates; half of the groups (by a digest of their names) may be looked at for tuning, the other half is held
out. A clip in which anything changes abruptly is not used (mean change of hue, saturation and value above 27 between
neighbouring pictures, PySceneDetect's ContentDetector): nobody has marked its own cuts.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.cuts import CutFinder
from anime_search.engine.descriptor import DctDescriptor, at_frame_size, is_flat
from anime_search.engine.runs import SHOT_CUT
from benchmarks.clips import Picture, framed, frames_of, source_videos
from benchmarks.report import Report, options_parser, say

RATE_HZ = 12
#: A boundary counts as found within so many seconds of the transition.
TOLERANCE_S = 0.25
#: Above this mean change of hue, saturation and value a clip is taken to hold a cut of its own.
OWN_CUT = 27.0

KINDS = ("cut", "cross-fade", "through black")
EXTRAS = ("plain", "pan", "flash", "flicker")


@dataclass(slots=True)
class MadeFilm:
    """Pictures, and what is true of them.

    Attributes:
        transitions: kind, last sample of the old shot, first of the new one.
        extras: what each shot was given beside its own movement: kind, first and last sample.
    """

    pictures: list[Picture] = field(default_factory=list)
    transitions: list[tuple[str, int, int]] = field(default_factory=list)
    extras: list[tuple[str, int, int]] = field(default_factory=list)


def usable_shots(paths: list[Path]) -> dict[str, list[list[Picture]]]:
    """By group: clips of at least a second without an abrupt change, at 12 pictures a second."""
    shots: dict[str, list[list[Picture]]] = {}
    for path in paths:
        pictures: list[Picture] = []
        for time_s, rgb in frames_of(path, most=240, side=512):
            while len(pictures) / RATE_HZ <= time_s + 1e-6:
                pictures.append(at_frame_size(rgb))
        if len(pictures) < RATE_HZ:
            continue
        coded = [
            cv2.cvtColor(picture[::4, ::4].copy(), cv2.COLOR_RGB2HSV).astype(np.int16) for picture in pictures
        ]
        if max(float(np.abs(a - b).mean()) for a, b in itertools.pairwise(coded)) < OWN_CUT:
            shots.setdefault(path.parent.name, []).append(pictures[: 5 * RATE_HZ])
    return shots


def in_tuning_half(group: str) -> bool:
    return hashlib.sha256(group.encode()).digest()[0] % 2 == 0


def make_film(shots: dict[str, list[list[Picture]]], count: int, random: np.random.Generator) -> MadeFilm:
    """``count`` shots one after the other, no two neighbours of one group."""
    film, previous = MadeFilm(), ""
    names = sorted(shots)
    for _ in range(count):
        group = previous
        while group == previous:
            group = names[int(random.integers(len(names)))]
        previous = group
        pictures = shots[group][int(random.integers(len(shots[group])))]
        extra = str(random.choice(EXTRAS, p=[0.4, 0.3, 0.15, 0.15]))
        shot = dressed(pictures, extra, random)
        kind = str(random.choice(KINDS, p=[0.7, 0.2, 0.1])) if film.pictures else "cut"
        join(film, shot, kind, extra, random)
    return film


def dressed(pictures: list[Picture], extra: str, random: np.random.Generator) -> list[Picture]:
    """A shot with a camera movement, a flash, or flickering light added."""
    shot = [picture.copy() for picture in pictures]
    count = len(shot)
    if extra == "pan":
        share, way = random.uniform(0.4, 0.7), (random.random(2), random.random(2))
        for number in range(count):
            across, down = way[0] + (way[1] - way[0]) * number / count
            shot[number] = framed(pictures[number], (share, across, down), (256, 144))
    elif extra == "flash":
        at = int(random.integers(2, count - 3))
        for number in range(at, at + int(random.integers(1, 4))):
            shot[number] = cv2.addWeighted(shot[number], 0.2, np.full_like(shot[number], 255), 0.8, 0).astype(
                np.uint8
            )
    elif extra == "flicker":
        for number in range(count):
            shot[number] = np.clip(shot[number] * random.uniform(0.55, 1.2), 0, 255).astype(np.uint8)
    return shot


def join(film: MadeFilm, shot: list[Picture], kind: str, extra: str, random: np.random.Generator) -> None:
    start = len(film.pictures)
    if kind == "cross-fade" and len(shot) > 18 and start > 18:
        length = int(random.integers(5, 13))
        for number in range(length):
            share = (number + 1) / (length + 1)
            film.pictures[start - length + number] = np.asarray(
                cv2.addWeighted(film.pictures[start - length + number], 1 - share, shot[number], share, 0),
                np.uint8,
            )
        film.transitions.append((kind, start - length - 1, start))
        film.pictures += shot[length:]
    elif kind == "through black" and start > 8:
        ramp, black = int(random.integers(2, 7)), int(random.integers(1, 8))
        for number in range(ramp):
            share = (number + 1) / (ramp + 1)
            film.pictures[start - 1 - number] = (film.pictures[start - 1 - number] * share).astype(np.uint8)
            shot[number] = (shot[number] * share).astype(np.uint8)
        film.pictures += [np.zeros_like(shot[0])] * black + shot
        film.transitions.append((kind, start - ramp, start + black + ramp))
    else:
        if start:
            film.transitions.append(("cut", start - 1, start))
        film.pictures += shot
    film.extras.append((extra, start, len(film.pictures)))


def found_by_us(film: MadeFilm) -> list[tuple[float, float]]:
    finder, descriptor = CutFinder(), DctDescriptor()
    for at in range(0, len(film.pictures), 64):
        batch = film.pictures[at : at + 64]
        vectors = descriptor.describe(np.stack(batch))
        timed = [(round(number * 1000 / RATE_HZ), picture) for number, picture in enumerate(batch, start=at)]
        finder.extend(timed, vectors, [is_flat(picture) for picture in batch])
    return [(begin / 1000, end / 1000) for begin, end in finder.finish(1 / RATE_HZ)]


def found_by_one_threshold(film: MadeFilm) -> list[tuple[float, float]]:
    """Neighbouring descriptors below one fixed cosine: what tracks had before."""
    vectors = DctDescriptor().describe(np.stack(film.pictures))
    cosines = np.einsum("nd,nd->n", vectors[1:], vectors[:-1])
    return [(at / RATE_HZ, (at + 1) / RATE_HZ) for at in np.flatnonzero(cosines < SHOT_CUT)]


def found_by_adaptive_detector(film: MadeFilm) -> list[tuple[float, float]]:
    """PySceneDetect's AdaptiveDetector with its defaults (ratio 3, window 2, least change 15), on these pictures."""
    coded = [cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.int16) for picture in film.pictures]
    change = np.array([float(np.abs(a - b).mean()) for a, b in itertools.pairwise(coded)])
    found = []
    for at in range(2, len(change) - 2):
        around = (change[at - 2 : at + 3].sum() - change[at]) / 4
        if change[at] >= 15 and change[at] >= 3 * max(around, 1e-6):
            found.append((at / RATE_HZ, (at + 1) / RATE_HZ))
    return found


@dataclass(slots=True)
class Score:
    """Counts over films: true boundaries by kind, those found, and findings where nothing is."""

    true: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    right: int = 0
    wrong: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EXTRAS, 0))

    def add(self, film: MadeFilm, findings: list[tuple[float, float]]) -> None:
        spans = [
            (last / RATE_HZ - TOLERANCE_S, first / RATE_HZ + TOLERANCE_S)
            for _, last, first in film.transitions
        ]
        for (kind, _last, _first), (begin, end) in zip(film.transitions, spans, strict=True):
            self.true[kind] += 1
            self.found[kind] += any(b < end and e > begin for b, e in findings)
        for begin, end in findings:
            if any(begin < e and end > b for b, e in spans):
                self.right += 1
            else:
                at = (begin + end) / 2 * RATE_HZ
                extra = next((extra for extra, first, last in film.extras if first <= at < last), "plain")
                self.wrong[extra] += 1

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + sum(self.wrong.values()))

    @property
    def recall(self) -> float:
        return sum(self.found.values()) / max(1, sum(self.true.values()))

    def row(self, name: str) -> dict[str, str]:
        by_kind = {kind: f"{self.found[kind] / max(1, self.true[kind]):.3f}" for kind in KINDS}
        wrong = {f"wrong: {extra}": str(self.wrong[extra]) for extra in EXTRAS}
        return (
            {"detector": name, "precision": f"{self.precision:.3f}", "recall": f"{self.recall:.3f}"}
            | by_kind
            | wrong
        )


DETECTORS: dict[str, Callable[[MadeFilm], list[tuple[float, float]]]] = {
    "ours": found_by_us,
    "one threshold": found_by_one_threshold,
    "AdaptiveDetector": found_by_adaptive_detector,
}


def films(shots: dict[str, list[list[Picture]]], count: int, each: int, seed: int) -> Iterator[MadeFilm]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield make_film(shots, each, random)


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of clips, one folder a group")
    parser.add_argument("--films", type=int, default=20, help="films of each half")
    parser.add_argument("--shots", type=int, default=60, help="shots of a film")
    options = parser.parse_args()
    shots = usable_shots(source_videos(options.source, Path()))
    report = Report("cuts")
    for half, wanted in (("tuning", True), ("held out", False)):
        of_half = {group: clips for group, clips in shots.items() if in_tuning_half(group) == wanted}
        if len(of_half) < 2:
            raise SystemExit(f"{len(of_half)} usable groups in the half '{half}': two are needed")
        scores = {name: Score() for name in DETECTORS}
        taken_s = dict.fromkeys(DETECTORS, 0.0)
        samples = 0
        for number, film in enumerate(films(of_half, options.films, options.shots, 20261122 + wanted)):
            say(f"{half}: film {number + 1} of {options.films}")
            samples += len(film.pictures)
            for name, detect in DETECTORS.items():
                began = time.process_time()
                scores[name].add(film, detect(film))
                taken_s[name] += time.process_time() - began
        report.table(f"{half}: {len(of_half)} groups", [score.row(name) for name, score in scores.items()])
        report.figures[half] = {
            name: {
                "precision": score.precision,
                "recall": score.recall,
                "ms_a_sample": 1000 * taken_s[name] / samples,
            }
            for name, score in scores.items()
        }
    held_out = report.figures["held out"]["ours"]
    for figure in ("precision", "recall"):
        report.target(
            f"{figure} of at least 0.9 on held-out groups",
            f"{held_out[figure]:.3f}",
            met=held_out[figure] >= 0.9,
        )
    report.publish(as_json=options.json)


if __name__ == "__main__":
    main()
