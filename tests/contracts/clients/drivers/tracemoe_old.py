"""Does all that ``tracemoe`` offers, which speaks the old API; its hosts are replaced and nothing else."""

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from tracemoe import ATraceMoe, TraceMoe

asked = json.loads(sys.argv[1])


def pointed_here(made):
    for name in ("api_url", "main_url", "media_url"):
        scheme, host = asked["site"].split("://")
        setattr(made, name, urlsplit(getattr(made, name))._replace(scheme=scheme, netloc=host).geturl())
    return made


def client(token=""):
    return pointed_here(TraceMoe(token))


def keep(name, content):
    Path(asked["folder"], name).write_bytes(content)


async def asynchronously():
    api = pointed_here(ATraceMoe())
    try:
        found = await api.search(asked["picture"])
        keep("async.jpg", await api.image_preview(found))
        keep("async.mp4", await api.video_preview(found))
        keep("async-scene.mp4", await api.video_preview_natural(found, mute=True))
        return {
            "me": await api.me(),
            "file": found,
            "url": await api.search(asked["picture_url"], is_url=True),
            "missing_url": await api.search(asked["missing_url"], is_url=True),
        }
    finally:
        await api.session.close()


guest, owner = client(), client(asked["key"])
told = {"me": guest.me(), "me_of_key": owner.me(), "me_of_wrong_key": client("wrong").me()}
told["file"] = found = guest.search(asked["picture"])
told["filtered"] = guest.search(asked["picture"], search_filter=asked["anilist_id"])
told["filtered_away"] = guest.search(asked["picture"], search_filter=7)
told["url"] = guest.search(asked["picture_url"], is_url=True)
told["of_key"] = owner.search(asked["picture"])
told["missing_url"] = guest.search(asked["missing_url"], is_url=True)
keep("thumbnail.jpg", guest.image_preview(found))
keep("preview.mp4", guest.video_preview(found))
keep("scene.mp4", guest.video_preview_natural(found))
keep("mute.mp4", guest.video_preview_natural(found, mute=True))
try:
    asyncio.run(asynchronously())
except AttributeError as error:
    told["why_not_asynchronous"] = str(error)
# The class sets its session's headers, which aiohttp allowed before 3.7; with that given back, the rest is as it was.
aiohttp.ClientSession.headers = aiohttp.ClientSession.headers.setter(
    lambda session, headers: session.headers.update(headers)
)
told["asynchronous"] = asyncio.run(asynchronously())
print(json.dumps(told))
