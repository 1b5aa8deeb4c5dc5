"""Looking at predictions in a real browser: boxes lie where they should, and settings do not ask the server."""

import io
import random
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from app.looking.counts import count
from app.looking.scene import IOU_THRESHOLDS
from app.looking.stored import compared_step
from specdet.runs.predictions import StoredDetection, StoredObject, write_predictions
from tests.app.looking.made_predictions import FOUND, SIZE, image, predictions, run_with
from tests.browser.conftest import Server, Tab
from tests.runs.made import RUN_ID, owned

URL = f"/predictions?run={RUN_ID}"


@pytest.fixture
def images():
    """Twenty: the later, the more is found that is not there."""
    wrong = [StoredDetection(box=(2.0 * n, 0, 2.0 * n + 10, 8), score=0.55, label=0) for n in range(20)]
    return [image(n, detections=(*FOUND[:2], *wrong[:n], FOUND[2])) for n in range(20)]


def titles(tab: Tab) -> list[str]:
    return tab.page.locator(".card .title").all_inner_texts()


def test_what_is_set_in_the_viewer_asks_the_server_nothing(server: Server, tab: Tab, images):
    run_with(server.workspace / "runs", {10: images})
    sent = []
    tab.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    tab.open(URL)
    expect(tab.page.locator(".card")).to_have_count(12)
    assert titles(tab)[:2] == ["19.jpg", "18.jpg"]  # the worst of all, not of the first page
    tab.page.wait_for_timeout(1000)
    before = len(sent)

    slider = tab.page.get_by_label("Score at least").first
    counts = tab.page.locator(".card").first.locator(".counts")
    expect(counts).to_have_text("TP 1FP 20FN 1")
    slider.fill("0.7")
    expect(counts).to_have_text("TP 1FP 0FN 1")
    slider.fill("0.2")
    expect(counts).to_have_text("TP 2FP 20FN 0")
    slider.fill("0.7")
    expect(tab.page.locator(".totals strong")).to_have_text(["precision 1.000", "recall 0.500"])
    tab.page.get_by_role("button", name="dog").click()
    expect(counts).to_have_text("TP 1FP 0FN 0")
    expect(tab.page.locator(".totals strong")).to_have_text(["precision 1.000", "recall 1.000"])
    tab.page.get_by_role("button", name="FN missed").click()
    tab.page.get_by_label("Order").select_option("missed")
    tab.page.wait_for_timeout(500)
    assert len(sent) == before
    assert tab.strangers == []


def test_all_images_are_ordered_when_that_is_asked_for(server: Server, tab: Tab, images):
    run_with(server.workspace / "runs", {10: [*images[1:], image(99, detections=())]})
    tab.open(URL)
    expect(tab.page.locator(".card")).to_have_count(12)
    tab.page.get_by_label("Score at least").first.fill("0.7")
    tab.page.get_by_role("button", name="Order all images by this").click()
    expect(tab.page.locator(".card .title").first).to_have_text("99.jpg")
    assert "score=0.7" in tab.page.url
    tab.page.reload()
    tab.settle()
    expect(tab.page.locator(".card .title").first).to_have_text("99.jpg")


def test_the_browser_counts_as_the_server_does(server: Server, tab: Tab):
    """At every threshold, over random boxes, crowds among them."""
    draw = random.Random(0)

    def box() -> tuple[float, float, float, float]:
        x, y = draw.randrange(0, 60), draw.randrange(0, 40)
        return (x, y, x + draw.randrange(8, 40), y + draw.randrange(8, 40))

    images = []
    for number in range(12):
        objects = [StoredObject(box=box(), label=draw.randrange(2), crowd=draw.random() < 0.2) for _ in range(8)]
        near = [tuple(edge + draw.choice((0, 0, 1)) for edge in draw.choice(objects).box) for _ in range(12)]
        found = [
            StoredDetection(box=each, score=round(draw.random(), 2), label=draw.randrange(2))
            for each in [*near, *(box() for _ in range(6))]
        ]
        images.append(image(number, objects=objects, detections=sorted(found, key=lambda each: -each.score)))
    step = compared_step(run_with(server.workspace / "runs", {10: images}), 10)
    tab.open(URL)
    sums = tab.page.locator(".totals span")
    seen = set()
    for at in (0, 4, 9):
        tab.page.get_by_label("IoU ≥").select_option(str(at))
        for score in (0.0, 0.25, 0.5, 0.97):
            tab.page.get_by_label("Score at least").first.fill(str(score))
            counts = [count(each.boxes, score=score, iou=IOU_THRESHOLDS[at]) for each in step.images]
            right, wrong, missed = (
                sum(getattr(each, name) for each in counts) for name in ("right", "wrong", "missed")
            )
            expect(sums.nth(1)).to_have_text(f"TP {right}")
            expect(sums.nth(2)).to_have_text(re.compile(rf"FP {wrong}\b"))
            expect(sums.nth(3)).to_have_text(f"FN {missed}")
            expect(tab.page.locator(".chip.tp .count")).to_have_text(str(right))
            seen.add((right, wrong, missed))
    assert len(seen) > 6


def test_what_is_set_stays_over_pages_steps_and_a_reload(server: Server, tab: Tab, images):
    run_with(server.workspace / "runs", {10: images, 20: images})
    tab.open(URL)
    slider = tab.page.get_by_label("Score at least").first
    slider.fill("0.31")
    tab.page.get_by_role("button", name="dog").click()
    tab.page.locator('[data-testid="stPagination"] button', has_text="2").first.click()
    expect(tab.page.locator(".card")).to_have_count(8)
    expect(slider).to_have_value("0.31")
    tab.page.locator('[data-testid="stSlider"] input').first.press("ArrowLeft")
    expect(tab.page.get_by_text("Step 10, epoch 1")).to_be_visible()
    assert "step=10" in tab.page.url
    expect(slider).to_have_value("0.31")
    expect(tab.page.get_by_role("button", name="dog")).to_have_attribute("aria-pressed", "false")
    tab.page.reload()
    tab.settle()
    expect(slider).to_have_value("0.31")


def test_an_image_is_looked_at_closely_by_keys_alone(server: Server, tab: Tab, images):
    run_with(server.workspace / "runs", {10: images})
    tab.open(URL)
    frames = tab.page.locator("button.frame")
    frames.first.focus()
    frames.first.press("ArrowRight")
    expect(frames.nth(1)).to_be_focused()
    tab.page.keyboard.press("Enter")
    place, stage = tab.page.locator("dialog .place"), tab.page.locator("dialog .stage")
    expect(place).to_have_text("2 of 12")
    tab.page.keyboard.press("ArrowRight")
    expect(place).to_have_text("3 of 12")
    width = stage.bounding_box()["width"]
    tab.page.keyboard.press("+")
    assert stage.bounding_box()["width"] == pytest.approx(1.25 * width, abs=1)
    tab.page.keyboard.press("0")
    assert stage.bounding_box()["width"] == pytest.approx(width, abs=1)
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("dialog")).to_be_hidden()
    expect(frames.nth(2)).to_be_focused()
    expect(tab.page.locator(".bar")).to_be_visible()


def test_a_new_step_comes_by_itself(server: Server, tab: Tab):
    run = run_with(server.workspace / "runs", {10: [image(1)]}, state="running")
    with owned(run):
        tab.open(URL)
        expect(tab.page.locator(".card .title")).to_have_text("1.jpg")
        write_predictions(run, predictions(20, [image(2)]))
        expect(tab.page.locator(".card .title")).to_have_text("2.jpg")


def test_names_of_strangers_are_text(server: Server, tab: Tab):
    name = "<img src=http://evil.example/x onerror=alert(1)>"
    run_with(server.workspace / "runs", {10: [image(1, file=name)]})
    tab.open(URL)
    expect(tab.page.locator(".card .title")).to_have_text(name)
    tab.page.locator("button.frame").click()
    expect(tab.page.locator("dialog .title")).to_have_text(name)


@pytest.mark.parametrize("width", [1280, 1920])
def test_boxes_lie_on_their_objects_to_the_pixel(server: Server, tab: Tab, width):
    """Where the objects are on the screen is taken from the picture itself, without boxes."""
    run_with(server.workspace / "runs", {10: [image(1)]})
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.open(f"{URL}&score=0")
    tab.page.locator("button.frame").click()
    dialog = tab.page.locator("dialog")
    stage = dialog.locator(".stage")
    expect(stage).to_be_visible()
    assert stage.bounding_box()["width"] > 4 * SIZE[0]
    kinds = [dialog.get_by_role("button", name=name) for name in ("TP right", "FP wrong", "FN missed", "found")]
    for each in kinds:
        each.click()
    expect(dialog.locator("g:visible")).to_have_count(0)
    shown = Image.open(io.BytesIO(tab.page.screenshot())).convert("L")
    kinds[-1].click()
    rects = dialog.locator("g.found rect.line")
    expect(rects).to_have_count(2)
    for place in range(2):
        box = rects.nth(place).evaluate("""(rect) => {
            const { x, y, right, bottom } = rect.getBoundingClientRect();
            return [x, y, right, bottom];
        }""")
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        assert edges_of(shown, middle) == pytest.approx(box, abs=1)  # px of the screen


def edges_of(shown: Image.Image, middle: tuple[float, float]) -> tuple[int, int, int, int]:
    """Where the white region around a point ends."""
    x, y = (round(each) for each in middle)
    left, right, top, bottom = x, x, y, y
    while shown.getpixel((left - 1, y)) > 127:
        left -= 1
    while shown.getpixel((right, y)) > 127:
        right += 1
    while shown.getpixel((x, top - 1)) > 127:
        top -= 1
    while shown.getpixel((x, bottom)) > 127:
        bottom += 1
    return left, top, right, bottom
