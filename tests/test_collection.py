import gc

import pytest

from specdet.collection import without_collection


@pytest.fixture(params=[True, False])
def was_on(request):
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_collection_is_off_inside_and_as_it_was_afterwards(was_on):
    with pytest.raises(ZeroDivisionError), without_collection():
        assert not gc.isenabled()
        _ = 1 / 0
    assert gc.isenabled() is was_on
