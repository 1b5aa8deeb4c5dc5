import numpy as np
from PIL import Image

from specdet.cli import main
from specdet.data.build import build_dataset
from specdet.experiment import load
from specdet.spec.compose import shipped_specs

RPN = str(shipped_specs() / "rpn.toml")
FLIPPED = "data.train_transforms.flip.probability=1.0"


def test_pictures_show_what_training_sees(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["browse", RPN, FLIPPED, "-o", str(out), "--count", "3"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert [path.name for path in sorted(out.iterdir())] == ["000.jpg", "366.jpg", "733.jpg"]
    experiment = load(RPN, [FLIPPED])
    data = experiment.data
    dataset = build_dataset(data.train, transforms=data.train_transforms, seed=experiment.seed, training=True)
    sample = dataset[0, 366]
    with Image.open(out / "366.jpg") as picture:
        shown = np.asarray(picture.resize((128, 128), Image.Resampling.BOX)).astype(int)
    seen = sample.image.permute(1, 2, 0).numpy().astype(int)
    assert np.median(np.abs(shown - seen)) < 6
    left, _, right, bottom = (4 * int(edge) for edge in sample.boxes[0].tolist())
    with Image.open(out / "366.jpg") as picture:
        edge = np.asarray(picture)[bottom - 1, left:right].astype(int)  # texts stand above
    inside = np.repeat(seen[bottom // 4 - 1, left // 4 : right // 4], 4, axis=0)
    assert np.median(np.abs(edge - inside).max(axis=1)) > 40


def test_files_are_called_as_their_images_and_epochs_differ(trained, tmp_path):
    coco = ["data.train.type=Coco", f"data.train.images={trained.images}",
            f"data.train.annotations={trained.annotations}", "schedule.warmup_iters=1"]  # fmt: skip
    for epoch in ("0", "1"):
        assert main(["browse", RPN, *coco, "-o", str(tmp_path / epoch), "--epoch", epoch]) == 0
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == [f"{place}-{place}.jpg" for place in range(5)]
    differing = [
        path for path in (tmp_path / "0").iterdir() if path.read_bytes() != (tmp_path / "1" / path.name).read_bytes()
    ]
    assert differing


def test_the_validation_set_of_a_run_is_shown(trained, tmp_path):
    assert main(["browse", str(trained.run), "-o", str(tmp_path / "out"), "--set", "val"]) == 0
    assert len([*(tmp_path / "out").iterdir()]) == 5


def test_wrong_input_is_a_sentence(tmp_path, capsys, trained):
    assert main(["browse", RPN, "-o", str(tmp_path / "out"), "--count", "0"]) == 2
    (tmp_path / "mine").touch()
    assert main(["browse", RPN, "-o", str(tmp_path)]) == 1
    assert "is not empty" in capsys.readouterr().err
    lacking = ["data.train.type=Coco", f"data.train.images={tmp_path}", "data.train.annotations=none.json"]
    assert main(["browse", RPN, *lacking, "-o", str(tmp_path / "out")]) == 3
    assert "none.json" in capsys.readouterr().err
