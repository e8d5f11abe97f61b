"""Form fields and params: from a client's text to validated values, or a refusal that says which is wrong."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from errors import InvalidRequest
from schemas import PARAMS, AnalysisType, Params

MAX_PARAMS_BYTES = 16_000
MAX_FILENAME = 200

MAX_TOLD = 20
"""Of what is wrong with params: whoever sends a thousand unknown keys knows by then."""

MAX_TOLD_CHARACTERS = 200

_UNSHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of Unicode: control, formatting (which turns text round), surrogates, private, unassigned, line ends."""


def refuse(field: str, words: str) -> InvalidRequest:
    """The refusal of one field."""
    return InvalidRequest(f"{field}: {words}", details=[{"loc": field.split("."), "msg": words}])


def read_analysis_type(text: str) -> AnalysisType:
    try:
        return AnalysisType(text)
    except ValueError as error:
        raise refuse("analysis_type", f"must be one of: {', '.join(AnalysisType)}") from error


def read_token(text: str) -> bool:
    """Whether a token is asked for."""
    if text not in ("true", "false"):
        raise refuse("token", "must be true or false")
    return text == "true"


def read_params(analysis_type: AnalysisType, text: str) -> Params:
    """Params from JSON text; types are JSON's own, so that "6" is no number."""
    if len(text.encode()) > MAX_PARAMS_BYTES:
        raise refuse("params", f"is longer than {MAX_PARAMS_BYTES} bytes")
    try:
        given = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except RecursionError as error:
        raise refuse("params", "is nested too deep") from error
    except ValueError as error:
        raise refuse("params", f"is not JSON we read: {error}") from error
    if not isinstance(given, dict):
        raise refuse("params", "must be a JSON object")
    return _validated(analysis_type, given, prefix=("params",), strict=True)


def read_legacy_params(analysis_type: AnalysisType, fields: Mapping[str, str]) -> Params:
    """Params from form fields of their own, as legacy clients send them."""
    return _validated(analysis_type, fields, prefix=(), strict=False)


def display_name(filename: str) -> str:
    """A client's file name as shown to people: one line, no folders, nothing that hides or reorders text."""
    last = PurePosixPath(filename.replace("\\", "/")).name
    shown = "".join(c for c in last if unicodedata.category(c) not in _UNSHOWN).strip()
    return shown[:MAX_FILENAME] or "video"


def _validated(analysis_type: AnalysisType, given: Mapping[str, Any], prefix: tuple[str, ...], strict: bool) -> Params:
    try:
        return PARAMS[analysis_type].model_validate(dict(given), strict=strict)
    except ValidationError as error:
        details = [
            {"loc": [*prefix, *map(_short, wrong["loc"])], "msg": wrong["msg"]} for wrong in error.errors()[:MAX_TOLD]
        ]
        words = "; ".join(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in details)
        raise InvalidRequest(words, details=details) from error


def _short(key: int | str) -> int | str:
    """A client's own key, as it is told of."""
    return key if isinstance(key, int) else key[:MAX_TOLD_CHARACTERS]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            raise ValueError(f"{_short(key)!r} is given twice")
    return dict(pairs)
