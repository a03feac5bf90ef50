"""What is left, as response headers of our own surfaces.

``RateLimit`` and ``RateLimit-Policy`` are those of the IETF draft (draft-ietf-httpapi-ratelimit-headers-10).
"""

from __future__ import annotations

from django.http import HttpResponse

from credits.services import Snapshot


def add_ratelimit_headers(response: HttpResponse, state: Snapshot) -> None:
    """Set :func:`ratelimit_headers` on a response."""
    for name, value in ratelimit_headers(state).items():
        response[name] = value


def ratelimit_headers(state: Snapshot) -> dict[str, str]:
    """The two headers for every limit that holds; none where nothing is limited."""
    policies, left = [], []
    for name, window, length_s in (
        ("window", state.limit, state.limits.rate_s),
        ("day", state.quota, state.quota.length_s if state.quota is not None else 0),
        ("free", state.free, state.free.length_s if state.free is not None else 0),
    ):
        if window is not None:
            policies.append(f'"{name}";q={window.limit};w={length_s}')
            left.append(f'"{name}";r={window.remaining};t={window.seconds_left}')
    if not policies:
        return {}
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
