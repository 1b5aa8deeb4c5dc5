"""The same images as several runs see them."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.looking.side_by_side import Look, labels_of, most_different, row
from app.looking.stored import steps_of
from app.plain import plain
from app.security.roots import Outside
from app.widgets.compared_steps import compared_once
from app.widgets.scenes import show_scenes
from app.widgets.url_value import in_url, whole

A_PAGE = 8  # images
SCORE, IOU = 0.5, 0.5


def compared_images(directories: Sequence[Path], names: Sequence[str]) -> None:
    """Show, of each run that has stored what it found, the newest step."""
    looks: list[Look] = []
    for directory, name in zip(directories, names, strict=True):
        try:
            steps = steps_of(directory)
            if steps.iters:
                looks.append(Look(run=directory, name=name, step=compared_once(directory, steps.iters[-1])))
            else:
                st.caption(plain(f"{name} has stored no predictions yet."))
        except (Outside, OSError, ValueError) as error:
            st.warning(plain(f"{name}: {error}"))
    if len(looks) < 2:
        st.info("At least two of the runs must have stored predictions: they do so at each evaluation.")
        return
    images = most_different(looks, score=SCORE, iou=IOU)
    if not images:
        st.info("These runs were evaluated on different images: no image is in all of them.")
        return
    pages = -(-len(images) // A_PAGE)
    page = 1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{len(images)} images are in all of them; those first on which the runs differ most", width="stretch")
        if pages > 1:
            page = in_url(st.number_input, "Page", name="page", key="compare-page", read=whole(1, pages, default=1),
                          min_value=1, max_value=pages, step=1, width=160)  # fmt: skip
    shown = images[(page - 1) * A_PAGE : page * A_PAGE]
    scenes = [scene for image in shown for scene in row(looks, image)]
    show_scenes(scenes, key="compared-images", labels=labels_of(looks), score=SCORE, iou=IOU, columns=len(looks))
