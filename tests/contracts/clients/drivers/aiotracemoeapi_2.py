"""Searches with ``aiotracemoeapi`` 2, which most programs of its day use; its host is replaced and nothing else."""

import asyncio
import io
import json
import sys
from pathlib import Path

from aiotracemoeapi import TraceMoe

asked = json.loads(sys.argv[1])


def client(token=None):
    made = TraceMoe(token)
    made.api_url = asked["site"]
    return made


async def main():
    guest, owner = client(), client(asked["key"])
    told = {
        "me": await guest.me(),
        "me_of_key": await owner.me(),
        "path": await guest.search(asked["picture"]),
        "bytes": await owner.search(io.BytesIO(Path(asked["picture"]).read_bytes())),
        "filtered": await guest.search(asked["picture"], ani_list_id=asked["anilist_id"]),
        "filtered_away": await guest.search(asked["picture"], ani_list_id=7),
    }
    print(json.dumps({name: model.model_dump(mode="json") for name, model in told.items()}))


asyncio.run(main())
