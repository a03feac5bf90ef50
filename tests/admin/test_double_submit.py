"""A form that arrives several times at once: a nervous finger, a browser that tries again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from accounts.models import User
from credits.ledger import balance_of, grant_credits
from credits.reconcile import differences
from tests.admin.conftest import changelist, choose, hidden_fields, make_users

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 8


@pytest.mark.parametrize(("action", "balances"), [("give_credits", [25, 25]), ("take_credits", [15, 15])])
def test_credits_are_moved_once(action: str, balances: list[int]) -> None:
    staff = User.objects.create_superuser("staff@example.com", "x")
    users = make_users(2)
    for user in users:
        grant_credits(user_id=user.pk, amount=20, reason="before", actor="command")
    clients = [Client() for _ in range(TIMES)]
    for client in clients:
        client.force_login(staff)
    form = {**hidden_fields(choose(clients[0], action, users)), "amount": "5", "reason": "a contest"}

    def send(client: Client) -> int:
        try:
            return client.post(changelist(), form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(TIMES) as pool:
        assert Counter(pool.map(send, clients)) == {302: TIMES}
    assert [balance_of(user_id=user.pk) for user in users] == balances
    assert LogEntry.objects.count() == 2
    assert differences() == []
