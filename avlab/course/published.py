"""The printed tables that the course does arithmetic on, as plain data, each with where it was read.

Numbers are per cent as printed, trailing zeros aside; `digits` is how many decimals the paper prints. None = not printed.
`source` says how near to the paper the reading was: some tables could be read only on a project page or in a summary
by a third person, and a slip there would be ours. Corrections are welcome: change the cell, and the tests say what moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from avlab.errors import AvlabError


@dataclass(frozen=True)
class Table:
    """One printed table: every row holds one number for each (group, column), groups outermost."""

    name: str
    title: str
    source: str
    digits: int
    columns: tuple[str, ...]
    rows: Mapping[str, tuple]
    groups: tuple[str, ...] = ("",)
    notes: str = ""

    def __post_init__(self):
        width = len(self.columns) * len(self.groups)
        for row, cells in self.rows.items():
            if len(cells) != width:
                raise AvlabError(f"{self.name}: every row needs {width} cells", got=f"{row!r} with {len(cells)}")

    def get(self, row: str, column: str, group: str = "") -> float:
        """Return one cell, in per cent or in the table's own unit."""
        return self.rows[row][self._index(row, column, group)]

    def array(self, *rows: str) -> np.ndarray:
        """Return (rows, groups, columns) float64, NaN where nothing is printed; all rows when none is named."""
        shape = (len(rows or self.rows), len(self.groups), len(self.columns))
        return np.array([self.rows[r] for r in rows or self.rows], dtype=np.float64).reshape(shape)

    def with_cell(self, row: str, column: str, value: float, group: str = "") -> "Table":
        """Return a copy with one cell changed (how a mutant misprints a table)."""
        cells = list(self.rows[row])
        cells[self._index(row, column, group)] = value
        return replace(self, rows={**self.rows, row: tuple(cells)})

    def _index(self, row, column, group):
        if row not in self.rows or column not in self.columns or group not in self.groups:
            raise AvlabError(f"{self.name} has no such cell", got=f"{row!r}, {column!r}, {group!r}",
                             todo=f"rows {list(self.rows)}, columns {list(self.columns)}, groups {list(self.groups)}")
        return self.groups.index(group) * len(self.columns) + self.columns.index(column)


# ------------------------------------------------------------------------------------------------ X-AVDT (arXiv 2603.08483)

FOUR = ("AUROC", "AP", "Acc@EER", "Acc")

XAVDT_T4 = Table(
    "xavdt.t4", "X-AVDT, table 4: detection on MMDF, generators unseen in training",
    "arXiv 2603.08483, table 4, read from the picture of the table on the authors' project page", 2, FOUR,
    {
        "LipForensics": (79.49, 81.45, 73.25, 74.50, 72.17, 73.56, 65.85, 67.11, 63.66, 56.50, 59.91, 60.66,
                         74.24, 74.54, 71.91, 72.38),
        "RealForensics": (86.31, 85.23, 78.65, 77.56, 62.93, 61.60, 58.79, 58.71, 64.90, 60.30, 61.40, 60.85,
                          77.65, 75.71, 72.15, 65.70),
        "AVAD": (73.25, 74.98, 66.05, 67.49, 50.87, 56.96, 51.26, 51.18, 75.37, 74.54, 74.14, 74.39,
                 67.47, 67.29, 64.75, 65.29),
        "FACTOR": (94.21, 93.54, 86.29, 86.55, 75.44, 72.83, 68.82, 69.33, 36.69, 46.18, 38.27, 56.15,
                   68.78, 70.85, 64.46, 70.68),
        "LipFD": (52.55, 50.60, 51.74, 51.90, 51.45, 49.89, 50.80, 50.93, 60.38, 53.85, 57.78, 58.30,
                  57.64, 51.83, 55.37, 55.82),
        "AVH-Align": (74.88, 73.94, 68.82, 70.03, 51.20, 47.81, 50.86, 50.93, 34.53, 39.96, 37.50, 36.91,
                      50.34, 50.95, 49.89, 49.98),
        "RealForensics retrained": (97.47, 97.22, 90.99, 90.28, 97.60, 96.70, 92.68, 92.45, 74.89, 72.09, 68.38, 61.12,
                                    92.42, 91.39, 84.01, 81.28),
        "LipFD retrained": (49.59, 50.26, 49.79, 49.75, 50.32, 50.82, 50.14, 50.18, 48.39, 50.26, 49.10, 48.96,
                            53.75, 51.29, 52.65, 52.87),
        "AVH-Align retrained": (98.94, 98.53, 95.94, 96.54, 67.92, 62.36, 62.24, 63.38, 75.92, 65.87, 69.70, 70.94,
                                81.44, 76.52, 75.59, 76.76),
        "Human": (None, None, None, 83.75, None, None, None, 74.17, None, None, None, 58.33,
                  None, None, None, 71.88),
        "X-AVDT": (99.10, 98.89, 96.54, 97.05, 90.17, 88.05, 83.11, 84.52, 97.79, 97.44, 97.69, 97.91,
                   95.29, 94.03, 91.15, 91.98),
    },
    groups=("AniPortrait", "MegActor-Sigma", "HunyuanAvatar", "Average"),
    notes="'retrained' = trained on MMDF by the authors of X-AVDT; the other rows use released weights",
)

XAVDT_T5 = Table(
    "xavdt.t5", "X-AVDT, table 5: detection on two public sets",
    "arXiv 2603.08483, table 5, read from the picture of the table on the authors' project page", 2, FOUR,
    {
        "LipForensics": (98.40, 98.37, 95.00, 95.80, 98.14, 97.93, 97.00, 98.50),
        "RealForensics": (95.80, 96.20, 85.99, 85.46, 99.47, 99.42, 95.49, 95.22),
        "AVAD": (74.96, 75.88, 66.00, 66.79, 55.38, 53.92, 51.50, 52.16),
        "FACTOR": (88.44, 88.22, 76.00, 80.00, 76.33, 76.08, 68.50, 71.00),
        "LipFD": (73.17, 64.39, 66.36, 67.16, 52.84, 51.01, 50.96, 59.31),
        "AVH-Align": (93.52, 93.48, 83.00, 83.90, 37.07, 40.43, 40.50, 41.62),
        "RealForensics retrained": (83.67, 85.56, 71.42, 71.42, 88.85, 87.65, 79.39, 78.54),
        "LipFD retrained": (53.59, 51.09, 52.37, 53.67, 52.92, 50.21, 52.08, 51.89),
        "AVH-Align retrained": (54.20, 53.74, 52.00, 52.80, 36.66, 40.03, 37.00, 39.64),
        "Human": (None, None, None, 78.75, None, None, None, 71.25),
        "X-AVDT": (99.69, 99.74, 97.85, 98.65, 89.55, 89.17, 87.55, 89.77),
    },
    groups=("FakeAVCeleb", "FF++"),
    notes="the released LipForensics, RealForensics and LipFD saw FF++ in training (the paper marks them)",
)

XAVDT_T6 = Table(
    "xavdt.t6", "X-AVDT, table 6: attention type and timestep (AUROC)",
    "arXiv 2603.08483, table 6, from a reading note by a third person", 2, ("24", "249", "499"),
    {"cross": (91.56, 81.30, 68.11), "temporal": (83.92, 68.25, 66.29), "spatial": (64.57, 57.42, 52.38)},
)

XAVDT_T7 = Table(
    "xavdt.t7", "X-AVDT, table 7: what each part contributes",
    "arXiv 2603.08483, table 7, from a reading note by a third person", 2, ("AUROC", "AP", "Acc@EER"),
    {
        "w/o psi": (88.22, 87.25, 83.70), "w/o phi": (90.21, 90.57, 84.32), "w/o residual": (93.82, 92.25, 89.00),
        "w/o triplet": (92.64, 92.26, 86.32), "full": (95.29, 94.03, 91.15),
    },
)

# ------------------------------------------------------------------------------------------------ MSCT (arXiv 2604.07741)

MSCT_T1 = Table(
    "msct.t1", "MSCT, table 1: against earlier detectors on FakeAVCeleb",
    "arXiv 2604.07741, table 1, full text", 2, ("ACC", "AUC"),
    {
        "VFD": (81.52, 86.11), "MDS": (82.80, 86.50), "AVoiD-DF": (83.70, 89.20), "MRDF-CE": (94.05, 92.43),
        "BusterX": (96.30, None), "MSCT": (98.75, 98.83),
    },
)

MSCT_T2 = Table(
    "msct.t2", "MSCT, table 2: ablation on FakeAVCeleb",
    "arXiv 2604.07741, table 2, full text", 2, ("ACC", "AUC"),
    {"CA+SA": (96.75, 96.17), "CA+MSSA": (97.00, 97.00), "DCA+SA": (98.00, 98.00), "DCA+MSSA": (98.75, 98.83)},
    notes="CA cross-attention, SA self-attention, DCA differential cross-attention, MSSA multi-scale self-attention",
)

# ------------------------------------------------------------------------------------------------ AMDD (arXiv 2604.26453)

AMDD_T2 = Table(
    "amdd.t2", "AMDD, table 2: clips in each split",
    "arXiv 2604.26453, table 2, full text", 0, ("train", "val", "test"),
    {
        "Real FakeAVCeleb": (350, 75, 75), "Real DF-TIMIT": (320, None, None), "FaceSwap": (265, 57, 57),
        "Wav2Lip": (350, 75, 75), "FSGAN": (59, 13, 13), "total": (1344, 220, 220),
    },
)

AMDD_T3 = Table(
    "amdd.t3", "AMDD, table 3: the sets of other origin (clips)",
    "arXiv 2604.26453, table 3, full text", 0, ("real", "fake"),
    {
        "TIMIT-HQ": (320, 320), "TIMIT-LQ": (320, 320), "DFDM crf0": (130, 520), "DFDM crf10": (130, 520),
        "DFDM crf23": (130, 520), "LAV-DF": (500, 498),
    },
)

AMDD_T5 = Table(
    "amdd.t5", "AMDD, table 5: ablation, in-domain",
    "arXiv 2604.26453, table 5, full text; which loss rows 3 and 4 leave out was lost in the text we read, so they keep "
    "their row numbers", 1, ("BalAcc", "AUC", "F1", "Real", "Fake", "Attr"),
    {
        "full": (99.7, 99.8, 99.7, 100, 99.3, 95.9), "w/o attribution": (98.3, 99.4, 99.0, 97.3, 99.3, 11.0),
        "row 3": (100, 100, 100, 100, 100, 97.9), "row 4": (100, 100, 100, 100, 100, 96.6),
    },
)

AMDD_T6 = Table(
    "amdd.t6", "AMDD, table 6: accuracy for each generator",
    "arXiv 2604.26453, table 6, full text", 1, ("Acc",),
    {"FaceSwap": (98.2,), "Wav2Lip": (100,), "FSGAN": (100,), "Real": (100,)},
)

AMDD_T8 = Table(
    "amdd.t8", "AMDD, table 8: sets of other origin",
    "arXiv 2604.26453, table 8, full text", 1, ("BalAcc", "AUC", "F1", "Real", "Fake"),
    {
        "TIMIT-HQ": (53.1, 57.3, 13.3, 99.1, 7.2), "TIMIT-LQ": (66.6, 72.5, 50.5, 99.1, 34.1),
        "DFDM crf0": (50.3, 49.6, 2.7, 99.2, 1.3), "DFDM crf10": (50.2, 49.6, 88.8, 0.8, 99.6),
        "DFDM crf23": (50.7, 49.6, 16.3, 92.3, 9.0), "LAV-DF": (52.2, 51.6, 46.2, 63.2, None),
    },
    notes="LAV-DF prints its fakes by kind: video only 42.8, audio only 42.2, both 38.6",
)

# ------------------------------------------------------------------------------------------------ MMMS-BA (arXiv 2408.01532)

MMMSBA_LAVDF = Table(
    "mmmsba.lavdf", "MMMS-BA and others on LAV-DF: localisation",
    "arXiv 2408.01532 was not reachable: from the tables of a later paper (IaMSB, CVPR 2026), AP@0.5 also on a leaderboard; UMMAFormer and BA-TFD+ from "
    "the same tables and the LAV-DF repository", 2, ("AP@0.5", "AP@0.75", "AP@0.95", "AR@10"),
    {
        "MMMS-BA": (97.56, 95.25, 39.02, 89.42), "UMMAFormer": (98.83, 95.54, 37.61, 92.10), "BA-TFD+": (96.30, 84.96, 4.44, 78.75),
    },
)

TABLES = MappingProxyType({t.name: t for t in (
    XAVDT_T4, XAVDT_T5, XAVDT_T6, XAVDT_T7, MSCT_T1, MSCT_T2, AMDD_T2, AMDD_T3, AMDD_T5, AMDD_T6, AMDD_T8,
    MMMSBA_LAVDF)})
