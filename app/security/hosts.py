"""OnlyOurHosts: the server answers only where it was asked for by a name of its own.

A page of a stranger whose DNS name was made to mean 127.0.0.1 would else be of the same origin as the app, and read it
(DNS rebinding). Streamlit asks this of websockets only; here it is asked of every request.
"""

from collections.abc import Sequence

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose


class OnlyOurHosts:
    """Middleware that refuses requests for other hosts than `server.allowedHosts`."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        if is_allowed(Headers(scope=scope).get("host", ""), allowed=st.get_option("server.allowedHosts")):
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await WebSocketClose(code=1008)(scope, receive, send)
        refusal = "this host is not allowed: see server.allowedHosts\n"
        return await PlainTextResponse(refusal, status_code=403)(scope, receive, send)


def is_allowed(host: str, *, allowed: Sequence[str]) -> bool:
    """Whether a Host header names one of the allowed hosts; "*" allows all, "*.example.com" those below one."""
    name = _name(host.lower())
    for each in allowed:
        pattern = each.lower()
        if pattern == "*" or name == _name(pattern):
            return True
        if pattern.startswith("*.") and name.endswith(pattern[1:]) and len(name) > len(pattern) - 1:
            return True
    return False


def _name(host: str) -> str:
    """A host without its port."""
    if host.startswith("["):
        return host[: host.find("]") + 1]  # nothing, where it is never closed
    return host.partition(":")[0]
