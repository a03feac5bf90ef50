"""Every address of the site, by app."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

#: Staff sign in where everybody does: there the limits on wrong passwords hold, and the second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler400 = "core.error_pages.bad_request"
handler403 = "core.error_pages.forbidden"
handler404 = "core.error_pages.not_found"
handler500 = "core.error_pages.server_error"
#: Not one of Django's: allauth asks for it.
handler429 = "core.error_pages.too_many_requests"

urlpatterns = [
    path("", include("anime_search.web.urls")),
    path("", include("rankings.web.urls")),
    path("", include("status.web.urls")),
    path("", include("pwa.urls")),
    path("", include("accounts.web.urls")),
    path("", include("accounts.api.urls")),
    path("", include("apikeys.web.urls")),
    path("", include("apikeys.api.urls")),
    path("", include("credits.web.urls")),
    path("", include("credits.payments.api.urls")),
    path("", include("deepfake.web.urls")),
    path("", include("deepfake.api.aividect.urls")),
    path("", include("docs_site.urls")),
    # Before the search's own, which ends with an answer to everything else under /api/anime/.
    path("", include("rankings.api.urls")),
    path("", include("anime_search.api.whatanime.urls")),
    path("", include("anime_search.api.tracemoe_legacy.urls")),
    path("", include("anime_search.api.tracemoe.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
