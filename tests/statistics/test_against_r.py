"""Equality with R: pROC's areas and paired tests, and R's own regression for calibration.

Needs Rscript and pROC (on Debian `apt-get install r-cran-proc`).
"""

import functools
import io
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from acsbench.statistics import auroc, calibration_intercept, calibration_slope, compare_auroc

SCRIPT = """
suppressMessages(library(pROC))
rows <- read.csv(file("stdin"))
for (name in unique(rows$sample)) {
  x <- rows[rows$sample == name, ]
  a <- roc(x$label, x$a, direction = "<", quiet = TRUE)
  b <- roc(x$label, x$b, direction = "<", quiet = TRUE)
  limits <- as.numeric(ci.auc(a, method = "delong"))
  wide <- as.numeric(ci.auc(a, method = "delong", conf.level = 0.99))
  test <- roc.test(a, b, method = "delong", paired = TRUE)
  x$lp <- qlogis(x$probability)
  slope <- coef(glm(label ~ lp, binomial, x, control = list(epsilon = 1e-14)))[2]
  intercept <- coef(glm(label ~ 1 + offset(lp), binomial, x, control = list(epsilon = 1e-14)))[1]
  difference <- as.numeric(a$auc) - as.numeric(b$auc)
  cat(name, limits, wide[1], wide[3], difference, test$statistic, test$p.value, slope, intercept,
      sep = ","); cat("\\n")
}
"""
LIMITS = ["low", "area", "high", "low99", "high99"]
COLUMNS = ["sample", *LIMITS, "difference", "z", "p", "slope", "intercept"]


def samples():
    """Rows of several kinds: many and few, with and without ties, good and bad models."""
    made = []
    for seed, (n, decimals, shift) in enumerate(
        [(1295, 8, 0.74), (1295, 1, 0.74), (60, 8, 1.5), (60, 0, 0.0), (300, 1, -0.5), (25, 8, 2.0)]
    ):
        rng = np.random.default_rng(seed)
        labels = (rng.random(n) < 0.39).astype(int)
        common = rng.standard_normal(n)
        a, b = (
            np.round(s * labels + common + rng.standard_normal(n), decimals) for s in (shift, 0.5)
        )
        probability = np.round(1 / (1 + np.exp(-a)), 6).clip(0.001, 0.999)
        columns = {"sample": f"s{seed}", "label": labels, "a": a, "b": b}
        made.append(pd.DataFrame({**columns, "probability": probability}))
    return made


@functools.cache
def from_r():
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    check = subprocess.run(["Rscript", "-e", "library(pROC)"], capture_output=True)
    if check.returncode != 0:
        pytest.skip("R has no package pROC (Debian: r-cran-proc)")
    table = pd.concat(samples()).to_csv(index=False)
    run = subprocess.run(
        ["Rscript", "-e", "options(digits = 15)", "-e", SCRIPT],
        input=table,
        capture_output=True,
        text=True,
        check=True,
    )
    return pd.read_csv(io.StringIO(run.stdout), names=COLUMNS)


@pytest.mark.slow
@pytest.mark.parametrize("which", range(6))
def test_areas_limits_and_paired_tests_are_those_of_proc(which):
    rows, expected = samples()[which], from_r().iloc[which]
    estimate = auroc(rows["label"], rows["a"])
    assert estimate.value == pytest.approx(expected["area"], abs=1e-9)
    assert (estimate.low, estimate.high) == pytest.approx(
        (expected["low"], expected["high"]), abs=1e-9
    )
    wide = auroc(rows["label"], rows["a"], level=0.99)
    assert (wide.low, wide.high) == pytest.approx((expected["low99"], expected["high99"]), abs=1e-9)
    comparison = compare_auroc(rows["label"], rows["a"], rows["b"])
    assert comparison.difference.value == pytest.approx(expected["difference"], abs=1e-9)
    assert comparison.z == pytest.approx(expected["z"], abs=1e-8)
    assert comparison.p == pytest.approx(expected["p"], abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("which", range(6))
def test_slope_and_intercept_are_those_of_glm(which):
    rows, expected = samples()[which], from_r().iloc[which]
    slope = calibration_slope(rows["label"], rows["probability"])
    intercept = calibration_intercept(rows["label"], rows["probability"])
    assert slope.value == pytest.approx(expected["slope"], abs=1e-7)
    assert intercept.value == pytest.approx(expected["intercept"], abs=1e-7)
