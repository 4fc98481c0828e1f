"""The marked blocks of a document: `tests/suite/pages.rs` says what the marks mean."""

import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^<!-- ([^\n]+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Pairs of mark and text, in the order of the page, whose path starts at the root of the repository."""
    return BLOCK.findall((ROOT / page).read_text())


def commands(text):
    """The commands of a block marked `run`, each as a list of words."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]
