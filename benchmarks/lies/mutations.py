"""Ways in which a file is damaged or made to lie: from bytes and chance to other bytes."""

from __future__ import annotations

import random
from collections.abc import Callable

Mutator = Callable[[bytearray, random.Random], bytearray]

HEAD_BYTES = 700
"""Where headers lie in small files, for the most part; MP4 may keep them at the end."""

EXTREMES = tuple(
    bytes.fromhex(digits)
    for digits in ("00000000", "00000001", "7fffffff", "80000000", "ffffffff", "fffffffe", "00010000", "3b9aca00")
)
"""Numbers of 32 bits at which programs err: signs, overflows, none at all, a billion."""

BOXES = (
    *(b"ftyp", b"moov", b"mvhd", b"trak", b"tkhd", b"edts", b"elst", b"mdia", b"mdhd", b"hdlr", b"minf", b"stbl"),
    *(b"stsd", b"stts", b"ctts", b"stss", b"stsc", b"stsz", b"stco", b"co64", b"avcC", b"hvcC", b"esds", b"mdat"),
    *(b"udta", b"dinf", b"dref"),
)
"""Names of boxes in MP4 and QuickTime, in which nearly all lengths and counts stand."""

RIFF_CHUNKS = (b"avih", b"strh", b"strf", b"idx1", b"movi", b"LIST", b"00dc", b"01wb")


def flip_bits(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 60)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def scribble_on_head(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(min(HEAD_BYTES, len(data)))] = chance.randrange(256)
    return data


def cut_off(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(1, len(data))]


def cut_out(data: bytearray, chance: random.Random) -> bytearray:
    start = chance.randrange(len(data))
    del data[start : start + chance.randint(1, 3000)]
    return data or bytearray(b"\0")


def repeat_a_part(data: bytearray, chance: random.Random) -> bytearray:
    start = chance.randrange(len(data))
    part = data[start : start + chance.randint(1, 4000)]
    data[start:start] = part * chance.choice((1, 1, 2, 20))
    return data


def swap_parts(data: bytearray, chance: random.Random) -> bytearray:
    length = chance.randint(1, max(1, len(data) // 4))
    one, other = (chance.randrange(len(data)) for _ in range(2))
    data[one : one + length], data[other : other + length] = (
        data[other : other + length],
        data[one : one + length],
    )
    return data


def say_extremes(data: bytearray, chance: random.Random) -> bytearray:
    """One to four numbers anywhere become ones at which programs err."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data))
        data[place : place + 4] = chance.choice(EXTREMES)
    return data


def lie_about_boxes(data: bytearray, chance: random.Random) -> bytearray:
    """The length of a box, or one of its first fields. In containers without boxes, a number in the head."""
    for _ in range(chance.randint(1, 3)):
        found = [at for name in (*BOXES, *RIFF_CHUNKS) for at in places(data, name)]
        place = chance.choice(found) if found else chance.randrange(min(HEAD_BYTES, len(data)))
        field = chance.choice((-4, -4, *range(4, 40, 4)))
        if place + field >= 0:
            data[place + field : place + field + 4] = chance.choice((*EXTREMES, chance.randbytes(4)))
    return data


def rename_a_box(data: bytearray, chance: random.Random) -> bytearray:
    found = [at for name in BOXES for at in places(data, name)]
    if not found:
        return say_extremes(data, chance)
    place = chance.choice(found)
    data[place : place + 4] = chance.choice(BOXES)
    return data


MUTATORS: tuple[Mutator, ...] = (
    flip_bits,
    scribble_on_head,
    cut_off,
    cut_out,
    repeat_a_part,
    swap_parts,
    say_extremes,
    lie_about_boxes,
    rename_a_box,
)


def mutated(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """The names of one or two mutations, and what they made."""
    chosen = [chance.choice(MUTATORS) for _ in range(chance.choice((1, 1, 2)))]
    changed = bytearray(data)
    for mutate in chosen:
        changed = mutate(changed, chance)
    return "+".join(mutate.__name__ for mutate in chosen), bytes(changed)


def spliced(one: bytes, other: bytes, chance: random.Random) -> bytes:
    """The beginning of one file and the end of another: its head may promise what never comes."""
    return one[: chance.randrange(1, len(one))] + other[chance.randrange(len(other)) :]


def places(data: bytearray, name: bytes) -> list[int]:
    """Where a name stands."""
    found, start = [], 0
    while (at := data.find(name, start)) >= 0:
        found.append(at)
        start = at + 1
    return found
