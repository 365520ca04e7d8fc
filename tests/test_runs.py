"""Run folders are read without PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "lightning", "transformers"):
            raise ImportError(f"{name} was imported")

sys.meta_path.insert(0, NoTorch())
from acsbench.runs import find_run, open_run
run = open_run(Path(sys.argv[1]))
assert find_run(run.path.parent, run.config).path == run.path
print(run.model, run.notes, run.predictions("test").to_dict())
"""


def test_a_run_is_read_without_torch(tmp_path: Path) -> None:
    run = tmp_path / "mine-acs-0-20260101T000000.000Z"
    run.mkdir()
    (run / "config.yaml").write_text("model: mine\ntask: {name: acs}\nprocessing: {}\n")
    (run / "metrics.json").write_text(json.dumps({"estimates": {}, "training": {"epochs": "3"}}))
    (run / "predictions-test.csv").write_text("ecg_id,probability\n01,0.25\n")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(run)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "mine {'epochs': '3'} {'01': 0.25}\n", done.stderr
