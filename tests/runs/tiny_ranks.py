"""What the real launcher starts in tests: says which rank of how many it is; with "die" the last one is killed."""

import os
import signal
import sys
import time

from accelerate import PartialState

from specdet.runner.accelerator import make_accelerator


def main() -> None:
    state = PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU") == "true")
    accelerator = make_accelerator()
    print(f"rank {state.process_index} of {state.num_processes} on {state.device} in {accelerator.mixed_precision} "
          f"with {' '.join(sys.argv[1:])}", flush=True)  # fmt: skip
    state.wait_for_everyone()
    if "die" in sys.argv:
        if state.process_index == state.num_processes - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
        time.sleep(60)


if __name__ == "__main__":
    main()
