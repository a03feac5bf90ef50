"""The surfaces as the documentation tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_noop as _

from credits.policies import Product


@dataclass(frozen=True, slots=True)
class Surface:
    """One dialect, with a page of its own.

    Attributes:
        name: its tag in the OpenAPI document, and its page's address.
        original: the public service whose clients work here; empty for none.
        description: one sentence.
        products: what its addresses are metered as.
        has_try: whether its page has forms that send requests.
    """

    name: str
    title: str
    original: str
    description: str
    products: tuple[Product, ...]
    has_try: bool = True


SURFACES: Final = (
    Surface(
        "whatanime",
        _("Scene search"),
        "whatanimeisthis.com",
        _("Find the anime, the episode and the second of a picture; rankings, credits and API keys."),
        (Product.WHAT_ANIME,),
    ),
    Surface(
        "tracemoe",
        _("trace.moe, current"),
        "api.trace.moe",
        _("The scene search as clients of today's trace.moe API ask for it."),
        (Product.TRACE_MOE,),
    ),
    Surface(
        "tracemoe-legacy",
        _("trace.moe, old"),
        "trace.moe/api",
        _("The scene search as clients of the first trace.moe API ask for it: pictures in base64."),
        (Product.TRACE_MOE,),
    ),
    Surface(
        "aividect",
        _("Video analysis"),
        "aividect.com",
        _("Is a video real, or was it made or altered by an AI?"),
        (Product.API_V1, Product.ANALYSIS),
    ),
    Surface(
        "accounts",
        _("Accounts"),
        "better-auth",
        _("Sign up, sign in and manage sessions as a program."),
        (),
        has_try=False,
    ),
)
