"""One recording: arrays in, arrays or one small table out."""

from acsbench.ecg.measurements import measure
from acsbench.ecg.printed import print_page, rows_from_print
from acsbench.ecg.recording import Recording
from acsbench.ecg.twelve_leads import twelve_leads_from_print

__all__ = ["Recording", "measure", "print_page", "rows_from_print", "twelve_leads_from_print"]
