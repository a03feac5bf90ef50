"""What calls of the tools say: their arguments, whose JSON Schema clients are told, and the media in them."""

from __future__ import annotations

import base64
import binascii
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anime_search.errors import ImageEmpty, ImageMissing, ImageTooLarge
from anime_search.uploads import MAX_BYTES
from credits.idempotency import MOST_LETTERS
from deepfake.errors import UrlMissing
from mcp_server.errors import ArgumentInvalid, FileUnreadable

#: Seconds that a call waits for a verdict where it does not say: most clients give up a call after a minute.
WAIT_S: Final = 50.0
#: And at most: an analysis is over by then, or given up.
MOST_WAIT_S: Final = 1500.0
#: Candidates that a search tells at most, as the APIs do.
MOST_CANDIDATES: Final = 5
_CHUNK_BYTES: Final = 1 << 20
_DATA_URL: Final = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)

Url = Annotated[str | None, Field(description="http or https address")]
Name = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=MOST_LETTERS,
        description="a name of your own for this request: the same request under the same name is answered "
        "again within 24 hours, and charged once",
    ),
]
PathHere = Annotated[str | None, Field(description="path of a file on the machine of the server")]
Wait = Annotated[
    float, Field(ge=0, le=MOST_WAIT_S, description="seconds to wait for the verdict; 0 returns at once")
]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchArguments(_Arguments):
    """Exactly one of the sources, and where to look."""

    url: Url = None
    image_base64: Annotated[str | None, Field(description="the picture or clip itself, in base64")] = None
    anilist_id: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="look in this anime only")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_CANDIDATES, description="candidates at most")] = MOST_CANDIDATES
    idempotency_key: Name = None


class LocalSearchArguments(SearchArguments):
    """The same where the server runs on the caller's own machine."""

    path: PathHere = None


class DetectArguments(_Arguments):
    """Exactly one of the sources, and how long to wait."""

    url: Url = None
    video_base64: Annotated[str | None, Field(description="the video itself, in base64")] = None
    wait_s: Wait = WAIT_S
    idempotency_key: Name = None


class LocalDetectArguments(DetectArguments):
    """The same where the server runs on the caller's own machine."""

    path: PathHere = None


class VerdictArguments(_Arguments):
    """Which analysis, and how long to wait."""

    analysis_id: Annotated[str, Field(description="as detect_video told it")]
    wait_s: Wait = WAIT_S


class NoArguments(_Arguments):
    """Nothing."""


Arguments = TypeVar("Arguments", bound=_Arguments)


def read_arguments(kind: type[Arguments], given: dict[str, Any] | None) -> Arguments:
    """Read the arguments of a call.

    Raises:
        ArgumentInvalid: they are not what the tool takes; all that is wrong is named.
    """
    try:
        return kind.model_validate(given or {})
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise ArgumentInvalid(f"The arguments are not valid: {wrong[:500]}.") from None


def media_of_search(asked: SearchArguments) -> bytes:
    """The bytes that a search brings along; empty where it names an address.

    Raises:
        ImageMissing, ImageEmpty, ImageTooLarge, FileUnreadable, ArgumentInvalid: as the names say.
    """
    path = getattr(asked, "path", None)
    _require_one(asked.url, asked.image_base64, path, missing=ImageMissing("Send one of url, image_base64 or path."
                 if hasattr(asked, "path") else "Send one of url and image_base64."))  # fmt: skip
    if path is not None:
        media = b"".join(read_file(path, most_bytes=MAX_BYTES, too_large=ImageTooLarge()))
    elif asked.image_base64 is not None:
        media = _decoded(asked.image_base64)
    else:
        return b""
    if not media:
        raise ImageEmpty
    return media


def video_of_detect(asked: DetectArguments) -> tuple[bytes | Path | None, str]:
    """The video that a call brings along, as bytes or as a file, and its name; None where it names an address.

    Raises:
        UrlMissing, FileUnreadable, ArgumentInvalid: as the names say.
    """
    path = getattr(asked, "path", None)
    _require_one(asked.url, asked.video_base64, path, missing=UrlMissing("Send one of url, video_base64 or path."
                 if hasattr(asked, "path") else "Send one of url and video_base64."))  # fmt: skip
    if path is not None:
        file = local_file(path)
        return file, file.name
    if asked.video_base64 is not None:
        return _decoded(asked.video_base64), ""
    return None, ""


def local_file(text: str) -> Path:
    """A file of this machine, which the caller may read as well as we: this is for servers that it started itself.

    Raises:
        FileUnreadable: there is no such file, or it is none that ends: a device, a pipe, a folder.
    """
    try:
        path = Path(text).expanduser()
        is_file = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError, RuntimeError):
        raise FileUnreadable from None
    if not is_file:
        raise FileUnreadable
    return path


def read_file(text: str | Path, *, most_bytes: int, too_large: Exception) -> Iterator[bytes]:
    """The bytes of a file of this machine, a piece at a time.

    Raises:
        FileUnreadable: it cannot be read.
        Exception: ``too_large``, before a byte more than ``most_bytes`` was read.
    """
    size = 0
    try:
        with local_file(str(text)).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > most_bytes:
                    raise too_large
                yield chunk
    except OSError:
        raise FileUnreadable from None


def _require_one(*sources: str | None, missing: Exception) -> None:
    given = sum(source is not None and source != "" for source in sources)
    if not given:
        raise missing
    if given > 1 or sum(source is not None for source in sources) > 1:
        raise ArgumentInvalid("Send one source, not several.")


def _decoded(text: str) -> bytes:
    """Base64 with or without the head of a data URL, and with line breaks.

    Raises:
        ArgumentInvalid: it is none.
    """
    if head := _DATA_URL.match(text):
        text = text[head.end() :]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ArgumentInvalid("The media is not valid base64.") from None
