"""Every surface's operations, with the table that renders their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from accounts.api import openapi as accounts
from accounts.api.errors import ERRORS as ACCOUNTS
from anime_search.api.tracemoe import openapi as tracemoe
from anime_search.api.tracemoe.errors import ERRORS as TRACEMOE
from anime_search.api.tracemoe_legacy import openapi as legacy
from anime_search.api.tracemoe_legacy.errors import ERRORS as LEGACY
from anime_search.api.whatanime import openapi as whatanime
from anime_search.api.whatanime.errors import ERRORS as WHATANIME
from apikeys.api import openapi as apikeys
from apikeys.api.errors import ERRORS as APIKEYS
from core.openapi import Operation, Schema
from core.surfaces import ErrorTable
from deepfake.api.aividect import openapi as aividect
from deepfake.api.aividect.errors import ERRORS as AIVIDECT
from rankings.api import openapi as rankings
from rankings.api.errors import ERRORS as RANKINGS


@dataclass(frozen=True, slots=True)
class Section:
    """Operations of one surface that share a table of errors.

    Attributes:
        surface: name of the surface.
        error_schema: name of the schema of its errors' bodies.
    """

    surface: str
    operations: tuple[Operation, ...]
    schemas: dict[str, Schema]
    table: ErrorTable
    error_schema: str


SECTIONS: Final = (
    Section("whatanime", whatanime.OPERATIONS, whatanime.SCHEMAS, WHATANIME, "SceneError"),
    Section("whatanime", rankings.OPERATIONS, rankings.SCHEMAS, RANKINGS, "SceneError"),
    Section("whatanime", apikeys.OPERATIONS, apikeys.SCHEMAS, APIKEYS, "SceneError"),
    Section("tracemoe", tracemoe.OPERATIONS, tracemoe.SCHEMAS, TRACEMOE, "SearchError"),
    Section("tracemoe-legacy", legacy.OPERATIONS, legacy.SCHEMAS, LEGACY, "TraceError"),
    Section("aividect", aividect.OPERATIONS, aividect.SCHEMAS, AIVIDECT, "DetectorError"),
    Section("accounts", accounts.OPERATIONS, accounts.SCHEMAS, ACCOUNTS, "AccountError"),
)
