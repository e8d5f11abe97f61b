"""What a JSON schema allows, in a few words for people."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_LEAST = (("minimum", "{} or more", "{}"), ("exclusiveMinimum", "more than {}", "more than {}"))
_FORMATS = {"date-time": "instant", "binary": "file"}


def kind(schema: Schema, parts: dict[str, Schema]) -> str:
    """The type of a value: a link where it is a body of its own; `parts` are all bodies by their names."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return kind(parts[name], parts) if "enum" in parts[name] else f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(kind(one, parts) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return "[" + ", ".join(kind(one, parts) for one in schema["prefixItems"]) + "]"
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'], parts)}"
    return str(_FORMATS.get(schema.get("format", ""), schema.get("type", "any")))


def bounds(schema: Schema) -> str:
    """How small and how large it may be; empty where nothing bounds it."""
    of = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
    for least, alone, first in _LEAST:
        if least in of and "maximum" in of:
            return f"{first.format(of[least])} to {of['maximum']}"
        if least in of:
            return alone.format(of[least])
    return f"{of['maxLength']} characters at most" if "maxLength" in of else ""
