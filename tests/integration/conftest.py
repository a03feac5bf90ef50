"""The production profile: real PostgreSQL, real Redis, and processes of their own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
import redis

from tests.command_line import PATIENCE_S, PROJECT, process_environment
from tests.integration.gate import Gate

DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Site:
    """One installation in the production profile, and the processes that belong to it."""

    environment: dict[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def start(self, name: str, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own, which writes into the log of its name."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes[name] = process
        return process

    def start_worker(self, queue: str) -> subprocess.Popen[bytes]:
        """Start a worker as operators do."""
        return self.start(queue, "deploy/celery.sh", queue)

    def start_command(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a management command and go on."""
        return self.start("command", sys.executable, "manage.py", *arguments)

    def start_server(self, name: str = "web", **environment: str) -> httpx.Client:
        """Start a server, and return a client of it once it answers."""
        port = free_port()
        self.start(name, sys.executable, "manage.py", "serve", "--port", str(port), **environment)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                client.get("/")
            except httpx.TransportError:
                time.sleep(0.2)
            else:
                return client
        raise AssertionError(self.log(name))

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a process and all its children by a signal, and wait until it has ended."""
        process = self.processes.pop(name)
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        process.wait(PATIENCE_S)

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)


def _require_servers() -> str:
    """Check that both servers answer, and return the address of a Redis database that nobody uses."""
    try:
        psycopg.connect(DATABASE_URL, connect_timeout=5).close()
        return _unused_redis_database()
    except (psycopg.OperationalError, redis.RedisError) as error:
        if os.environ.get("CI"):
            pytest.fail(f"continuous integration needs PostgreSQL and Redis: {error}")
        pytest.skip(f"no PostgreSQL or no Redis: {error}")


def _unused_redis_database() -> str:
    address = urlsplit(REDIS_URL)
    numbers = [int(address.path[1:])] if address.path.strip("/") else range(15, 0, -1)
    for number in numbers:
        url = urlunsplit(address._replace(path=f"/{number}"))
        with redis.Redis.from_url(url, socket_connect_timeout=5) as server:
            if not server.dbsize():
                return url
    raise redis.RedisError(f"no database of {REDIS_URL} is empty")


@contextmanager
def installation(factory: pytest.TempPathFactory, *queues: str, **environment: str) -> Iterator[Site]:
    """An installation with a database of its own, and a worker of each of some queues."""
    redis_url = _require_servers()
    name = f"frameproof_test_{secrets.token_hex(6)}"
    with psycopg.connect(DATABASE_URL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        own = {
            **process_environment(factory.mktemp("data")),
            "DATABASE_URL": DATABASE_URL.rsplit("/", 1)[0] + f"/{name}",
            "REDIS_URL": redis_url,
            # Each request of a test may come from an address of its own, with an allowance of its own.
            "TRUSTED_PROXIES": "127.0.0.1/32",
        }
        site = Site(own | environment, factory.mktemp("logs"))
        try:
            migrated = site.manage("migrate", "--verbosity", "0")
            assert migrated.returncode == 0, migrated.stderr
            for queue in queues:
                site.start_worker(queue)
            yield site
        finally:
            site.close()
            redis.Redis.from_url(redis_url).flushdb()
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation that searches and ingests."""
    with installation(tmp_path_factory, "search", "ingest", "housekeeping") as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> httpx.Client:
    return site.start_server()


@pytest.fixture
def gate(site: Site) -> Iterator[Gate]:
    """A gate before the site's Redis."""
    address = urlsplit(site.environment["REDIS_URL"])
    gate = Gate(address.hostname or "127.0.0.1", address.port or 6379)
    yield gate
    gate.shut()


def redis_behind(gate: Gate, site: Site) -> str:
    """The address of the site's Redis for whoever is to go through the gate."""
    address = urlsplit(site.environment["REDIS_URL"])
    user = address.netloc.rpartition("@")[0]
    netloc = f"{user}@127.0.0.1:{gate.port}" if user else f"127.0.0.1:{gate.port}"
    return address._replace(netloc=netloc).geturl()
