import pytest

from app.launching.processes import in_words
from specdet.experiment import load
from specdet.runs.devices import Wish
from specdet.runs.launch_command import LaunchOptions

ALONE = ["data.workers_per_device=0", "data.images_per_device=4"]


@pytest.mark.parametrize(
    ("processes", "changes", "cores", "says"),
    [
        (1, ALONE, 8, ["trains alone", "sees 4 images.", "8 threads: this machine has 8 cores."]),
        (2, ALONE, 8, ["2 processes train together", "4 x 2 processes = 8 images", "4 threads", "learning rate stays"]),
        (2, [*ALONE, "train.accumulate=3"], 8, ["4 x 2 processes x 3 batches = 24 images"]),
        (3, ALONE, 2, ["1 thread:", "more processes than cores make it slower: 2 would do"]),
        (2, ["data.workers_per_device=2"], 8, ["4 more processes load images"]),
        (1, [*ALONE, "train.threads_per_process=1"], 8, ["1 thread, as train.threads_per_process says"]),
        (1, [*ALONE, "data.images_per_device=1"], 8, ["sees 1 image."]),
    ],
)
def test_a_number_of_processes_is_explained(processes, changes, cores, says):
    options = LaunchOptions(wanted=Wish(names=("cpu",)), processes=processes)
    text = in_words(options, load("specdet:rpn.toml", changes), cores=cores)
    assert all(each in text for each in says), text


def test_of_a_spec_that_is_wrong_only_the_processes_are_told():
    text = in_words(LaunchOptions(wanted=Wish(count=2), processes=2), None, cores=8)
    assert "2 processes train together" in text and "image" not in text
