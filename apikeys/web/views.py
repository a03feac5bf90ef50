"""Views of the page of one's own API keys."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from apikeys.errors import ApiKeyNotFound, KeyExpiryInvalid, TooManyKeys
from apikeys.models import ApiKey
from apikeys.selectors import keys_of
from apikeys.services import create_key, revoke_key
from apikeys.web.forms import NewKeyForm
from core.clock import now

#: Seconds for which a form that was sent is known again.
FORM_KEPT_S = 24 * 3600


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """The list; a form that was sent to it makes a key, which the answer shows this once."""
    if request.method != "POST":
        return _page(request, NewKeyForm())
    form = NewKeyForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    # A page that is loaded again sends its form again: the same form makes one key.
    once = form.cleaned_data["once"]
    if once and not cache.add(f"new-key:{_user(request).pk}:{once}", True, timeout=FORM_KEPT_S):
        messages.info(request, _("This key was made already, and is not shown again."))
        return redirect("account-keys")
    try:
        row, key = create_key(
            user_id=_user(request).pk, title=form.cleaned_data["title"], expires_at=form.expires_at
        )
    except TooManyKeys:
        form.add_error(None, _("You have 100 keys. Revoke one first."))
        return _page(request, form, status=409)
    except KeyExpiryInvalid:
        form.add_error("last_day", _("This day is over."))
        return _page(request, form, status=400)
    return _page(request, NewKeyForm(), new=row, new_key=key)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """Ask whether a key shall be revoked, and revoke it."""
    user_id = _user(request).pk
    if request.method != "POST":
        row = keys_of(user_id=user_id).filter(pk=key_id, revoked_at__isnull=True).first()
        if row is None:
            raise Http404
        return render(request, "apikeys/revoke.html", {"key": row})
    try:
        row = revoke_key(user_id=user_id, key_id=key_id)
    except ApiKeyNotFound:
        raise Http404 from None
    messages.success(request, _("The key “%(title)s” was revoked.") % {"title": row.title})
    return redirect("account-keys")


def _page(
    request: HttpRequest, form: NewKeyForm, *, status: int = 200, new: ApiKey | None = None, new_key: str = ""
) -> HttpResponse:
    rows = list(keys_of(user_id=_user(request).pk))
    page = {
        "form": form,
        "new": new,
        "new_key": new_key,
        "keys": [row for row in rows if not row.is_revoked],
        "revoked": [row for row in rows if row.is_revoked],
        "now": now(),
    }
    return render(request, "apikeys/keys.html", page, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
