"""Secret: a value that a spec names but never holds."""

import os
import re

import attrs

from specdet.spec.problems import SpecError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HOW = 'a secret is not written into a spec: put it into an environment variable and say { env = "ITS_NAME" }'


@attrs.frozen(kw_only=True)
class Secret:
    """The name of an environment variable that holds a password, a token, a key.

    A spec says `{ env = "NAME" }`, and so do all copies of it; the value is read where it is used and kept nowhere.
    """

    env: str

    def reveal(self) -> str:
        """The secret itself. Raises SpecError where this process was not given it."""
        if not os.environ.get(self.env):
            message = f"the environment variable {self.env}, which holds this secret, is not set"
            raise SpecError.one(message, kind="environment")
        return os.environ[self.env]
