"""prediction_grid: the stored images of one step: which of them, in which order, page by page, with their boxes."""

from pathlib import Path
from typing import Any

import attrs
import streamlit as st

from app.looking.choosing import Choice, chosen, of_page, pages
from app.looking.counts import ORDERS, Order, nearest_iou
from app.looking.stored import ComparedStep, lacking_pictures, scene_of
from app.plain import plain
from app.widgets.scenes import Asked, show_scenes
from app.widgets.url_value import begin, flag, in_url, one_of, some_of, whole, write

PER_PAGE = ("12", "24", "48")
PAGE = "predictions-page"  # key of the widget
BEGIN = Choice()


def prediction_grid(run: Path, step: ComparedStep) -> None:
    """Show them. Raises OSError."""
    classes = step.said.classes
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = in_url(st.multiselect, "Only images with", list(classes), name="class", key="predictions-class",
                        read=some_of(classes), placeholder="any class", width=320)  # fmt: skip
        errors = in_url(st.toggle, "Only images with mistakes", name="errors", key="predictions-errors", read=flag)
        per_page = int(in_url(st.segmented_control, "Images a page", PER_PAGE, name="per", key="predictions-per",
                              read=one_of(PER_PAGE, default=PER_PAGE[0]), required=True))  # fmt: skip
    choice = attrs.evolve(url_choice_of(st.query_params), labels=tuple(labels), errors=errors)
    images = chosen(step.images, choice)
    if not images:
        _nothing(step, choice)
        return
    count = pages(len(images), per_page=per_page)
    page = 1
    if count > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            place = st.empty()
            begin("page", key=PAGE, read=(read := whole(1, count, default=1)))
            page = st.pagination(count, key=PAGE, max_visible_pages=9, width="stretch")
            write("page", page, key=PAGE, read=read)
            place.text(_told(images=len(images), page=page, per_page=per_page, choice=choice))
    if problem := lacking_pictures(run):
        st.warning(plain(f"{problem[:1].upper()}{problem[1:]}"))
    asked = show_scenes(
        [scene_of(run, image) for image in of_page(images, page=page, per_page=per_page)],
        key="predictions",
        labels=step.totals.all_labels(classes),
        score=choice.score,
        iou=choice.iou,
        order=choice.order,
        totals=step.totals,
        asks=count > 1,
    )
    if asked is not None:
        _remember(asked)
        st.rerun()


def url_choice_of(params: Any) -> Choice:
    """The thresholds and the order that the URL says; what makes no sense there is as if it were not."""
    orders: list[Order] = [each for each in ORDERS if each == params.get("order")]
    return Choice(
        score=_between(params.get("score"), BEGIN.score),
        iou=nearest_iou(_between(params.get("iou"), BEGIN.iou)),
        order=orders[0] if orders else BEGIN.order,
    )


def _remember(asked: Asked) -> None:
    """Let the URL say by what all images are ordered; the first page has the first of them."""
    st.query_params.pop("page", None)
    for name in ("score", "iou", "order"):
        said, begun = getattr(asked, name), getattr(BEGIN, name)
        if said == begun:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(said)


def _told(*, images: int, page: int, per_page: int, choice: Choice) -> str:
    first = (page - 1) * per_page + 1
    at = "" if choice.order == "given" else f" at score ≥ {choice.score:.2f} and IoU ≥ {choice.iou:.2f}"
    return f"Images {first} to {min(first + per_page - 1, images)} of {images}, {ORDERS[choice.order]}{at}"


def _nothing(step: ComparedStep, choice: Choice) -> None:
    if not step.images:
        st.info("No image was stored at this step.")
    elif choice.errors:
        st.success("On none of the images is anything wrong or missed at these thresholds.")
    else:
        st.info("None of the images has an object, or a detection, of these classes.")


def _between(said: str | None, default: float) -> float:
    try:
        value = float(said or "")
    except ValueError:
        return default
    return value if 0 <= value <= 1 else default
