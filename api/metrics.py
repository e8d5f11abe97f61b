"""GET /metrics: all figures, as Prometheus reads them."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from api.routes import Direct, errors
from metrics import Metrics

ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {"description": "One figure a line, in Prometheus's text format or OpenMetrics", "content": {"text/plain": {}}}
}


class MetricsApi:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def router(self) -> APIRouter:
        router = APIRouter(tags=["health"])
        router.add_api_route(
            "/metrics",
            self.metrics,
            response_class=Response,
            responses=ANSWERED | errors(),
            route_class_override=Direct,
        )
        return router

    async def metrics(self, request: Request) -> Response:
        """What the service counts, and how it stands. No ids, no names, nothing that a client wrote."""
        text, media_type = await asyncio.to_thread(self._metrics.text, request.headers.get("accept"))
        return Response(text, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
