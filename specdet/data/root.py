"""The folder of the data, which is the first thing that another machine lacks."""

from specdet.data.spec import DataSpec
from specdet.spec import Problem


def root_problems(spec: DataSpec) -> list[Problem]:
    """The missing root of the data, as one problem instead of one for each file under it; relative to `[data]`."""
    if spec.root is None or spec.root.is_dir():
        return []
    message = f"the folder {spec.root} does not exist: say where the data lies, as in data.root=/path/to/data"
    return [Problem(path="root", message=message, kind="environment")]
