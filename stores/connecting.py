"""Opens a store for files by its address, and says in words what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from errors import CannotStart

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig


@dataclass(frozen=True)
class Patience:
    """How long a store is waited for: to take a call, to say anything, for one request, and for it and all its
    repetitions; seconds."""

    connect: float
    silence: float
    request: float
    together: float
    repeats: int

    def client(self, plain: bool) -> ClientConfig:
        return {
            "allow_http": plain,
            "connect_timeout": timedelta(seconds=self.connect),
            "read_timeout": timedelta(seconds=self.silence),
            "timeout": timedelta(seconds=self.request),
        }

    def retries(self) -> RetryConfig:
        backoff = timedelta(milliseconds=100), timedelta(seconds=5)
        return {
            "backoff": {"init_backoff": backoff[0], "max_backoff": backoff[1], "base": 2},
            "max_retries": self.repeats,
            "retry_timeout": timedelta(seconds=self.together),
        }


WORKING = Patience(connect=5, silence=30, request=120, together=45, repeats=1000)
"""For who carries files to and fro: as often as its time allows. Pauses are by chance, and most of them short."""

ANSWERING = Patience(connect=2, silence=3, request=15, together=3, repeats=2)
"""For who has a client waiting."""


def opened(url: SplitResult, prefix: str, patience: Patience, environ: Mapping[str, str]) -> ObjectStore:
    """Raises CannotStart where that shows without asking the store."""
    endpoint = next((found for name in _ENDPOINTS.get(url.scheme, ()) if (found := environ.get(name))), "")
    client, retries = patience.client(endpoint.startswith("http://")), patience.retries()
    below = prefix or None
    try:
        match url.scheme:
            case "s3":
                return S3Store(url.netloc, prefix=below, client_options=client, retry_config=retries)
            case "gs":
                return GCSStore(url.netloc, prefix=below, client_options=client, retry_config=retries)
            case "az":
                return AzureStore(url.netloc, prefix=below, client_options=client, retry_config=retries)
            case _:
                return LocalStore(url.path, mkdir=True, automatic_cleanup=True)
    except (OSError, ValueError, BaseError) as error:
        raise CannotStart(f"STORAGE_URL={url.geturl()}: {wrong_with(error)}") from error


_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}


ROLES_ADDRESS = "169.254.169.254"
"""Where machines in a cloud are told the credentials of their role."""


def wrong_with(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such bucket"
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return f"the credentials are refused, or do not allow to write, read and delete there ({first_line(error)})"
    if ROLES_ADDRESS in str(error):
        return "the environment has no credentials for it, nor has this machine a role"
    return first_line(error)


def first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].partition("<?xml")[0].rstrip(": ")
