"""A small server that speaks OpenAI's chat completions, with SmolVLM2's real classes behind it; it can misbehave."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from transformers import AutoTokenizer, SmolVLMForConditionalGeneration

from tests.tiny_checkpoint import make_checkpoint
from vision.circuit import Patience
from vision.layout import FAKE, GLOBAL, IMAGE
from vision.pixels import Frames
from vision.remote import Remote, open_remote

WORDS = ("low", "medium", "high")
LETTERS = "ABCDEF"
LOUDER, SHARPER = 0.4, 12.0
"""How much of the usual thought is added to what stands for these words, by length; and by how much all differences
grow, so that pictures matter."""


def make_talkative(folder: Path) -> Path:
    """A tiny checkpoint whose likeliest words are levels and letters, in every spelling that is one token: random
    weights prefer others, and a server tells only of the likeliest."""
    make_checkpoint(folder)
    speaker = Speaker(folder)
    head: Any = speaker.model.lm_head
    tokens = [speaker.tokenizer.encode(way, add_special_tokens=False) for way in _ways()]
    thoughts: list[torch.Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, given: thoughts.append(given[0][0, -1]))
    grey = np.full((48, 64, 3), 128, np.uint8)
    for question in ("How high?", "Which?"):
        parts: list[dict[str, Any]] = [{"type": "image_url"}, {"type": "text", "text": question}]
        speaker.answer([{"role": "user", "content": parts}], [grey], 1)
    hook.remove()
    usual = torch.stack(thoughts).mean(0)
    with torch.no_grad():
        for (token,) in (one for one in tokens if len(one) == 1):
            head.weight[token] += LOUDER * usual / usual.norm() * head.weight.norm(dim=1).mean()
        head.weight.mul_(SHARPER)
    speaker.model.save_pretrained(folder)
    return folder


def _ways() -> Iterator[str]:
    for word in (*WORDS, *LETTERS):
        for way in dict.fromkeys((word, word.capitalize(), word.upper())):
            yield from (way, f" {way}")


class Speaker:
    """The model as a server runs it: the chat template lays a message out, each picture becomes one square."""

    def __init__(self, folder: Path) -> None:
        self.model: Any = SmolVLMForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        shape = self.model.config.vision_config
        self._frames = Frames.from_folder(folder, shape.image_size, shape.patch_size)
        self._lock = threading.Lock()

    def answer(self, messages: list[dict[str, Any]], pictures: Sequence[Any], most: int) -> tuple[list[int], Any]:
        """The likeliest tokens, and the logarithms of all first tokens' probabilities."""
        for message in messages:
            for part in message["content"]:
                part["type"] = part["type"].removesuffix("_url")
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        place = f"{FAKE}{GLOBAL}{IMAGE * self.model.model.image_seq_len}{FAKE}"
        ids = self.tokenizer.encode(text.replace(IMAGE, place), add_special_tokens=False)
        pixels = self._frames.normalise(self._frames.resize(tuple(pictures)))[None]
        with self._lock, torch.inference_mode():
            told = self.model.generate(
                input_ids=torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                pixel_values=pixels,
                max_new_tokens=most,
                do_sample=False,
                output_logits=True,
                return_dict_in_generate=True,
            )
        return told.sequences[0, len(ids) :].tolist(), told.logits[0][0].log_softmax(-1)


Misbehaviour = Callable[[Request], Awaitable[Response]]


class ChatServer:
    """What it was asked, and how it behaves: each of `next_answers` is given once, in place of the model's. Without a
    model it always answers the same: enough where it matters whether it answers at all."""

    def __init__(self, speaker: Speaker | None = None) -> None:
        self._speaker = speaker
        self.url = ""
        self.port = 0
        self.behave()

    def behave(self) -> None:
        """Begin anew."""
        self.key: str | None = None
        self.likelihoods = True
        self.refuses_logprobs = False
        self.says: str | None = None
        """In place of the model's own words."""
        self.seconds = 0.0
        """How long it thinks about each answer, beside what that takes; about any number of them at once."""
        self.next_answers: deque[Misbehaviour] = deque()
        self.asked: list[dict[str, Any]] = []
        self.left = threading.Event()
        """Set when somebody closed the connection while a `silent` answer was waited for."""
        self.waiting = threading.Event()

    @contextmanager
    def serving(self) -> Iterator[ChatServer]:
        """On a free port at first; on the same one ever after."""
        routes = [
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
        ]
        server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=routes), lifespan="off", log_config=None, access_log=False)
        )
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(20)
            listening.close()
            assert not thread.is_alive()

    async def _models(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        return JSONResponse({"object": "list", "data": [{"id": "tiny", "object": "model"}]})

    def _refused(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization", "")
        if self.key and given != f"Bearer {self.key}":
            return JSONResponse({"error": {"message": f"wrong key: {given}"}}, 401)
        return None

    async def _chat(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        body = await request.json()
        self.asked.append(body)
        if self.next_answers:
            return await self.next_answers.popleft()(request)
        await asyncio.sleep(self.seconds)
        if self.refuses_logprobs and "logprobs" in body:
            return JSONResponse({"error": {"message": "logprobs are not supported"}}, 400)
        return JSONResponse(await asyncio.to_thread(self._completion, body))

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        text, whole, told = self._said(body)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text if self.says is None else self.says},
            "finish_reason": "stop" if whole or self.says is not None else "length",
            "logprobs": None,
        }
        if body.get("logprobs") and self.likelihoods:
            choice["logprobs"] = {"content": [{**told[0], "top_logprobs": told}]}
        usage = {"prompt_tokens": 100, "completion_tokens": len(told)}
        return {"object": "chat.completion", "model": "tiny", "choices": [choice], "usage": usage}

    def _said(self, body: dict[str, Any]) -> tuple[str, bool, list[dict[str, Any]]]:
        """The answer's text, whether it came to its end, and its likeliest first tokens."""
        if self._speaker is None:
            return "high", True, [{"token": "high", "logprob": -0.1}, {"token": "low", "logprob": -3.0}]
        parts = [part for message in body["messages"] for part in message["content"]]
        pictures = [decoded(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]
        ids, logs = self._speaker.answer(body["messages"], pictures, body["max_tokens"])
        tokenizer = self._speaker.tokenizer
        most = logs.topk(body.get("top_logprobs", 1))
        tokens = zip(most.indices.tolist(), most.values.tolist(), strict=True)
        told = [{"token": tokenizer.decode([token]), "logprob": log} for token, log in tokens]
        return tokenizer.decode(ids, skip_special_tokens=True), len(ids) < body["max_tokens"], told

    async def silent(self, request: Request) -> Response:
        """Says nothing until the other side goes."""
        self.waiting.set()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.left.set()
        return PlainTextResponse("")


def decoded(url: str) -> Any:
    """A data URL's picture, RGB."""
    kind, _, content = url.partition(",")
    assert kind == "data:image/jpeg;base64"
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return picture


def answering(status: int, words: str = "not now", after: str | None = None) -> Misbehaviour:
    async def answer(_: Request) -> Response:
        headers = {"Retry-After": after} if after else {}
        return JSONResponse({"error": {"message": words}}, status, headers)

    return answer


def saying(content: str) -> Misbehaviour:
    async def answer(_: Request) -> Response:
        return PlainTextResponse(content)

    return answer


@contextmanager
def opened(server: ChatServer, patience: Patience | None = None, api_key: str | None = None) -> Iterator[Remote]:
    """Eyes on it, greeted; what it was asked until then is forgotten."""
    with closing(open_remote(server.url, api_key=api_key, patience=patience, wait=0)) as eyes:
        server.asked.clear()
        yield eyes
