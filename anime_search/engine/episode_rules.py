"""Vocabulary of video file names: technical terms, and what announces an episode, a season or a kind.

Every pattern works on the *folded* form of a name (see :func:`fold`), which has the same length as the
legible form, so that a match's span can be cut out of the text as it was written. Names are at most
:data:`MAX_NAME_CHARS` characters long by then, which bounds the work for one name by a constant.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final, NamedTuple

MAX_NAME_CHARS: Final = 255
"""Longest file name that common file systems hold (NAME_MAX); what follows is never looked at."""

MASK: Final = "\x01"
"""Stands for a character of a technical term; no legible name contains it."""

VIDEO_EXTENSION: Final = re.compile(
    r"\.(?:3g[2p]|asf|avi|divx|f4v|flv|gif|m2ts|m2v|m4v|mkv|mov|mp4|mpe?g?|mts|mxf|og[mv]|rmvb|rm|ts|vob|webm|wmv)$",
    re.IGNORECASE,
)

PICTURE_HEIGHTS: Final = frozenset({240, 360, 480, 540, 576, 720, 768, 960, 1080, 1440, 2160})


class VideoKind(StrEnum):
    """What a video is, as far as its path tells."""

    EPISODE = "episode"
    MOVIE = "movie"
    OVA = "ova"
    SPECIAL = "special"
    PREVIEW = "preview"
    OPENING = "opening"
    ENDING = "ending"
    UNKNOWN = "unknown"


_JOINERS = "\u200c\u200d"  # meaningful inside words of several scripts, unlike the rest of category Cf


def legible(name: str) -> str:
    """Return `name` in NFC and cut to :data:`MAX_NAME_CHARS`, without what databases choke on.

    Control characters (NUL and newlines too) and all kinds of blanks become a space, lone surrogates U+FFFD,
    and invisible format characters such as bidirectional overrides vanish. A second pass changes nothing.
    """
    kept: list[str] = []
    for char in unicodedata.normalize("NFC", name[:MAX_NAME_CHARS]):
        category = unicodedata.category(char)
        if category in ("Cc", "Zs", "Zl", "Zp"):
            kept.append(" ")
        elif category == "Cs":
            kept.append("\ufffd")
        elif category != "Cf" or char in _JOINERS:
            kept.append(char)
    # Dropping a format character can bring a letter and its accent together, hence the second normalisation.
    return unicodedata.normalize("NFC", "".join(kept))[:MAX_NAME_CHARS]


_FOLDED_PUNCTUATION = {
    **dict.fromkeys("\u3010\u3014\u3016", "["),
    **dict.fromkeys("\u3011\u3015\u3017", "]"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u301c\u223c", "~"),
    **dict.fromkeys("\u2044\u2215", "/"),
    "_": " ",
    "\u00d7": "x",
}


def _fold_character(char: str) -> str:
    if "\uff01" <= char <= "\uff5e":
        char = chr(ord(char) - 0xFEE0)
    if char in _FOLDED_PUNCTUATION:
        return _FOLDED_PUNCTUATION[char]
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


# In "Some.Title.12.5.WEB" the dot of 12.5 is a decimal point, the others are blanks.
_BLANK_DOT = re.compile(r"(?<![0-9])\.|\.(?!5(?![0-9]))")


def fold(text: str) -> str:
    """Fold a legible name to ASCII digits and brackets, character by character (same length).

    Underscores are blanks; so are dots where a name uses them instead of blanks, as scene releases do.
    """
    folded = "".join(map(_fold_character, text))
    if " " not in folded.strip() and folded.count(".") >= 2:
        folded = _BLANK_DOT.sub(" ", folded)
    return folded


# ---------------------------------------------------------------- technical terms


def _compile(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_L, _R = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"  # edges of a word; CJK text may touch it
_CENTURY, _MONTH, _DAY = "(?:19|20)", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_CODEC = r"(?:E-?AC-?3|AC3|AAC|FLAC|DDP|DTS(?:-?HD)?(?:[ -]MA)?|TrueHD|MP3|L?PCM)"

_TERMS = (
    r"[0-9]{3,4} ?[x*] ?[0-9]{3,4}[pi]?",  # 1280x720
    r"[0-9]{3,4}[pi](?:[0-9]{2,3})?(?:fps)?",  # 1080p60
    r"[48]K(?: ?UHD)?|UHD|HDR(?:10)?",
    r"(?:8|10|12)[ -]?bits?|Hi(?:10|422|444)P{0,2}|Main ?10P?",
    r"[xh][. ]?26[456]|HEVC|AVC|AV1|VP9|XviD|DivX[0-9]?|VC-?1|MPEG-?[24]",
    r"[0-9]{2,3}(?:\.[0-9]{1,3})? ?fps",
    rf"(?:[1257]\.[01](?:ch)?[ -]?)?{_CODEC}(?:[ -]?[1257][. ][01])?(?:ch)?(?:x[2-5])?",  # 2.0 AAC, FLACx2
    r"DD\+?[257][. ][01]|[57]\.1(?:ch)?|2\.0ch",
    r"BD[ -]?(?:Rip|Remux|MV|Box|Raws?)|Blu-?Ray(?:[ -]?(?:Rip|Remux|Box))?|BRRip|(?-i:BD)",
    r"WEB[ -]?(?:DL|Rip)|HD(?:TV)?Rip|HDTV|D?TV[ -]?Rip",
    r"DVD[ -]?(?:Rip|ISO|Remux|Box)|R2J?DVD(?:Rip)?|(?-i:DVD)",
    rf"{_CENTURY}[0-9]{{2}}(?P<gap>[-. ]){_MONTH}(?P=gap){_DAY}|{_CENTURY}[0-9]{{2}}{_MONTH}{_DAY}",  # a date
    r"(?<=[\[(])[0-9A-F]{8}(?=[\])])",  # CRC-32 of the file
)
_TECHNICAL = _compile(rf"{_L}(?:{'|'.join(_TERMS)}){_R}")

_LABEL = _compile(
    r"raws?|web|webdl|webrip|tv|tvrip|ona|bd|bdmv|dvd|cr|nf|amzn|dsnp|hulu|baha|bilibili|at-?x",
    r"(?:hard|soft|multi-?)?subs?|subbed|subtitles?|multi|multiple|dual|dual-audio|audio|dub|dubbed",
    r"eng|english|jpn?|jap|japanese|chs|cht|gb|big5|(?:gb|big5)-jp|jp[st]c|[st]c|chi|cn",
    r"ita|fre?|vostfr|esp|spa|ger|rus|por|pt-br",
    r"ass|srt|ssa|pgs|(?:ass|srt)x[2-5]|opus|vorbis|atmos|vfr|cfr|mp4|mkv|avi|f?hd|sd|hq",
    r"uncensored|uncut|censored|batch|complete|end|fin|final|repack|proper|remaster|remastered",
)
_SUBTITLES = re.compile("字幕(?![组組社])")
_CJK_LABEL = _compile(
    "[简簡繁](?:体|體|中|日|英|$)|[简簡]繁|[双雙][语語]|[內内外][嵌封挂掛]|[日中][语語文]|中日",
    "[无無]修|招募|新番",
    "(?:^| )(?:完[結结]|[合全]集)$",
)
_MAX_CJK_LABEL_CHARS = 12  # sentence-long titles of light novels contain such words
_WORD_GAP = re.compile(rf"[ ,&+/|.{MASK}]+")


def mask_technical(folded: str) -> str:
    """Put :data:`MASK` for every character of a technical term: resolution, codec, source, date, CRC-32."""
    return _TECHNICAL.sub(lambda match: MASK * len(match.group()), folded)


def is_label(content: str) -> bool:
    """Tell whether a bracket (masked) only describes the release: its make, languages, subtitles."""
    if MASK in content:
        return True
    words = [word.strip("-") for word in _WORD_GAP.split(content)]
    if all(not word or _LABEL.fullmatch(word) for word in words) or _SUBTITLES.search(content):
        return True
    return len(content) <= _MAX_CJK_LABEL_CHARS and _CJK_LABEL.search(content) is not None


# ---------------------------------------------------------------- numbers

_NUMBER = r"(?<![0-9])(?<![0-9]\.)[0-9]{1,4}(?:\.[0-9]{1,2})?(?![0-9])"
_KANJI = "〇零一二三四五六七八九十百"
_KANJI_DIGITS = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0}
_ORDINALS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"


def read_number(text: str) -> float:
    """Read a decimal or a kanji numeral below 1000: ``12.5``, ``十二``, ``百五``; by position: ``二五``."""
    if text[0] not in _KANJI:
        return float(text)
    if "十" not in text and "百" not in text:
        return float("".join(str(_KANJI_DIGITS[char]) for char in text))
    total = pending = 0
    for char in text:
        if char in "十百":
            total += (pending or 1) * (10 if char == "十" else 100)
            pending = 0
        else:
            pending = _KANJI_DIGITS[char]
    return float(total + pending)


def read_season(text: str) -> int:
    """Read a season number: digits, a kanji numeral or an English ordinal."""
    ordinals = _ORDINALS.split("|")
    word = text.casefold()
    return ordinals.index(word) + 1 if word in ordinals else int(read_number(text))


# ---------------------------------------------------------------- episode marks
# Groups: s season, n number, m last of a range, v version, alt (to altm) the same counted in another way.

_VERSION = r"(?: ?v(?P<v>[0-9]))?"
_PART = rf"(?:[a-c]{_R})?"  # "05a"
# With blanks around the dash, both numbers are padded: "2 - 07" is episode 7 of a title that ends in 2.
_RANGE = rf"(?:(?:[-~&+]|(?<=[0-9]{{2}}) [-~&+] (?=[0-9]{{2}}))(?P<m>{_NUMBER}))?"
# "Title - 05 (1)" is the second copy of a file, not an episode with two numbers.
_ALT = rf"(?: ?\((?P<alt>(?=[0-9]{{2}}){_NUMBER})(?:-(?P<altm>{_NUMBER}))?\))?"
_COUNT = rf"(?P<n>{_NUMBER}){_RANGE}{_PART}{_VERSION}{_ALT}"
_CLOSING = rf"(?:END|FIN|FINAL|RAW|完[結结]?|최종화){_R}"
_STOP = rf"[\[({{{MASK}]"
_ENDS_HERE = rf"(?= *(?:- *)?(?:$|{_STOP}|{_CLOSING}))"
_AFTER_DASH = rf"(?:(?<=[ \])}}{MASK}])|^)- {{0,2}}"

SEASON_EPISODE = _compile(
    rf"{_L}S(?P<s>[0-9]{{1,2}})[ .-]{{0,3}}EP?(?P<n>{_NUMBER})"
    rf"(?: - (?=[SE])(?:S[0-9]{{1,2}})?E(?P<m>{_NUMBER})|-?E?(?P<m2>(?<=[-E]){_NUMBER}))?{_VERSION}{_R}"
    rf"(?: ?\((?P<alt>(?=[0-9]{{2}}){_NUMBER})\)| - (?P<alt2>[0-9]{{2,4}})(?= *(?:$|-|{_STOP})))?"
)
CROSS = _compile(
    rf"{_L}(?P<s>[0-9]{{1,2}})x(?P<n>[0-9]{{2,3}})(?:-(?:[0-9]{{1,2}}x)?(?P<m>[0-9]{{2,3}}))?{_VERSION}{_R}"
)
DASH_LAST = _compile(rf"(?:{_AFTER_DASH}|(?<=[^ 0-9-])- ){_COUNT}{_R}{_ENDS_HERE}")
DASH_TITLED = _compile(rf"{_AFTER_DASH}{_COUNT}(?= +-)")
DASH = _compile(rf"{_AFTER_DASH}{_COUNT}(?= )")
COUNTER = _compile(
    rf"第 ?(?P<n>{_NUMBER}|[{_KANJI}]{{1,6}})(?: ?[話话集])?(?: ?[-~] ?第? ?(?P<m>{_NUMBER}))? ?[話话集]",
    rf"제 ?(?P<n2>{_NUMBER}) ?[화회]",
    rf"(?P<n3>{_NUMBER})(?:[-~](?P<m2>{_NUMBER}))? ?[話话화회]",
)
ROUND = _compile(rf"第 ?(?P<n>{_NUMBER}|[{_KANJI}]{{1,6}}) ?回")
_EPISODE_WORD = "episodes?|eps?|episodio|episódio|épisode|capitulo|capítulo|folge|tập|серия|эпизод|ตอนที่"
WORD = _compile(
    rf"{_L}(?:(?:{_EPISODE_WORD})[ .:#-]{{0,2}}|E(?=[0-9]{{2}}))"
    rf"(?P<n>{_NUMBER})(?:(?:[-~](?:EP?)?| [-~] EP?)(?P<m>{_NUMBER}))?{_PART}{_VERSION}{_ALT}{_R}"
)
HASH = _compile(rf"#(?P<n>{_NUMBER})(?:[-~]#?(?P<m>{_NUMBER}))?{_PART}{_VERSION}{_ALT}{_R}")
IN_BRACKET = _compile(rf"^ *(?:EP?|#|第)? ?{_COUNT} ?[話话集回화]? ?-? ?(?:{_CLOSING})? *(?:{MASK}.*)?$")
LEADING = _compile(rf" *{_COUNT}(?: *-(?= )|\.(?= )| *(?=$|{_STOP}))")
LEADING_PADDED = _compile(rf" *(?=0[0-9]){_COUNT}(?= )")
TRAILING = _compile(rf"(?<=[ \])}}])(?<!x ){_COUNT}{_R}{_ENDS_HERE}")
COUNTS_SOMETHING_ELSE = _compile(
    rf"{_L}(?:movie|film|part|pt|cour|season|series|vol|volume|disc|disk|cd|chapter|case|act|lv|level|no|type|ver"
    r"|version|file)[.: ]{0,2}$"
)
CLOSING = _compile(rf"^ *{_CLOSING}")
VERSION = _compile(rf"{_L}v([0-9]){_R}")

SEASON = _compile(
    rf"{_L}S([0-9]{{1,2}}){_R}",
    rf"{_L}(?:season|saison|staffel|temporada) ?([0-9]{{1,2}}){_R}",
    rf"{_L}(?:([0-9]{{1,2}})(?:st|nd|rd|th)|({_ORDINALS})) season{_R}",
    rf"第 ?([0-9]{{1,2}}|[{_KANJI}]{{1,3}}) ?(?:期|季|シーズン)",
    r"(?:シーズン|시즌) ?([0-9]{1,2})",
    rf"(?<![0-9])([0-9]{{1,2}})기{_R}",
)

# ---------------------------------------------------------------- kinds

_KIND_NUMBER = rf"(?:[ .#-]{{0,2}}(?![0-9]{{4}})(?P<n>{_NUMBER}))?{_VERSION}"  # "SP 2018" is no number 2018
_STOPS = rf"(?= *(?:$|[\[\](){{}}{MASK}:\uff1a]|- |{_CLOSING}))"  # a title cannot go on here
_BARE = r"(?:creditless|clean|textless|non-?credit|non-?telop)[ -]?"
_BARE_CJK = "(?:ノンクレジット|ノンテロップ|ノンクレ|ノンテロ|[無无]字幕) ?"
_PREVIEW = r"(?-i:PV|CM)|(?:official )?(?:trailer|teaser|promo)|(?:web )?preview"
_PREVIEW_CJK = "次回予告|予告編?|[预預]告|特報|番宣|예고편?"
_SPECIAL = r"(?:TV )?specials?|(?-i:SP)s?|omake|bonus(?: episode)?|extras?"
_SPECIAL_CJK = "スペシャル|映像特典|特典|特[別别][編篇编]|番外[編篇编]|[總総总]集[編篇编]|스페셜"


class KindRule(NamedTuple):
    """Words that give a kind, with the number that may follow them."""

    kind: VideoKind
    pattern: re.Pattern[str]
    is_ambiguous: bool = False
    """The words also occur in titles of works ("Special A") and of episodes."""
    stands_apart: bool = False
    """The words are so common that they count only in brackets of their own, after a dash or at the start."""


def _bare_theme(initials: str, word: str, word_cjk: str) -> re.Pattern[str]:
    theme = f"(?:{initials}|{word})"
    words = rf"(?:{_L}(?:NC-?{theme}|{_BARE}{theme})|{_BARE_CJK}(?:{initials}|{word_cjk}))"
    return _compile(rf"{words}{_KIND_NUMBER}[a-z]?{_R}")


def _theme(initials: str, word: str) -> re.Pattern[str]:
    return _compile(rf"{_L}(?:(?-i:{initials})|{word}){_KIND_NUMBER}[a-z]?{_R}{_STOPS}")


KINDS: Final = (
    KindRule(VideoKind.OPENING, _bare_theme("OP", "opening", "オープニング")),
    KindRule(VideoKind.ENDING, _bare_theme("ED", "ending", "エンディング")),
    KindRule(VideoKind.OPENING, _theme("OP", "opening"), is_ambiguous=True, stands_apart=True),
    KindRule(VideoKind.ENDING, _theme("ED", "ending"), is_ambiguous=True, stands_apart=True),
    KindRule(
        VideoKind.PREVIEW,
        _compile(rf"(?:{_L}(?:{_PREVIEW})|{_PREVIEW_CJK}){_KIND_NUMBER}{_R}{_STOPS}"),
        is_ambiguous=True,
    ),
    KindRule(VideoKind.OVA, _compile(rf"{_L}O(?:VA|AD|AV)s?{_KIND_NUMBER}{_R}")),
    KindRule(
        VideoKind.SPECIAL,
        _compile(rf"(?:{_L}(?:{_SPECIAL})|{_SPECIAL_CJK}){_KIND_NUMBER}{_R}{_STOPS}"),
        is_ambiguous=True,
    ),
    KindRule(VideoKind.MOVIE, _compile(rf"{_L}Gekijou?ban{_R}|[劇剧][場场]?版|극장판")),
    KindRule(VideoKind.MOVIE, _compile(rf"{_L}(?:the )?movie{_KIND_NUMBER}{_R}{_STOPS}"), is_ambiguous=True),
)
"""The first that matches gives the kind: the trailer of a film is a trailer."""
