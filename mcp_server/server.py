"""The server that answers calls of the tools, whatever carries them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from accounts.principal import Principal
from credits.policies import Product
from credits.services import snapshot
from deepfake.models import Analysis
from mcp_server import tools
from mcp_server.callers import CallerOf
from mcp_server.detecting import Report, begin_analysis, look_up, percent_of, wait_for, wait_or_cancel
from mcp_server.errors import refused
from mcp_server.requests import NoArguments, VerdictArguments, read_arguments
from mcp_server.responses import (
    analysis_answer,
    analysis_words,
    as_body,
    limits_answer,
    limits_words,
    scene_words,
)
from mcp_server.searching import search_scene
from mcp_server.threads import in_thread

Context = ServerRequestContext[Any, Any]


def build_server(*, caller_of: CallerOf, files: bool) -> Server[Any]:
    """Make a server.

    Args:
        caller_of: says on whose behalf a call is made.
        files: whether callers may name files of this machine.
    """
    calls = _Calls(caller_of, files=files)
    return Server(
        "frameproof",
        title="Frameproof",
        version=_version(),
        instructions=tools.INSTRUCTIONS,
        on_list_tools=calls.list_tools,
        on_call_tool=calls.call_tool,
    )


class _Calls:
    """Parse, one service call, render: for each tool."""

    def __init__(self, caller_of: CallerOf, *, files: bool) -> None:
        self._caller_of, self._files = caller_of, files
        self._tools = {
            "search_scene": self._search_scene,
            "detect_video": self._detect_video,
            "video_verdict": self._video_verdict,
            "my_limits": self._my_limits,
        }

    async def list_tools(self, ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=tools.tools(files=self._files))

    async def call_tool(self, ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, "There is no such tool.")
        try:
            principal = await in_thread(lambda: self._caller_of(ctx))
            return await tool(ctx, principal, params.arguments)
        except Exception as error:  # noqa: BLE001 - whatever is raised becomes words
            return refused(error, tool=params.name)

    async def _search_scene(
        self, ctx: Context, principal: Principal, given: dict[str, Any] | None
    ) -> CallToolResult:
        asked = read_arguments(tools.search_arguments(files=self._files), given)
        body = await in_thread(lambda: search_scene(principal, asked))
        return _answer(scene_words(body), body)

    async def _detect_video(
        self, ctx: Context, principal: Principal, given: dict[str, Any] | None
    ) -> CallToolResult:
        asked = read_arguments(tools.detect_arguments(files=self._files), given)
        analysis = await in_thread(lambda: begin_analysis(principal, asked))
        analysis = await wait_or_cancel(principal, analysis, wait_s=asked.wait_s, report=_reporter(ctx))
        return _analysis(analysis)

    async def _video_verdict(
        self, ctx: Context, principal: Principal, given: dict[str, Any] | None
    ) -> CallToolResult:
        asked = read_arguments(VerdictArguments, given)
        analysis = await in_thread(lambda: look_up(principal, asked.analysis_id))
        analysis = await wait_for(principal, analysis, wait_s=asked.wait_s, report=_reporter(ctx))
        return _analysis(analysis)

    async def _my_limits(
        self, ctx: Context, principal: Principal, given: dict[str, Any] | None
    ) -> CallToolResult:
        read_arguments(NoArguments, given)
        products = (Product.WHAT_ANIME, Product.API_V1, Product.ANALYSIS)
        states = await in_thread(
            lambda: {each: snapshot(principal=principal, product=each) for each in products}
        )
        answer = limits_answer(principal.tier, states)
        return _answer(limits_words(answer), as_body(answer))


def _reporter(ctx: Context) -> Report:
    """Tells the client how far a call is; nothing is sent to one that did not ask for it."""

    async def report(percent: float, words: str) -> None:
        await ctx.session.report_progress(percent, 100.0, words)

    return report


def _analysis(analysis: Analysis) -> CallToolResult:
    answer = analysis_answer(analysis, progress_percent=percent_of(analysis))
    return _answer(analysis_words(answer), as_body(answer))


def _answer(words: str, body: dict[str, Any]) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=words)], structured_content=body)


def _version() -> str:
    """The project's own; it is not installed as a package."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
