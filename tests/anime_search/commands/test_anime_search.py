"""``anime_search``: one line of JSON for each picture, whatever becomes of the others."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from anime_search.models import Anime
from tests.anime_search.commands.conftest import Call
from tests.conftest import MakeVideo
from tests.footage import write_picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir", "decoders")]


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Screenshots of the two indexed videos, and one of a third."""
    folder = tmp_path / "shots"
    for seed in (1, 2, 3):
        write_picture(folder / f"{seed}.png", seed=seed, time_s=1.25)
    return folder


@pytest.fixture
def indexed(ingest: Call, make_video: MakeVideo, collection: Path) -> Path:
    make_video("21/Show S01E04.mkv", seed=1)
    make_video("22/Other - 12.mp4", seed=2)
    assert ingest(collection).returncode == 0
    Anime.objects.filter(anilist_id=21).update(title_romaji="Shō", title_native="ショー", title_english="")
    return collection


def test_line_has_exactly_the_documented_fields(call: Call, indexed: Path, shots: Path) -> None:
    called = call("anime_search", shots / "1.png", "--json")
    (line,) = called.lines
    assert called.returncode == 0
    assert list(line) == ["image", "confident", "candidates", "timings_ms"]
    assert line["image"] == str(shots / "1.png")
    assert line["confident"] is True
    best = line["candidates"][0]
    assert list(best) == [
        "anilist_id", "titles", "file", "episode", "from", "at", "to", "similarity", "probability", "view",
        "also",
    ]  # fmt: skip
    assert best["anilist_id"] == 21
    assert best["titles"] == {
        "title": "Shō", "native": "ショー", "romaji": "Shō", "english": None, "chinese": None, "korean": None,
    }  # fmt: skip
    assert best["file"] == str(indexed / "21" / "Show S01E04.mkv")
    assert best["episode"] == 4
    assert best["from"] <= best["at"] <= best["to"]
    assert best["at"] == pytest.approx(1.25, abs=0.5)
    assert 0.87 <= best["similarity"] <= 1
    assert 0.9 <= best["probability"] <= 1
    assert best["view"] == "full"
    assert line["timings_ms"]
    assert all(ms >= 0 for ms in line["timings_ms"].values())
    assert line["timings_ms"]["total"] >= line["timings_ms"]["index"]
    assert "ショー" in called.stdout


def test_candidate_without_a_title_is_named_by_its_path(
    call: Call, ingest: Call, make_video: MakeVideo, collection: Path, shots: Path
) -> None:
    make_video("Some Show/Some Show - 02.mp4", seed=1)
    ingest(collection)
    best = call("anime_search", shots / "1.png").lines[0]["candidates"][0]
    assert (best["anilist_id"], best["titles"]["title"], best["episode"]) == (None, "Some Show", 2)


def test_each_picture_gets_its_line_in_order(call: Call, indexed: Path, shots: Path) -> None:
    lines = call("anime_search", shots / "2.png", shots / "1.png", shots / "3.png").lines
    assert [line["confident"] for line in lines] == [True, True, False]
    assert [line["candidates"][0]["anilist_id"] for line in lines[:2]] == [22, 21]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "No such file or directory"),
        (b"", "The image is empty."),
        (b"no picture", "The image could not be read."),
        (b"\0" * (64 << 20), "The image is too large."),
    ],
)
def test_picture_that_cannot_be_searched_costs_its_own_line_only(
    call: Call, indexed: Path, shots: Path, content: bytes | None, error: str
) -> None:
    bad = shots / "bad.png"
    if content is not None:
        bad.write_bytes(content)
    called = call("anime_search", bad, shots / "1.png")
    assert called.returncode == 1
    assert called.error == "1 of 2 pictures could not be searched"
    first, second = called.lines
    assert first["error"].startswith(error)
    assert (first["confident"], first["candidates"]) == (False, [])
    assert second["confident"]
    assert "error" not in second


def test_flat_picture_matches_nothing_with_confidence(
    call: Call, indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests import footage

    monkeypatch.setattr(footage, "picture_at", lambda seed, time_s: footage.np.full((90, 160, 3), 9, "uint8"))
    called = call("anime_search", write_picture(tmp_path / "flat.png", seed=1, time_s=0))
    assert called.returncode == 0
    (line,) = called.lines
    assert line["confident"] is False
    assert all(candidate["probability"] == 0 for candidate in line["candidates"])


def test_filter_keeps_one_title_only(call: Call, indexed: Path, shots: Path) -> None:
    (line,) = call("anime_search", shots / "1.png", "--filter", 22).lines
    assert line["confident"] is False
    assert {candidate["anilist_id"] for candidate in line["candidates"]} == {22}


@pytest.mark.parametrize("anilist_id", [404, -1, 10**30])
def test_filter_of_an_unknown_title_finds_nothing(
    call: Call, indexed: Path, shots: Path, anilist_id: int
) -> None:
    called = call("anime_search", shots / "1.png", f"--filter={anilist_id}")
    assert called.returncode == 0
    assert called.lines[0]["candidates"] == []


@pytest.mark.parametrize("limit", [1, 2])
def test_limit_bounds_the_candidates(call: Call, indexed: Path, shots: Path, limit: int) -> None:
    assert len(call("anime_search", shots / "1.png", "--limit", limit).lines[0]["candidates"]) == limit


@pytest.mark.parametrize(
    ("arguments", "error"),
    [([], "name an image, or a --batch file"), (["x.png", "--limit", "0"], "--limit must be at least 1")],
)
def test_call_that_makes_no_sense_is_refused(call: Call, arguments: list[str], error: str) -> None:
    called = call("anime_search", *arguments)
    assert (called.returncode, called.stdout, called.error) == (1, "", error)


def test_without_an_index_each_line_says_so(call: Call, data_dir: Path, shots: Path) -> None:
    called = call("anime_search", shots / "1.png", shots / "2.png")
    assert called.returncode == 1
    assert {line["error"] for line in called.lines} == {
        "There is no search index yet, or it is being repaired. Please try again later."
    }
    assert len(called.lines) == 2


class TestBatch:
    def write(self, shots: Path, text: str, encoding: str = "utf-8") -> Path:
        path = shots / "list.csv"
        path.write_text(text, encoding=encoding, newline="")
        return path

    @pytest.mark.parametrize(
        ("text", "images"),
        [
            ("1.png\n2.png\n", ["1.png", "2.png"]),
            ("path,episode\n1.png,4\n2.png,12\n", ["1.png", "2.png"]),
            ("image\n1.png\n", ["1.png"]),
            ('"1.png","a, b"\r\n\r\n  \r\n2.png\r\n', ["1.png", "2.png"]),
            ("\ufeff1.png\n", ["1.png"]),
            ("./1.png\n../shots/2.png", ["./1.png", "../shots/2.png"]),
        ],
    )
    def test_paths_are_taken_from_the_first_column(
        self, call: Call, indexed: Path, shots: Path, text: str, images: list[str]
    ) -> None:
        called = call("anime_search", "--batch", self.write(shots, text))
        assert called.returncode == 0, called.error
        assert [line["image"] for line in called.lines] == images
        assert all(line["confident"] for line in called.lines)

    def test_paths_are_relative_to_the_file(
        self, call: Call, indexed: Path, shots: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(shots.parent)
        self.write(shots, f"1.png\n{shots / '2.png'}\n")
        called = call("anime_search", "--batch", "shots/list.csv")
        assert [line["confident"] for line in called.lines] == [True, True]

    def test_picture_that_is_missing_is_a_line_with_an_error(
        self, call: Call, indexed: Path, shots: Path
    ) -> None:
        called = call(
            "anime_search", "--batch", self.write(shots, "missing.png\n1.png\nalso missing\n2.png\n")
        )
        assert called.returncode == 1
        assert [line.get("error") for line in called.lines] == [
            "No such file or directory",
            None,
            "No such file or directory",
            None,
        ]

    def test_odd_names_come_back_as_they_were_written(self, call: Call, indexed: Path, shots: Path) -> None:
        names = ['with "quotes", and commas.png', "二.png", "line\nbreak.png", "100%.png"]
        for name in names:
            (shots / name).write_bytes((shots / "1.png").read_bytes())
        text = io.StringIO()
        csv.writer(text).writerows([name, "x"] for name in names)
        called = call("anime_search", "--batch", self.write(shots, text.getvalue()))
        assert called.returncode == 0
        assert [line["image"] for line in called.lines] == names

    def test_cell_with_a_nul_is_a_line_with_an_error(self, call: Call, indexed: Path, shots: Path) -> None:
        called = call("anime_search", "--batch", self.write(shots, "1.png\na\0b.png\n"))
        assert called.lines[1]["error"] == "cannot be read"

    @pytest.mark.parametrize("encoding", ["shift_jis", "utf-16"])
    def test_file_that_is_no_utf8_is_refused(self, call: Call, shots: Path, encoding: str) -> None:
        called = call("anime_search", "--batch", self.write(shots, "画像.png\n", encoding))
        assert called.returncode == 1
        assert "cannot be read as CSV" in called.error

    def test_file_that_is_missing_is_named(self, call: Call, shots: Path) -> None:
        called = call("anime_search", "--batch", shots / "nothing.csv")
        assert called.returncode == 1
        assert "nothing.csv cannot be read as CSV" in called.error

    def test_two_hundred_pictures_are_searched_in_one_process(
        self, call: Call, indexed: Path, shots: Path
    ) -> None:
        text = "".join(f"{1 + number % 2}.png\n" for number in range(200))
        called = call("anime_search", "--batch", self.write(shots, text), "--limit", "1")
        found = [line["candidates"][0]["anilist_id"] for line in called.lines]
        assert found == [21, 22] * 100
