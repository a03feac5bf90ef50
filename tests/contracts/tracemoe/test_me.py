"""``/me`` of today's trace.moe API."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Tier, User
from accounts.principal import Principal
from apikeys.models import ApiKey, Revocation
from apikeys.services import create_key, revoke_keys
from core.clock import now
from credits.policies import Product
from credits.services import admitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> str:
    user = User.objects.create_user("jane@example.com", "x", tier=Tier.BUSINESS)
    return create_key(user_id=user.pk, title="x")[1]


def test_guest_is_the_address(client: Client) -> None:
    with admitted(principal=Principal.guest("127.0.0.1"), product=Product.TRACE_MOE):
        pass
    response = client.get("/me")
    assert response.json() == {
        "error": "", "id": "127.0.0.1", "priority": 0, "concurrency": 1, "quota": 150, "quotaUsed": 1,
    }  # fmt: skip
    assert response["Access-Control-Allow-Origin"] == "*"
    assert (response["X-RateLimit-Limit"], response["X-RateLimit-Remaining"]) == ("10", "9")
    assert 0 <= int(response["X-RateLimit-Reset"]) - now().timestamp() <= 61


def test_key_is_its_owner_by_header_or_parameter(client: Client, key: str) -> None:
    for response in (client.get("/me", headers={"x-trace-key": key}), client.get("/me", {"key": key})):
        assert response.json() == {
            "error": "", "id": "jane@example.com", "priority": 3, "concurrency": 3, "quota": 3000, "quotaUsed": 0,
        }  # fmt: skip


def test_asking_costs_nothing(client: Client) -> None:
    for _ in range(20):
        assert client.get("/me").json()["quotaUsed"] == 0


def test_key_that_opens_nothing_is_refused(client: Client, key: str) -> None:
    revoke_keys(keys=ApiKey.objects.values_list("pk", flat=True), by=Revocation.OWNER)
    for wrong in (key, "x", "ak_" + "0" * 38):
        response = client.get("/me", headers={"x-trace-key": wrong})
        assert (response.status_code, response.json()) == (403, {"error": "Invalid API key"})


def test_other_methods_answer_in_the_dialect(client: Client) -> None:
    response = client.post("/me")
    assert (response.status_code, response.json()) == (405, {"error": "Method Not Allowed"})
