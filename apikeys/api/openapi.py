"""What ``/api/apikeys`` takes and answers, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_noop as _

from accounts.errors import OriginForeign
from apikeys.api.requests import MOST_PAGE_SIZE, PAGE_SIZE
from apikeys.errors import (
    ApiKeyNotFound,
    KeyExpiryInvalid,
    KeyGuessingLimited,
    KeyTitleInvalid,
    SignInRequired,
    TooManyKeys,
)
from core.openapi import (
    SESSION,
    Answer,
    Operation,
    Sample,
    Schema,
    flag,
    in_path,
    in_query,
    list_of,
    or_null,
    record,
    ref,
    text,
    whole,
)
from core.surfaces import BodyMalformed, BodyTooLarge

_KEY: Final[dict[str, Schema]] = {
    "id": whole(_("The key's number, by which it is revoked.")),
    "title": text(_("Your name for it.")),
    "prefix": text(_("How the key begins, to tell it by.")),
    "createdAt": text(format="date-time"),
    "lastUsedAt": or_null(text(format="date-time")),
    "expiresAt": or_null(text(_("After this it no longer works; null is never."), format="date-time")),
    "revokedAt": or_null(text(_("When it was revoked."), format="date-time")),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "Key": record(_KEY),
    "NewKey": record({**_KEY, "key": text(_("The key itself, which is shown this once."))}),
    "Keys": record(
        {
            "items": list_of(ref("Key"), _("Newest first.")),
            "page": whole(),
            "pageSize": whole(),
            "total": whole(),
            "totalPages": whole(),
        }
    ),
    "KeyWanted": record(
        {
            "title": text(_("A name to tell the key by."), minLength=1, maxLength=100),
            "expiresAt": or_null(text(_("When it ends (ISO 8601); left out: never."), format="date-time")),
        },
        optional=("expiresAt",),
    ),
    "KeyFound": record({"key": text(_("The key that was found."))}),
}

_EXAMPLE: Final[dict[str, Any]] = {
    "id": 7,
    "title": "my-key",
    "prefix": "ak_x7Kp9mN2",
    "createdAt": "2026-01-01T12:30:00.000Z",
    "lastUsedAt": None,
    "expiresAt": None,
    "revokedAt": None,
}

OPERATIONS: Final = (
    Operation(
        method="get",
        path="/api/apikeys",
        name="listKeys",
        summary=_("Your API keys"),
        auth=(SESSION,),
        parameters=(
            in_query("page", whole(minimum=1, default=1), _("The page, from 1.")),
            in_query(
                "pageSize",
                whole(minimum=1, maximum=MOST_PAGE_SIZE, default=PAGE_SIZE),
                _("Entries on a page."),
            ),
        ),
        answers={
            200: Answer(
                _("A page of keys, without the keys themselves."),
                ref("Keys"),
                {"items": [_EXAMPLE], "page": 1, "pageSize": 20, "total": 1, "totalPages": 1},
            )
        },
        errors=(SignInRequired,),
        sample=Sample(auth=SESSION),
    ),
    Operation(
        method="post",
        path="/api/apikeys",
        name="createKey",
        summary=_("Make an API key"),
        description=_("The key is in this answer and nowhere else: only a digest of it is kept."),
        auth=(SESSION,),
        bodies={
            "application/json": ref("KeyWanted"),
            "application/x-www-form-urlencoded": ref("KeyWanted"),
        },
        answers={
            201: Answer(
                _("The key."),
                ref("NewKey"),
                {**_EXAMPLE, "key": "ak_x7Kp9mN2xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
            )
        },
        errors=(
            SignInRequired,
            OriginForeign,
            KeyTitleInvalid,
            KeyExpiryInvalid,
            TooManyKeys,
            BodyMalformed,
            BodyTooLarge,
        ),
        sample=Sample(auth=SESSION, json={"title": "my-key"}),
        can_try=False,
    ),
    Operation(
        method="delete",
        path="/api/apikeys/{key_id}",
        name="revokeKey",
        summary=_("Revoke an API key"),
        description=_("It stops working at once, and stays in the list."),
        auth=(SESSION,),
        parameters=(in_path("key_id", _("The key's number."), whole()),),
        answers={
            200: Answer(
                _("The key as it is now."),
                ref("Key"),
                {**_EXAMPLE, "revokedAt": "2026-01-02T08:00:00.000Z"},
            )
        },
        errors=(SignInRequired, OriginForeign, ApiKeyNotFound),
        sample=Sample(auth=SESSION, path={"key_id": "KEY_ID"}),
        is_own=True,
        can_try=False,
    ),
    Operation(
        method="post",
        path="/api/apikeys/revoke-leaked",
        name="revokeLeakedKey",
        summary=_("Revoke a key that you found"),
        description=_("For scanners and finders: whoever holds a key may end it, and learns no more."),
        bodies={
            "application/json": ref("KeyFound"),
            "application/x-www-form-urlencoded": ref("KeyFound"),
        },
        answers={
            200: Answer(
                _("Whether a key of ours was ended by this."),
                record({"revoked": flag(_("False where it is none of ours, or was ended before."))}),
                {"revoked": True},
            )
        },
        errors=(KeyGuessingLimited, BodyMalformed, BodyTooLarge),
        sample=Sample(json={"key": "LEAKED_KEY"}),
        is_own=True,
        can_try=False,
    ),
)
