"""What must come out however many processes use metering at once: for any database."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.credits.load import Load, LoadProcess, run_loads, run_script, seconds_to_midnight

#: Prints what the database says at the end, and what in it does not agree.
_STATE = """
from credits.ledger import balance_of
from credits.models import Admission, DayCount, LedgerEntry
from credits.reconcile import differences
user_id = {user_id!r}
admissions = Admission.objects.filter(account__user_id=user_id) if user_id else Admission.objects.all()
print(json.dumps({{
    "differences": [str(each) for each in differences()],
    "balance": balance_of(user_id=user_id) if user_id else None,
    "ledger": sorted(LedgerEntry.objects.filter(account__user_id=user_id).values_list("kind", "amount")),
    "statuses": sorted(admissions.values_list("status", flat=True)),
    "days": sorted(DayCount.objects.filter(subject=f"user:{{user_id}}").values_list("counts", "used")),
    "in_another_day": sum(
        row.free_day is not None and not row.free_day.starts_at <= row.created_at < row.free_day.ends_at
        for row in admissions.select_related("free_day")
    ),
}}))
"""

_MAKE_USER = """
from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from credits.ledger import grant_credits
from dataclasses import asdict
from credits.policies import DOCUMENTED, PolicyTier, Product
from credits.services import admitted
from tests.policies import set_policy
set_policy("whatanime", "free", **asdict(DOCUMENTED[Product.WHAT_ANIME, PolicyTier.FREE]) | {policy!r})
user = User.objects.create_user({email!r}, "x")
if {bought}:
    grant_credits(user_id=user.pk, amount={bought}, reason="a test", actor="command")
principal = Principal(kind=PrincipalKind.USER, user_id=user.pk, tier="free")
for _ in range({used}):
    with admitted(principal=principal, product=Product.WHAT_ANIME):
        pass
print(json.dumps(user.pk))
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Processes that share a database (and, where there is one, a Redis)."""

    environment: dict[str, str]

    def make_user(self, email: str, *, bought: int = 0, used: int = 0, **policy: Any) -> int:
        """A user with bought credits and with free ones used; ``policy`` changes that of the free tier."""
        script = _MAKE_USER.format(email=email, bought=bought, used=used, policy=policy)
        user_id: int = run_script(self.environment, script)
        return user_id

    def run(self, *loads: Load) -> Counter[str]:
        return run_loads(self.environment, loads)

    def state(self, user_id: int | None = None) -> dict[str, Any]:
        """What the database says; everything in it agrees."""
        state: dict[str, Any] = run_script(self.environment, _STATE.format(user_id=user_id))
        assert state.pop("differences") == []
        return state


def check_fifty_on_ten_free_credits(site: Installation) -> None:
    user_id = site.make_user("free@example.com")
    done = site.run(*[Load(user_id=user_id, threads=5, calls=10)] * 5)
    assert done == {"in": 10, "INSUFFICIENT_CREDITS": 40}
    state = site.state(user_id)
    assert (state["days"], state["ledger"]) == ([["free", 10]], [])
    assert state["statuses"] == ["settled"] * 10


def check_fifty_on_ten_bought_credits(site: Installation) -> None:
    user_id = site.make_user("paid@example.com", bought=10, used=10)
    done = site.run(*[Load(user_id=user_id, threads=5, calls=10)] * 5)
    assert done == {"in": 10, "INSUFFICIENT_CREDITS": 40}
    state = site.state(user_id)
    assert (state["balance"], state["days"]) == (0, [["free", 10]])
    assert state["ledger"] == [["charge", -1]] * 10 + [["grant", 10]]


def check_fifty_across_free_and_bought_with_failures(site: Installation) -> None:
    """Failed ones give back what they took, of the kind that they took; nothing is lost or made."""
    user_id = site.make_user("mixed@example.com", bought=20)
    done = site.run(*[Load(user_id=user_id, threads=5, calls=20, fail_every=3)] * 4)
    state = site.state(user_id)
    assert done["in"] <= 30
    assert done["in"] + done["failed"] + done["INSUFFICIENT_CREDITS"] == 80
    assert state["statuses"] == ["refunded"] * done["failed"] + ["settled"] * done["in"]
    ((_, free),) = state["days"]
    assert 20 - state["balance"] == done["in"] - free
    # Whatever was given back can be used.
    again = site.run(Load(user_id=user_id, threads=5, calls=40))
    assert done["in"] + again["in"] == 30
    assert site.state(user_id)["balance"] == 0


def check_two_hundred_at_ten_a_day(site: Installation) -> None:
    user_id = site.make_user("day@example.com", rate=None, daily=10, cost=0)
    done = site.run(*[Load(user_id=user_id, threads=10, calls=50)] * 4)
    assert done == {"in": 10, "QUOTA_EXHAUSTED": 190}
    assert site.state(user_id)["days"] == [["requests", 10]]


def check_midnight_under_load(site: Installation) -> None:
    """Each process's clock passes midnight a second and a half after they began."""
    user_id = site.make_user("midnight@example.com", rate=None)
    begins = time.time() + 4
    ahead = seconds_to_midnight() - (begins + 1.5 - time.time())
    load = Load(user_id=user_id, threads=4, until=begins + 3, clock_s=ahead)
    done = site.run(*[load] * 3)
    state = site.state(user_id)
    assert done["in"] == 20
    assert done["INSUFFICIENT_CREDITS"] > 20
    assert set(done) == {"in", "INSUFFICIENT_CREDITS"}
    assert state["days"] == [["free", 10], ["free", 10]]
    assert state["in_another_day"] == 0


def check_name_used_many_times_at_once(site: Installation) -> None:
    user_id = site.make_user("named@example.com")
    done = site.run(*[Load(user_id=user_id, threads=10, calls=20, name="one")] * 4)
    assert done["in"] == 1
    assert set(done) <= {"in", "replayed", "REQUEST_IN_PROGRESS"}
    assert sum(done.values()) == 80
    state = site.state(user_id)
    assert (state["days"], state["statuses"]) == ([["free", 1]], ["settled"])


def check_name_used_many_times_at_once_with_one_credit_left(site: Installation) -> None:
    user_id = site.make_user("last@example.com", bought=1, used=10)
    done = site.run(*[Load(user_id=user_id, threads=10, calls=20, name="one")] * 4)
    assert done["in"] == 1
    assert set(done) <= {"in", "replayed", "REQUEST_IN_PROGRESS"}
    assert site.state(user_id)["balance"] == 0


def check_killed_process_is_refunded_once(site: Installation) -> None:
    user_id = site.make_user("killed@example.com", bought=5, used=10)
    process = LoadProcess(site.environment, Load(user_id=user_id, does="hang", threads=1, calls=1))
    try:
        assert process.read() == "ready"
        process.begin()
        assert process.read() == "charged"
    finally:
        process.process.kill()
        process.process.wait()
    assert site.state(user_id)["balance"] == 4
    # Its lease is not over: nothing is given back yet.
    assert site.run(Load(does="sweep", threads=1, calls=1)) == {"nothing": 1}
    swept = site.run(*[Load(does="sweep", threads=4, calls=4, clock_s=200)] * 3)
    assert swept["refunded"] >= 1
    state = site.state(user_id)
    assert state["balance"] == 5
    assert [kind for kind, _ in state["ledger"]].count("refund") == 1
    assert state["statuses"].count("refunded") == 1


def check_grant_with_one_key_at_once(site: Installation) -> None:
    user_id = site.make_user("granted@example.com")
    done = site.run(*[Load(user_id=user_id, does="grant", threads=5, calls=10, name="event 1")] * 4)
    assert done == {"granted": 1, "known": 39}
    assert site.state(user_id)["balance"] == 1


def check_requests_at_a_time(site: Installation) -> None:
    """A pro has two at a time; of those that are refused none is counted in the day."""
    user_id = site.make_user("hold@example.com")
    load = Load(user_id=user_id, tier="pro", product="tracemoe", does="hold", threads=5, calls=5)
    done = site.run(*[load] * 3)
    assert done == {"in": 2, "CONCURRENCY_EXCEEDED": 13}
    assert site.state(user_id)["days"] == [["requests", 2]]


def check_hundred_keys_a_user(site: Installation) -> None:
    user_id = site.make_user("keys@example.com")
    done = site.run(*[Load(user_id=user_id, does="key", threads=10, calls=40)] * 3)
    assert done == {"made": 100, "TOO_MANY_KEYS": 20}


ON_ANY_DATABASE = [
    check_two_hundred_at_ten_a_day,
    check_fifty_on_ten_free_credits,
    check_fifty_on_ten_bought_credits,
    check_fifty_across_free_and_bought_with_failures,
    check_midnight_under_load,
    check_name_used_many_times_at_once,
    check_name_used_many_times_at_once_with_one_credit_left,
    check_killed_process_is_refunded_once,
    check_grant_with_one_key_at_once,
    check_requests_at_a_time,
    check_hundred_keys_a_user,
]
