"""Reads a single file or folder name; :mod:`anime_search.engine.episode` puts the names of a path together.

anitopy is asked for release groups and for numbers that no rule has settled. The rules go first, because it
knows no "作品名 第07話" and no "7화", and no title in brackets that is not in Latin script.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anime_search.engine import episode_rules as rules
from anime_search.engine.episode_anitopy import ask_anitopy
from anime_search.engine.episode_marks import (
    WORD_CHARACTER,
    Bracket,
    EpisodeMark,
    KindMark,
    SeasonMark,
    WrittenName,
    find_episode_mark,
    find_kind_mark,
    has_words,
    is_year,
    season_marks,
)
from anime_search.engine.episode_rules import MASK, VideoKind


@dataclass(frozen=True, slots=True)
class NameReading:
    """What one name says; the fields are those of :class:`anime_search.engine.episode.ParsedPath`."""

    title: str
    """May be empty."""
    tail: str
    """The text behind the episode number, mostly the episode's own title."""
    season: int | None
    episode: float | None
    episode_end: float | None
    absolute_episode: float | None
    kind: VideoKind | None
    version: int | None
    release_group: str | None
    year: int | None


_LOOSE_ENDS = re.compile(r"^(?:[-|,]+ +)+|(?: +[-|,]+)+$|^[-|, ]+$")
_LANGUAGE_GAP = re.compile(r" +[/|\uff0f\uff5c] +")
_CLOSING_YEAR = re.compile(r"(.*\w.*) ((?:19|20)[0-9]{2})")
_LATIN = re.compile(r"[A-Za-z]")
_NAME = re.compile(r"[^\W_]|[\u2190-\u2bff]")  # letters, digits and symbols: "○" is a title too
_SCENE_GROUP = re.compile(rf"{MASK}-([A-Za-z0-9]+) *$")
_GROUP_WORD = re.compile(r"字幕[组組社]|raws?\b|subs?\b|fansub|压制|壓制", re.IGNORECASE)
_SEASON_BANNER = re.compile("[0-9]{1,2}月新番")
_PADDED = re.compile(r"0[0-9]{1,3}")


def _tidy(text: str) -> str:
    return _LOOSE_ENDS.sub("", " ".join(text.split())).strip()


def _bracketed_year(bracket: Bracket) -> int | None:
    content = bracket.content.strip()
    return int(content) if re.fullmatch(r"[0-9]{4}", content) and is_year(float(content)) else None


class _Reader:
    """Tells title, group, year and season of a name apart once its episode and its kind are found."""

    def __init__(self, name: WrittenName, *, is_folder: bool) -> None:
        self.name = name
        self.elements = ask_anitopy(name.masked.replace(MASK, " "))
        kind = find_kind_mark(name)
        self.mark = None if is_folder else find_episode_mark(name, kind) or self._anitopy_mark()
        self.kind = kind if kind is not None and self._is_confirmed(kind) else None
        self.seasons = season_marks(name)
        self.season = self.mark.season if self.mark is not None else None
        self.year = next((year for year in map(_bracketed_year, name.brackets) if year is not None), None)
        self.texts = [bracket for bracket in name.brackets if self._is_text(bracket)]

    def read(self) -> NameReading:
        """Put the reading together."""
        title, group = self._title_and_group()
        mark, kind = self.mark, self.kind
        if self.season is None:
            self.season = next((season.season for season in self.seasons), None)
        versions = [m.version for m in (mark, kind) if m is not None and m.version is not None]
        stated = rules.VERSION.search(self.name.masked)
        if not versions and stated is not None:
            versions = [int(stated[1])]
        return NameReading(
            title=title,
            tail=self._tail(),
            season=self.season,
            episode=mark.episode if mark is not None else None,
            episode_end=mark.episode_end if mark is not None else None,
            absolute_episode=mark.absolute_episode if mark is not None else None,
            kind=kind.kind if kind is not None else VideoKind.SPECIAL if self.season == 0 else None,
            version=versions[0] if versions else None,
            release_group=group,
            year=self.year,
        )

    def _anitopy_mark(self) -> EpisodeMark | None:
        """anitopy's number, if it is written as nobody writes the number of a title: with a leading zero."""
        number = self.elements.get("episode_number", "")
        if _PADDED.fullmatch(number) is None:
            return None
        found = re.search(rf"(?<![0-9A-Za-z]){number}(?![0-9A-Za-z])", self.name.free)
        return EpisodeMark(*found.span(), episode=float(number)) if found is not None else None

    def _is_confirmed(self, kind: KindMark) -> bool:
        """Whether the kind's words are not rather part of a title: "Special 7 - 05", "05 - The Movie"."""
        mark = self.mark
        if mark is None or not kind.is_ambiguous or mark.start == kind.start:
            return True
        opens_the_title = kind.episode is not None and not has_words(
            self.name.masked[self.name.head : kind.start]
        )
        between = self.name.free[mark.end : max(mark.end, kind.start)]
        return not (opens_the_title or has_words(between) or "-" in between)

    def _fills(self, bracket: Bracket, mark: EpisodeMark | KindMark | SeasonMark | None) -> bool:
        return (
            mark is not None
            and bracket.start <= mark.start < bracket.end
            and self.name.fills_its_bracket(mark.start, mark.end)
        )

    def _is_text(self, bracket: Bracket) -> bool:
        """Whether a bracket holds a name, not a label, year, version, number, season or kind."""
        content = bracket.content.strip()
        if not bracket.is_square and content.upper() in ("TV", "ONA"):
            return True  # catalogues tell works of one title apart by it
        if _NAME.search(content) is None or _bracketed_year(bracket) is not None or rules.is_label(content):
            return False
        if rules.VERSION.fullmatch(content) is not None:
            return False
        if self.mark is not None and self.mark.start <= bracket.start < self.mark.end:
            return False
        return not any(self._fills(bracket, mark) for mark in (self.mark, self.kind, *self.seasons))

    def _title_end(self) -> int:
        """Where the free text stops being the title: at the number, a mere label, a technical term."""
        name, kind, mark = self.name, self.kind, self.mark
        ends = [len(name.free)]
        film = kind if kind is not None and kind.kind is VideoKind.MOVIE else None
        if mark is not None and (film is None or mark.start != film.start):
            ends.append(mark.start)
        if kind is not None and film is None:
            is_extra = kind.kind in (VideoKind.OPENING, VideoKind.ENDING, VideoKind.PREVIEW)
            ends_the_name = mark is None and not has_words(name.free[kind.end :])
            if is_extra or ends_the_name or name.masked[: kind.start].endswith(" - "):
                ends.append(kind.start)
        first_word = WORD_CHARACTER.search(name.free, name.head)
        if first_word is not None:
            ends.append(name.free.find(MASK, first_word.start()))
        return min(end for end in ends if end >= name.head)

    def _title_of(self, start: int, end: int, dropped: list[Bracket]) -> str:
        """The title in a span; a season at its end and the year of a film release are noted and left out."""
        name = self.name
        for mark in reversed(self.seasons):
            if (
                start <= mark.start
                and mark.end <= end
                and not has_words(name.written(mark.end, end, dropped))
            ):
                bracket = name.bracket_at(mark.start)
                end = bracket.start if bracket is not None and bracket.start >= start else mark.start
                self.season = mark.season if self.season is None else self.season
                break
        title = _tidy(name.written(start, end, dropped))
        if self.mark is None and name.free[end : end + 1] == MASK:
            with_year = _CLOSING_YEAR.fullmatch(title)
            if with_year is not None:
                title, self.year = with_year[1], int(with_year[2])
        languages = [part for part in _LANGUAGE_GAP.split(title) if has_words(part)]
        return self._best_known(languages) if len(languages) > 1 else title

    @staticmethod
    def _best_known(titles: list[str]) -> str:
        """The first title in Latin script, which catalogues agree on more than on others, else the first."""
        return next(filter(_LATIN.search, titles), titles[0] if titles else "")

    def _free_title(self) -> str:
        name, end = self.name, self._title_end()
        in_title = [bracket for bracket in name.brackets if name.head <= bracket.start < end]
        dropped = [bracket for bracket in in_title if bracket not in self.texts]
        if self.mark is None or name.bracket_at(self.mark.start) is not None:
            # "Title [Group].mkv", "Title [Group][05].mkv"
            dropped += [
                b for b in in_title if b.is_square and not has_words(name.written(b.end, end, in_title))
            ]
        return self._title_of(name.head, end, dropped)

    def _bracketed_title(self, texts: list[Bracket]) -> str:
        mark = self.mark
        titles = []
        for bracket in [b for b in texts if mark is None or b.start < mark.start] or texts:
            holds_mark = mark is not None and bracket.start < mark.start < bracket.end
            end = mark.start if mark is not None and holds_mark else bracket.end - 1
            titles.append(self._title_of(bracket.start + 1, end, []))
        return self._best_known([title for title in titles if _NAME.search(title)])

    def _title_and_group(self) -> tuple[str, str | None]:
        texts = self.texts
        title = self._free_title()
        if _NAME.search(title) and not (texts and _SEASON_BANNER.search(title)):
            group = next((bracket for bracket in texts if bracket.end <= self.name.head), None)
        else:
            has_group = len(texts) > 1 or (texts and _GROUP_WORD.search(texts[0].content))
            group = texts[0] if has_group else None
            title = self._bracketed_title(texts[1:] if has_group else texts)
        return title, self._text_of(group) if group is not None else self._closing_group(title)

    def _text_of(self, bracket: Bracket) -> str:
        return _tidy(self.name.text[bracket.start + 1 : bracket.end - 1])

    def _closing_group(self, title: str) -> str | None:
        """A group at the end: "x264-Group" in scene releases, or a bracket that anitopy takes for it."""
        scene = _SCENE_GROUP.search(self.name.masked)
        if scene is not None:
            return self.name.text[scene.start(1) : scene.end(1)]
        guess = self.elements.get("release_group", "")
        texts = (self._text_of(bracket) for bracket in self.texts)
        return next((text for text in texts if text == guess and text not in title), None)

    def _tail(self) -> str:
        if self.mark is None:
            return ""
        start = self.mark.end
        stop = re.search(rf"[\[({{{MASK}]", self.name.masked[start:])
        end = start + stop.start() if stop is not None else len(self.name.masked)
        return _tidy(rules.CLOSING.sub(" ", self.name.written(start, end)))


def read_name(name: str, *, is_folder: bool = False) -> NameReading:
    """Read a file's stem (its name without extension) or, with `is_folder`, a folder's name.

    No number in a folder's name is an episode's. Of a name longer than
    :data:`~anime_search.engine.episode_rules.MAX_NAME_CHARS` only the beginning counts. Never raises.
    """
    return _Reader(WrittenName(name), is_folder=is_folder).read()
