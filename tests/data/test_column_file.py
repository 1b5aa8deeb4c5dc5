import numpy as np
import pytest

from specdet.data.column_file import NotColumns, map_columns, read_header, write_columns

ARRAYS = {
    "numbers": np.arange(12, dtype=np.int64).reshape(3, 4),
    "names": np.array([b"a.jpg", b"bc.jpg"]),
    "none": np.empty((0, 4), np.float32),
    "flags": np.array([True, False, True]),
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.columns"
    write_columns(path, {"classes": ["cat", "d\ud800g"]}, ARRAYS)
    return path


def test_what_is_mapped_is_what_was_written(file):
    found = map_columns(file)
    assert found.header == read_header(file) == {"classes": ["cat", "d\ud800g"]}
    assert {*found.arrays} == {*ARRAYS}
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)
        assert found.arrays[name].shape == array.shape


def test_writing_to_an_array_changes_nobody_elses(file):
    map_columns(file).arrays["numbers"][:] = 0
    assert map_columns(file).arrays["numbers"].max() == 11


def test_a_file_cut_at_any_byte_is_not_used(file):
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(NotColumns):
            map_columns(file)


def test_a_file_with_any_byte_changed_is_not_used(file):
    content = file.read_bytes()
    begin = next(end for end in range(len(content)) if content.find(ARRAYS["numbers"].tobytes()) == end)
    padding = range(content[:begin].rstrip(b"\0").__len__(), begin)  # between header and arrays, where nothing stands
    for place in {*range(len(content))} - {*padding}:
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(NotColumns):
            map_columns(file)


def test_only_its_owner_may_have_written_a_file(file, tmp_path):
    assert file.stat().st_mode & 0o777 == 0o600
    link = tmp_path / "link.columns"
    link.symlink_to(file)
    with pytest.raises(OSError, match="link"):
        map_columns(link)
    file.chmod(0o620)
    with pytest.raises(NotColumns, match="another user"):
        map_columns(file)


def test_objects_are_never_written(tmp_path):
    with pytest.raises(AssertionError):
        write_columns(tmp_path / "a.columns", {}, {"objects": np.array([{}])})
    assert not [*tmp_path.iterdir()]
