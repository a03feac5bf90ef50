"""Titles, videos, ingest jobs and shared results for staff."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin, messages
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from anime_search.models import Anime, FrameTrackFile, IngestJob, SharedResult, Video, VideoFile
from anime_search.shared_answers import answer_as_it_was
from anime_search.sharing import withdraw_shares
from core.admin import AskFirst, ReadOnlyAdmin, log_changes


@admin.register(Anime)
class AnimeAdmin(admin.ModelAdmin):
    ordering = ("anilist_id",)
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}
    list_display = (
        "anilist_id",
        "display_title",
        "title_native",
        "season_year",
        "format",
        "is_adult",
        "metadata_at",
    )
    list_filter = ("format", "is_adult", "metadata_missing", "season_year")
    search_fields = (
        "=anilist_id",
        "title_romaji",
        "title_native",
        "title_english",
        "title_chinese",
        "title_korean",
    )


class VideoFileInline(admin.TabularInline):
    model = VideoFile
    extra = 0
    can_delete = False
    fields = readonly_fields = ("path", "size", "seen_at")


class FrameTrackInline(admin.TabularInline):
    model = FrameTrackFile
    extra = 0
    can_delete = False
    fields = readonly_fields = ("descriptor", "frames", "sha256", "made_at")


@admin.register(Video)
class VideoAdmin(admin.ModelAdmin):
    list_display = (
        "filename",
        "anime",
        "season",
        "episode",
        "kind",
        "duration_ms",
        "width",
        "height",
        "indexed_at",
    )
    list_filter = ("kind", "codec")
    list_select_related = ("anime",)
    search_fields = ("filename", "title", "=anime__anilist_id", "anime__title_romaji", "sha256")
    autocomplete_fields = ("anime",)
    readonly_fields = ("sha256", "size", "duration_ms", "width", "height", "fps", "codec", "indexed_at")
    inlines: ClassVar = [VideoFileInline, FrameTrackInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(IngestJob)
class IngestJobAdmin(admin.ModelAdmin):
    list_display = ("path", "status", "outcome", "fault", "message", "attempts", "created_at", "ended_at")
    list_filter = ("status", "outcome", "fault")
    search_fields = ("path", "message")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: IngestJob | None = None) -> bool:
        return False


@admin.action(description=_("Withdraw the chosen results"), permissions=["delete_state"])
def withdraw_chosen(
    model_admin: SharedResultAdmin, request: HttpRequest, queryset: models.QuerySet[SharedResult]
) -> HttpResponse | None:
    """End the links of the chosen results, and delete their pictures."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="withdraw_chosen",
        title=_("Withdraw shared results"),
        button=_("End their links and delete their pictures"),
    )
    if not asked.is_answered:
        return asked.page()
    with transaction.atomic():
        log_changes(request, [(row, "Withdrawn.") for row in asked.rows])
        withdraw_shares(rows=asked.rows)
    count = len(asked.rows)
    text = ngettext("%d result was withdrawn.", "%d results were withdrawn.", count)
    model_admin.message_user(request, text % count, messages.SUCCESS)
    return None


@admin.register(SharedResult)
class SharedResultAdmin(ReadOnlyAdmin):
    """What is shared, and by which account; the pictures are for those who have the links."""

    ordering = ("-pk",)
    list_display = ("public_id", "created_at", "expires_at", "owner", "title")
    list_filter = ("created_at", "expires_at")
    list_select_related = ("owner",)
    search_fields = ("=public_id", "=owner__email")
    search_help_text = _("id, or e-mail address of the owner")
    fields: ClassVar = ("public_id", "owner", "title", "created_at", "expires_at")
    actions: ClassVar = [withdraw_chosen]

    def has_delete_state_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("anime_search.delete_sharedresult")

    @admin.display(description=_("title"))
    def title(self, row: SharedResult) -> str:
        """Of the best of what was found."""
        return answer_as_it_was(row.result).candidates[0].title
