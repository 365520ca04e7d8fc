"""The notebooks run: every cell, with data of the tests in place of the first cell's."""

import json
import sys
import types
from pathlib import Path

import pytest

from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.waveforms import prepared

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def cells(name):
    content = json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert code[0]["metadata"]["tags"] == ["parameters"]
    return ["".join(cell["source"]) for cell in code]


def run(name, **parameters):
    """Run the cells in one namespace, the parameters replaced; gives the namespace back."""
    first, *others = cells(name)
    namespace = {}
    exec(first, namespace)
    assert set(parameters) <= set(namespace)
    namespace |= parameters
    for cell in others:
        exec(cell, namespace)
    return namespace


@pytest.fixture
def ipython(monkeypatch):
    """What the notebooks use of IPython, which the tests do without."""
    shown = []
    module = types.ModuleType("IPython.display")
    module.SVG, module.display = lambda path: Path(path).read_text(), shown.append
    package = types.ModuleType("IPython")
    package.version_info = (9, 0)  # which matplotlib looks at
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_descriptives(tmp_path):
    simulate_twin(tmp_path / "twin", ecgs=1500, seed=1, tested_share=0.5, tables_only=True)
    namespace = run("descriptives.ipynb", DATA=tmp_path / "twin")
    assert len(namespace["description"].beside_published()) > 10


def test_performance(twin, guesses, tmp_path, monkeypatch, ipython):
    for name, strength in (("one", 0.8), ("other", 0.2)):
        rows = guesses(strength).rename("probability").rename_axis("ecg_id").reset_index()
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.setattr(prepared, "open_prepared", lambda path: twin)
    files = [tmp_path / "one.csv", tmp_path / "other.csv"]
    namespace = run("performance.ipynb", PREDICTIONS=files, OUT=tmp_path / "out")
    assert list(namespace["wide"]("discrimination").loc["one"].dropna().index) != []
    assert len(ipython) == 4
