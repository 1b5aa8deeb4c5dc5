from specdet.runs import happenings
from specdet.runs.happenings import Happenings
from specdet.runs.tail import Event


def event(kind, t=0.0, attempt=1, step=0, **data):
    return Event(seq=0, attempt=attempt, t=t, kind=kind, step=step, epoch=0, data=data)


def found(*events):
    seen = Happenings()
    seen.add(events)
    return [(each.kind, each.what, each.seconds) for each in seen.found]


def test_a_phase_lasts_until_the_next_one_of_its_attempt():
    assert found(
        event("phase", 10.0, phase="prepare"), event("phase", 13.0, phase="train"), event("phase", 13.5, phase="train"),
        event("phase", 20.0, attempt=2, phase="prepare"),
    ) == [
        ("attempt", "attempt 1 begins", None), ("phase", "prepare", 3.0), ("phase", "train", None),
        ("attempt", "attempt 2 begins", None), ("phase", "prepare", None),
    ]  # fmt: skip


def test_what_happened_is_told_in_words():
    assert found(
        event("checkpoint", path="checkpoints/iter_00000003"), event("command", command="stop", outcome="done"),
        event("error", type="ValueError", message="no"), event("log", level="info", message="ended"),
        event("eval", **{"bbox/AP": 0.25}), event("metric", loss=1.0), event("media", path="x"),
    )[1:] == [
        ("checkpoint", "checkpoints/iter_00000003", None), ("command", "stop: done", None),
        ("error", "ValueError: no", None), ("log", "ended", None), ("evaluation", "bbox/AP 0.25", None),
        ("media", "path x", None),
    ]  # fmt: skip


def test_only_the_newest_are_kept(monkeypatch):
    monkeypatch.setattr(happenings, "MOST", 3)
    seen = Happenings()
    seen.add(event("log", message=str(number)) for number in range(5))
    assert [each.what for each in seen.found] == ["2", "3", "4"] and seen.left_out == 3  # and that the attempt began


def test_what_is_no_word_of_ours_is_no_mistake():
    assert found(event("phase", phase=None), event("command"), event("error", message=["x"] * 9999))[2:] == [
        ("command", ": ", None), ("error", ": " + str(["x"] * 9999)[:2000] + "...", None),
    ]  # fmt: skip
