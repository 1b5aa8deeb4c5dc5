"""The command that starts a run: `accelerate launch`, in the way that really starts as many processes as asked."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.devices import CPU, HELD, VISIBLE, Wish
from specdet.runs.identity import ATTEMPT, RUN_DIRECTORY, RUN_ID

# Accelerate reads the user's own configuration unless it is given one; without any, FSDP or a precision may slip in.
CONFIGURATION = Path(__file__).with_name("accelerate.json")
SPEC = "spec.toml"
# What a process inherits from another launcher that it was started by, and what would configure Accelerate.
FOREIGN = re.compile(
    r"ACCELERATE_.*|FSDP_.*|TORCHELASTIC_.*|(LOCAL_|GROUP_|ROLE_)?(RANK|WORLD_SIZE)|ROLE_NAME|MASTER_(ADDR|PORT)"
    r"|(PMI|OMPI_COMM_WORLD|MV2_COMM_WORLD)_(LOCAL_)?(RANK|SIZE)"
)


@attrs.frozen(kw_only=True)
class LaunchOptions:
    """How a run is launched; kept in meta.json, for its supervisor and for the next attempt.

    Attributes:
        wanted: The devices.
        processes: How many train on this machine.
        waits: Whether the run waits where its devices are busy; else it fails.
        plugins: Files of components that may run.
        overrides: Changes to the stored spec, `key=value`; of a resumed run.
        machines, machine_rank: How many machines train together, and which one this is, from 0.
        main_address: HOST:PORT of machine 0; needed with several.
    """

    wanted: Wish
    processes: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    waits: bool = False
    plugins: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    machines: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    machine_rank: int = 0
    main_address: str = ""

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.machine_rank < self.machines:
            raise ValueError(f"{self.machines} machines have ranks 0 to {self.machines - 1}, got {self.machine_rank}")
        if self.machines > 1 and not re.fullmatch(r".+:\d{1,5}", self.main_address):
            raise ValueError("several machines meet at an address of the first one: give HOST:PORT, as in node0:29500")

    def to_table(self) -> dict[str, Any]:
        """As JSON values."""
        table = attrs.asdict(self, recurse=False)
        return {**table, "wanted": self.wanted.to_table(), "plugins": [*self.plugins], "overrides": [*self.overrides]}

    @classmethod
    def read(cls, table: Any) -> "LaunchOptions":
        """What `to_table` gave. Raises ValueError for anything else."""
        names = {attribute.name for attribute in attrs.fields(cls)}
        try:
            known = {key: value for key, value in table.items() if key in names}
            lists = {key: tuple(map(str, known.get(key, ()))) for key in ("plugins", "overrides")}
            return cls(**{**known, **lists, "wanted": Wish.read(table.get("wanted"))})
        except (TypeError, AttributeError) as error:
            raise ValueError(f"these are no options of a launch: {table!r}") from error


@attrs.frozen(kw_only=True)
class Command:
    """What to start: an argument list, never a line for a shell, and the whole environment."""

    argv: tuple[str, ...]
    environment: dict[str, str]


def launch_command(
    options: LaunchOptions,
    *,
    devices: Sequence[str],
    directory: Path,
    attempt: int,
    resumes: bool,
    environment: Mapping[str, str],
    module: str = "specdet.train",
) -> Command:
    """The command that trains the spec of a run directory.

    Args:
        options: As the run was launched.
        devices: The devices that it has.
        directory: The run directory.
        attempt: 1, and one more for each time that the run was resumed.
        resumes: Whether there is a checkpoint in the directory to go on from.
        environment: Of the supervisor.
        module: What each process runs.
    """
    total = options.processes * options.machines
    on_cpu = tuple(devices) == (CPU,)
    argv = [
        sys.executable, "-m", "accelerate.commands.launch",
        "--config_file", str(CONFIGURATION),
        "--num_machines", str(options.machines),
        "--num_processes", str(total),
        "--mixed_precision", "no",  # the spec's holds, see `make_accelerator`
        "--dynamo_backend", "no",
    ]  # fmt: skip
    if total > 1:
        argv.append("--multi_gpu")  # on the CPU too: with --cpu Accelerate starts one process, whatever is asked
    elif on_cpu:
        argv.append("--cpu")  # of one process Accelerate overrides ACCELERATE_USE_CPU
    if options.machines > 1:
        host, _, port = options.main_address.rpartition(":")
        argv += ["--machine_rank", str(options.machine_rank), "--main_process_ip", host.strip("[]"),
                 "--main_process_port", port]  # fmt: skip
    else:
        argv += ["--main_process_port", "0"]  # any that is free: two runs on a machine must not meet
    argv += ["-m", module, str(directory / SPEC)]
    argv += [f"train.resume_from={directory}"] if resumes else []
    argv += options.overrides
    for plugin in options.plugins:
        argv += ["--plugin", plugin]
    variables = {
        **{name: value for name, value in environment.items() if not FOREIGN.fullmatch(name)},
        **run_variables(directory),
        ATTEMPT: str(attempt),
        HELD: ",".join(devices),
        VISIBLE: "" if on_cpu else ",".join(devices),
        "PYTHONUNBUFFERED": "1",  # out.log is read while it grows
    }
    if on_cpu:
        variables["ACCELERATE_USE_CPU"] = "true"
    return Command(argv=tuple(argv), environment=variables)


def run_variables(directory: Path) -> dict[str, str]:
    """What every process of a run has in its environment, and is found by."""
    return {RUN_ID: directory.name, RUN_DIRECTORY: str(directory)}
