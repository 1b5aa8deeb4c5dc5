import json

from specdet.cli import main
from specdet.runs.control import ask
from specdet.runs.tickets import waiting
from tests.runs.launching import state_of, until


def test_the_queue_is_shown_and_put_into_another_order(launching, capsys):
    assert main(["queue"]) == 0
    assert capsys.readouterr().out == "no run waits for a device\n"
    first = launching()
    a, b = (launching("finish", waits=True, ready=False) for _ in range(2))
    until(lambda: len(waiting()) == 2)
    assert main(["queue"]) == 0
    assert capsys.readouterr().out == f"  1  {a.name}  waits for cpu\n  2  {b.name}  waits for cpu\n"
    for change, order in (
        (["--first", b.name], [b, a]),
        (["--last", b.name], [a, b]),
        (["--before", b.name, a.name], [b, a]),
    ):
        assert main(["queue", "--json", *change]) == 0
        assert [each["id"] for each in json.loads(capsys.readouterr().out)["waiting"]] == [run.name for run in order]
    assert main(["queue", "--first", first.name]) == 1
    assert capsys.readouterr().err == f"{first.name} does not wait for a device\n"
    for run in (a, b, first):
        ask(run, "stop")
    until(lambda: all(state_of(run).has_ended for run in (a, b, first)))
