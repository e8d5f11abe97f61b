"""What those that share a store tell one another beside the rows: whose turn it is, what is settled, who is there."""

from __future__ import annotations

from stores.link import Link
from stores.scripts import FREE, HOLD, NOTE, NOTED, PASS, SETTLE


class RedisBoard:
    """Keys below `video:`; what is put up for some seconds goes by itself. Everything raises StoreAway."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def turn(self, name: str, seconds: float) -> bool:
        milliseconds = max(1, round(seconds * 1000))
        return self._link.call("SET", f"video:turn:{name}", "", "NX", "PX", milliseconds) is not None

    def hold(self, name: str, holder: str, seconds: float) -> bool:
        return bool(self._link.run(HOLD, name, holder, max(1, round(seconds * 1000))))

    def free(self, name: str, holder: str) -> None:
        self._link.run(FREE, name, holder)

    def settle(self, name: str, value: str) -> str:
        return _text(self._link.run(SETTLE, name, value))

    def note(self, name: str, value: str, seconds: float | None = None) -> None:
        self._link.run(NOTE, name, value, "" if seconds is None else seconds)

    def noted(self, beginning: str) -> dict[str, str]:
        texts = [_text(one) for one in self._link.run(NOTED, beginning)]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    def strike(self, name: str) -> None:
        self.note(name, "", 0)

    def seconds_to_wait(self, client: str, interval: float) -> float:
        return float(self._link.run(PASS, client.encode(errors="replace"), interval * 1e6)) / 1e6


def _text(answer: bytes) -> str:
    return answer.decode(errors="replace")
