"""Errors of this part of the whatanimeisthis API: those of the dialect, and one for parameters."""

from __future__ import annotations

from typing import Final

from anime_search.api.whatanime.errors import ERRORS as OF_THE_DIALECT
from anime_search.api.whatanime.errors import failed
from core.surfaces import ErrorTable
from rankings.errors import ParameterInvalid

ERRORS: Final[ErrorTable] = {**OF_THE_DIALECT, ParameterInvalid: lambda error: failed(error, 400)}
