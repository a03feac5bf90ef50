"""The admin's own pages: its name, and the dashboard that it opens with."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from config.admin_dashboard import panels_for


class StaffSite(AdminSite):
    site_header = site_title = "Frameproof"
    index_title = _("Today")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"panels": panels_for(request, self), **(extra_context or {})})
