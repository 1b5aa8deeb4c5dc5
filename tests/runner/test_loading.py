import pytest
from torch.utils.data import DataLoader, Dataset

from specdet.runner.loading import next_batch


class Damaged(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise ValueError("cells.jpg: not an image: it ends too early")


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_data_set_says_of_a_file_is_said_alike_from_a_worker(workers):
    loader = DataLoader(Damaged(), num_workers=workers)
    with pytest.raises(ValueError) as error:
        next_batch(iter(loader), loader=loader)
    assert str(error.value) == "cells.jpg: not an image: it ends too early"


def test_a_loader_shorter_than_it_says_is_a_bug_of_the_loader():
    with pytest.raises(RuntimeError, match="ended before the 3 batches"):
        next_batch(iter([]), loader=[1, 2, 3])
