"""What was searched, for staff to look at: rows come from searches alone."""

from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from rankings.models import MatchFeedback, SearchEvent, Tally, UnsureMatch


class SearchedAdmin(ReadOnlyAdmin):
    # A title or a video that was deleted leaves its rows; a join would hide them.
    list_select_related = False


@admin.register(SearchEvent)
class SearchEventAdmin(SearchedAdmin):
    ordering = ("-found_at",)
    list_display = ("found_at", "anime_id", "video_id", "at_ms", "similarity", "confirmed")
    list_filter = ("day", "confirmed")
    search_fields = ("=anime__anilist_id",)
    exclude = ("caller", "anime", "video")
    readonly_fields = ("anime_id", "video_id")


@admin.register(UnsureMatch)
class UnsureMatchAdmin(SearchedAdmin):
    ordering = ("-found_at",)
    list_display = ("found_at", "anime_id", "video_id", "at_ms", "similarity", "position")
    search_fields = ("=anime__anilist_id",)
    exclude = ("caller", "anime", "video")
    readonly_fields = ("anime_id", "video_id")


@admin.register(MatchFeedback)
class MatchFeedbackAdmin(SearchedAdmin):
    ordering = ("-judged_at",)
    list_display = (
        "judged_at",
        "is_right",
        "confident",
        "position",
        "anime_id",
        "video_id",
        "at_ms",
        "probability",
    )
    list_filter = ("is_right", "confident", "descriptor")
    search_fields = ("=anime__anilist_id", "=search_id")
    exclude = ("anime", "video", "vector")
    readonly_fields = ("anime_id", "video_id")


@admin.register(Tally)
class TallyAdmin(SearchedAdmin):
    ordering = ("-start", "-count")
    list_display = ("period", "start", "anime_id", "count")
    list_filter = ("period",)
    date_hierarchy = "start"
    search_fields = ("=anime__anilist_id",)
    exclude = ("anime",)
    readonly_fields = ("anime_id",)
