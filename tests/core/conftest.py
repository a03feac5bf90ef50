from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.loopback_web import (
    MEDIA_EXAMPLE_CERTIFICATE,
    MEDIA_EXAMPLE_KEY,
    Canary,
    Internet,
    WebServer,
)


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[WebServer]:
    pem = tmp_path / "media_example.pem"
    pem.write_text(MEDIA_EXAMPLE_KEY + MEDIA_EXAMPLE_CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = WebServer(context)
    yield server
    server.close()


@pytest.fixture
def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=MEDIA_EXAMPLE_CERTIFICATE)


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    internet = Internet()
    monkeypatch.setattr(socket, "create_connection", internet.dial)
    return internet
