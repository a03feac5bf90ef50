"""Databases and caches of the two profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env import env


def databases(url: str, data_dir: Path) -> dict[str, dict[str, Any]]:
    """PostgreSQL (or what ``url`` names) where a URL is given, else SQLite under the data directory.

    SQLite runs in write-ahead mode and begins its transactions as IMMEDIATE: a writer then waits its turn
    at the beginning, and no transaction fails half-way because it could not become a writer.

    Raises:
        ImproperlyConfigured: the data directory cannot be made.
    """
    if url:
        database = dict(env.dj_db_url("DATABASE_URL", conn_max_age=60, conn_health_checks=True))
        if database["ENGINE"].endswith("postgresql"):
            database["OPTIONS"] = {
                "options": "-c lock_timeout=5s -c statement_timeout=60s",
                **database.get("OPTIONS", {}),
            }
        return {"default": database}
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR: {data_dir} cannot be used: {error.strerror}") from error
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": data_dir / "frameproof.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
            },
            # A file even under test: a memory database is one connection, and the workers are threads.
            "TEST": {"NAME": str(data_dir / "test.sqlite3")},
        }
    }


def caches(redis_url: str) -> dict[str, dict[str, Any]]:
    """Redis where a URL is given, else a cache inside the process."""
    if redis_url:
        return {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": redis_url,
                "KEY_PREFIX": "frameproof",
                "OPTIONS": {"socket_timeout": 5, "socket_connect_timeout": 2},
            }
        }
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "frameproof",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    }
