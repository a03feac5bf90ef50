"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig


class McpServerConfig(AppConfig):
    name = "mcp_server"
    verbose_name = "MCP server"
