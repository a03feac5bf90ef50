"""How tests ask to be let in."""

from __future__ import annotations

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from credits.policies import Product
from credits.services import Ticket, admit, refund, snapshot

GUEST = Principal.guest("203.0.113.1")


def used(principal: Principal, product: Product) -> tuple[int, int]:
    state = snapshot(principal=principal, product=product)
    return state.limit.used if state.limit else 0, state.quota.used if state.quota else 0


def let_in(principal: Principal, product: Product, times: int) -> list[Ticket]:
    return [admit(principal=principal, product=product) for _ in range(times)]


def give_back(ticket: Ticket) -> bool:
    assert ticket.admission_id is not None
    return refund(admission_id=ticket.admission_id)


def user(number: int, address: str = "203.0.113.9", tier: str = "free") -> Principal:
    row, _ = User.objects.get_or_create(email=f"{number}@example.com")
    return Principal(kind=PrincipalKind.USER, user_id=row.pk, address=address, tier=tier)
