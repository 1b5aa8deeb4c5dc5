"""data_images: the images of a set with their boxes, page by page."""

import sys
from collections.abc import Mapping

import attrs
import streamlit as st

from app.browsing.augmented import Seen, augmented
from app.browsing.choice import EXTENT_WORDS, HOW_MANY_WORDS, Choice, chosen
from app.browsing.opened import OpenedSet
from app.browsing.scenes import annotated
from app.browsing.sets import NamedSet
from app.looking.scene import Scene
from app.security.roots import Roots
from app.widgets.data_sets import Found
from app.widgets.scenes import show_scenes
from app.widgets.url_value import begin, in_url, one_of, text, whole, write
from specdet.experiment import Experiment

ON_A_PAGE = 24
MOST_EPOCHS = 100_000
KEPT = 12  # pages of pictures, of a megabyte or two each
ANY_CLASS = ""


@attrs.frozen(kw_only=True)
class View:
    """How images are shown: as annotated, or as they are seen in an epoch, from 0."""

    seen: bool = False
    epoch: int = 0


def data_view(named: NamedSet, experiment: Experiment) -> View:
    """Let a person choose how the images of a set are shown."""
    words = {"annotated": "As annotated", "seen": f"As the {'training' if named.training else 'evaluation'} sees them"}
    view = in_url(st.segmented_control, "View", list(words), name="view", key="data-view",
                  read=one_of(list(words), default="annotated"), format_func=words.__getitem__,
                  required=True)  # fmt: skip
    if view == "annotated" or not named.training:
        return View(seen=view == "seen")
    most = experiment.train.max_epochs or MOST_EPOCHS
    epoch = in_url(st.number_input, "Epoch", name="epoch", key="data-epoch", read=whole(1, most, default=1),
                   min_value=1, max_value=most, step=1, width=140,
                   help="The first is 1. Each draws its own augmentation of each image.")  # fmt: skip
    return View(seen=True, epoch=epoch - 1)


def data_images(
    experiment: Experiment, named: NamedSet, found: Found, *, view: View, before: Mapping[str, Found], roots: Roots
) -> None:
    """Show them.

    Args:
        experiment: Whose set it is.
        named: The set.
        found: What was read of it.
        view: As `data_view` gives it.
        before: The training sets before it.
        roots: What may be opened.
    """
    opened = found.opened
    columns = opened.columns
    if columns is None:
        st.info("There is no image to show: Findings says why.", icon=":material/image_not_supported:")
        return
    choice = _choice(columns.classes)
    places = chosen(columns, choice)
    pages = max(1, -(-len(places) // ON_A_PAGE))
    _first_page_of_another(choice, named)
    with st.container(horizontal=True, vertical_alignment="center"):
        whole_set = f"{len(columns):,} image{'s' * (len(columns) != 1)}"
        of = f"{len(places):,} of {whole_set}" if len(places) < len(columns) else whole_set
        more = "" if columns.is_whole else f", the first of {columns.total:,}"
        st.caption(f"{of}{more}", width="content")
        st.space("stretch")
        begin("page", key="data-page", read=whole(1, pages, default=1))
        page = st.pagination(pages, key="data-page") if pages > 1 else 1
        write("page", page, key="data-page", read=whole(1, pages, default=1))
    shown = tuple(places[(page - 1) * ON_A_PAGE : page * ON_A_PAGE].tolist())
    if not shown:
        st.info("No image is like that: choose less.", icon=":material/filter_alt_off:")
        return
    if not view.seen:
        with st.spinner("Decoding the images of this page", show_time=False):
            scenes = _annotated(found.key, shown, _opened=opened, _roots=roots)
    else:
        transforms = experiment.data.train_transforms if named.training else experiment.data.val_transforms
        first = sum(each.opened.columns.total for each in before.values() if each.opened.columns is not None)
        seen = Seen(transforms=transforms, seed=experiment.seed, first=first)
        waiting = "Transforming the images of this page"
        if "torch" not in sys.modules:
            waiting += "; torch is imported for that, which takes some seconds"
        with st.spinner(waiting, show_time=True):
            scenes = _augmented(found.key, shown, repr(seen), view.epoch, _opened=opened, _seen=seen, _roots=roots)
    show_scenes(scenes, key="data-scenes", labels=columns.classes)


def _choice(classes: tuple[str, ...]) -> Choice:
    names = [ANY_CLASS, *classes]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = in_url(st.selectbox, "Class", names, name="class", key="data-class", read=one_of(names),
                      format_func=lambda each: each or "Any class", width=220)  # fmt: skip
        boxes = in_url(st.selectbox, "Boxes", list(HOW_MANY_WORDS), name="boxes", key="data-boxes",
                       read=one_of(list(HOW_MANY_WORDS)), format_func=HOW_MANY_WORDS.__getitem__,
                       width=190)  # fmt: skip
        extent = in_url(st.selectbox, "Sizes", list(EXTENT_WORDS), name="size", key="data-size",
                        read=one_of(list(EXTENT_WORDS)), format_func=EXTENT_WORDS.__getitem__, width=270)  # fmt: skip
        find = in_url(st.text_input, "Find", name="find", key="data-find", read=text, width=220,
                      placeholder="File name, image id, or #12",
                      help="A part of the file name, the number that the data set gives the image, or # and its place "
                           "in the set, from 0.")  # fmt: skip
    label = classes.index(name) if name in classes else None
    return Choice(label=label, boxes=boxes, extent=extent, find=find)  # pyright: ignore[reportArgumentType]


def _first_page_of_another(choice: Choice, named: NamedSet) -> None:
    """What is chosen anew is seen from its beginning; a page that the URL names at first is kept."""
    now, before = (named.name, choice), st.session_state.get("data-chosen")
    if before is not None and before != now:
        st.session_state["data-page"] = 1
        st.query_params.pop("page", None)
    st.session_state["data-chosen"] = now


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _annotated(key: str, places: tuple[int, ...], *, _opened: OpenedSet, _roots: Roots) -> list[Scene]:
    return [annotated(_opened, place, roots=_roots) for place in places]


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _augmented(
    key: str, places: tuple[int, ...], seen: str, epoch: int, *, _opened: OpenedSet, _seen: Seen, _roots: Roots
) -> list[Scene]:
    return augmented(_opened, places, seen=_seen, epoch=epoch, roots=_roots)
