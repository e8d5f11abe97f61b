"""One typed route, as FastAPI's guide has it: what GET status is compared to."""

from __future__ import annotations

from fastapi import FastAPI

from schemas import StatusBody

EXAMPLE = StatusBody.model_validate_json(
    '{"sessionId":"5b3c1c6e-3f0b-4a52-9be5-7d1f3f0c2a11","status":"processing","progress":6,'
    '"message":"Analyzing segment 3/60","analysisType":"highlights","stage":"scanning","segmentsDone":2,'
    '"segmentsTotal":60,"queuePosition":null,"etaSeconds":12.5,"createdAt":"2026-11-22T10:00:00.123456Z",'
    '"updatedAt":"2026-11-22T10:00:20.123456Z","expiresAt":null,"error":null,"reason":null,"attempt":1}'
)
"""A status as long as the one that is asked for."""


def typed() -> FastAPI:
    app = FastAPI()

    @app.get("/api/v1/video/status/{session_id:path}", response_model=StatusBody)
    async def status(session_id: str) -> StatusBody:
        return EXAMPLE

    return app
