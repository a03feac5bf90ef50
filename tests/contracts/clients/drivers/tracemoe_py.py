"""Does all that ``tracemoe-py`` offers, which speaks today's API; its host is replaced and nothing else."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import tracemoe

asked = json.loads(sys.argv[1])
tracemoe.BASE_URL = asked["site"] + "/"


async def raised_by(call):
    try:
        await call
    except tracemoe.TraceMoeException as error:
        return [type(error).__name__, str(error)]
    return None


async def keep(name, url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200, await response.text()
        Path(asked["folder"], name).write_bytes(await response.read())


async def main():
    told = {}
    async with tracemoe.TraceMoe() as guest:
        told["me"] = await guest.me()
        with Path(asked["picture"]).open("rb") as file:
            told["file"] = await guest.search(file)
        told["url"] = await guest.search(asked["picture_url"])
        told["with_everything"] = await guest.search(
            asked["picture_url"], cut_borders=True, anilist_id=asked["anilist_id"], anilist_info=True
        )
        told["filtered_away"] = await guest.search(asked["picture_url"], anilist_id=7)
        told["missing_url"] = await raised_by(guest.search(asked["missing_url"]))
        told["no_url"] = await raised_by(guest.search("nothing"))
        with Path(__file__).open("rb") as file:
            told["no_picture"] = await raised_by(guest.search(file))
    async with tracemoe.TraceMoe(session=aiohttp.ClientSession(), api_key=asked["key"]) as owner:
        told["me_of_key"] = await owner.me()
        told["of_key"] = await owner.search(asked["picture_url"])
    async with tracemoe.TraceMoe(api_key="wrong") as stranger:
        told["wrong_key"] = await raised_by(stranger.me())
        told["search_with_wrong_key"] = await raised_by(stranger.search(asked["picture_url"]))
    async with tracemoe.TraceMoe(api_key=asked["small_key"]) as small:
        await small.search(asked["picture_url"])
        told["day_is_over"] = await raised_by(small.search(asked["picture_url"]))
    best = told["file"][0]
    await keep("image.jpg", best["image"])
    await keep("large.jpg", best["image"] + "?size=l")
    await keep("scene.mp4", best["video"])
    await keep("mute.mp4", best["video"] + "?size=s&mute")
    print(json.dumps(told))


asyncio.run(main())
