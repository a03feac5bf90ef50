"""An agent: the package's own client, which checks every answer against the schema that it was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp import Client
from mcp_types import CallToolResult

from mcp_server.callers import CallerOf
from mcp_server.server import build_server
from tests.contracts.telling import assert_tells_nothing_internal


@dataclass
class Agent:
    """Calls tools of a server in this process, each over a connection of its own.

    Attributes:
        reported: percents that the last call reported.
        mode: ``auto`` speaks the newest protocol, ``legacy`` the one with a handshake.
    """

    caller_of: CallerOf
    files: bool = True
    mode: str = "auto"
    reported: list[float] = field(default_factory=list)

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        return anyio.run(self._call, tool, arguments)

    def told(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The facts of an answer that is no error."""
        result = self.call(tool, **arguments)
        assert not result.is_error, words_of(result)
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    def refusal(self, tool: str, **arguments: Any) -> str:
        """The code of an answer that is an error; its words say the code, and nothing of our insides."""
        result = self.call(tool, **arguments)
        assert result.is_error, words_of(result)
        assert result.structured_content is not None
        error = result.structured_content["error"]
        words = words_of(result)
        assert error["message"] in words
        assert words.endswith(f"({error['code']})")
        assert_tells_nothing_internal(words)
        return str(error["code"])

    async def _call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        self.reported = []

        async def report(progress: float, total: float | None, message: str | None) -> None:
            assert total == 100
            self.reported.append(progress)

        async with Client(build_server(caller_of=self.caller_of, files=self.files), mode=self.mode) as client:
            return await client.call_tool(tool, arguments, progress_callback=report)

    def call_and_cancel(self, tool: str, when: Callable[[], bool], **arguments: Any) -> None:
        """Begin a call, and give it up as soon as ``when`` holds."""

        async def give_up() -> None:
            async with (
                Client(build_server(caller_of=self.caller_of, files=self.files), mode=self.mode) as client,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(client.call_tool, tool, arguments)
                with anyio.fail_after(20):
                    while not await anyio.to_thread.run_sync(when):
                        await anyio.sleep(0.02)
                tasks.cancel_scope.cancel()

        anyio.run(give_up)


def words_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text
