"""Do pandas, Polars, DuckDB and NumPy read what a sweep and an export write, as the documents say?

    python tests/python/tables.py LIGHTLOOM

LIGHTLOOM is the command. Runs the experiment of docs/experiments.md and compares `rows.parquet`, `rows.csv` and
`rows.jsonl` in every package: columns in their order, rows in theirs, numbers to the bit. Then runs the Python of
docs/experiments.md, and that of docs/export.md on the phases of a random unitary. Needs the packages of tables.txt.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb
import numpy
import pandas
import polars
from pages import ROOT, blocks

DEMO = ROOT / "meshes" / "demo"
COMMAND = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) == 2 else sys.exit(__doc__)


def lightloom(*arguments):
    """Runs the command in the current folder; ends the run where it fails."""
    if subprocess.run([COMMAND, *arguments, "--quiet"], stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(f"failed: lightloom {' '.join(arguments)}")


def check(name, holds):
    """Ends the run unless `holds`."""
    print(f"{name}: {'yes' if holds else 'NO'}")
    if not holds:
        sys.exit("failed")


def follow(page, without):
    """Runs the Python of a page but for blocks with `without`; what it has defined."""
    names = {}
    for mark, text in blocks(page):
        if mark == "python" and without not in text:
            exec(compile(text, f"Python of {page}", "exec"), names)
    return names


def same(records, truth):
    """Whether rows are those of the JSON Lines: names, order, values to the bit, null as null or as no number."""

    def equal(found, expected):
        return (found is None or found != found) if expected is None else found == expected

    return len(records) == len(truth) and all(
        list(row) == list(line) and all(equal(row[name], line[name]) for name in line)
        for row, line in zip(records, truth)
    )


def rows():
    """The experiment of the document and its rows."""
    for name in ["network.toml", "digits.safetensors", "digits-test.npz"]:
        shutil.copy(DEMO / name, ".")
    (experiment,) = (text for mark, text in blocks("docs/experiments.md") if mark == "file: digits.toml")
    pathlib.Path("digits.toml").write_text(experiment)
    lightloom("sweep", "digits.toml", "--out", "digits")
    parquet, csv, lines = (f"digits/rows.{kind}" for kind in ["parquet", "csv", "jsonl"])
    truth = [json.loads(line) for line in pathlib.Path(lines).read_text().splitlines()]
    check("rows: 4 x 2 x 2 points of 5 trials", len(truth) == 80)
    check("rows: null where nothing was corrected", any(None in row.values() for row in truth))

    frame = pandas.read_parquet(parquet)
    check("pandas: Parquet", same(frame.to_dict("records"), truth))
    check("pandas: CSV", same(pandas.read_csv(csv).to_dict("records"), truth))
    # Of a JSON object with more than 32 names Polars forgets their order, which JSON does not promise either.
    unordered = polars.read_ndjson(lines)
    check("Polars: names of JSON Lines", sorted(unordered.columns) == sorted(truth[0]))
    read = {
        "Parquet": polars.read_parquet(parquet),
        "CSV": polars.read_csv(csv),
        "JSON Lines": unordered.select(list(truth[0])),
    }
    for name, table in read.items():
        check(f"Polars: {name}", same(table.to_dicts(), truth))
    for path in [parquet, csv, lines]:
        found = duckdb.sql(f"SELECT * FROM '{path}' ORDER BY point, trial")
        records = [dict(zip(found.columns, row)) for row in found.fetchall()]
        check(f"DuckDB: {path}", same(records, truth))

    names = follow("docs/experiments.md", without="gdsfactory")
    check("docs/experiments.md: its Python reads the rows", names["rows"].equals(frame))


def phases():
    """The phases of a random unitary, and the unitary out of them."""
    random = numpy.random.default_rng(0)
    unitary = numpy.linalg.qr(random.normal(size=(6, 6)) + 1j * random.normal(size=(6, 6)))[0]
    numpy.save("U.npy", unitary)
    lightloom("decompose", "U.npy", "-o", "u.mesh.json")
    for kind in ["csv", "npz"]:
        lightloom("export", "u.mesh.json", "--format", kind, "-o", f"phases.{kind}")
    names = follow("docs/export.md", without="gdsfactory")
    mesh, theta = names["mesh"], names["theta_rad"]
    spots = zip(mesh["mesh.theta_mode"], mesh["mesh.theta_column"], mesh["mesh.theta_rad"])
    check("pandas: phases by mode and column", all(theta.loc[mode, column] == rad for mode, column, rad in spots))
    check("pandas: a phase by its id", names["phase_rad"] == theta.loc[1, 1])
    error = numpy.abs(names["matrix"] - unitary).max()
    check(f"NumPy: the unitary out of its phases, to {error:.0e}", error < 1e-12)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        rows()
        phases()
