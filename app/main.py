"""`streamlit run app/main.py`: the server of the app. What it shows is `shell.py` and the pages.

It listens to this machine alone, answers to the names of this machine alone, and gives files only for links that it has
signed. See `security/`.
"""

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `app` is a package, in a checkout and in a wheel

from app.security.bind import refuse_open_bind
from app.security.hosts import OnlyOurHosts
from app.security.links import FILES, give_file

refuse_open_bind()
# Else the first visit to a new server that goes straight to a page runs that page alone: without the frame, and without
# asking for a login. Streamlit forgets of `pages/` by itself only once the frame has run.
PagesManager.uses_pages_directory = False

app = st.App(
    Path(__file__).with_name("shell.py"),
    routes=[Route(f"{FILES}/{{token}}", give_file)],
    middleware=[Middleware(OnlyOurHosts)],
)
