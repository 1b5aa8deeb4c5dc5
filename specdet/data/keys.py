"""Random keys: one number for each (seed, epoch, index), from which all randomness of that image is drawn."""

WORD = (1 << 64) - 1


def splitmix64(state: int) -> int:
    """The output of the SplitMix64 generator at `state` (Steele et al. 2014): a bijection of 64-bit numbers."""
    state = (state + 0x9E3779B97F4A7C15) & WORD
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & WORD
    return state ^ (state >> 31)


def mixed_key(*numbers: int) -> int:
    """A number from 0 to 2**63 - 1 that depends on every one of `numbers` and on their order.

    Each number is added to the state before the next SplitMix64 step; the sign bit is dropped at the end, so that the
    key fits an int64 and seeds a `torch.Generator` as it is.
    """
    state = 0
    for number in numbers:
        state = splitmix64((state + number) & WORD)
    return state >> 1


def image_key(*, seed: int, epoch: int, index: int) -> int:
    """The key of the image at `index` of a data set in one epoch."""
    return mixed_key(seed, epoch, index)
