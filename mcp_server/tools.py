"""The tools as clients are told of them."""

from __future__ import annotations

from typing import Any, Final

from mcp_types import Tool, ToolAnnotations
from pydantic import TypeAdapter

from mcp_server.requests import (
    DetectArguments,
    LocalDetectArguments,
    LocalSearchArguments,
    NoArguments,
    SearchArguments,
    VerdictArguments,
)
from mcp_server.responses import AnalysisAnswer, LimitsAnswer, SceneAnswer

INSTRUCTIONS: Final = (
    "Frameproof finds the anime, episode and second that a screenshot or short clip is from (search_scene), and "
    "says whether a video is real or made by AI (detect_video). Searches and analyses are charged to the account of "
    "the caller; my_limits says what is left and costs nothing. Tell people how sure an answer is: `matched: false` "
    "means that no scene is sure, and a verdict is a probability, not a proof."
)


def search_arguments(*, files: bool) -> type[SearchArguments]:
    return LocalSearchArguments if files else SearchArguments


def detect_arguments(*, files: bool) -> type[DetectArguments]:
    return LocalDetectArguments if files else DetectArguments


def tools(*, files: bool) -> list[Tool]:
    """All tools.

    Args:
        files: whether callers may name files of this machine: those who started the server on their own may.
    """
    sources = "a path, base64 or a URL" if files else "base64 or a URL"
    return [
        Tool(
            name="search_scene",
            title="Find the scene of a screenshot",
            description=(
                "Find which anime, episode and second a screenshot, GIF or short video clip is from, among the "
                f"videos that this site has indexed. Give the media as {sources}. Costs one search."
            ),
            input_schema=search_arguments(files=files).model_json_schema(),
            output_schema=_schema(SceneAnswer),
            annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True),
        ),
        Tool(
            name="detect_video",
            title="Is this video real or AI-made?",
            description=(
                f"Judge whether a video is real or made or altered by AI. Give the video as {sources}; addresses of "
                "YouTube, TikTok, Instagram, X and direct links are understood. Waits for the verdict while "
                "reporting progress; after wait_s seconds it returns the analysis_id instead, for video_verdict. "
                "Costs one credit, which is given back when there is no verdict."
            ),
            input_schema=detect_arguments(files=files).model_json_schema(),
            output_schema=_schema(AnalysisAnswer),
            annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True),
        ),
        Tool(
            name="video_verdict",
            title="The verdict of an analysis",
            description=(
                "Look up an analysis that detect_video began, by its analysis_id, and wait for its verdict if it is "
                "still running. Costs no credits."
            ),
            input_schema=VerdictArguments.model_json_schema(),
            output_schema=_schema(AnalysisAnswer),
            annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
        ),
        Tool(
            name="my_limits",
            title="What is left",
            description="Say how many searches, analyses and credits the caller has left. Costs nothing.",
            input_schema=NoArguments.model_json_schema(),
            output_schema=_schema(LimitsAnswer),
            annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
        ),
    ]


def _schema(kind: type) -> dict[str, Any]:
    return TypeAdapter(kind).json_schema()
