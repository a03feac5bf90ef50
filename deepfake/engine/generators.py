"""Tags of a container that name a generator of AI video."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Letters of a tag that are looked at: a ComfyUI workflow has some ten thousand.
_MOST_LETTERS = 1 << 20

#: Tags that name the program a file was written by. Titles and descriptions are left out: people write there.
PROGRAM_TAGS = frozenset(
    {
        "encoder",
        "encoded_by",
        "encoding_tool",
        "software",
        "com.apple.quicktime.software",
        "creation_tool",
        "creatortool",
        "writing_application",
        "handler_name",
        "vendor",
        "make",
        "com.apple.quicktime.make",
        "model",
        "com.apple.quicktime.model",
        "generator",
        "aigenerator",
    }
)

#: Products that make or alter video with a trained model, as their makers write them. A name counts in a tag that names
#: a program, as a word of its own; names that are also ordinary words stand with their maker's.
PROGRAMS: tuple[tuple[str, str], ...] = (
    ("OpenAI Sora", r"openai sora|sora[ -]?2?(?: turbo)?"),
    ("Google Veo", r"(?:google )?veo[ -]?[1-9](?:\.\d)?|google veo"),
    ("Runway", r"runway(?:ml)?(?: gen[- ]?[1-9])?"),
    ("Pika", r"pika labs|pika[ -]?[1-9]\.\d"),
    ("Kling", r"kling(?: ?ai)?"),
    ("Luma Dream Machine", r"luma (?:ai|dream machine|ray)|dream machine"),
    ("Hailuo (MiniMax)", r"hailuo(?: ?ai)?|minimax"),
    ("Jimeng (Dreamina)", r"jimeng|dreamina|seedance"),
    ("Vidu", r"vidu(?: ?ai)?"),
    ("PixVerse", r"pixverse"),
    ("Midjourney", r"midjourney"),
    ("Adobe Firefly", r"adobe[ _]firefly"),
    ("Stable Video Diffusion", r"stable[ -]video(?:[ -]diffusion)?|stable[ -]diffusion"),
    ("ComfyUI", r"comfyui"),
    ("InvokeAI", r"invokeai"),
    ("AnimateDiff", r"animatediff"),
    ("Deforum", r"deforum"),
    ("HunyuanVideo", r"hunyuan ?video"),
    ("Wan", r"wan[ -]?2\.\d"),
    ("CogVideoX", r"cogvideo(?:x)?"),
    ("LTX-Video", r"ltx[ -]?video|ltxv"),
    ("Mochi", r"genmo(?: mochi)?"),
    ("Synthesia", r"synthesia"),
    ("HeyGen", r"heygen"),
    ("D-ID", r"d-id"),
    ("DeepFaceLab", r"deepfacelab"),
    ("FaceFusion", r"facefusion"),
    ("Roop", r"roop(?:-unleashed)?"),
)
_PROGRAMS = tuple(
    (name, re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", re.IGNORECASE))
    for name, pattern in PROGRAMS
)

#: What AUTOMATIC1111's web UI and its relatives (Forge since March 2026) write of how something was generated.
_SETTINGS_LINE = re.compile(r"\bSteps: \d+, Sampler: \S")
#: XMP: IPTC's digital source type, and the label of TC260 as an element or an attribute.
_XMP_SOURCE = re.compile(
    r"digitalsourcetype/(trainedAlgorithmicMedia|compositeWithTrainedAlgorithmicMedia)\b"
)
_XMP_TOOL = re.compile(r"CreatorTool(?:>|=[\"'])([^<\"']{1,200})")
_XMP_LABEL = re.compile(r"TC260:AIGC(?:[^>]{0,200}>|=[\"'])([^<]{2,4000})")


@dataclass(frozen=True, slots=True)
class TagMark:
    """What a tag says: which program, whether it is known to make AI video, and the words that say so."""

    generator: str
    is_generator: bool
    detail: str


def marks_in_tag(key: str, value: str) -> Iterator[TagMark]:
    """Everything that one tag of a container says of a generator."""
    name, value = key.strip().lower(), value[:_MOST_LETTERS]
    if name == "xmp":
        yield from _in_xmp(value)
        return
    if (label := _label_of(name, value)) is not None:
        yield label
    elif _is_workflow(name, value):
        yield TagMark("ComfyUI", is_generator=True, detail="a workflow of its nodes")
    elif name in ("comment", "description", "parameters") and _SETTINGS_LINE.search(value):
        yield TagMark("Stable Diffusion web UI", is_generator=True, detail=value)
    elif name in PROGRAM_TAGS and (program := program_in(value)):
        yield TagMark(program, is_generator=True, detail=value)


def program_in(text: str) -> str:
    """The generator that a program's name names; empty if none that is known."""
    return next((name for name, pattern in _PROGRAMS if pattern.search(text)), "")


def _in_xmp(packet: str) -> Iterator[TagMark]:
    tool = _XMP_TOOL.search(packet)
    named = html.unescape(tool.group(1)) if tool else ""
    if source := _XMP_SOURCE.search(packet):
        yield TagMark(program_in(named) or named, is_generator=True, detail=source.group(1))
    elif program := program_in(named):
        yield TagMark(program, is_generator=True, detail=named)
    if (label := _XMP_LABEL.search(packet)) and (mark := _label_of("aigc", html.unescape(label.group(1)))):
        yield mark


def _label_of(name: str, value: str) -> TagMark | None:
    """The label of GB 45438-2025, which Chinese services have to write since September 2025.

    Its appendix E: a field ``AIGC`` with JSON; ``Label`` is 1 for generated, 2 for possibly and 3 for suspectedly so,
    ``ContentProducer`` the service. Some write the field's whole object into a comment.
    """
    if "Label" not in value:
        return None
    fields = _json(value.strip().strip("'"))
    if isinstance(fields.get("AIGC"), dict):
        fields = fields["AIGC"]
    elif name.removeprefix("tc260:") != "aigc":
        return None
    label, producer = str(fields.get("Label", "")), fields.get("ContentProducer")
    if label not in ("1", "2", "3"):
        return None
    words = {"1": "generated", "2": "possibly generated", "3": "suspected to be generated"}
    detail = f"labelled as {words[label]} (GB 45438-2025)"
    return TagMark(str(producer or ""), is_generator=label == "1", detail=detail)


def _is_workflow(name: str, value: str) -> bool:
    """Whether it is a graph of ComfyUI.

    Its own nodes write ``prompt`` and ``workflow``, the Video Helper Suite both into a comment, as JSON in JSON.
    """
    if name not in ("prompt", "workflow", "comment") or "{" not in value:
        return False
    found = _json(value)
    for part in ("prompt", "workflow"):
        inner = found.get(part) if name == "comment" else found
        graph = _json(inner) if isinstance(inner, str) else inner
        if isinstance(graph, dict) and _is_graph(graph):
            return True
    return False


def _is_graph(graph: dict[str, Any]) -> bool:
    nodes = graph.get("nodes")
    if isinstance(nodes, list) and "links" in graph:
        return any(isinstance(node, dict) and "type" in node for node in nodes)
    return any(
        isinstance(node, dict) and "class_type" in node and "inputs" in node for node in graph.values()
    )


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
