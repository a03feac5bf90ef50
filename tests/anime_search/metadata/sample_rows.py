"""Rows in the shapes of AniList and of the offline files."""

from __future__ import annotations

from typing import Any

CHINESE: dict[str, Any] = {"id": 1, "title": "星際牛仔", "synonyms": ["惡男傑特"]}
KOREAN: dict[str, Any] = {"id": 1, "title_korean": "카우보이 비밥"}
OFFLINE: dict[str, Any] = {
    "sources": [
        "https://anidb.net/anime/23",
        "https://anilist.co/anime/1",
        "https://myanimelist.net/anime/1",
    ],
    "title": "Cowboy Bebop",
    "type": "TV",
    "episodes": 26,
    "animeSeason": {"season": "SPRING", "year": 1998},
    "picture": "https://img.example/19644.jpg",
    "synonyms": ["COWBOY BEBOP", "Kowboj Bibop"],
}


def media(anilist_id: int, **changes: Any) -> dict[str, Any]:
    """A Media object in the shape of AniList's answers, with telling values."""
    return {
        "id": anilist_id,
        "idMal": anilist_id + 1000,
        "type": "ANIME",
        "title": {
            "native": f"題名{anilist_id}",
            "romaji": f"Daimei {anilist_id}",
            "english": f"Title {anilist_id}",
        },
        "synonyms": [f"T{anilist_id}"],
        "season": "SPRING",
        "seasonYear": 1998,
        "startDate": {"year": 1998, "month": 4},
        "format": "TV",
        "episodes": 26,
        "isAdult": False,
        "countryOfOrigin": "JP",
        "coverImage": {
            "large": f"https://img.example/medium/{anilist_id}.jpg",
            "extraLarge": f"https://img.example/large/{anilist_id}.jpg",
        },
        **changes,
    }


def page(*found: object, has_next: bool = False, **beside: object) -> dict[str, object]:
    """A GraphQL answer with one page; ``beside`` stands beside its data."""
    return {"data": {"Page": {"pageInfo": {"hasNextPage": has_next}, "media": list(found)}}, **beside}
