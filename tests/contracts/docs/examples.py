"""Examples as the pages of the documentation show them, and how each language runs them."""

from __future__ import annotations

import io
import os
import subprocess
from contextlib import redirect_stdout
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import requests

#: A failed answer is a failed example, and what it said is shown.
_CURLRC: Final = "fail-with-body\nsilent\nshow-error\nnoproxy = *\n"
TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Example:
    """Code of a page: the operation's name, the language, and the source."""

    operation: str
    language: str
    source: str


class _Codes(HTMLParser):
    """Gathers the text of ``<code data-language=…>``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Example] = []
        self._open: tuple[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "code" and (language := told.get("data-language")):
            name = (told.get("id") or "").removeprefix("code-").rpartition("-")[0]
            self._open, self._text = (name, language), ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "code" and self._open is not None:
            self.found.append(Example(*self._open, self._text))
            self._open = None


def examples_on(page: str) -> list[Example]:
    """The examples of a page's HTML, in their order."""
    parser = _Codes()
    parser.feed(page)
    return parser.found


def run_python(source: str, folder: Path) -> requests.Response:
    """Run Python code in a folder; returns the answer that it came to."""
    names: dict[str, Any] = {"__name__": "__main__"}
    before = Path.cwd()
    os.chdir(folder)
    try:
        with redirect_stdout(io.StringIO()):
            exec(compile(source, "<example>", "exec"), names)
    finally:
        os.chdir(before)
    response: requests.Response = names["response"]
    return response


def run_curl(source: str, folder: Path) -> str:
    """Run a command line; returns what went wrong, or nothing."""
    (folder / ".curlrc").write_text(_CURLRC)
    return _ran(["bash", "-o", "pipefail", "-c", source], folder, CURL_HOME=str(folder))


def run_javascript(source: str, folder: Path) -> str:
    """Run a module in Node; returns what went wrong, or nothing."""
    (folder / "example.mjs").write_text(source)
    return _ran(["node", "example.mjs"], folder)


def _ran(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return "" if done.returncode == 0 else f"{done.returncode}: {done.stdout}{done.stderr}"
