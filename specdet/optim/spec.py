"""Specs of optimizers, of the parameter groups they share, and of learning-rate schedules."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from specdet.spec import Problem, Spec, field, spec


@spec
class ParameterRuleSpec(Spec):
    """What is different for the parameters whose names match a pattern; what it leaves out stays as it was."""

    pattern: str = field(help='Glob on parameter names, such as "backbone.*"; `*` matches dots too.')
    lr_factor: float | None = field(None, ge=0, help="Factor on the learning rate.")
    decay_factor: float | None = field(None, ge=0, help="Factor on the weight decay.")
    frozen: bool | None = field(None, help="Whether these parameters are left as they are.")

    def problems(self) -> Iterable[Problem]:
        if not self.pattern:
            yield Problem(path="pattern", message='an empty pattern matches nothing; "*" matches every parameter')
        if self.lr_factor is None and self.decay_factor is None and self.frozen is None:
            yield Problem(path="", message="the rule changes nothing: give it lr_factor, decay_factor or frozen")


def lr_field(default: float | None = None) -> Any:
    """The learning rate, with torch's default where detection has no other."""
    text = "Learning rate after warm-up, before any decay."
    return field(gt=0, help=text) if default is None else field(default, gt=0, help=text)


def decay_field(default: float = 0.0) -> Any:
    """Weight decay, as an L2 gradient or decoupled, whichever the optimizer does."""
    return field(default, ge=0, help="Weight decay.")


def betas_field() -> Any:
    """The pair of decay rates that the Adam family shares."""
    return field((0.9, 0.999), ge=0, lt=1, help="Decay rates of the running means of the gradient and of its square.")


def eps_field(default: float = 1e-8) -> Any:
    """The guard against a division by zero."""
    return field(default, gt=0, advanced=True, help="Added to the denominator.")


def decoupled_field() -> Any:
    """Whether weight decay goes around the gradient."""
    return field(False, help="Decay weights apart from the gradient (Loshchilov and Hutter 2017, arXiv:1711.05101).")


def implementation_field() -> Any:
    """How torch runs the update."""
    return field(
        "auto", advanced=True, help="Which of torch's implementations runs the update; auto lets torch choose."
    )


WithFused = Literal["auto", "foreach", "fused", "loop"]
WithoutFused = Literal["auto", "foreach", "loop"]


@spec
class OptimizerSpec(Spec):
    """What optimizers share: which parameters are trained, and how strongly.

    The factors for biases and norm layers hold where no rule says otherwise. Where several rules match one parameter,
    the last one that gives a factor wins, factor by factor. A bias of a norm layer counts as norm, not as bias.
    """

    builds: ClassVar[str] = "specdet.optim.build:torch_optimizer"
    algorithm: ClassVar[str] = ""  # a class of torch.optim, which takes the fields of the subclass under their names

    bias_lr_factor: float = field(1.0, ge=0, help="Factor on the learning rate of biases.")
    bias_decay_factor: float = field(1.0, ge=0, help="Factor on the weight decay of biases.")
    norm_decay_factor: float = field(1.0, ge=0, help="Factor on the weight decay of norm layers' weights and biases.")
    rules: dict[str, ParameterRuleSpec] = field(
        factory=dict, help="Rules for parameters by name; the last that matches wins."
    )


@spec
class SGDSpec(OptimizerSpec):
    """Stochastic gradient descent with momentum."""

    algorithm: ClassVar[str] = "SGD"
    lr: float = lr_field()
    momentum: float = field(0.0, ge=0, lt=1, help="Share of the last update that is kept.")
    dampening: float = field(
        0.0, ge=0, le=1, advanced=True, help="How much less the new gradient counts in the momentum."
    )
    weight_decay: float = decay_field()
    nesterov: bool = field(False, help="Look ahead along the momentum; needs momentum and no dampening.")
    implementation: WithFused = implementation_field()

    def problems(self) -> Iterable[Problem]:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            yield Problem(path="nesterov", message="needs momentum above 0 and dampening 0")


@spec
class AdamSpec(OptimizerSpec):
    """Adam (Kingma and Ba 2014, arXiv:1412.6980)."""

    algorithm: ClassVar[str] = "Adam"
    lr: float = lr_field(1e-3)
    betas: tuple[float, float] = betas_field()
    eps: float = eps_field()
    weight_decay: float = decay_field()
    amsgrad: bool = field(False, help="Keep the largest second moment (Reddi et al. 2018, arXiv:1904.09237).")
    decoupled_weight_decay: bool = decoupled_field()
    implementation: WithFused = implementation_field()


@spec
class AdamWSpec(OptimizerSpec):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv:1711.05101)."""

    algorithm: ClassVar[str] = "AdamW"
    lr: float = lr_field(1e-3)
    betas: tuple[float, float] = betas_field()
    eps: float = eps_field()
    weight_decay: float = decay_field(0.01)
    amsgrad: bool = field(False, help="Keep the largest second moment (Reddi et al. 2018, arXiv:1904.09237).")
    implementation: WithFused = implementation_field()


@spec
class RMSpropSpec(OptimizerSpec):
    """RMSprop (Hinton 2012; the centred variant is Graves 2013, arXiv:1308.0850)."""

    algorithm: ClassVar[str] = "RMSprop"
    lr: float = lr_field(1e-2)
    alpha: float = field(0.99, ge=0, lt=1, help="Decay rate of the running mean of the squared gradient.")
    eps: float = eps_field()
    weight_decay: float = decay_field()
    momentum: float = field(0.0, ge=0, lt=1, help="Share of the last update that is kept.")
    centered: bool = field(False, help="Divide by the variance of the gradient instead of its square.")
    implementation: WithoutFused = implementation_field()


@spec
class NAdamSpec(OptimizerSpec):
    """Adam with Nesterov momentum (Dozat 2016)."""

    algorithm: ClassVar[str] = "NAdam"
    lr: float = lr_field(2e-3)
    betas: tuple[float, float] = betas_field()
    eps: float = eps_field()
    weight_decay: float = decay_field()
    momentum_decay: float = field(4e-3, ge=0, advanced=True, help="How fast the momentum grows to its full share.")
    decoupled_weight_decay: bool = decoupled_field()
    implementation: WithoutFused = implementation_field()


@spec
class RAdamSpec(OptimizerSpec):
    """Adam with a rectified variance (Liu et al. 2019, arXiv:1908.03265)."""

    algorithm: ClassVar[str] = "RAdam"
    lr: float = lr_field(1e-3)
    betas: tuple[float, float] = betas_field()
    eps: float = eps_field()
    weight_decay: float = decay_field()
    decoupled_weight_decay: bool = decoupled_field()
    implementation: WithoutFused = implementation_field()


@spec
class AdagradSpec(OptimizerSpec):
    """Adagrad (Duchi et al. 2011)."""

    algorithm: ClassVar[str] = "Adagrad"
    lr: float = lr_field(1e-2)
    lr_decay: float = field(0.0, ge=0, advanced=True, help="Adagrad's own decay: lr / (1 + steps * lr_decay).")
    weight_decay: float = decay_field()
    initial_accumulator_value: float = field(
        0.0, ge=0, advanced=True, help="Where the sums of squared gradients start."
    )
    eps: float = eps_field(1e-10)
    implementation: WithFused = implementation_field()


WARMUPS = {"warmup": ("constant", "linear", "exponential")}


@spec
class ScheduleSpec(Spec):
    """What schedules share: the warm-up, a factor on whatever the schedule itself gives."""

    warmup: Literal["none", "constant", "linear", "exponential"] = field("none", help="How the learning rate starts.")
    warmup_iters: int = field(500, ge=1, unit="optimizer steps", depends_on=WARMUPS, help="Length of the warm-up.")
    warmup_ratio: float = field(
        0.001, gt=0, le=1, depends_on=WARMUPS, help="Share of the learning rate that the warm-up starts with."
    )

    def problems_within(self, *, epochs: int, iters: int | None, length: str) -> Iterable[Problem]:
        """What never comes to pass in a training.

        Args:
            epochs: No more than so many epochs are begun.
            iters: No more than so many optimizer steps are done, where that is known.
            length: Both in words, for messages.
        """
        if self.warmup != "none" and iters is not None and self.warmup_iters >= iters:
            message = f"the warm-up of {self.warmup_iters} optimizer steps never ends: the training has {length}"
            yield Problem(path="warmup_iters", message=message)


def clock_field(default: str) -> Any:
    """The clock of a schedule."""
    return field(default, help="When the value changes: at the start of each epoch or at each optimizer step.")


def floor_field() -> Any:
    """The floor of a schedule that falls."""
    return field(0.0, ge=0, le=1, help="Share of the learning rate that is left at the end.")


@spec
class ConstantScheduleSpec(ScheduleSpec):
    """The same learning rate after the warm-up."""

    builds: ClassVar[str] = "specdet.optim.schedules:ConstantSchedule"


@spec
class StepScheduleSpec(ScheduleSpec):
    """A factor at each milestone."""

    builds: ClassVar[str] = "specdet.optim.schedules:StepSchedule"
    by: Literal["epoch", "iter"] = clock_field("epoch")
    milestones: tuple[int, ...] = field(
        ge=1,
        min_length=1,
        help="Epochs (or optimizer steps, with by = iter) after which the learning rate falls, ascending.",
    )
    gamma: float = field(0.1, gt=0, le=1, help="Factor at each milestone.")

    def problems(self) -> Iterable[Problem]:
        if list(self.milestones) != sorted(set(self.milestones)):
            yield Problem(path="milestones", message=f"must ascend, got {list(self.milestones)}")

    def problems_within(self, *, epochs: int, iters: int | None, length: str) -> Iterable[Problem]:
        yield from super().problems_within(epochs=epochs, iters=iters, length=length)
        end = epochs if self.by == "epoch" else iters
        late = [str(milestone) for milestone in self.milestones if end is not None and milestone >= end]
        if late:
            verb = "is" if len(late) == 1 else "are"
            yield Problem(
                path="milestones", message=f"{', '.join(late)} {verb} never reached: the training has {length}"
            )


@spec
class CosineScheduleSpec(ScheduleSpec):
    """Half a cosine from the learning rate to its floor (Loshchilov and Hutter 2016, arXiv:1608.03983)."""

    builds: ClassVar[str] = "specdet.optim.schedules:CosineSchedule"
    by: Literal["epoch", "iter"] = clock_field("iter")
    min_factor: float = floor_field()


@spec
class PolyScheduleSpec(ScheduleSpec):
    """A power of the share of the training that is left."""

    builds: ClassVar[str] = "specdet.optim.schedules:PolySchedule"
    by: Literal["epoch", "iter"] = clock_field("iter")
    power: float = field(1.0, gt=0, help="The power; 1 falls in a straight line.")
    min_factor: float = floor_field()
