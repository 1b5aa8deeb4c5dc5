"""Weights into modules: all or nothing, and one message for all that does not fit."""

from collections.abc import Mapping

from torch import Tensor, nn

SHOWN = 8  # names listed of each kind of misfit


def load_weights(
    module: nn.Module, weights: Mapping[str, Tensor], *, source: str, prefix: str = "", unused: tuple[str, ...] = ()
) -> None:
    """Copy `weights` into the parameters and buffers of `module`.

    Args:
        module: What they are for.
        weights: Tensors by name. The counters of batch norms may be missing.
        source: What messages call the weights: a file or a published name.
        prefix: Where the weights are those of a whole detector, what the names of this part begin with.
        unused: Beginnings of names that `module` has no use for.

    Raises:
        ValueError: Naming what is missing, what is too much and what has another shape. Then nothing is copied.
    """
    if prefix and any(name.startswith(prefix) for name in weights):
        weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
    own = module.state_dict()
    given = {name: tensor for name, tensor in weights.items() if not name.startswith(unused) or name in own}
    misfits = {
        "missing": [name for name in own if name not in given and not name.endswith("num_batches_tracked")],
        "not in the model": [name for name in given if name not in own and not name.endswith("num_batches_tracked")],
        "other shape": [
            f"{name} {tuple(tensor.shape)} (the model has {tuple(own[name].shape)})"
            for name, tensor in given.items()
            if name in own and tensor.shape != own[name].shape
        ],
    }
    if any(misfits.values()):
        lines = "; ".join(f"{kind}: {shortened(names)}" for kind, names in misfits.items() if names)
        raise ValueError(f"{source}: the weights do not fit {type(module).__name__}. {lines}")
    module.load_state_dict({name: given.get(name, tensor) for name, tensor in own.items()})


def shortened(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
