"""The form by which a result can be shared."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from accounts.principal import Principal
from anime_search.errors import MatchRefused
from anime_search.services import SearchAnswer
from anime_search.sharing import lifetime_of, offer_share


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form carries: see :mod:`anime_search.sharing` for why it carries the picture.

    Attributes:
        token: of the answer.
        picture: in the alphabet of addresses, so that a form sends it as it is.
        days: that the link would work.
    """

    token: str
    picture: str
    days: int


def offer_of(principal: Principal, answer: SearchAnswer, picture: bytes) -> Offer:
    """The form for an answer and the small picture that was made of what was asked."""
    return Offer(
        token=offer_share(principal=principal, answer=answer, picture=picture),
        picture=base64.urlsafe_b64encode(picture).decode(),
        days=lifetime_of(principal).days,
    )


def read_picture(text: str) -> bytes:
    """The picture that a form carried.

    Raises:
        MatchRefused: it is none that was made here.
    """
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MatchRefused from None
