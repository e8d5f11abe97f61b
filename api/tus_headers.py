"""What a request by the tus protocol says in its head, or why it says it wrong."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from fastapi.responses import JSONResponse
from starlette.requests import Request

from api.forms import MAX_PARAMS_BYTES, refuse
from api.routes import errors
from errors import HttpRefusal
from schemas import UploadBody

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK_TYPE = "application/offset+octet-stream"

MAX_METADATA = 2 * MAX_PARAMS_BYTES
FIELDS = ("filename", "analysis_type", "params", "token")
"""What is read of the metadata; stock clients send more."""

_ASKED = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": "The video's size in bytes",
    "Upload-Metadata": "`filename`, `analysis_type`, `params`, `token`: each with its value in base64, comma-separated",
    "Upload-Offset": "Where the bytes of this request belong",
}
_REFUSED = {
    400: "A header is wrong, or it is not a video we read",
    404: "Unknown, deleted or expired",
    409: "The upload is elsewhere, or not complete yet",
    412: "Another version of the protocol",
    413: "Larger than accepted, or than announced",
    415: "The bytes have another type than the protocol's",
    423: "Another request is at it",
    429: "Too many are unfinished, or wait already",
    507: "The disk is full",
}


def _declared(status: int, asked: tuple[str, ...], refused: tuple[int, ...]) -> dict[str, Any]:
    parameters = [
        {"in": "header", "name": name, "required": False, "schema": {"type": "string"}, "description": _ASKED[name]}
        for name in asked
    ]
    answers = errors(**{f"_{code}": _REFUSED[code] for code in refused})
    return {"status_code": status, "responses": answers, "openapi_extra": {"parameters": parameters}}


DECLARED: dict[str, dict[str, Any]] = {
    "create": _declared(201, ("Tus-Resumable", "Upload-Length", "Upload-Metadata"), (400, 412, 413, 429, 507)),
    "append": _declared(204, ("Tus-Resumable", "Upload-Offset"), (400, 404, 409, 412, 413, 415, 423, 507)),
    "answer": _declared(200, (), (404, 409)) | {"response_model": UploadBody, "response_class": JSONResponse},
    "end": _declared(204, ("Tus-Resumable",), (404, 412)),
}
"""What OpenAPI says of each endpoint. What the protocol itself describes (HEAD, OPTIONS) is not declared."""

_NUMBER = re.compile(r"[0-9]{1,15}")


def check_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != TUS["Tus-Resumable"]:
        raise HttpRefusal("Send Tus-Resumable: 1.0.0, the version that is spoken here", 412, "tus_version")


def check_type(request: Request) -> None:
    if request.headers.get("content-type") != CHUNK_TYPE:
        raise HttpRefusal(f"Send the bytes as {CHUNK_TYPE}", 415, "unsupported_media_type")


def number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not _NUMBER.fullmatch(text):
        raise refuse(header, "must be a number of bytes" if text else "is missing")
    return int(text)


def overridden(request: Request) -> str:
    return request.headers.get("x-http-method-override", "").upper()


def read_metadata(text: str) -> dict[str, str]:
    """The fields that are known here. Raises InvalidRequest."""
    if len(text) > MAX_METADATA:
        raise refuse("Upload-Metadata", f"is longer than {MAX_METADATA} bytes")
    fields: dict[str, str] = {}
    seen = set()
    for pair in filter(None, text.split(",")):
        name, _, value = pair.strip().partition(" ")
        if name in seen or not name:
            raise refuse("Upload-Metadata", "gives a key twice" if name else "has an empty key")
        seen.add(name)
        if name in FIELDS:
            fields[name] = _decoded(name, value)
    return fields


def _decoded(name: str, value: str) -> str:
    try:
        return base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise refuse(name, "is not UTF-8 text in base64, as Upload-Metadata asks for") from error
