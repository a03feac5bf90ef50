"""Does all that ``aiotracemoeapi`` 4 offers, which speaks today's API; its host is replaced and nothing else."""

import asyncio
import io
import json
import sys
from pathlib import Path

import httpx
from aiotracemoeapi import CutBorders, TraceMoe, TraceMoeAPIError

asked = json.loads(sys.argv[1])
picture = Path(asked["picture"])


def client(token=None, **options):
    return TraceMoe(token, base_url=asked["site"], **options)


async def raised_by(call):
    try:
        await call
    except TraceMoeAPIError as error:
        more = {
            name: getattr(error, name)
            for name in ("quota", "quota_used", "retry_after")
            if hasattr(error, name)
        }
        return [type(error).__name__, error.status_code, error.text, more]
    return None


async def keep(name, url):
    async with httpx.AsyncClient() as session:
        response = await session.get(url)
    assert response.status_code == 200, response.text
    Path(asked["folder"], name).write_bytes(response.content)


def plain(model):
    return model.model_dump(mode="json")


async def everything():
    told = {}
    async with client() as api:
        told["me"] = plain(await api.me())
        found = await api.search(picture)
        told["path"] = plain(found)
        told["bytes"] = plain(await api.search(picture.read_bytes(), cut_borders=CutBorders.BOTH))
        told["file"] = plain(await api.search(io.BytesIO(picture.read_bytes()), cut_borders=False))
        told["url"] = plain(await api.search(asked["picture_url"]))
        told["number_alone"] = plain(
            await api.search(picture, anilist_info=False, anilist_id=asked["anilist_id"])
        )
        told["filtered_away"] = plain(await api.search(picture, anilist_id=7))
        told["no_url"] = await raised_by(api.search("http://[", is_url=True))
        told["missing_url"] = await raised_by(api.search(asked["missing_url"]))
        told["no_picture"] = await raised_by(api.search(b"no picture"))
        told["too_large"] = await raised_by(api.search(bytes(26 * 1024 * 1024)))
        told["vector"] = await raised_by(api.search_vector([0.0] * 33))
        told["at_a_time"] = await asyncio.gather(
            *(raised_by(api.search(asked["slow_url"])) for _ in range(2))
        )
    async with client("wrong") as api:
        told["wrong_key"] = await raised_by(api.me())
    async with client(asked["key"]) as api:
        told["me_of_key"] = plain(await api.me())
        told["of_key"] = plain(await api.search(picture))
        told["three_at_a_time"] = await asyncio.gather(
            *(raised_by(api.search(asked["slow_url"])) for _ in range(3))
        )
    async with client(max_retries=3, retry_delay=1.0) as api:
        told["retried"] = await asyncio.gather(*(raised_by(api.search(asked["slow_url"])) for _ in range(2)))
    async with client(asked["small_key"]) as api:
        await api.search(picture)
        told["day_is_over"] = await raised_by(api.search(picture))
        told["minute_is_over"] = await raised_by(api.search(picture))
    best = found.best_result
    told["best"] = [
        best.anilist_id,
        best.anilist_info.title.romaji,
        best.anilist_info.mal_url,
        best.short_similarity(),
    ]
    await keep("image.jpg", best.image_url())
    await keep("small.jpg", best.image_url("s"))
    await keep("scene.mp4", best.video_url())
    await keep("mute.mp4", best.video_url("l", mute=True, min_duration=1.0, max_duration=2.0))
    return told


async def once():
    async with client() as api:
        return {
            "me": plain(await api.me()),
            "with_info": plain(await api.search(picture)),
            "without_info": plain(await api.search(picture, anilist_info=False)),
        }


print(json.dumps(asyncio.run(once() if asked.get("once") else everything())))
