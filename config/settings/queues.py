"""Celery's settings: the same tasks over Redis, or inside the server process."""

from __future__ import annotations

from typing import Any

from kombu.entity import Exchange, Queue

#: A message that a dead worker held goes back to the queue after this long; longer than any task's hard limit.
VISIBILITY_TIMEOUT_S = 3600 * 7

QUEUES = ("search", "ingest", "deepfake", "mail", "housekeeping")

ROUTES = {
    "anime_search.tasks.search": {"queue": "search"},
    "anime_search.tasks.search_clip": {"queue": "search"},
    "anime_search.tasks.ingest": {"queue": "ingest"},
    "anime_search.tasks.*": {"queue": "housekeeping"},
    "deepfake.tasks.analyze": {"queue": "deepfake"},
    "deepfake.tasks.*": {"queue": "housekeeping"},
    "rankings.tasks.*": {"queue": "housekeeping"},
    "status.tasks.mark_search_ready": {"queue": "search"},
    "status.tasks.*": {"queue": "housekeeping"},
}

#: Periodic tasks: name -> (task, seconds between runs).
BEAT = {
    "requeue-ingest": ("anime_search.tasks.requeue_ingest", 15.0),
    "publish-tracks": ("anime_search.tasks.publish_tracks", 30.0),
    "fetch-covers": ("anime_search.tasks.fetch_covers", 60.0),
    "purge-shared-results": ("anime_search.tasks.purge_shared_results", 3600.0),
    "purge-history": ("anime_search.tasks.purge_history", 3600.0),
    "recover-analyses": ("deepfake.tasks.recover", 15.0),
    "purge-analyses": ("deepfake.tasks.purge", 3600.0),
    "refund-expired-admissions": ("credits.tasks.refund_expired_admissions", 30.0),
    "purge-metering-rows": ("credits.tasks.purge_metering_rows", 3600.0),
    "purge-searches": ("rankings.tasks.purge_searches", 3600.0),
    # Three times a minute, so that none is missed when one of them comes a little late.
    "mark-search-ready": ("status.tasks.mark_search_ready", 20.0),
    "purge-figures": ("status.tasks.purge_figures", 3600.0),
}


def celery_settings(redis_url: str) -> dict[str, Any]:
    """Settings in Celery's Django namespace (``CELERY_``)."""
    embedded = not redis_url
    options: dict[str, Any] = (
        # The in-memory transport polls: at Celery's default of a second, every search would wait for it.
        {"polling_interval": 0.01}
        if embedded
        else {
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "unacked_restore_interval": 5,
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "retry_on_timeout": True,
        }
    )
    # Somebody waits for the answer: without Redis a request is to be refused at once, and not in twenty seconds.
    impatient = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
    return {
        "CELERY_BROKER_URL": "memory://localhost/" if embedded else redis_url,
        "CELERY_RESULT_BACKEND": "cache+memory://" if embedded else redis_url,
        "CELERY_BROKER_TRANSPORT_OPTIONS": options,
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_RESULT_SERIALIZER": "json",
        "CELERY_ACCEPT_CONTENT": ["json"],
        "CELERY_RESULT_EXPIRES": 300,
        "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS": {} if embedded else {"retry_policy": impatient},
        "CELERY_REDIS_SOCKET_TIMEOUT": 10.0,
        "CELERY_REDIS_SOCKET_CONNECT_TIMEOUT": 2.0,
        "CELERY_TASK_PUBLISH_RETRY_POLICY": impatient,
        "CELERY_TASK_ACKS_LATE": True,
        "CELERY_TASK_REJECT_ON_WORKER_LOST": True,
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
        "CELERY_TASK_DEFAULT_QUEUE": "housekeeping",
        "CELERY_TASK_QUEUES": [Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        "CELERY_TASK_ROUTES": ROUTES,
        "CELERY_TASK_CREATE_MISSING_QUEUES": False,
        "CELERY_BEAT_SCHEDULE": {
            name: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
            for name, (task, seconds) in BEAT.items()
        },
        # The schedule is kept in memory: no file to share, to lock or to lose.
        "CELERY_BEAT_SCHEDULER": "core.workers:MemoryScheduler",
        "CELERY_TIMEZONE": "UTC",
    }
