"""Do pandas, Polars and DuckDB read the rows of a sweep, and the same ones from every format?

    python tests/python/tables.py LIGHTLOOM

LIGHTLOOM is the command. Runs a small sweep of the built-in digits and compares `rows.parquet`, `rows.csv` and
`rows.jsonl`: columns in their order, rows in theirs, numbers to the bit. Needs the packages of tables.txt.
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb
import pandas
import polars

DEMO = pathlib.Path(__file__).resolve().parents[2] / "meshes" / "demo"

EXPERIMENT = f"""
name = "tables"
program = "{DEMO / "digits.program.safetensors"}"
data = "{DEMO / "digits-test.npz"}"
hardware = "ideal"
limit = 100
trials = 3
[axes]
correct = ["none", "local"]
"coupler.splitting_error_rad" = [0.0, 0.03, 0.06]
"""


def check(name, holds):
    """Ends the run unless `holds`."""
    print(f"{name}: {'yes' if holds else 'NO'}")
    if not holds:
        sys.exit("failed")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "tables.toml").write_text(EXPERIMENT)
        command = [sys.argv[1], "sweep", folder / "tables.toml", "--out", folder / "rows", "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        parquet, csv, lines = (folder / "rows" / f"rows.{kind}" for kind in ["parquet", "csv", "jsonl"])

        table = polars.read_parquet(parquet)
        check("Polars: 2 x 3 points of 3 trials", table.height == 18)
        check("Polars: trials in order", table["trial"].to_list() == [0, 1, 2] * 6)
        check("Polars: accuracy is a share", table["accuracy"].is_between(0, 1).all())
        check("Polars: CSV is the same table", polars.read_csv(csv, schema=table.schema).equals(table))
        same = polars.read_ndjson(lines, schema=table.schema)
        check("Polars: JSON Lines is the same table", same.equals(table))

        frame = pandas.read_parquet(parquet)
        check("pandas: the same columns in the same order", list(frame.columns) == table.columns)
        from_csv = pandas.read_csv(csv)
        check("pandas: CSV has the same accuracies", (from_csv["accuracy"] == frame["accuracy"]).all())
        mean = frame.groupby(["correct", "coupler.splitting_error_rad"])["accuracy"].mean()
        check("pandas: ideal chips agree with digital", mean["none", 0.0] == frame["digital_accuracy"][0])

        query = f"SELECT correct, avg(accuracy) FROM '{parquet}' GROUP BY correct ORDER BY correct"
        means = dict(duckdb.sql(query).fetchall())
        expected = frame.groupby("correct")["accuracy"].mean().to_dict()
        close = all(abs(means[name] - expected[name]) < 1e-12 for name in expected)
        check("DuckDB: the same means", len(means) == len(expected) == 2 and close)
        for path in [csv, lines]:
            count, total = duckdb.sql(f"SELECT count(*), sum(samples) FROM '{path}'").fetchall()[0]
            check(f"DuckDB: {path.name} has 18 rows of 100 samples", (count, total) == (18, 1800))


if __name__ == "__main__":
    main()
