"""Published: weights that lie elsewhere, by their address or their name."""

import re

FORM = re.compile(r"https?://\S+|[A-Za-z0-9_]+_Weights\.[A-Za-z0-9_]+")


class Published(str):
    """`https://...`, with `#sha256=HEX` behind it where the content is to be that, or one of torchvision's names."""

    __slots__ = ()

    @property
    def is_address(self) -> bool:
        """Whether it says where the weights lie; else it is a name of torchvision's."""
        return self.startswith(("http://", "https://"))
