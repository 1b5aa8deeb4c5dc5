"""How much memory a training takes on one device, found out without taking it.

The model, the batch and the optimizer are made of fake tensors, which have a shape, a type and a device, but no content
(`torch._subclasses.FakeTensorMode`): a forward pass takes a tenth of a second, whatever the size of the model.
"""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any, Literal

import attrs
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode

from specdet.runner.batch_processor import batch_processor
from specdet.runner.spec import enabled_hooks
from specdet.spec import Spec
from specdet.structures import Batch, Targets

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
PROPOSALS = 1000  # that come with an image; they weigh next to nothing, either
SLOTS = 32  # of ground truth in an image; boxes weigh next to nothing, masks a byte a pixel


@attrs.frozen(kw_only=True)
class TrainingMemory:
    """What a device holds when a forward pass is done, in bytes.

    What lives only within one operation is not counted, nor is what the driver takes for itself.

    Attributes:
        parameters: Weights and buffers of the model.
        gradients: Of the weights that are trained.
        optimizer: What the optimizer keeps of each of them.
        averages: Copies of all weights that hooks keep.
        activations: What the forward pass of one batch keeps for its backward pass.
        batch: The batches of one optimizer step.
    """

    parameters: int
    gradients: int
    optimizer: int
    averages: int
    activations: int
    batch: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(attrs.astuple(self))


@attrs.frozen(kw_only=True)
class ModelSize:
    """How large a model is, and what a training keeps of it; bytes but for the first two.

    Attributes:
        parameters: Numbers in all weights.
        trainable: Those of them that the optimizer changes.
        weights: Weights and buffers.
        gradients: Of the weights that are trained.
        optimizer: What the optimizer keeps of each of them.
        averages: Copies of all weights that hooks keep.
        saved: Weights and buffers that a checkpoint holds.
    """

    parameters: int
    trainable: int
    weights: int
    gradients: int
    optimizer: int
    averages: int
    saved: int

    @property
    def checkpoint(self) -> int:
        """Bytes of a checkpoint on disk, but for some kilobytes of positions and random states."""
        return self.saved + self.optimizer + self.averages


@attrs.frozen(kw_only=True)
class Step:
    """One training step on one device, as a spec describes it.

    Attributes:
        images: In a batch.
        size: Height and width of a batch, px.
        size_divisor: What batches are padded to a multiple of, px.
        accumulate: Batches of one optimizer step.
        precision: Of the forward pass.
        device: "cpu" or "cuda"; it need not exist here.
    """

    images: int
    size: tuple[int, int]
    size_divisor: int
    accumulate: int
    precision: Literal["fp32", "bf16", "fp16"]
    device: torch.device


def training_memory(step: Step, *, model: Spec, optimizer: Spec, hooks: Mapping[str, Spec]) -> TrainingMemory:
    """The memory that training takes.

    Raises:
        SpecError, ValueError: For a model or an optimizer that cannot be built.
        RuntimeError: For a model whose forward pass depends on the content of its tensors.
    """
    share = state_share(optimizer)
    with FakeTensorMode(allow_non_fake_inputs=True), step.device:
        network: nn.Module = model.build().train()
        size = _size(network, optimizer=optimizer, hooks=hooks, share=share)
        batch = blank_batch(
            step, masks=getattr(model, "gives_masks", False), proposals=getattr(model, "uses_proposals", False)
        )
        return TrainingMemory(
            parameters=size.weights,
            gradients=size.gradients,
            optimizer=size.optimizer,
            averages=size.averages,
            activations=kept_for_backward(network, batch, precision=step.precision),
            batch=step.accumulate * byte_count(_tensors_of(batch)),
        )


def model_size(model: Spec, *, optimizer: Spec, hooks: Mapping[str, Spec]) -> ModelSize:
    """The size of a model in training; nothing of it is taken. Raises as `training_memory`."""
    share = state_share(optimizer)
    with FakeTensorMode(allow_non_fake_inputs=True):
        return _size(model.build(), optimizer=optimizer, hooks=hooks, share=share)


def _size(network: nn.Module, *, optimizer: Spec, hooks: Mapping[str, Spec], share: float) -> ModelSize:
    """Of a model, whose parameters the optimizer freezes as its rules say."""
    groups = optimizer.build(model=network).param_groups
    trained = [parameter for group in groups for parameter in group["params"]]
    saved = byte_count(network.state_dict().values())
    copies = sum(getattr(hook, "weight_copies", 0) for hook in enabled_hooks(hooks).values())
    return ModelSize(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        trainable=sum(parameter.numel() for parameter in trained),
        weights=byte_count([*network.parameters(), *network.buffers()]),
        gradients=byte_count(trained),
        optimizer=round(share * byte_count(trained)),
        averages=copies * saved,
        saved=saved,
    )


def kept_for_backward(network: nn.Module, batch: Batch, *, precision: str) -> int:
    """Bytes that the forward pass of a training step keeps for its backward pass, besides the weights themselves."""
    weights = {each.untyped_storage()._cdata for each in (*network.parameters(), *network.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}  # held until the end, or another storage could take a freed one's place

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage
        return tensor

    dtype = DTYPES.get(precision)
    autocast = torch.autocast(batch.images.device.type, dtype=dtype) if dtype else nullcontext()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), autocast:
        batch_processor(network, batch, train_mode=True)
    return sum(storage.nbytes() for storage in kept.values())


def state_share(optimizer: Spec) -> float:
    """Bytes that an optimizer keeps for each byte of a trained weight, measured on a layer of a few weights.

    What is there once for each parameter, such as Adam's count of steps, is left out.

    Raises:
        RuntimeError: Where torch has no such implementation for a CPU.
    """
    layer, real = one_step(optimizer, device=torch.device("cpu"))
    state = (value for value in real.state[layer.weight].values() if isinstance(value, Tensor))
    return byte_count(value for value in state if value.shape == layer.weight.shape) / byte_count([layer.weight])


def one_step(optimizer: Spec, *, device: torch.device) -> tuple[nn.Linear, torch.optim.Optimizer]:
    """A layer of a few weights, and the optimizer of a spec after a step with it."""
    spec: Any = attrs.evolve(optimizer, rules={}) if hasattr(optimizer, "rules") else optimizer  # they name parameters
    layer = nn.Linear(8, 8, device=device)
    real = spec.build(model=layer)
    layer(torch.ones(1, 8, device=device)).sum().backward()
    real.step()
    return layer, real


def blank_batch(step: Step, *, masks: bool = False, proposals: bool = False) -> Batch:
    """A batch of the shape that a step has, on the default device; with masks of objects, or proposals, if asked."""
    images, sizes = step.images, torch.tensor([step.size]).repeat(step.images, 1)
    return Batch(
        images=torch.zeros((images, 3, *step.size), dtype=torch.uint8),
        sizes=sizes,
        original_sizes=sizes.clone(),
        image_ids=torch.zeros(images, dtype=torch.int64),
        keys=torch.zeros(images, dtype=torch.int64),
        targets=Targets(
            boxes=torch.zeros((images, SLOTS, 4)),
            labels=torch.zeros((images, SLOTS), dtype=torch.int64),
            crowd=torch.zeros((images, SLOTS), dtype=torch.bool),
            masks=torch.zeros((images, SLOTS, *step.size), dtype=torch.uint8) if masks else None,
        ),
        size_divisor=step.size_divisor,
        proposals=torch.zeros((images, PROPOSALS, 4)) if proposals else None,
    )


def byte_count(tensors: Iterable[Tensor]) -> int:
    """Bytes of the memory behind tensors, counted once where several share it."""
    storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())


def _tensors_of(batch: Batch) -> list[Tensor]:
    parts = [batch, *([batch.targets] if batch.targets is not None else [])]
    values = [getattr(part, attribute.name) for part in parts for attribute in attrs.fields(type(part))]
    return [value for value in values if isinstance(value, Tensor)]
