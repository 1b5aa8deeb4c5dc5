import pytest
import streamlit as st

from app.security import bind


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"])
def test_this_machine_is_loopback(address):
    assert bind.is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.0.1", "my-machine", "", "localhost.evil.example"])
def test_whatever_others_reach_is_not(address):
    assert not bind.is_loopback(address)


@pytest.mark.parametrize(("address", "login", "refused"), [
    ("127.0.0.1", False, False), ("0.0.0.0", False, True), (None, False, True), ("0.0.0.0", True, False),
])  # fmt: skip
def test_who_listens_to_others_has_them_log_in(monkeypatch, address, login, refused):
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    monkeypatch.setattr(bind, "has_login", lambda: login)
    if refused:
        with pytest.raises(SystemExit, match="would listen on"):
            bind.refuse_open_bind()
    else:
        bind.refuse_open_bind()
