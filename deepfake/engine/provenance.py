"""What a file itself says of where it comes from: its C2PA manifest, and the tags of its container.

Nothing here makes a network request, and none of it changes a verdict: tags are easily written and removed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import av

from deepfake.engine.generators import marks_in_tag
from deepfake.engine.verdict import ProvenanceMark
from video.reader import CONTAINERS

log = logging.getLogger(__name__)

#: What the C2PA library takes for a file of each libavformat demuxer; others hold no C2PA manifest that it reads.
_C2PA_FORMATS = {"mov,mp4,m4a,3gp,3g2,mj2": "video/mp4", "avi": "video/avi"}
#: The library would fetch a manifest from wherever a file says, and ask whoever a certificate names about it.
_C2PA_SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False},
    "core": {"allowed_network_hosts": []},
}
#: Terms of IPTC's vocabulary of digital source types that say: made, or partly made, by a trained model.
GENERATED_SOURCES = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"})
#: Marks of one file that are told, letters of each text, and tags that are looked at.
MOST_MARKS = 8
_NAME_LENGTH, _DETAIL_LENGTH = 80, 200
_MOST_TAGS = 500


def provenance_of(path: Path) -> tuple[ProvenanceMark, ...]:
    """Everything that a file says of its making; a file that cannot be read says nothing."""
    try:
        with av.open(
            str(path.absolute()),
            # XMP is handed out on request only. What a demuxer does not know of these it leaves alone.
            options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file", "export_xmp": "1"},
            metadata_errors="replace",
        ) as container:
            name = container.format.name
            tags = [*container.metadata.items()]
            for stream in container.streams.video:
                tags += stream.metadata.items()
    except (av.FFmpegError, ValueError, OSError):
        return ()
    marks = [*_c2pa_marks(path, name), *_tag_marks(tags)]
    return tuple(dict.fromkeys(marks))[:MOST_MARKS]


def _tag_marks(tags: Iterable[tuple[str, str]]) -> Iterator[ProvenanceMark]:
    for _, (key, value) in zip(range(_MOST_TAGS), tags, strict=False):
        for found in marks_in_tag(key, value):
            yield ProvenanceMark(
                found_in="metadata",
                generator=plain(found.generator, _NAME_LENGTH),
                is_generator=found.is_generator,
                detail=plain(f"{key}: {found.detail}", _DETAIL_LENGTH),
            )


def _c2pa_marks(path: Path, container: str) -> list[ProvenanceMark]:
    import c2pa

    if (form := _C2PA_FORMATS.get(container)) is None:
        return []
    try:
        with (
            path.open("rb") as file,
            c2pa.Context(c2pa.Settings.from_dict(_C2PA_SETTINGS)) as context,
        ):
            reader = c2pa.Reader.try_create(form, file, context=context)
            if reader is None:
                return []
            with reader:
                return [_mark_of(json.loads(reader.json()), str(reader.get_validation_state()))]
    except c2pa.C2paError as error:
        elsewhere = str(error).startswith("Remote")
        detail = "its manifest lies elsewhere and was not fetched" if elsewhere else "its manifest is damaged"
        return [
            ProvenanceMark(
                "c2pa", "", is_generator=False, detail=detail, verified=None if elsewhere else False
            )
        ]
    except (ValueError, TypeError, AttributeError, OSError) as error:
        log.warning("a C2PA manifest could not be read: %s", type(error).__name__)
        return []


def _mark_of(report: Mapping[str, Any], state: str) -> ProvenanceMark:
    """The active manifest of a report, with what any manifest in it says of a generator.

    Whoever edits a generated video signs a manifest of their own, and the generator's becomes a part of it.
    """
    manifests: dict[str, Any] = report.get("manifests") or {}
    active = manifests.get(report.get("active_manifest", "")) or {}
    generator, source = _program_of(active), ""
    for manifest in (active, *(each for each in manifests.values() if each is not active)):
        if (told := _generated_by(manifest)) is not None:
            generator, source = told
            break
    issuer = (active.get("signature_info") or {}).get("issuer") or "nobody who is named"
    parts = [
        f"signed by {issuer}",
        source,
        "" if state in ("Valid", "Trusted") else "the signature does not hold",
    ]
    return ProvenanceMark(
        found_in="c2pa",
        generator=plain(generator, _NAME_LENGTH),
        is_generator=bool(source),
        detail=plain("; ".join(part for part in parts if part), _DETAIL_LENGTH),
        # It covers the bytes of the file; who signed is as the certificate says, which anybody can make.
        verified=state in ("Valid", "Trusted"),
    )


def _generated_by(manifest: Mapping[str, Any]) -> tuple[str, str] | None:
    """The program and the source type of the first action that says: made by a trained model."""
    for assertion in manifest.get("assertions") or ():
        if not str(assertion.get("label", "")).startswith("c2pa.actions"):
            continue
        for action in (assertion.get("data") or {}).get("actions") or ():
            source = str(action.get("digitalSourceType", "")).rsplit("/", 1)[-1]
            if source in GENERATED_SOURCES:
                agent = action.get("softwareAgent") or ""
                name = agent.get("name", "") if isinstance(agent, dict) else str(agent)
                return name or _program_of(manifest), source
    return None


def _program_of(manifest: Mapping[str, Any]) -> str:
    for info in manifest.get("claim_generator_info") or ():
        if name := info.get("name"):
            return str(name)
    return str(manifest.get("claim_generator") or "")


def plain(text: str, most: int) -> str:
    """A text out of a file, fit to be shown: printable, in one line, and no longer than ``most``."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"
