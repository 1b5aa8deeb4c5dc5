import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from app.security.links import FILES, give_file, link_to
from app.security.roots import Outside


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Route(f"{FILES}/{{token}}", give_file)]))


def test_a_signed_file_is_given_as_a_download(workspace, client):
    weights = workspace / "runs" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"\0weights")
    answer = client.get(link_to(weights))
    assert (answer.status_code, answer.content) == (200, b"\0weights")
    assert answer.headers["content-disposition"] == 'attachment; filename="model.safetensors"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_part_of_a_file_can_be_asked_for(workspace, client):
    (workspace / "weights").write_bytes(b"0123456789")
    answer = client.get(link_to(workspace / "weights"), headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")


@pytest.mark.parametrize("token", ["", "x", "IjAi.abc", "../../etc/passwd", "%2e%2e%2fetc%2fpasswd"])
def test_what_was_not_signed_is_not_given(workspace, client, token):
    assert client.get(f"{FILES}/{token}").status_code in (403, 404)


def test_a_changed_link_is_not_given(workspace, client):
    (workspace / "weights").write_bytes(b"1")
    link = link_to(workspace / "weights")
    place = len(link) - 8  # within the signature; of its last character some bits stand for nothing
    changed = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
    assert client.get(changed).status_code == 403


def test_no_link_leads_out(workspace, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (workspace / "out").symlink_to(tmp_path / "secret")
    for path in (tmp_path / "secret", workspace / "out"):
        with pytest.raises(Outside):
            link_to(path)


def test_a_file_that_became_a_link_to_elsewhere_is_not_given(workspace, client, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (workspace / "weights").write_bytes(b"1")
    link = link_to(workspace / "weights")
    (workspace / "weights").unlink()
    (workspace / "weights").symlink_to(tmp_path / "secret")
    answer = client.get(link)
    assert answer.status_code == 403
    assert "secret" not in answer.text.replace(str(tmp_path), "")


def test_a_file_that_is_gone_is_told(workspace, client):
    (workspace / "weights").write_bytes(b"1")
    link = link_to(workspace / "weights")
    (workspace / "weights").unlink()
    assert client.get(link).status_code == 404
