"""What the samples of the notebooks share: clips as arrays of one length, of which some can be picked."""

from dataclasses import fields
from typing import Self

import numpy as np


class Picked:
    """For a dataclass whose fields are all arrays or tensors (N, ...), `rows` among them."""

    def __len__(self):
        return len(self.rows)

    def pick(self, keep) -> Self:
        """Return the clips of a boolean mask (N,) or of row numbers."""
        keep = np.asarray(keep)
        keep = np.flatnonzero(keep) if keep.dtype == bool else keep
        return type(self)(*(getattr(self, f.name)[keep] for f in fields(self)))
