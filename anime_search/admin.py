"""Titles, videos and ingest jobs for staff."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from anime_search.models import Anime, FrameTrackFile, IngestJob, Video, VideoFile


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
