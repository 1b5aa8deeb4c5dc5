"""SSD and SSDLite."""

from typing import Any

from torch import Tensor, nn

from specdet.boxes.grids import Size, feature_sizes
from specdet.models.detectors.base import image_size
from specdet.models.detectors.single_stage import SingleStageDetector
from specdet.structures import Batch


class SSD(SingleStageDetector):
    """A single-stage detector whose levels need not halve: their sizes are asked of the necks."""

    def normalizers(self, batch: Batch) -> dict[str, Tensor]:
        return self.bbox_head.normalizers(batch, feature_sizes=self.feature_sizes(image_size(batch)))

    def feature_sizes(self, size: Size) -> tuple[Size, ...]:
        """Height and width of each level that padded images of `size` px have, cells."""
        backbone: Any = self.backbone
        sizes = feature_sizes(size, backbone.out_strides)
        necks: list[Any] = [*self.neck] if isinstance(self.neck, nn.Sequential) else [self.neck]
        for neck in necks:
            if hasattr(neck, "sizes_after"):
                sizes = neck.sizes_after(sizes)
            elif hasattr(neck, "out_strides"):
                sizes = feature_sizes(size, neck.out_strides)
        return sizes
