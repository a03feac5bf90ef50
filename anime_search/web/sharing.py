"""Shared results: made from a result's form, shown to whoever has the link, withdrawn by whoever shared them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.principal import PrincipalKind
from anime_search.errors import SharedResultGone
from anime_search.models import SharedResult
from anime_search.shared_answers import answer_as_it_was, answer_to_show
from anime_search.shared_pictures import picture_of_share
from anime_search.sharing import own_share, share_result, shared_result, shares_of, withdraw_share
from anime_search.web.cards import Band, Card, cards_of
from anime_search.web.errors import problem_page
from anime_search.web.offers import read_picture
from anime_search.web.requests import FRAGMENT_HEADER, wants_fragment
from apikeys.visitors import caller_of
from core.addresses import absolute_url

#: Shared results on a page of the list.
PAGE_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class SharedLine:
    """A shared result in the list of its owner's."""

    public_id: str
    title: str
    at: str
    is_matched: bool
    shared_at: datetime
    expires_at: datetime


@require_POST
@never_cache
def share(request: HttpRequest) -> HttpResponse:
    """Make a link to a result, and lead to it; the page's script is given the link to show it in its place."""
    try:
        row, token = share_result(
            principal=caller_of(request, begins=True),
            offer=request.POST.get("result", ""),
            picture=read_picture(request.POST.get("picture", "")),
        )
    except Exception as error:  # noqa: BLE001 - whatever is raised becomes words
        return problem_page(request, error)
    page = reverse("shared-result", args=[token])
    if not wants_fragment(request):
        return redirect(page)
    link = {"link": absolute_url(request, page), "shared": row}
    response = render(request, "anime_search/_shared_link.html", link)
    response[FRAGMENT_HEADER] = "shared"
    return response


@require_safe
@never_cache
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """A result as whoever has its link sees it; whoever shared it can withdraw it there.

    A link that was withdrawn, has expired or never was gets one and the same page.
    """
    try:
        row = shared_result(token=token)
    except Exception as error:  # noqa: BLE001 - the same
        return problem_page(request, error)
    link = absolute_url(request, reverse("shared-result", args=[token]))
    picture = reverse("shared-picture", args=[token])
    try:
        own_share(principal=caller_of(request), public_id=row.public_id)
    except SharedResultGone:
        return _page(request, row, picture=picture, link=link)
    return _page(request, row, picture=picture, link=link, is_own=True)


@require_safe
@never_cache
def shared_picture(request: HttpRequest, token: str) -> HttpResponse:
    """The picture that was searched for; it is nowhere kept on its way, lest it outlive the link."""
    try:
        return _picture(shared_result(token=token))
    except Exception as error:  # noqa: BLE001 - the same
        return problem_page(request, error)


@require_safe
@never_cache
def own_results(request: HttpRequest) -> HttpResponse:
    """What the caller shares: an account, or the guest of a session."""
    caller = caller_of(request)
    page = Paginator(shares_of(caller), PAGE_SIZE).get_page(request.GET.get("page"))
    lines = [_line(row) for row in page.object_list]
    is_guest = caller.kind is PrincipalKind.GUEST
    return render(
        request, "anime_search/own_shared.html", {"page": page, "lines": lines, "is_guest": is_guest}
    )


@require_safe
@never_cache
def own_result(request: HttpRequest, public_id: str) -> HttpResponse:
    """A result that the caller shares, without its link, which nobody knows but those who were given it."""
    try:
        row = own_share(principal=caller_of(request), public_id=public_id)
    except Exception as error:  # noqa: BLE001 - the same
        return problem_page(request, error)
    return _page(request, row, picture=reverse("own-shared-picture", args=[public_id]), is_own=True)


@require_safe
@never_cache
def own_picture(request: HttpRequest, public_id: str) -> HttpResponse:
    """The picture of a result that the caller shares."""
    try:
        return _picture(own_share(principal=caller_of(request), public_id=public_id))
    except Exception as error:  # noqa: BLE001 - the same
        return problem_page(request, error)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """End a link when the form is sent; whoever follows the address sees the list."""
    if request.method == "POST":
        try:
            withdraw_share(principal=caller_of(request), public_id=public_id)
        except Exception as error:  # noqa: BLE001 - the same
            return problem_page(request, error)
        messages.success(request, _("The link was withdrawn, and the picture deleted."))
    return redirect("shared-results")


def _page(
    request: HttpRequest, row: SharedResult, *, picture: str, link: str = "", is_own: bool = False
) -> HttpResponse:
    cards = cards_of(answer_to_show(row.result), principal=None)
    # The picture shows what the best shows, or one that it may be.
    is_adult = cards[0].is_adult or any(card.is_adult and card.band is not Band.UNLIKELY for card in cards)
    page: dict[str, Any] = {
        "shared": row,
        "cards": cards,
        "matched": _is_matched(cards),
        "picture": picture,
        "link": link,
        "is_own": is_own,
        "is_adult": is_adult,
        "social_image": ""
        if is_adult or not cards[0].images
        else absolute_url(request, cards[0].images[-1][1]),
    }
    return render(request, "anime_search/shared.html", page)


def _picture(row: SharedResult) -> HttpResponse:
    """The answer with a result's picture.

    Raises:
        SharedResultGone: there is none any more.
    """
    picture = picture_of_share(row.public_id)
    if picture is None:
        raise SharedResultGone
    return HttpResponse(picture, content_type="image/jpeg")


def _line(row: SharedResult) -> SharedLine:
    cards = cards_of(answer_as_it_was(row.result), principal=None)
    return SharedLine(
        public_id=row.public_id,
        title=cards[0].title,
        at=cards[0].at,
        is_matched=_is_matched(cards),
        shared_at=row.created_at,
        expires_at=row.expires_at,
    )


def _is_matched(cards: list[Card]) -> bool:
    return cards[0].band is Band.MATCH
