"""ed-bwh-ecg, hosted by Nightingale Open Science: tables, printed pages, holdout, 100-Hz strips."""

from acsbench.datasets.nightingale.holdout import open_nightingale_holdout
from acsbench.datasets.nightingale.reader import open_nightingale
from acsbench.datasets.nightingale.strips import StripStore, open_strips

__all__ = ["StripStore", "open_nightingale", "open_nightingale_holdout", "open_strips"]
