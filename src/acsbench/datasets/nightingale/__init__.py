"""ed-bwh-ecg, hosted by Nightingale Open Science: tables, printed pages, holdout, 100-Hz strips."""
