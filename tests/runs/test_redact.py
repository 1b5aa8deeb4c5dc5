import pytest

from specdet.runs.redact import is_secret_name, redacted, redacted_arguments, redacted_environment, secret_values

SECRET = "hunter2-abcdef"


@pytest.mark.parametrize(
    "name",
    ["token", "HF_TOKEN", "--api-key", "hooks.wandb.apiKey", "AWS_SECRET_ACCESS_KEY", "db.password", "PGPASSWORD",
     "client_secret", "TOKEN2", "my.passphrase", "--auth", "Credentials"],
)  # fmt: skip
def test_names_that_sound_like_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["optimizer.lr", "data.keypoints", "--detach", "KEYBOARD", "TOKENIZERS_PARALLELISM", "name", "PWD", "secretary",
     "hooks.log.every", "model.head.keypoint_weight"],
)  # fmt: skip
def test_names_that_do_not(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "argv",
    [
        ["--token", SECRET],
        [f"--api-key={SECRET}"],
        ["--set", f"hooks.wandb.apiKey={SECRET}"],
        ["--set", f'hooks.wandb.password = "{SECRET} and more {SECRET}"'],
        ["--set", f'hooks.wandb={{ project = "x", token = "{SECRET}" }}'],
        [f"https://me:{SECRET}@example.org/data"],
        [f"https://{SECRET}@example.org/data"],
    ],
)
def test_secrets_are_told_by_their_names(argv):
    shown = redacted_arguments(["specdet", "launch", *argv, "last.toml"], secrets=())
    assert SECRET not in " ".join(shown)
    assert shown[:2] == ["specdet", "launch"] and shown[-1] == "last.toml" and len(shown) == len(argv) + 3


def test_known_secrets_are_told_by_their_values():
    shown = redacted_arguments(["--note", f"a{SECRET}b", f"x={SECRET}"], secrets=[SECRET])
    assert shown == ["--note", "a<redacted>b", "x=<redacted>"]
    assert redacted(f"+ user = '{SECRET}'", secrets=[SECRET]) == "+ user = '<redacted>'"


@pytest.mark.parametrize(
    "argument",
    ["optimizer.lr=0.1", 'hooks.hub.token={ env = "HUB" }', "~hooks.log", "train.resume_from=runs/a", "a.toml",
     "--processes=2", "note=see https://example.org/a@b"],
)  # fmt: skip
def test_what_is_no_secret_stays_as_it_is(argument):
    assert redacted_arguments([argument, "next"], secrets=()) == [argument, "next"]


def test_secrets_of_the_environment_are_those_with_such_names_and_those_that_specs_refer_to():
    environment = {"HUB": SECRET, "HF_TOKEN": "t" * 9, "HOME": "/home/me", "SHORT_KEY": "1"}
    assert secret_values(environment) == ["t" * 9]
    assert secret_values(environment, specs=['[hooks.hub]\npassword = { env = "HUB" }']) == [SECRET, "t" * 9]
    assert secret_values(environment, specs=["[hooks.hub.password]\nenv = 'HUB'"]) == [SECRET, "t" * 9]


def test_the_environment_is_shown_without_them():
    shown = redacted_environment({"NCCL_TOKEN": "abc", "OMP_NUM_THREADS": "2", "SPECDET_X": SECRET}, secrets=[SECRET])
    assert shown == {"NCCL_TOKEN": "<redacted>", "OMP_NUM_THREADS": "2", "SPECDET_X": "<redacted>"}
