"""How readers are registered."""

from pathlib import Path

import pytest

from acsbench.datasets import list_readers, open_dataset, reader_info, register_reader
from acsbench.errors import ConfigurationError, DataError


def test_an_unknown_name_gives_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no reader 'ptb_xl'; did you mean 'ptbxl'\?"):
        open_dataset("ptb_xl", tmp_path)
    with pytest.raises(ConfigurationError, match="known are nightingale, "):
        reader_info("eeg")


def test_a_name_can_be_registered_once() -> None:
    for name in list_readers():
        with pytest.raises(ValueError, match="already registered"):
            register_reader(name, summary="again")(reader_info(name).open)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the folder does not exist"):
        open_dataset("ptbxl", tmp_path / "none")
