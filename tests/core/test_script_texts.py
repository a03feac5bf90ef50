"""Scripts say nothing by themselves: their words come with the page, in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).resolve().parent.parent.parent / "static" / "js").glob("*.js"))
#: Where a text gets into the page, or before the reader: up to the end of the statement.
SHOWN = re.compile(
    r"(?:\.(?:textContent|innerText|innerHTML|title|alt|ariaLabel|placeholder)\s*(?:\?\?)?=(?!=)"
    r"|\b(?:alert|confirm|prompt|setBusy)\()([^;]*);"
)
LITERAL = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|`[^`]*`')
#: Literals that are compared with, and selectors.
UNSPOKEN = re.compile(r'[=!]==\s*"[^"\n]*"|\b(?:querySelector(?:All)?|closest)\("[^"\n]*"\)')


def words_of(script: str) -> list[str]:
    """Literals with letters in them that a statement shows; placeholders of the page's own texts are none."""
    literals = [
        literal for shown in SHOWN.findall(script) for literal in LITERAL.findall(UNSPOKEN.sub("", shown))
    ]
    spoken = [re.sub(r"\$\{[^}]*\}|\{[a-z]+\}", "", literal) for literal in literals]
    return [literal for literal, said in zip(literals, spoken, strict=True) if re.search(r"[^\W\d_]", said)]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_has_no_words_of_its_own(path: Path) -> None:
    assert words_of(path.read_text()) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('status.textContent = "Sent.";', ['"Sent."']),
        ("line.textContent = `${name} (${size} MB)`;", ["`${name} (${size} MB)`"]),
        ("document.title =\n  `${title} – Frameproof`;", ["`${title} – Frameproof`"]),
        ('line.textContent = text.textFile.replace("{name}", name);', []),
        ('who.textContent = way === "session" ? words.session : words.guest;', []),
        ('status.textContent = place.querySelector("h2, p").textContent;', []),
        ('status.textContent = "";', []),
        ('if (line.textContent === "now") stop();', []),
    ],
)
def test_words_are_known_when_they_are_seen(script: str, words: list[str]) -> None:
    assert words_of(script) == words
