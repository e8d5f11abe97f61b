"""What a request by the tus protocol says in its head, or why it says it wrong."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from starlette.requests import Request

from api.forms import MAX_PARAMS_BYTES, refuse
from errors import HttpRefusal

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK_TYPE = "application/offset+octet-stream"

MAX_METADATA = 2 * MAX_PARAMS_BYTES
FIELDS = ("filename", "analysis_type", "params", "token")
"""What is read of the metadata; stock clients send more."""

ASKED: dict[str, Any] = {
    "parameters": [
        {"in": "header", "name": name, "required": False, "schema": {"type": "string"}, "description": words}
        for name, words in (
            ("Tus-Resumable", "1.0.0"),
            ("Upload-Length", "The video's size in bytes, where an upload is begun"),
            ("Upload-Offset", "Where the bytes of a PATCH belong"),
            (
                "Upload-Metadata",
                "`filename`, `analysis_type`, `params`: each with its value in base64, comma-separated",
            ),
        )
    ]
}

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
