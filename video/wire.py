"""How plain values travel from a child to the server: JSON and raw arrays, never pickle.

A decoder that a hostile file has taken over may send any bytes. They can become one of the records below,
with every field of its declared type, or a `ValueError`; they can not become code.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from schemas import Samples, Scanned, Sound, Still, VideoInfo, Written

RECORDS: dict[str, Callable[..., object]] = {
    kind.__name__: kind for kind in (VideoInfo, Scanned, Samples, Sound, Still, Written)
}
"""What may arrive; a record of its own must be added here before a child can send it."""

DTYPES = {np.dtype(kind).str for kind in (np.uint8, np.float32, np.float64)}

_LENGTH = struct.Struct("!I")


def encode(message: object) -> bytes:
    """Records, tuples, arrays, bytes and plain values as bytes; anything else raises TypeError."""
    blobs: list[bytes] = []
    head = json.dumps(_flat(message, blobs), allow_nan=False).encode()
    return b"".join((_LENGTH.pack(len(head)), head, *blobs))


def decode(data: bytes) -> object:
    """The value that was encoded. Raises ValueError for whatever `encode` would not have written."""
    try:
        (length,) = _LENGTH.unpack_from(data)
        blobs = _Blobs(data, _LENGTH.size + length)
        value = _raised(json.loads(data[_LENGTH.size : blobs.position], parse_constant=_refuse), blobs)
    except (struct.error, UnicodeDecodeError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"not a message: {error!r}") from error
    if blobs.position != len(data):
        raise ValueError("bytes are left over")
    return value


def _flat(value: object, blobs: list[bytes]) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [_flat(part, blobs) for part in value]
    if isinstance(value, bytes):
        blobs.append(value)
        return {"bytes": len(value)}
    if isinstance(value, np.ndarray) and value.dtype.str in DTYPES:
        blobs.append(np.ascontiguousarray(value).tobytes())
        return {"array": value.dtype.str, "shape": value.shape}
    if is_dataclass(value) and RECORDS.get(type(value).__name__) is type(value):
        return {
            "record": type(value).__name__,
            "fields": {field.name: _flat(getattr(value, field.name), blobs) for field in fields(value)},
        }
    raise TypeError(f"{type(value).__name__} does not travel")


class _Blobs:
    """Hands out the raw bytes behind the JSON, in order."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self.position = position

    def take(self, size: int) -> memoryview:
        if not 0 <= size <= len(self._data) - self.position:
            raise ValueError("bytes are missing")
        self.position += size
        return memoryview(self._data)[self.position - size : self.position]


def _raised(flat: Any, blobs: _Blobs) -> object:
    if isinstance(flat, list):
        return tuple(_raised(part, blobs) for part in flat)
    if not isinstance(flat, dict):
        return flat
    if "bytes" in flat:
        return bytes(blobs.take(_count(flat["bytes"])))
    if "array" in flat:
        return _array(flat["array"], flat["shape"], blobs)
    record = RECORDS[flat["record"]]
    hints = _hints(record)
    if flat["fields"].keys() != hints.keys():
        raise ValueError(f"{flat['record']} has other fields")
    values = {name: _raised(part, blobs) for name, part in flat["fields"].items()}
    for name, value in values.items():
        if not _fits(value, hints[name]):
            raise ValueError(f"{flat['record']}.{name} is of another type")
    return record(**values)


def _array(kind: str, shape: list[int], blobs: _Blobs) -> NDArray[Any]:
    if kind not in DTYPES:
        raise ValueError(f"arrays of {kind!r} do not travel")
    dtype = np.dtype(kind)
    blob = blobs.take(math.prod(_count(size) for size in shape) * dtype.itemsize)
    return np.frombuffer(blob, dtype).reshape(shape)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("not a count")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


@cache
def _hints(record: Callable[..., object]) -> dict[str, Any]:
    return get_type_hints(record)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is what a field of a record declares: the few types that records are made of."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and all(_tuple_fits(value, parts))
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype == np.dtype(get_args(parts[1])[0])
    if hint in (bool, str, bytes, type(None)) or is_dataclass(hint):
        return isinstance(value, hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return hint is float and isinstance(value, int | float) and not isinstance(value, bool)


def _tuple_fits(value: tuple[object, ...], parts: tuple[Any, ...]) -> Iterator[bool]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return (_fits(part, parts[0]) for part in value)
    return iter([len(parts) == len(value), *(_fits(part, hint) for part, hint in zip(value, parts, strict=False))])
