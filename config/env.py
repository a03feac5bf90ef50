"""Typed readers of the environment: a malformed value stops the process, with the variable's name."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)


def networks(name: str) -> tuple[str, ...]:
    """Read a comma-separated list of IP networks.

    Raises:
        ImproperlyConfigured: an entry is not an address or network in CIDR form, its host bits zero.
    """
    listed: list[str] = env.list(name, [])
    entries = tuple(entry.strip() for entry in listed if entry.strip())
    for entry in entries:
        if entry == "unix":
            continue
        try:
            ipaddress.ip_network(entry)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {entry!r} is not an IP address or network") from error
    return entries


def directory(name: str, default: Path) -> Path:
    """Read a directory's path (``~`` is expanded, a relative path is taken from the project's folder)."""
    path = Path(env.str(name, "") or default).expanduser()
    return path if path.is_absolute() else BASE_DIR / path


def secret_key(data_dir: Path, *, required: bool) -> str:
    """``SECRET_KEY``, or one made on first use and kept in the data directory with mode 0600.

    Raises:
        ImproperlyConfigured: ``required`` (several hosts must share it) and ``SECRET_KEY`` is not set, or the
            data directory cannot be written.
    """
    if given := env.str("SECRET_KEY", ""):
        return given
    if required:
        raise ImproperlyConfigured(
            "SECRET_KEY must be set where DATABASE_URL is: every process must share it"
        )
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=data_dir, prefix=".secret_key") as file:
                file.write(secrets.token_urlsafe(50))
                file.flush()
                # A link appears whole or not at all, and the first of several processes wins.
                with contextlib.suppress(FileExistsError):
                    os.link(file.name, path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR: {data_dir} cannot be used: {error.strerror}") from error


__all__ = ["BASE_DIR", "EnvError", "directory", "env", "networks", "secret_key"]
