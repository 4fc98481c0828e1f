"""docs/torch.md: what it shows is what it prints."""

from pathlib import Path

import pytest
from test_page import check_page


def test_the_page_of_pytorch_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_page("torch.md", ["python", "prints"] * 5)
