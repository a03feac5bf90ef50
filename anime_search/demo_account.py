"""The account in whose name ``make run`` searches: guests have five searches a day, and it may run more often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from apikeys.models import Revocation
from apikeys.services import create_key, revoke_keys
from credits.ledger import grant_credits
from credits.policies import Product
from credits.services import snapshot

#: Nobody can have mail there (RFC 2606), and nobody can sign in: the account has no password.
EMAIL = "make-run@frameproof.invalid"


@contextmanager
def demo_key() -> Iterator[str]:
    """An API key of the demo's account that has a search left, for the length of a ``with`` block."""
    user, made = User.objects.get_or_create(email=EMAIL)
    if made:
        user.set_unusable_password()
        user.save()
    principal = Principal(kind=PrincipalKind.USER, user_id=user.pk, tier=user.tier)
    state = snapshot(principal=principal, product=Product.WHAT_ANIME)
    if not state.balance and (state.free is None or not state.free.remaining):
        grant_credits(user_id=user.pk, amount=1, reason="make run", actor="command")
    row, key = create_key(user_id=user.pk, title="make run")
    try:
        yield key
    finally:
        revoke_keys(keys=[row.pk], by=Revocation.OWNER)
