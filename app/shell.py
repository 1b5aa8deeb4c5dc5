"""The frame around every page: navigation, and who may see it. Streamlit runs it for each view of a page."""

from pathlib import Path

import streamlit as st

from app.security.bind import has_login

st.set_page_config(page_title="specdet", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")

if has_login() and not st.user.is_logged_in:
    st.title("specdet")
    st.button("Log in", on_click=st.login, type="primary")
    st.stop()

# Streamlit leaves as much room above a page as a title page would want.
st.html("<style>[data-testid=stMainBlockContainer] { padding-top: 4.5rem; }</style>")

page = st.navigation(
    [
        st.Page("pages/specs.py", title="Specs", icon=":material/description:", default=True),
        st.Page("pages/runs.py", title="Runs", icon=":material/list:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/difference:"),
        st.Page("pages/data.py", title="Data", icon=":material/photo_library:"),
        st.Page("pages/predictions.py", title="Predictions", icon=":material/frame_inspect:"),
        st.Page("pages/edit.py", title="Edit", icon=":material/edit:", visibility="hidden"),
        st.Page("pages/launch.py", title="Launch", icon=":material/play_arrow:", visibility="hidden"),
        st.Page("pages/run.py", title="Run", icon=":material/monitoring:", visibility="hidden"),
    ],
    position="top",  # forms and charts want the width that a sidebar takes
)
page.run()
