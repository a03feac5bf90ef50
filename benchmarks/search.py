"""What a search in an index of a million frames costs, what it misses, and what the index takes.

The index is built by the project's own store. Its frames are those of the videos named (the demo clip by
default), filled up with those of virtual films (see ``benchmarks/virtual.py``); the report keeps the two apart.
Queries are frames between those of the index, degraded; the exact index says what should be found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import json

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.search import RUNS_PER_VIEW
from benchmarks.clips import source_stills, source_videos
from benchmarks.frame_set import (
    DESCRIPTOR,
    FrameSetOrder,
    frame_store,
    load_queries,
    load_vectors,
    make_frame_set,
)
from benchmarks.loaded_index import LoadedIndex, right_scenes
from benchmarks.machine import pin_to_one_core, rss_bytes
from benchmarks.report import Report, options_parser, say
from benchmarks.spread import Spread

EFS = (64, 128, 256, 512)
#: The setting's default.
DEFAULT_EF = 256
#: Views of a query that are searched at once.
VIEWS = (2, 6, 12)
_BLOCK = 50


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="runs of frames in the index")
    parser.add_argument("--queries", type=int, default=1200, help="virtual ones, and real ones at most")
    parser.add_argument("--segments", type=int, default=1, help="segments that the index is built in")
    parser.add_argument("--rounds", type=int, default=3, help="times that each variant is measured")
    parser.add_argument("--source", type=Path, help="folder of videos (and stills); the demo clip if none")
    parser.add_argument("--keep", type=Path, help="folder to keep the index in, for the next run")
    parser.add_argument(
        "--probe", type=Path, metavar="FOLDER", help="only load a kept index, and print what it took"
    )
    options = parser.parse_args()
    if options.probe:
        probe(options.probe)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        videos = source_videos(options.source, Path(temporary))
        order = FrameSetOrder(
            options.frames,
            options.queries,
            options.segments,
            tuple(videos),
            tuple(source_stills(options.source)),
        )
        counts = make_frame_set(order, folder)
        report = Report("search")
        report.notes.append(
            f"{counts['real']} real frames of {len(videos)} videos and {counts['virtual']} virtual ones, in "
            f"{options.segments} segment(s). {options.rounds} rounds in turns on one core."
        )
        report.figures |= {"real_frames": counts["real"], "virtual_frames": counts["virtual"]}
        measure_load(report, folder, options.frames, options.rounds)
        pin_to_one_core()
        measure_search(report, folder, options.rounds)
        report.publish(as_json=options.json)


def probe(folder: Path) -> None:
    """Load the index in this fresh process, and print seconds and memory as JSON."""
    pin_to_one_core()
    store = frame_store(folder, DEFAULT_EF)
    number = store.current_number() or 0
    before, started = rss_bytes(), time.perf_counter()
    snapshot = store.load(number)
    seconds, loaded = time.perf_counter() - started, rss_bytes()
    queries = np.random.default_rng(0).standard_normal((100, DESCRIPTOR.dim)).astype(np.float32)
    for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
        snapshot.search(query[None], RUNS_PER_VIEW)
    print(json.dumps({"seconds": seconds, "loaded": loaded - before, "searched": rss_bytes() - before}))


def measure_load(report: Report, folder: Path, frames: int, rounds: int) -> None:
    """Seconds to verify and load, from disk and from the page cache; bytes of memory and of disk a frame."""
    files = [path for path in (folder / "index").rglob("*") if path.is_file()]
    disk = sum(path.stat().st_size for path in files) / frames
    seconds: dict[str, list[float]] = {"from disk": [], "from the page cache": []}
    loaded, searched = [], []
    for turn in range(rounds):
        for kind, of_kind in seconds.items():
            if kind == "from disk":
                _forget(files)
            out = subprocess.run(
                [sys.executable, __file__, "--probe", str(folder)], check=True, capture_output=True, text=True
            )
            took = json.loads(out.stdout)
            say(f"load {kind}, round {turn + 1} of {rounds}: {took['seconds']:.2f} s")
            of_kind.append(took["seconds"])
            loaded.append(took["loaded"] / frames)
            searched.append(took["searched"] / frames)
    report.table(
        "Loading the index, every byte verified against its SHA-256",
        [{"": kind, "seconds": Spread.of(of_kind).show(2)} for kind, of_kind in seconds.items()],
    )
    report.table(
        "Bytes for each frame",
        [
            {"": "memory, after loading", "bytes": Spread.of(loaded).show()},
            {"": "memory, after 100 searches", "bytes": Spread.of(searched).show()},
            {"": "disk", "bytes": f"{disk:,.0f}"},
        ],
    )
    slowest, memory = Spread.of(seconds["from disk"]).median, Spread.of(searched).median
    report.figures |= {
        "load_s": {kind: Spread.of(of_kind).median for kind, of_kind in seconds.items()},
        "memory_bytes_per_frame": memory,
        "disk_bytes_per_frame": disk,
    }
    report.target("loads in at most 5 s", f"{slowest:.2f} s", met=slowest <= 5)
    report.target("at most 350 bytes of memory for each frame", f"{memory:.0f} bytes", met=memory <= 350)


def _forget(files: list[Path]) -> None:
    """Ask the kernel to drop the files from its page cache; what lies below it may still hold them."""
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def measure_search(report: Report, folder: Path, rounds: int) -> None:
    """Milliseconds and recall at every length of the search list."""
    index = LoadedIndex(frame_store(folder, DEFAULT_EF))
    queries = load_queries(folder)
    vectors = DESCRIPTOR.describe(queries.pictures)
    truth = _truth(folder, index, vectors)
    latencies: dict[int, list[NDArray[np.float64]]] = {ef: [] for ef in EFS}
    for turn in range(rounds):
        for ef in EFS:
            latencies[ef].append(np.array(list(_latencies(index.snapshot(ef), vectors))))
            say(f"ef {ef}, round {turn + 1} of {rounds}: median {np.median(latencies[ef][-1]):.2f} ms")
    rows, figures = [], {}
    for ef in EFS:
        p50, p99 = (Spread.of([float(np.percentile(of, q)) for of in latencies[ef]]) for q in (50, 99))
        found = index.scores(ef, vectors, 10)
        row = {"ef": str(ef), "p50 ms": p50.show(2), "p99 ms": p99.show(2)}
        figures[str(ef)] = {"p50_ms": p50.median, "p99_ms": p99.median}
        for kind, chosen in {"virtual": ~queries.real, "real": queries.real}.items():
            if not chosen.any():
                continue
            for k in (1, 10):
                recall = _recall(found[chosen, :k], truth[chosen, :k])
                row[f"recall@{k}, {kind}"] = f"{recall:.4f}"
                figures[str(ef)][f"recall_at_{k}_{kind}"] = recall
        right = right_scenes(index.snapshot(ef), vectors, queries)
        row["right scene"] = f"{right.mean():.4f}"
        figures[str(ef)]["right_scene"] = float(right.mean())
        rows.append(row)
    exact = right_scenes(index.exact(), vectors, queries)
    unrounded = right_scenes(index.unrounded(load_vectors(folder)), vectors, queries)
    for name, right in {"exact": exact, "exact, of vectors not rounded": unrounded}.items():
        rows.append(dict.fromkeys(rows[0], "") | {"ef": name, "right scene": f"{right.mean():.4f}"})
    report.table("One view, searched", rows)
    measure_together(report, index.snapshot(DEFAULT_EF), vectors, rounds)
    report.figures |= {"queries_virtual": int((~queries.real).sum()), "queries_real": int(queries.real.sum())}
    report.figures |= {
        "by_ef": figures,
        "right_scene_exact": float(exact.mean()),
        "right_scene_unrounded": float(unrounded.mean()),
    }
    report.notes.append(
        f"{report.figures['queries_virtual']} virtual and {report.figures['queries_real']} real queries. Recall is "
        "the share of the exact index's best 1 or 10 that are found, or others just as like; right scene is the "
        "share of queries whose best answer is the video they are from, within 2 s."
    )
    ours = figures[str(DEFAULT_EF)]
    report.target("p50 at most 1.5 ms", f"{ours['p50_ms']:.2f} ms", met=ours["p50_ms"] <= 1.5)
    right = figures[str(DEFAULT_EF)]["right_scene"]
    lost = 100 * (unrounded.mean() - right)
    report.target("loses at most half a point of right scenes", f"{lost:.2f} points", met=bool(lost <= 0.5))


def measure_together(report: Report, snapshot: Snapshot, vectors: NDArray[np.float32], rounds: int) -> None:
    """Milliseconds of look-ups for all views of a query at once."""
    latencies: dict[int, list[NDArray[np.float64]]] = {views: [] for views in VIEWS}
    for _round in range(rounds):
        for views in VIEWS:
            latencies[views].append(np.array(list(_latencies(snapshot, vectors, views))))
    rows = []
    for views, of_views in latencies.items():
        p50, p99 = (Spread.of([float(np.percentile(of, q)) for of in of_views]) for q in (50, 99))
        rows.append({"views": str(views), "p50 ms": p50.show(2), "p99 ms": p99.show(2)})
        report.figures[f"p50_ms_of_{views}_views"] = p50.median
    report.table(f"Views searched at once, ef {DEFAULT_EF}", rows)


def _latencies(snapshot: Snapshot, vectors: NDArray[np.float32], views: int = 1) -> Iterator[float]:
    for first in range(0, len(vectors) - views + 1, views):
        started = time.perf_counter()
        snapshot.search(vectors[first : first + views], RUNS_PER_VIEW)
        yield 1000 * (time.perf_counter() - started)


def _truth(folder: Path, index: LoadedIndex, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The ten highest cosines of each query by the index's own codes, compared one by one; kept beside the index."""
    kept = folder / f"exact-{index.manifest.number}-{len(vectors)}.npy"
    if kept.is_file():
        return np.asarray(np.load(kept), np.float32)
    exact, blocks = index.exact(), []
    for start in range(0, len(vectors), _BLOCK):
        found = exact.search(vectors[start : start + _BLOCK], 10)
        blocks.append(np.array([[hit.score for hit in hits] for hits in found], np.float32))
        say(f"exact answers: {start + len(blocks[-1])} of {len(vectors)} queries")
    truth = np.concatenate(blocks)
    np.save(kept, truth)
    return truth


def _recall(found: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Share of the exact answers that were found; one of the same cosine counts as well."""
    return float((found >= truth[:, -1:] - 1e-5).mean())


if __name__ == "__main__":
    main()
