"""Finds where a name gives its episode number, its kind and its season.

Several places can look like an episode number. Which one counts is settled by how it is written, from the
least to the most ambiguous way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from anime_search.engine import episode_rules as rules
from anime_search.engine.episode_rules import MASK, VideoKind


@dataclass(frozen=True, slots=True)
class Bracket:
    """A bracketed part of a name: its span, brackets included, and what they hold in masked form."""

    start: int
    end: int
    content: str
    is_square: bool


@dataclass(frozen=True, slots=True)
class EpisodeMark:
    """Where a name gives an episode number, and what it says there."""

    start: int
    end: int
    episode: float
    episode_end: float | None = None
    absolute_episode: float | None = None
    season: int | None = None
    version: int | None = None
    digits: int = 1
    """How many digits the number is written with: nobody pads the number of a title."""


@dataclass(frozen=True, slots=True)
class KindMark:
    """Where a name says of which kind the video is; `episode` is the number within the kind ("OVA 2")."""

    start: int
    end: int
    kind: VideoKind
    is_ambiguous: bool = False
    episode: float | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class SeasonMark:
    """Where a name gives a season number."""

    start: int
    end: int
    season: int


_CLOSERS = {"[": "]", "(": ")", "{": "}"}
_OTHER_NUMBER = re.compile(r"\([0-9]{1,3}(?:\.[0-9]{1,2})?\)")
_YEAR_IN_BRACKETS = re.compile(r" *[(\[](?:19|20)[0-9]{2}[)\]]")
_HEIGHT = re.compile(r"[0-9]{3,4}(?:[pi]|x[0-9]{3,4})", re.IGNORECASE)
WORD_CHARACTER = re.compile(r"[^\W_]")


def has_words(text: str) -> bool:
    """Tell whether there is any letter or digit in `text`."""
    return WORD_CHARACTER.search(text) is not None


def _outermost_brackets(masked: str) -> list[Bracket]:
    """Return the closed brackets that lie in no other; one that is never closed is passed over."""
    opened: list[int] = []
    brackets: list[Bracket] = []
    for position, char in enumerate(masked):
        if char in _CLOSERS:
            opened.append(position)
        elif opened and char == _CLOSERS[masked[opened[-1]]]:
            start = opened.pop()
            while brackets and brackets[-1].start > start:
                brackets.pop()
            brackets.append(Bracket(start, position + 1, masked[start + 1 : position], masked[start] == "["))
    return brackets


class WrittenName:
    """A name in three forms of the same length, and its brackets.

    `text` is the legible name, `masked` its folded form without technical terms, `free` that form with its
    brackets emptied. `brackets` never overlap. `head` is where the run of brackets that opens the name ends.
    """

    def __init__(self, name: str) -> None:
        self.text = rules.legible(name)
        folded = rules.fold(self.text)
        self.masked = rules.mask_technical(folded)
        self.tells_its_height = _HEIGHT.search(folded) is not None
        self.brackets = _outermost_brackets(self.masked)
        free = list(self.masked)
        for bracket in self.brackets:
            if _OTHER_NUMBER.fullmatch(self.masked, bracket.start, bracket.end) is None:
                free[bracket.start + 1 : bracket.end - 1] = " " * len(bracket.content)
        self.free = "".join(free)
        self.head = 0
        for bracket in self.brackets:
            if self.masked[self.head : bracket.start].strip(f" -{MASK}"):
                break
            self.head = bracket.end

    def bracket_at(self, position: int) -> Bracket | None:
        """Return the bracket that a position lies in."""
        return next((bracket for bracket in self.brackets if bracket.start <= position < bracket.end), None)

    def written(self, start: int, end: int, dropped: Collection[Bracket] = ()) -> str:
        """Return a span as written, with blanks for blanks, technical terms and `dropped` brackets."""
        return "".join(
            " " if folded in (" ", MASK) or any(b.start <= position < b.end for b in dropped) else char
            for position, (char, folded) in enumerate(
                zip(self.text[start:end], self.masked[start:end], strict=True), start
            )
        )

    def fills_its_bracket(self, start: int, end: int) -> bool:
        """Tell whether a span has a bracket to itself."""
        bracket = self.bracket_at(start)
        return bracket is not None and not has_words(
            self.masked[bracket.start : start] + self.masked[end : max(end, bracket.end)]
        )


def is_year(number: float) -> bool:
    """Tell whether a number is rather the year of a production."""
    return 1930 <= number <= 2099 and number.is_integer()


def _episode_mark(found: re.Match[str]) -> EpisodeMark | None:
    groups = {key: value for key, value in found.groupdict().items() if value is not None}

    def read(*keys: str) -> float | None:
        return next((rules.read_number(groups[key]) for key in keys if key in groups), None)

    first, last, other = read("n", "n2", "n3"), read("m", "m2"), read("alt", "alt2")
    season = read("s")
    if first is None:
        return None
    if last is not None and last <= first:
        if season is None:
            return None  # no range counts downwards: "22-7", "009-1"
        last = None
    if other is not None and (is_year(other) or other in rules.PICTURE_HEIGHTS or other == first):
        other = None
    if other is not None and season is None and other < first:
        first, last, other = other, read("altm"), first  # "226-227(06-07)": the smaller one is the season's
        last = last if last is not None and last > first else None
    return EpisodeMark(
        start=found.start(),
        end=found.end(),
        episode=first,
        episode_end=last,
        absolute_episode=other,
        season=None if season is None else int(season),
        version=int(groups["v"]) if "v" in groups else None,
        digits=len(groups.get("n", "").partition(".")[0]),
    )


def _matches(text: str, pattern: re.Pattern[str]) -> list[EpisodeMark]:
    return [mark for mark in map(_episode_mark, pattern.finditer(text)) if mark is not None]


def _unmarked(text: str, pattern: re.Pattern[str]) -> list[EpisodeMark]:
    """Matches of a pattern that has only the number's place to go by: there, a year is a year."""
    return [mark for mark in _matches(text, pattern) if not is_year(mark.episode)]


def _may_be_height(name: WrittenName, mark: EpisodeMark) -> bool:
    return mark.episode in rules.PICTURE_HEIGHTS and not name.tells_its_height


def _precedes_a_year(name: WrittenName, mark: EpisodeMark) -> bool:
    """Whether the number ends a title as media servers write it: "Apollo 13 (1995)"."""
    return _YEAR_IN_BRACKETS.match(name.masked, mark.end) is not None


def _in_brackets(name: WrittenName, *, square: bool) -> list[EpisodeMark]:
    return [
        replace(mark, start=bracket.start, end=bracket.end)
        for bracket in name.brackets
        if bracket.is_square == square
        for mark in _unmarked(bracket.content, rules.IN_BRACKET)
        if (square or mark.digits > 1) and not _may_be_height(name, mark)  # "clip (1).mp4" is a second copy
    ]


def _at_the_end(name: WrittenName) -> list[EpisodeMark]:
    return [
        mark
        for mark in _unmarked(name.free, rules.TRAILING)
        if has_words(name.free[name.head : mark.start])
        and not _may_be_height(name, mark)
        and rules.COUNTS_SOMETHING_ELSE.search(name.free[: mark.start]) is None
        and (mark.episode > 0 or mark.digits > 1)  # "Steins;Gate 0"
        and not _precedes_a_year(name, mark)
    ]


def _first(marks: Iterable[EpisodeMark]) -> EpisodeMark | None:
    return next(iter(marks), None)


def _last(marks: Iterable[EpisodeMark]) -> EpisodeMark | None:
    return next(reversed(list(marks)), None)


def _leading(name: WrittenName) -> EpisodeMark | None:
    for pattern in (rules.LEADING, rules.LEADING_PADDED):
        found = pattern.match(name.free, name.head)
        mark = _episode_mark(found) if found is not None else None
        if mark is not None and not is_year(mark.episode) and not _precedes_a_year(name, mark):
            return mark
    return None


def _candidates(name: WrittenName, kind: KindMark | None) -> Iterator[EpisodeMark | None]:
    """Yield the best mark of each way to write an episode number, the least ambiguous way first."""
    counters = (rules.COUNTER, rules.WORD, rules.HASH, rules.ROUND)  # "第05話", "EP05", "#05", "第5回"
    yield _first(_matches(name.masked, rules.SEASON_EPISODE))  # "S01E05"
    yield _first(_matches(name.masked, rules.CROSS))  # "1x05"
    yield _last(_unmarked(name.free, rules.DASH_LAST))  # " - 05", then nothing but brackets
    yield from (_first(_matches(name.free, pattern)) for pattern in counters)
    yield _last(_in_brackets(name, square=True))  # "[05]"
    yield from (_first(_matches(name.masked, pattern)) for pattern in counters)  # "[Title EP05]"
    if kind is not None and kind.episode is not None:  # "OVA 2"
        yield EpisodeMark(kind.start, kind.end, kind.episode, version=kind.version)
    yield _first(_unmarked(name.free, rules.DASH_TITLED))  # " - 05 - Subtitle"
    yield _first(mark for mark in _unmarked(name.free, rules.DASH) if mark.digits > 1)  # " - 05 Subtitle"
    yield _leading(name)  # "05 - Subtitle"
    yield _last(_at_the_end(name))  # "Title 05"
    yield _last(_in_brackets(name, square=False))  # "(05)"


def find_episode_mark(name: WrittenName, kind: KindMark | None) -> EpisodeMark | None:
    """Return the mark that gives the episode number, or None."""
    return next((mark for mark in _candidates(name, kind) if mark is not None), None)


def find_kind_mark(name: WrittenName) -> KindMark | None:
    """Return the mark that gives the kind, or None; a word of a title or of a group's name is none."""
    group = name.brackets[0] if name.brackets and name.head and has_words(name.free) else None
    for rule in rules.KINDS:
        for found in rule.pattern.finditer(name.masked):
            start, end = found.span()
            alone = name.fills_its_bracket(start, end)
            before = name.masked[:start].rstrip()
            if group is not None and group.start <= start < group.end and not alone:
                continue
            if rule.stands_apart and not alone and not before.endswith("-") and has_words(before):
                continue
            groups = found.groupdict()
            number, version = groups.get("n"), groups.get("v")
            return KindMark(
                start,
                end,
                rule.kind,
                is_ambiguous=rule.is_ambiguous,
                episode=None if number is None else float(number),
                version=None if version is None else int(version),
            )
    return None


def season_marks(name: WrittenName) -> list[SeasonMark]:
    """Return every mark that gives a season number, in the order of the name."""
    return [
        SeasonMark(found.start(), found.end(), rules.read_season(next(filter(None, found.groups()))))
        for found in rules.SEASON.finditer(name.masked)
    ]
