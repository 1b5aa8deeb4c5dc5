import asyncio

import pytest
import streamlit as st

from app.security.hosts import OnlyOurHosts, is_allowed

OURS = ["localhost", "127.0.0.1", "[::1]", "*.lab.example"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:1", "[::1]:8501", "[::1]", "a.lab.example"])
def test_our_names_are_allowed(host):
    assert is_allowed(host, allowed=OURS)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "lab.example", "evillab.example", "[::2]",
     "[::1", "localhost@evil.example", "evil.example:localhost"],
)  # fmt: skip
def test_other_names_are_not(host):
    assert not is_allowed(host, allowed=OURS)


def test_a_star_allows_all():
    assert is_allowed("anything.example:80", allowed=["*"])


def answered(kind: str, host: str) -> list[dict]:
    """What the middleware sends for a request with this Host; the app behind it answers 200, or accepts."""
    sent: list[dict] = []

    async def behind(scope, receive, send):
        accepted = {"type": "websocket.accept"}
        await send(accepted if kind == "websocket" else {"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": f"{kind}.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": "/", "headers": [(b"host", host.encode())]}
    asyncio.run(OnlyOurHosts(behind)(scope, receive, send))
    return sent


def test_every_kind_of_request_is_asked_for_its_host(monkeypatch):
    monkeypatch.setattr(st, "get_option", {"server.allowedHosts": OURS}.get)
    assert answered("http", "localhost:8501")[0]["status"] == 200
    assert answered("websocket", "localhost:8501")[0]["type"] == "websocket.accept"
    assert answered("http", "evil.example")[0]["status"] == 403
    assert answered("websocket", "evil.example") == [{"type": "websocket.close", "code": 1008, "reason": ""}]
