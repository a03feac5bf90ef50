"""Titles' metadata: asked of AniList, or read from files that were downloaded elsewhere."""
