"""Signs addresses of objects in S3: AWS Signature Version 4, in the query. Pure arithmetic on text.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Keys:
    """What a signature is made with; nothing of it but the id is ever sent or logged."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    session_token: str = field(default="", repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Keys | None:
        """None where the environment has none: they may be had from the machine's role, which is not ours to read."""
        key, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        token = environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_TOKEN") or ""
        return cls(key, secret, region, token) if key and secret else None


def signed(method: str, address: str, query: Mapping[str, str], keys: Keys, at: datetime, seconds: int) -> str:
    """The address, its path already percent-encoded and without a query, as it may be called by this method with this
    query until `seconds` after `at`."""
    url = urlsplit(address)
    instant = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{instant[:8]}/{keys.region}/s3/aws4_request"
    given = dict(query) | {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{keys.access_key_id}/{scope}",
        "X-Amz-Date": instant,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if keys.session_token:
        given["X-Amz-Security-Token"] = keys.session_token
    text = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(given.items()))
    asked = "\n".join((method, url.path, text, f"host:{url.netloc}", "", "host", "UNSIGNED-PAYLOAD"))
    to_sign = "\n".join((ALGORITHM, instant, scope, hashlib.sha256(asked.encode()).hexdigest()))
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{address}?{text}&X-Amz-Signature={key.hex()}"


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
