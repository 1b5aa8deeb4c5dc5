"""Whom the server listens to: this machine, or whoever logs in."""

import ipaddress
import sys

import streamlit as st

# Whoever reaches the app may start processes as the user who runs it.
REFUSAL = """\
specdet: the app would listen on {address}, where others can reach it, and it lets whoever reaches it start trainings.
Leave out --server.address and reach it by a tunnel (ssh -L 8501:localhost:8501 this-machine), or let people log in:
an [auth] section in .streamlit/secrets.toml, see https://docs.streamlit.io/develop/concepts/connections/authentication"""


def refuse_open_bind() -> None:
    """End the process, with a sentence, where the server would let strangers in."""
    address = str(st.get_option("server.address") or "all addresses")
    if not is_loopback(address) and not has_login():
        sys.exit(REFUSAL.format(address=address))


def has_login() -> bool:
    """Whether people have to log in."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:  # no secrets at all
        return False


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:  # a name, which may mean any machine tomorrow
        return False
