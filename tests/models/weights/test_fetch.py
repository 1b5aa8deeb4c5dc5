"""Downloads: once, whole or not at all, and what they should be."""

import hashlib
import logging

import pytest

from specdet.models.weights.fetch import fetch, weights_folder
from tests.models.weights.serving import serving

CONTENT = bytes(range(256)) * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "specdet" / "weights"


@pytest.fixture
def served():
    with serving(CONTENT) as found:
        yield found


def test_a_file_is_downloaded_once(served, cache):
    first, second = (fetch(f"{served.address}/a/model.pth") for _ in range(2))
    assert first == second and first.sha256 == DIGEST
    assert first.path.read_bytes() == CONTENT and first.path.parent == cache == weights_folder()
    assert first.path.name.endswith("-model.pth")
    assert served.asked == ["/a/model.pth"]


def test_files_of_one_name_are_kept_apart(served):
    assert fetch(f"{served.address}/a/model.pth").path != fetch(f"{served.address}/b/model.pth").path


def test_a_kept_file_that_has_changed_is_downloaded_again(served, caplog):
    path = fetch(f"{served.address}/model.pth").path
    path.write_bytes(CONTENT[:-1] + b"x")
    with caplog.at_level(logging.WARNING):
        assert fetch(f"{served.address}/model.pth").path.read_bytes() == CONTENT
    assert "is not what was downloaded" in caplog.text
    assert len(served.asked) == 2


@pytest.mark.parametrize(
    "place", [f"model.pth#sha256={DIGEST}", f"model.pth#sha256={DIGEST[:8].upper()}", f"model-{DIGEST[:8]}.pth"]
)
def test_a_hash_that_is_given_is_checked(served, place):
    assert fetch(f"{served.address}/{place}").sha256 == DIGEST


@pytest.mark.parametrize("place", [f"model.pth#sha256={'0' * 64}", "model-00000000.pth"])
def test_another_file_than_was_meant_is_refused(served, cache, place):
    with pytest.raises(ValueError, match=rf"its SHA-256 is {DIGEST}, and should begin with 00000000"):
        fetch(f"{served.address}/{place}")
    assert not [each for each in cache.iterdir() if each.suffix != ".lock"]


def test_a_hash_is_checked_against_what_is_kept_as_well(served):
    fetch(f"{served.address}/model.pth")
    with pytest.raises(ValueError, match="should begin with 00000000"):
        fetch(f"{served.address}/model.pth#sha256=00000000")


def test_a_download_that_breaks_off_leaves_nothing(served, cache):
    served.sent = 1000
    with pytest.raises(ValueError, match=rf"broke off after 1000 of {len(CONTENT)} bytes"):
        fetch(f"{served.address}/model.pth")
    assert not [each for each in cache.iterdir() if each.suffix != ".lock"]
    served.sent = None
    assert fetch(f"{served.address}/model.pth").sha256 == DIGEST


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/missing", "the server says 404 Not Found: is the address right"),
        ("/model.pth#md5=00", "behind # only sha256="),
    ],
)
def test_what_a_server_does_not_have(served, address, message):
    with pytest.raises(ValueError, match=message):
        fetch(served.address + address)


def test_without_a_network_there_is_a_way():
    with serving(b"") as gone:
        address = gone.address
    with pytest.raises(ValueError, match=rf"{address}/model\.pth: cannot be downloaded .*say the path of the file"):
        fetch(f"{address}/model.pth")


def test_a_cache_that_cannot_be_written_is_named(served, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"file.*cannot be kept"):
        fetch(f"{served.address}/model.pth")


def test_only_what_a_web_server_gives_is_fetched(tmp_path, cache):
    secret = tmp_path / "secret.pth"
    secret.write_bytes(CONTENT)
    with pytest.raises(ValueError, match="not an address that starts with https"):
        fetch(secret.as_uri())
    assert not cache.exists()
