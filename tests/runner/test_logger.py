import logging

from specdet.runner.logger import get_root_logger


def test_the_main_rank_logs_at_its_level_others_only_errors(capsys):
    get_root_logger(logging.INFO).info("hello")
    get_root_logger("INFO", rank=1, world_size=2).info("not said")
    get_root_logger("INFO", rank=1, world_size=2).error("said")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["INFO hello", "ERROR [rank 1] said"]


def test_asking_again_adds_no_handler():
    first = get_root_logger()
    count = len(first.handlers)
    assert get_root_logger() is first and len(first.handlers) == count == 1
