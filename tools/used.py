"""What seems unused to vulture and is not. It is read by vulture alone."""

from __future__ import annotations

from typing import Any

one: Any = None

# Keys of JSON that clients read; nothing here needs to.
one.analysis_success
one.analyzer_initialized
one.decoders_sealed
one.edl_url
one.next_cursor
one.processing_time_seconds
one.success
one.total_duration_seconds
one.video_duration_formatted
one.vtt_url

# What may be wished of an upload, by keywords that are looked up by name.
one.idempotency_key
one.on_begun
one.on_sent
one.remember_in

# Columns of a session's row, and a mark of a dissolve: read together with all others, by their names.
one.ended_at
one.idempotency
one.jump
one.started_at
one.updated_at

# Called or read by those whose classes are taken further: asyncio, uvicorn, FastAPI, httpx, Celery.
one.buffer_updated
one.get_buffer
one.get_route_handler
one.handle_request
one.install_platform_tweaks
one.send_400_response
one.msg
one.sizehint
one.trace

# Set for PyAV, billiard, multiprocessing, tokenizers and transformers, which read them.
one._current_process
one._forkserver_address
one.bit_rate
one.pict_type
one.pre_tokenizer
one.skip_frame
one.thread_type
one.skip_special_tokens

# What a test puts in the place of shutil's own.
one.ignore_errors
