"""What every answer of the site says beside its body, and the hosts it answers for."""

from __future__ import annotations

import pytest
from django.test import Client

PATHS = ["/", "/api/me", "/api/search", "/api/anime/search", "/api/anime/x", "/image/x", "/thumbnail.php", "/nothing",
         "/admin/login/", "/admin/"]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("where", PATHS)
def test_every_answer_has_the_security_headers(client: Client, where: str) -> None:
    response = client.get(where)
    policy = {
        name: set(values)
        for name, *values in (part.split() for part in response["Content-Security-Policy"].split(";"))
    }
    assert policy["default-src"] == {"'none'"}
    assert policy["script-src"] == {"'self'"}
    assert policy["base-uri"] == policy["frame-ancestors"] == {"'none'"}
    assert not any("unsafe" in value for values in policy.values() for value in values)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("where", PATHS)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "local host", "localhost@evil.example", "[::1", "", "x" * 300],
)
def test_unknown_host_is_a_bad_request(client: Client, where: str, host: str) -> None:
    response = client.get(where, headers={"host": host})
    assert response.status_code == 400
    assert "evil.example" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["testserver", "localhost", "127.0.0.1", "[::1]", "LOCALHOST:8000"])
def test_own_host_is_known(client: Client, host: str) -> None:
    assert client.get("/api/me", headers={"host": host}).status_code == 200
