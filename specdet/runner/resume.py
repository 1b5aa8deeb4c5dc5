"""What a checkpoint holds of a Runner, and how a Runner goes on from one, bit for bit."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import Tensor, nn

from specdet.runner.checkpoint import ACCELERATE, FOLDER, find_checkpoint, write_checkpoint
from specdet.runner.environment import Environment, difference, environment_differences, spec_differences
from specdet.runner.progress import Progress
from specdet.runner.rng import read_random_states, restore_random_states
from specdet.runs.files import read_json

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

logger = logging.getLogger("specdet")

WEIGHTS = f"{ACCELERATE}/model.safetensors"
AVERAGED = "ema.safetensors"
CLASSES = "classes.json"


@attrs.define(kw_only=True)
class Resumed:
    """A checkpoint that was resumed, and what of it waits for the run to start."""

    path: Path
    random_states: dict[str, Any] | None

    def restore_random_states(self) -> None:
        """Once, as late as can be: making loaders and loading the first batches may draw numbers too."""
        if self.random_states is not None:
            restore_random_states(self.random_states)
            self.random_states = None


def save_unwrapped(accelerator: Accelerator) -> None:
    """Let Accelerate save and load weights under the model's own names, so that they do not depend on the world size.

    By default the names of several processes start with DistributedDataParallel's "module.", those of one do not.
    """

    def unwrap_saved(models: list[nn.Module], weights: list[dict[str, Tensor]], folder: str) -> None:
        weights[:] = [accelerator.unwrap_model(model).state_dict() for model in models]

    def unwrap_loaded(models: list[nn.Module], folder: str) -> None:
        models[:] = [accelerator.unwrap_model(model) for model in models]

    accelerator.register_save_state_pre_hook(unwrap_saved)
    accelerator.register_load_state_pre_hook(unwrap_loaded)


def save(runner: "Runner") -> Path:
    """Write a checkpoint of all that `resume` needs, on all ranks together."""
    environment = Environment.here(runner.accelerator, seed=runner.seed)
    documents = {
        "progress.json": _json(runner.progress.to_table()),
        "hooks.json": _json({name: state for name, hook in runner.named_hooks if (state := hook.state_dict())}),
        "env.json": _json({**attrs.asdict(environment), "meta": runner.meta}),
    }
    if runner.spec_text is not None:
        documents["spec.toml"] = runner.spec_text
    if runner.classes:
        documents[CLASSES] = _json({"v": 1, "classes": runner.classes})
    tensors = {AVERAGED: runner.averaged.tensors()} if runner.averaged is not None else {}
    return write_checkpoint(
        runner.checkpoint_folder, runner.iter, accelerator=runner.accelerator, documents=documents, tensors=tensors
    )


def resume(runner: "Runner", source: Path) -> Resumed:
    """Give `runner` the weights, the optimizer and the position of a checkpoint; the rest waits for `restore_hooks`.

    Raises:
        ValueError: For a checkpoint that is damaged or that another environment or spec made.
        FileNotFoundError: Where there is none.
    """
    path = find_checkpoint(source, reject=runner.logger.warning)
    then = read_json(path / "env.json")
    now = attrs.asdict(Environment.here(runner.accelerator, seed=runner.seed))
    differences = _differences(runner, path, then, now)
    _settle_differences(runner, path, differences)
    _load_state(runner, path, changed=bool(differences))
    runner.accelerator.step = 0  # counts batches of a group; checkpoints are only made between groups
    progress = runner.progress = Progress.from_table(read_json(path / "progress.json"))
    same_ranks = then["world_size"] == now["world_size"]
    if not same_ranks:
        # The order of the data is that of global batches, so the position can be told in those.
        progress.batch = progress.batch * then["world_size"] // now["world_size"]
        runner.logger.warning("random states are not restored: they belong to %d processes", then["world_size"])
    states = read_random_states(path / ACCELERATE, rank=runner.rank) if same_ranks else None
    if runner.work_dir is not None and path.parent.resolve() == (runner.work_dir / FOLDER).resolve():
        runner.last_checkpoint = path
    runner.logger.info("resumed %s: epoch %d, iter %d", path, progress.epoch, progress.iter)
    return Resumed(path=path, random_states=states)


def _load_state(runner: "Runner", path: Path, *, changed: bool) -> None:
    """Weights and optimizer. Where the spec is knowingly another, its rates and decays count, not the checkpoint's."""
    groups = [] if runner.optimizer is None else runner.optimizer.param_groups
    wanted = [{key: value for key, value in group.items() if key != "params"} for group in groups]
    try:
        runner.accelerator.load_state(str(path / ACCELERATE))
        if runner.optimizer is not None and changed:
            for group, options in zip(runner.optimizer.param_groups, wanted, strict=True):
                if group.keys() - {"params"} != options.keys():
                    raise ValueError("it was trained with another optimizer")
                group.update(options)
    except (RuntimeError, ValueError, KeyError) as error:
        raise ValueError(
            f"{path} cannot be gone on from with this model and optimizer ({error}): "
            "train.load_from takes its weights alone, as far as they fit"
        ) from error


def restore_hooks(runner: "Runner", resumed: Resumed) -> None:
    """Give hooks their state back, and the averaged weights. Called once hooks are set up."""
    states = read_json(resumed.path / "hooks.json")
    hooks = dict(runner.named_hooks)
    for name, state in states.items():
        if name in hooks:
            hooks[name].load_state_dict(state)
        else:
            runner.logger.warning(
                "%s has state of a hook called '%s', which this run does not have", resumed.path, name
            )
    averaged = resumed.path / AVERAGED
    if runner.averaged is not None and averaged.exists():
        runner.averaged.load(load_file(averaged))
    elif runner.averaged is not None:
        runner.logger.warning("%s has no averaged weights: the average starts from its weights", resumed.path)


def load_weights(model: nn.Module, path: Path, *, strict: bool) -> None:
    """Load weights into `model`.

    Args:
        path: A checkpoint, a run (its last whole checkpoint), a .safetensors file, or a file of `torch.save` that
            holds a state dict, alone or under "state_dict" or "model"; the latter is read with weights_only.

    Raises:
        ValueError: Naming the file, and what does not fit.
        FileNotFoundError: Where there is none.
    """
    file = find_checkpoint(path, reject=logger.warning) / WEIGHTS if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist: give a checkpoint folder, a .safetensors or a .pth file")
    weights = _read_weights(file)
    try:
        model.load_state_dict(weights, strict=strict)
    except RuntimeError as error:
        raise ValueError(f"{file} does not fit the model: {error}") from error


def _read_weights(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # neither library says what it raises for a file that is damaged or no weights at all
        raise ValueError(f"{file} cannot be read as weights ({type(error).__name__}): {error}") from error
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ValueError(f"{file} holds no state dict, that is a table of tensors by name")
    return found


def _differences(runner: "Runner", path: Path, then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    lines = environment_differences(then, now)
    spec = path / "spec.toml"
    if spec.exists() and runner.spec_text is not None:
        lines += spec_differences(spec.read_text(encoding="utf-8"), runner.spec_text)
    known = stored_classes(path)
    if known and runner.classes and known != runner.classes:
        lines.append(
            difference("classes", ", ".join(known), ", ".join(runner.classes), changes="what each output stands for")
        )
    return [*dict.fromkeys(lines)]  # the seed is told by both


def stored_classes(path: Path) -> tuple[str, ...]:
    """The names of the classes that a checkpoint folder tells, in the order of their labels; none in older ones."""
    if not (path / CLASSES).is_file():
        return ()
    table = read_json(path / CLASSES)
    classes = table.get("classes") if isinstance(table, dict) else None
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"{path / CLASSES} holds no list of names: it was changed by hand, or is damaged")
    return tuple(classes)


def _settle_differences(runner: "Runner", path: Path, lines: list[str]) -> None:
    if not lines:
        return
    listed = "\n  ".join(lines)
    if not runner.accept_differences:
        raise ValueError(
            f"{path} was trained with something else, so going on would not give the same weights:\n  {listed}\n"
            "Set train.accept_differences = true to go on all the same."
        )
    runner.logger.warning("%s was trained with something else, which is accepted:\n  %s", path, listed)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"
