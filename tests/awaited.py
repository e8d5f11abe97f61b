"""AsyncVideoClient behind the methods of VideoClient, so that one test tries both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, cast

from client import AsyncVideoClient, VideoClient


class Awaited:
    def __init__(self, url: str, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncVideoClient(url, **options)
        self.url = self._client.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *how: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            came = method(*arguments, **options)
            return self._runner.run(came) if inspect.iscoroutine(came) else self._each(came)

        return call

    def _each(self, events: AsyncIterator[Any]) -> Iterator[Any]:
        while (event := self._runner.run(anext(events, None))) is not None:
            yield event


CLIENTS: list[type[VideoClient]] = [VideoClient, cast(type[VideoClient], Awaited)]
