"""A short storm; `python -m tests.storm` is the long one."""

import pytest

from tests.storm.storm import Storm


@pytest.mark.parametrize(("processes", "kills"), [(1, 5), (2, 2)])
def test_a_training_that_is_killed_again_and_again_ends_as_if_it_never_had_been(tmp_path, processes, kills):
    storm = Storm(tmp_path, processes=processes, seed=4)
    storm.rage(kills=kills)
    assert sum(storm.report.kills.values()) == kills and storm.report.resumed >= 1, str(storm.report)
    assert storm.differences() == []
