"""The log of a run: its end as it grows, what lies before, and a search through all of it."""

from pathlib import Path

import streamlit as st

from app.plain import plain
from app.reading.log_lines import LEVELS
from app.reading.log_pages import LINES, Page, has_line_after, page_after, page_before
from app.reading.searches import Found, Search, Wanted
from app.security.links import link_to
from app.security.roots import file_of
from app.widgets.url_value import flag, in_url, some_of, text
from specdet.runs.supervisor import OLD_LOG
from specdet.runs.tail import LOG
from specdet.runs.words import byte_count

HEIGHT = 560  # px
TOGGLES = (("Pattern", "regex", "A regular expression of Python"), ("Aa", "case", "Capital letters count"),
           ("Wrap", "wrap", "Long lines go on below"))  # fmt: skip
SEARCH, PLACE = "log-search", "at"


def log_view(directory: Path) -> None:
    """Show it."""
    path = file_of(directory, LOG)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        said = in_url(st.text_input, "Search", name="q", key="log-q", read=text, type="search",
                      placeholder="In the whole log")  # fmt: skip
        levels = in_url(st.pills, "Levels", LEVELS, name="level", key="log-level", read=some_of(LEVELS),
                        selection_mode="multi")  # fmt: skip
        regex, case, wrap = (
            in_url(st.toggle, label, name=name, key=f"log-{name}", read=flag, help=about)
            for label, name, about in TOGGLES
        )
    wanted = Wanted(text=said or "", regex=regex, case=case, levels=tuple(levels or ()))
    if wanted.problem:
        st.error(plain(wanted.problem))
    elif wanted.is_all:
        _forget_search()
        _pages(path, wrap=wrap)
    else:
        _found(path, wanted, wrap=wrap)
    _downloads(directory)


def _pages(path: Path, *, wrap: bool) -> None:
    """A page of the log: its end, which follows the file, or the one at the place in the URL."""
    at = st.query_params.get(PLACE, "")
    follows = not (at.isascii() and at.isdigit())
    page = page_before(path) if follows else page_after(path, int(at[:18]))
    if not page.size:
        st.info("There is no log: a training without a supervisor prints where it was started." if not path.exists()
                else "The log is empty so far.")  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Older", icon=":material/arrow_upward:", key="log-older", disabled=page.start == 0,
                  on_click=_go, args=(page_before(path, page.start).start if page.start else None,))  # fmt: skip
        st.button("Newer", icon=":material/arrow_downward:", key="log-newer", disabled=follows,
                  on_click=_go, args=(page.end if page.end < page.size else None,))  # fmt: skip
        st.button("Follow the end", icon=":material/vertical_align_bottom:", key="log-follow", disabled=follows,
                  on_click=_go, args=(None,))  # fmt: skip
        st.text(_where(page, follows=follows))
    with st.container(height=HEIGHT, autoscroll=follows, key="log-page"):
        st.code("\n".join(line.text for line in page.lines), language=None, wrap_lines=wrap)


def _go(place: int | None) -> None:
    if place is None:
        st.query_params.pop(PLACE, None)
    else:
        st.query_params[PLACE] = str(place)


def _where(page: Page, *, follows: bool) -> str:
    if page.start == 0 and page.end == page.size:
        return f"all {len(page.lines):,} lines"
    if follows:
        return f"the last {len(page.lines):,} lines of {byte_count(page.size)}"
    share = 100 * page.start / page.size
    return f"{len(page.lines):,} lines at {share:.1f} % of {byte_count(page.size)}"


def _found(path: Path, wanted: Wanted, *, wrap: bool) -> None:
    """The lines that are looked for; the search goes on by itself, and from where it ended as the log grows."""
    size = path.stat().st_size if path.exists() else 0
    search: Search | None = st.session_state.get(SEARCH)
    if search is None or search.wanted != wanted or search.path != path:
        search = _begin(path, wanted)
    found = search.poll()
    if found.is_over and not found.problem and (size < found.at or has_line_after(path, found.at)):
        search = _begin(path, wanted, before=found if size >= found.at else None)
    place = st.empty()
    while not (found := search.poll(wait=0.2)).is_over:
        place.progress(
            min(1.0, found.at / size) if size else 0.0,
            text=f"Searching {byte_count(size)}: {found.count:,} lines found",
        )
    place.text(_result(found))
    if found.problem:
        st.warning(plain(found.problem))
    with st.container(height=HEIGHT, key="log-found"):
        st.code("\n".join(f"{number:>8}  {line.text}" for number, line in found.lines), language=None, wrap_lines=wrap)


def _result(found: Found) -> str:
    if not found.count:
        return f"None of {found.line:,} lines"
    shown = "" if found.count <= LINES else f", of which these are the last {LINES}"
    return f"{found.count:,} of {found.line:,} lines{shown}"


def _begin(path: Path, wanted: Wanted, *, before: Found | None = None) -> Search:
    _forget_search()
    search = st.session_state[SEARCH] = Search(path, wanted, before=before)
    return search


def _forget_search() -> None:
    search: Search | None = st.session_state.pop(SEARCH, None)
    if search is not None:
        search.close()


def _downloads(directory: Path) -> None:
    with st.container(horizontal=True):
        for name in (LOG, OLD_LOG):
            path = file_of(directory, name)
            if path.is_file():
                st.link_button(f"Download {name} ({byte_count(path.stat().st_size)})", link_to(path),
                               icon=":material/download:")  # fmt: skip
