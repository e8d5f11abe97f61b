"""Endpoints, bodies and refusals as tables for people, from what the service says of itself to OpenAPI."""

from __future__ import annotations

import re
import tempfile
from http import HTTPStatus
from pathlib import Path

import errors
from app import create_app
from config import Settings
from tools.marked import table
from tools.types_text import Schema, bounds, kind

METHODS = ("get", "post", "patch", "delete")

_NODE = re.compile(r"^[│├└─ ]*(?P<name>\w+) +(?P<status>\d{3}|any) +(?P<reason>[a-z_]+)  +(?P<words>.+)$")


def described() -> Schema:
    """What `/openapi.json` answers with no setting set."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder), vision_model="none"))
        try:
            return app.openapi()
        finally:
            app.state.house.store.close()


class ApiText:
    """Writes parts of the guide to the API."""

    def __init__(self, openapi: Schema) -> None:
        self.openapi = openapi
        self._paths, self._bodies = openapi["paths"], openapi["components"]["schemas"]
        self.route_names = {f"{m.upper()}:{path}" for path, on in self._paths.items() for m in METHODS if m in on}
        self.body_names = {name for name, body in self._bodies.items() if "enum" not in body}
        """Of those that have a table of their own: a closed list of words is told where it is used."""

    def routes(self, words: list[str]) -> str:
        return "\n\n".join(self._route(*word.split(":", 1)) for word in words)

    def bodies(self, words: list[str]) -> str:
        return "\n\n".join(self._body(word, self._bodies[word]) for word in words)

    def _route(self, method: str, path: str) -> str:
        operation = self._paths[path][method.lower()]
        text = " ".join(operation.get("description", operation.get("summary", "")).split())
        told = [
            f"#### `{method} {path}`",
            text,
            self._asked(operation),
            self._form(operation),
            self._answers(operation),
        ]
        return "\n\n".join(part for part in told if part)

    def _asked(self, operation: Schema) -> str:
        rows = [
            (f"`{one['name']}`", one["in"], self._kind(one["schema"]), one.get("description", ""))
            for one in operation.get("parameters", [])
            if one["in"] != "path"
        ]
        return table(("parameter", "where", "type", "what it is"), rows) if rows else ""

    def _form(self, operation: Schema) -> str:
        content = operation.get("requestBody", {}).get("content", {})
        return "\n\n".join(self._asked_fields("field of the form", body["schema"]) for body in content.values())

    def _answers(self, operation: Schema) -> str:
        rows = [
            (status, self._content(answer.get("content", {})), _when(status, answer["description"]))
            for status, answer in operation["responses"].items()
        ]
        return table(("answer", "body", "when"), rows)

    def _content(self, content: Schema) -> str:
        schema = content.get("application/json", {}).get("schema")
        if schema:
            return self._kind(schema)
        return ", ".join(f"`{media_type}`" for media_type in content)

    def _body(self, name: str, body: Schema) -> str:
        text = " ".join(body.get("description", "").split())
        fields = self._asked_fields("field", body) if name.endswith("Params") else self._told_fields(body)
        return "\n\n".join(part for part in (f"#### {name}", text, fields) if part)

    def _told_fields(self, body: Schema) -> str:
        rows = [(f"`{name}`", self._kind(field), _sentence(field)) for name, field in body["properties"].items()]
        return table(("field", "type", "what it is"), rows)

    def _asked_fields(self, head: str, body: Schema) -> str:
        needed = body.get("required", [])
        rows = [
            (f"`{name}`", self._kind(field), "needed" if name in needed else _default(field), _sentence(field))
            for name, field in body["properties"].items()
        ]
        return table((head, "type", "default", "what it is"), rows)

    def _kind(self, schema: Schema) -> str:
        of, limits = kind(schema, self._bodies), bounds(schema)
        if inside := schema.get("contentSchema", {}).get("anyOf", []):
            return f"{of}: " + " or ".join(self._kind(one) for one in inside)
        return f"{of}, {limits}" if limits else of


def _default(field: Schema) -> str:
    value = field.get("default")
    return "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _sentence(field: Schema) -> str:
    return " ".join(field.get("description", "").split())


def _when(status: str, words: str) -> str:
    return HTTPStatus(int(status)).phrase if words == "Successful Response" else words


def refusals(_: list[str]) -> str:
    """The tree of errors as a table: status, reason, when."""
    rows: dict[tuple[str, str], str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if (node := _NODE.match(line)) and node["status"] != "any":
            rows.setdefault((node["status"], f"`{node['reason']}`"), node["words"])
    return table(("status", "reason", "when"), [(*key, words) for key, words in sorted(rows.items())])
