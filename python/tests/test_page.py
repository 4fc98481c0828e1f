"""docs/python.md and the examples: what they show is what they print."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- (python|prints) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def check_page(page: str, pairs: int) -> None:
    """Fail unless the Python of a page prints what stands behind it, in so many pairs."""
    names: dict[str, Any] = {}
    printed = ""
    blocks = BLOCK.findall((HOME / "docs" / page).read_text())
    assert [kind for kind, _ in blocks] == ["python", "prints"] * pairs
    for kind, text in blocks:
        if kind == "prints":
            assert printed == text
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(text, names)
        printed = out.getvalue()


def test_the_page_prints_what_it_shows() -> None:
    check_page("python.md", 4)


@pytest.mark.parametrize("example", sorted((HOME / "python" / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_print_a_table(example: Path) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(example.read_text(), example, "exec"), {})
    head, *rows = out.getvalue().splitlines()
    assert head.startswith("coupler error")
    assert len(rows) == 5
    assert rows[0].split()[2:] != rows[-1].split()[2:]
