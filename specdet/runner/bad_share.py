"""When so many images of a set cannot be used that going on would be wrong."""

from collections.abc import Mapping

from specdet.spec import SpecError


def check_share(bad: Mapping[int, str], *, path: str, size: int, most: float) -> None:
    """Do nothing where the images in `bad` are few enough.

    Args:
        bad: Image id -> why, the last one met last.
        path: Where the set stands in the spec.
        size: Images of the set.
        most: What part of them may be bad.

    Raises:
        SpecError: Where they are more.
    """
    if len(bad) > most * size:
        raise SpecError.one(
            f"{len(bad)} of the {size} images of {path} cannot be used, and {most:g} of them at most may be; the last "
            f"one: {[*bad.values()][-1]}. `specdet data check` lists all of them",
            path="data.max_bad_share",
        )
