"""docs/python.md and the examples: what they show is what they print."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- (python|prints) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def check_page(page: str, kinds: list[str]) -> None:
    """Fail unless the Python of a page prints what stands behind it; `kinds` are those of its blocks."""
    names: dict[str, Any] = {}
    printed = ""
    blocks = BLOCK.findall((HOME / "docs" / page).read_text())
    assert [kind for kind, _ in blocks] == kinds
    for kind, text in blocks:
        if kind == "prints":
            assert printed == text
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(text, names)
        printed = out.getvalue()


def test_the_page_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    check_page("python.md", ["python", "prints"] * 6 + ["python"] + ["python", "prints"])
    assert (tmp_path / "accuracy.svg").read_text().startswith("<?xml")


def test_the_example_prints_a_table() -> None:
    example = HOME / "python" / "examples" / "drawn_chips.py"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(example.read_text(), example, "exec"), {})
    head, *rows = out.getvalue().splitlines()
    assert head.startswith("coupler error")
    assert len(rows) == 5
    assert rows[0].split()[2:] != rows[-1].split()[2:]
