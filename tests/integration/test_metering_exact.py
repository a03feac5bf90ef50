"""Metering is exact on PostgreSQL and Redis, with processes and threads at once, and over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from anime_search.demo import take_screenshot
from tests.credits.exactness import ON_ANY_DATABASE, Installation
from tests.credits.load import Load, run_script
from tests.integration.conftest import Site, redis_behind
from tests.integration.gate import Gate
from tests.rankings.crowd import at_once

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

#: Prints the cookie and a key of a user.
SIGN_IN = """
from django.conf import settings
from django.test import Client
from accounts.models import User
from apikeys.services import create_key
client = Client()
client.force_login(User.objects.get(pk={user_id}))
name = settings.SESSION_COOKIE_NAME
print(json.dumps({{
    "Cookie": f"{{name}}={{client.cookies[name].value}}",
    "Authorization": "Bearer " + create_key(user_id={user_id}, title="tests")[1],
}}))
"""


@pytest.fixture
def exact(site: Site) -> Installation:
    return Installation(site.environment)


@pytest.mark.parametrize("check", ON_ANY_DATABASE)
def test_processes_are_exact(exact: Installation, check: Callable[[Installation], None]) -> None:
    check(exact)


def test_two_hundred_calls_of_four_processes_at_a_rate_of_ten(exact: Installation) -> None:
    user_id = exact.make_user("rate@example.com")
    done = exact.run(*[Load(user_id=user_id, product="tracemoe", threads=16, calls=50)] * 4)
    assert done == {"in": 10, "RATE_LIMITED": 190}
    exact.state(user_id)


@pytest.fixture(scope="module")
def shot(site: Site, demo_clip: Any) -> bytes:
    """A picture that is found: its video is indexed."""
    done = site.manage("anime_ingest", str(demo_clip.parent))
    assert done.returncode == 0, done.stderr + site.log("ingest")
    return take_screenshot(demo_clip).jpeg


def search(web: httpx.Client, shot: bytes, headers: dict[str, str]) -> int:
    answer = web.post("/api/anime/search", files={"image": ("a.jpg", shot)}, headers=headers, timeout=60)
    if answer.status_code == 200:
        assert answer.json()["candidates"]
    return answer.status_code


@pytest.mark.parametrize("shown", ["Authorization", "Cookie"])
@pytest.mark.parametrize("bought", [0, 10])
def test_fifty_searches_over_http_on_ten_credits(
    exact: Installation, web: httpx.Client, shot: bytes, shown: str, bought: int
) -> None:
    user_id = exact.make_user(f"{shown}{bought}@example.com", bought=bought, used=bought)
    headers = run_script(exact.environment, SIGN_IN.format(user_id=user_id))
    statuses = Counter(at_once([partial(search, web, shot, {shown: headers[shown]})] * 50))
    assert statuses == {200: 10, 402: 40}
    state = exact.state(user_id)
    assert (state["balance"], state["days"]) == (0, [["free", 10]])
    assert len(state["ledger"]) == (11 if bought else 0)


def test_named_search_that_is_sent_many_times_at_once_over_http_is_charged_once(
    exact: Installation, web: httpx.Client, shot: bytes
) -> None:
    user_id = exact.make_user("named-http@example.com")
    key = run_script(exact.environment, SIGN_IN.format(user_id=user_id))["Authorization"]
    headers = {"Authorization": key, "Idempotency-Key": "one"}
    statuses = Counter(at_once([partial(search, web, shot, headers)] * 20))
    assert set(statuses) <= {200, 409}
    assert search(web, shot, headers) == 200
    assert exact.state(user_id)["days"] == [["free", 1]]


def test_guests_of_one_address_have_five_searches_over_http(
    exact: Installation, web: httpx.Client, shot: bytes
) -> None:
    headers = {"X-Forwarded-For": "198.51.100.250"}
    assert Counter(at_once([partial(search, web, shot, headers)] * 30)) == {200: 5, 429: 25}
    exact.state()


def test_nobody_is_let_in_or_charged_while_redis_is_away(
    exact: Installation, site: Site, gate: Gate, shot: bytes
) -> None:
    web = site.start_server("gated", REDIS_URL=redis_behind(gate, site))
    user_id = exact.make_user("gated@example.com", bought=5, used=3)
    headers = run_script(exact.environment, SIGN_IN.format(user_id=user_id))
    before = exact.state(user_id)

    gate.shut()
    for shown in ("Authorization", "Cookie"):
        answer = web.post(
            "/api/anime/search", files={"image": ("a.jpg", shot)}, headers={shown: headers[shown]}
        )
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    guest = {"X-Forwarded-For": "198.51.100.251"}
    token = web.get("/", headers=guest).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    page = web.post("/", files={"image": ("a.jpg", shot)}, data={"csrfmiddlewaretoken": token}, headers=guest)
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    wrong = web.get("/api/me", params={"token": "wrong"}, headers=guest)
    assert wrong.status_code == 503
    assert exact.state(user_id) == before

    gate.open()
    assert search(web, shot, {"Authorization": headers["Authorization"]}) == 200
