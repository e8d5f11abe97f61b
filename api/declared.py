"""Declares to OpenAPI what the door asks for, so that `/docs` can send it along; and what params may hold."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI

from api.access import OPEN
from schemas import PARAMS

SCHEMES: dict[str, dict[str, str]] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "Where keys are set"},
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key"},
    "SessionToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Session-Token",
        "description": "Of a session that was uploaded with `token=true`",
    },
    "TokenInAddress": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The same, or what `POST token` answers, where no headers can be sent: for events and files",
    },
}

IN_ADDRESS = ("/events/", "/files/")

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def declare_access(app: FastAPI, *, keyed: bool) -> None:
    """Have the app's own description of itself say what each operation needs."""
    app.openapi = partial(_described, app, app.openapi, keyed)  # type: ignore[method-assign]  # as FastAPI advises


def _described(app: FastAPI, described: Any, keyed: bool) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema: dict[str, Any] = described()
        parts = schema.setdefault("components", {})
        parts["securitySchemes"] = SCHEMES
        # A form carries them as text, in which nothing would refer to what that text may say.
        parts.setdefault("schemas", {}).update({model.__name__: model.model_json_schema() for model in PARAMS.values()})
        for path, operations in schema["paths"].items():
            for method in operations.keys() & set(METHODS):
                operations[method]["security"] = _needed(path, keyed)
                if keyed and path not in OPEN:
                    operations[method]["responses"].setdefault("401", _unauthorized(operations[method]))
    return app.openapi_schema or {}


def _needed(path: str, keyed: bool) -> list[dict[str, list[str]]]:
    """One of these is enough; an empty one is nothing at all."""
    if path in OPEN:
        return []
    needed: list[dict[str, list[str]]] = [{"ApiKey": []}, {"Bearer": []}] if keyed else [{}, {"SessionToken": []}]
    return [*needed, {"TokenInAddress": []}] if any(part in path for part in IN_ADDRESS) else needed


def _unauthorized(operation: dict[str, Any]) -> dict[str, Any]:
    """In the shape in which this operation refuses anything else."""
    return {"description": "No key, or a wrong one", "content": operation["responses"]["default"]["content"]}
