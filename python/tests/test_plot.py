"""Figures: what their artists hold is what pandas and NumPy compute of the rows."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from conftest import Command, haar
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray

import lightloom as ll
from lightloom import plot

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def table() -> pd.DataFrame:
    """Ten chips of each of 4 × 3 settings, of two networks, in any order."""
    rng = np.random.default_rng(0)
    settings = [(a, b, name) for a in [0.0, 0.01, 0.02, 0.05] for b in [0.0, 0.1, 0.3] for name in ["cnn", "mlp"]]
    rows = [(*setting, rng.uniform(0.9 - setting[0] * 5 - setting[1], 0.97)) for setting in settings for _ in range(10)]
    frame = pd.DataFrame(rows, columns=["coupler", "phase", "network", "accuracy"])
    frame["digital_accuracy"] = 0.95
    frame["score"] = 1 - frame["accuracy"]
    return frame.sample(frac=1, random_state=0, ignore_index=True)


def band(ax: Axes, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper edge of a band, at the points of its line."""
    vertices = np.asarray(ax.collections[index].get_paths()[0].vertices)
    count = (len(vertices) - 3) // 2
    return vertices[1 : count + 1, 1], vertices[count + 2 : -1, 1][::-1]


def test_lines_are_means_and_bands_are_quantiles(table: pd.DataFrame) -> None:
    ax = plot.accuracy(table, "coupler", by="network", quantiles=(0.1, 0.75))
    assert [line.get_label() for line in ax.lines] == ["cnn", "mlp"]
    for index, (name, rows) in enumerate(table.groupby("network")):
        groups = rows.groupby("coupler")["accuracy"]
        line = ax.lines[index]
        assert np.array_equal(line.get_xdata(), [0.0, 0.01, 0.02, 0.05])
        assert np.abs(np.asarray(line.get_ydata()) - groups.mean().to_numpy()).max() < 1e-12, name
        low, high = band(ax, index)
        assert np.abs(low - groups.quantile(0.1).to_numpy()).max() < 1e-12
        assert np.abs(high - groups.quantile(0.75).to_numpy()).max() < 1e-12
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("coupler", "accuracy")
    legend = ax.get_legend()
    assert legend is not None and legend.get_title().get_text() == "network"


def test_without_by_there_is_one_line_and_without_quantiles_no_band(table: pd.DataFrame) -> None:
    ax = plot.accuracy(table, "phase", value="score", quantiles=None)
    assert len(ax.lines) == 1 and len(ax.collections) == 0 and ax.get_legend() is None
    means = table.groupby("phase")["score"].mean().to_numpy()
    assert np.abs(np.asarray(ax.lines[0].get_ydata()) - means).max() < 1e-12


def test_figures_go_onto_the_axes_that_are_given(table: pd.DataFrame) -> None:
    _, (left, right) = plt.subplots(1, 2)
    assert plot.accuracy(table, "coupler", ax=left) is left
    assert plot.yields(table, ax=right) is right
    before = len(plt.get_fignums())
    assert plot.accuracy(table, "coupler").figure not in (left.figure,)
    assert len(plt.get_fignums()) == before + 1


def squares(ax: Axes) -> NDArray[np.float64]:
    return np.asarray(ax.collections[0].get_array())


def test_a_map_has_the_mean_of_every_square_and_a_contour_of_one_percent(table: pd.DataFrame) -> None:
    ax = plot.map(table, "coupler", "phase")
    means = table.pivot_table(index="phase", columns="coupler", values="accuracy", aggfunc="mean").to_numpy()
    assert np.abs(squares(ax) - means).max() < 1e-12
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("coupler", "phase")
    level = 0.94
    line = plot.map(table, "coupler", "phase", reference=0.9).collections[1]
    (segment,) = [vertices for vertices in (np.asarray(path.vertices) for path in line.get_paths()) if len(vertices) > 0]
    # The contour lies where the means, interpolated along an edge of the grid, are 0.01 below digital.
    x, y = np.array([0.0, 0.01, 0.02, 0.05]), np.array([0.0, 0.1, 0.3])
    for a, b in segment:
        row, column = np.isclose(y, b), np.isclose(x, a)
        assert row.any() or column.any()
        edge = means[row.argmax()] if row.any() else means[:, column.argmax()]
        along, at = (x, a) if row.any() else (y, b)
        assert np.interp(at, along, edge) == pytest.approx(0.89, abs=1e-9)
    assert level > means.max() and len(ax.collections) == 1


def test_a_map_shows_quantiles_and_yields(table: pd.DataFrame) -> None:
    grid: dict[str, Any] = {"index": "phase", "columns": "coupler"}
    low = table.pivot_table(values="accuracy", aggfunc=lambda values: values.quantile(0.1), **grid).to_numpy()
    assert np.abs(squares(plot.map(table, "coupler", "phase", show=0.1)) - low).max() < 1e-12
    shares = table.pivot_table(values="accuracy", aggfunc=lambda values: (values >= 0.94).mean(), **grid).to_numpy()
    assert np.array_equal(squares(plot.map(table, "coupler", "phase", show="yield")), shares)
    # Of a mean squared error a tenth more than digital's is tolerated.
    errors = table.pivot_table(values="score", aggfunc=lambda values: (values <= 0.11).mean(), **grid).to_numpy()
    shown = plot.map(table, "coupler", "phase", value="score", show="yield", reference=0.1)
    assert np.array_equal(squares(shown), errors)


def test_a_square_without_chips_stays_empty(table: pd.DataFrame) -> None:
    fewer = table[(table["coupler"] != 0.02) | (table["phase"] != 0.1)]
    assert np.argwhere(np.isnan(np.ma.filled(squares(plot.map(fewer, "coupler", "phase")), np.nan))).tolist() == [[1, 2]]


@pytest.mark.parametrize("value", ["accuracy", "score"])
def test_yields_are_shares_of_chips(table: pd.DataFrame, value: str) -> None:
    ax = plot.yields(table, by="network", value=value)
    for line, (name, rows) in zip(ax.lines, table.groupby("network"), strict=True):
        assert line.get_label() == name
        chips = rows[value].to_numpy()
        vertices = np.asarray(line.get_path().vertices) if line.get_drawstyle() == "default" else line.get_xydata()
        xs, shares = np.asarray(vertices)[:, 0], np.asarray(vertices)[:, 1]
        for at in np.linspace(chips.min(), chips.max(), 57)[1:-1]:
            if value == "accuracy":
                assert shares[np.searchsorted(xs, at)] == pytest.approx((chips >= at).mean())
                assert line.get_drawstyle() == "steps-pre"
            else:
                assert shares[np.searchsorted(xs, at, side="right") - 1] == pytest.approx((chips <= at).mean())
                assert line.get_drawstyle() == "steps-post"


def test_a_mesh_is_drawn_by_its_phases() -> None:
    mesh = ll.decompose(haar(5))
    ax = plot.mesh(mesh)
    waveguides, boxes = ax.collections[:2]
    assert len(waveguides.get_paths()) == 5
    assert np.array_equal(np.asarray(boxes.get_array()), mesh.theta)
    for path, (column, top, bottom) in zip(boxes.get_paths(), mesh.nodes, strict=True):
        extents = path.get_extents()
        assert abs((extents.x0 + extents.x1) / 2 - column) < 1e-12
        assert extents.y0 < top < bottom < extents.y1
    assert np.array_equal(np.asarray(plot.mesh(mesh, "phi").collections[1].get_array()), mesh.phi)
    assert ax.yaxis_inverted()


def test_rows_may_be_a_file_a_folder_a_frame_a_dict_or_a_result(
    table: pd.DataFrame, tmp_path: Path, program: ll.Program, samples: Any
) -> None:
    table.to_csv(tmp_path / "rows.csv", index=False)
    columns = {name: table[name].to_numpy() for name in table.columns}
    lines = []
    for rows in (table, columns, tmp_path, str(tmp_path), tmp_path / "rows.csv"):
        ax = plot.accuracy(rows, "coupler", by="network")
        lines.append([np.asarray(line.get_ydata()).tolist() for line in ax.lines])
    assert all(line == lines[0] for line in lines)
    result = ll.infer(program, ll.Dataset(samples["x"], samples["y"]), "mit-pnp", trials=4)
    assert np.asarray(plot.yields(result).lines[0].get_xydata()).shape == (5, 2)


def test_rows_of_a_sweep_are_drawn(command: Command, files: Path) -> None:
    (files / "sweep.toml").write_text(
        'name = "s"\nnetwork = "net.npz"\ndata = "data.npz"\ntrials = 3\n[axes]\n'
        '"coupler.splitting_error_rad" = [0.0, 0.1]\n"mesh.cell" = ["mzi", "3-splitter"]\n'
    )
    assert command("sweep", "sweep.toml", "--out", "out", "--quiet").returncode == 0
    ax = plot.accuracy(files / "out", "coupler.splitting_error_rad", by="mesh.cell")
    sweep = plot.accuracy(ll.Sweep.load(files / "out"), "coupler.splitting_error_rad", by="mesh.cell")
    assert all(np.array_equal(a.get_xydata(), b.get_xydata()) for a, b in zip(ax.lines, sweep.lines, strict=True))
    with (files / "out/rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [line.get_label() for line in ax.lines] == ["3-splitter", "mzi"]
    for line in ax.lines:
        for x, y in np.asarray(line.get_xydata()):
            mine = [row for row in rows if row["mesh.cell"] == line.get_label()]
            chips = [float(row["accuracy"]) for row in mine if float(row["coupler.splitting_error_rad"]) == x]
            assert len(chips) == 3 and y == pytest.approx(np.mean(chips), abs=1e-12)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda rows: plot.accuracy(rows, "couplr"), "column = couplr: must be one of coupler, phase, network, accuracy"),
        (lambda rows: plot.accuracy(rows, "couplr"), r"digital_accuracy, score \(did you mean `coupler`\?\)$"),
        (lambda rows: plot.yields(rows, value="acuracy"), r"column = acuracy: .*\(did you mean `accuracy`\?\)$"),
        (lambda rows: plot.accuracy(rows, "network"), "column network holds '(cnn|mlp)': must hold numbers"),
        (lambda rows: plot.accuracy(rows, "coupler", quantiles=(0.8, 0.2)), r"quantiles = \(0.8, 0.2\): must be two"),
        (lambda rows: plot.map(rows, "coupler", "phase", show="men"), "show = men: must be mean, median, yield or a"),  # type: ignore[arg-type]
        (lambda rows: plot.map(rows, "coupler", "phase", value="score", show="yield"), "reference = None: must be a number"),
        (lambda rows: plot.accuracy(rows[:0], "coupler"), "rows has none: must have at least one"),
        (lambda rows: plot.accuracy(rows.assign(accuracy=np.nan), "coupler"), "column accuracy is nan in row 0: must be finite"),
        (lambda rows: plot.accuracy({"coupler": [1], "accuracy": [1, 2]}, "coupler"), r"column accuracy has shape \[2\]"),
        (lambda rows: plot.accuracy("rows.parquet", "coupler"), "rows.parquet: must be a rows.csv, or the folder of one"),
        (lambda rows: plot.mesh(ll.decompose(np.eye(2)), "light"), "color = light: must be theta or phi"),  # type: ignore[arg-type]
        (lambda rows: plot.mesh(np.ones(3)), r"mesh has shape \[3\]: must be a Mesh, or \[mode, mode\]"),
        (lambda rows: plot.mesh(2 * np.eye(3)), "is not unitary"),
    ],
)
def test_rows_that_cannot_be_drawn_are_refused_in_a_sentence(act: Any, sentence: str, table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=sentence):
        act(table)


def test_what_is_no_axes_and_no_mesh_is_refused_in_a_sentence(table: pd.DataFrame, program: ll.Program) -> None:
    wrong: Any = 3
    with pytest.raises(TypeError, match=r"^ax = 3: must be one matplotlib.axes.Axes, such as plt.subplots\(\)\[1\]$"):
        plot.yields(table, ax=wrong)
    pair: Any = plt.subplots(1, 2)[1]
    with pytest.raises(TypeError, match="^ax = array.*: must be one matplotlib.axes.Axes"):
        plot.mesh(ll.decompose(np.eye(2)), ax=pair)
    other: Any = program
    with pytest.raises(TypeError, match="^mesh = <Program .*: must be a Mesh, or a unitary matrix"):
        plot.mesh(other)


def test_a_unitary_matrix_is_drawn_as_the_mesh_that_it_decomposes_into() -> None:
    u = haar(4)
    drawn, mesh = plot.mesh(u, "phi").collections[1], ll.decompose(u)
    assert np.array_equal(np.asarray(drawn.get_array()), mesh.phi) and mesh.phi.max() > 0
    assert len(plot.mesh(u.tolist()).collections[1].get_paths()) == 6


def test_the_median_of_a_map_is_its_middle_quantile(table: pd.DataFrame) -> None:
    ax = plot.map(table, "coupler", "phase", show="median")
    medians = table.pivot_table(index="phase", columns="coupler", values="accuracy", aggfunc="median").to_numpy()
    assert np.abs(squares(ax) - medians).max() < 1e-12
    assert np.array_equal(squares(ax), squares(plot.map(table, "coupler", "phase", show=0.5)))
    assert "median accuracy" in [other.get_ylabel() for other in ax.figure.axes]


def test_an_unfinished_sweep_is_drawn_as_far_as_it_is(files: Path, command: Command) -> None:
    axes = {"coupler.splitting_error_rad": [0.0, 0.1]}
    experiment = ll.Experiment(network=files / "net.npz", data=files / "data.npz", trials=3, axes=axes)
    whole = ll.sweep(experiment, files / "out")
    for path in (files / "out").iterdir():
        if path.name not in ("trials.journal", "experiment.toml"):
            path.unlink()
    lines = (files / "out/trials.journal").read_bytes().splitlines(keepends=True)
    (files / "out/trials.journal").write_bytes(b"".join(lines[:-2]))
    part = ll.Sweep.load(files / "out")
    assert len(part) == len(whole) - 2 and repr(part).endswith(", 4 of them done>")
    done = {(row, trial) for row, trial in zip(part.rows["point"], part.rows["trial"], strict=True)}
    kept = [(row, trial) in done for row, trial in zip(whole.rows["point"], whole.rows["trial"], strict=True)]
    assert part.rows["accuracy"].tolist() == whole.rows["accuracy"][kept].tolist()
    ax = plot.yields({name: column[part.rows["point"] == 0] for name, column in part.rows.items()})
    assert len(ax.lines) == 1
    folder = plot.accuracy(files / "out", "coupler.splitting_error_rad")
    loaded = plot.accuracy(part, "coupler.splitting_error_rad")
    assert np.array_equal(folder.lines[0].get_xydata(), loaded.lines[0].get_xydata())
    (files / "out/trials.journal").write_bytes(lines[0])
    with pytest.raises(ValueError, match="out: holds an unfinished sweep, 0 of 6 trials"):
        plot.yields(files / "out")
    with pytest.raises(ValueError, match="must be the folder of a sweep or merge"):
        plot.yields(files)


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("")
    with pytest.raises(ValueError, match="^rows has no column: must have coupler, accuracy$"):
        plot.accuracy(tmp_path, "coupler")
    with pytest.raises(FileNotFoundError):
        plot.accuracy(tmp_path / "none.csv", "coupler")


def test_matplotlib_comes_with_the_first_figure_and_is_missed_in_a_sentence() -> None:
    code = """
import sys
from lightloom import plot
assert "matplotlib" not in sys.modules
sys.modules["matplotlib"] = None
try:
    plot.yields({"accuracy": [0.5]})
except ModuleNotFoundError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "matplotlib is not installed: pip install matplotlib\n"


def test_a_loss_of_just_what_is_tolerated_counts() -> None:
    for right in range(2, 501):
        digital = right / 500
        rows = {"a": [0.0, 0.0], "b": [0.0, 0.0], "accuracy": [(right - 5) / 500, (right - 6) / 500]}
        ax = plot.map(rows, "a", "b", show="yield", reference=digital)
        assert np.asarray(ax.collections[0].get_array()).ravel().tolist() == [0.5], right
        plt.close("all")


def test_settings_that_no_axis_tells_apart_are_not_pooled(files: Path) -> None:
    axes = {"coupler.splitting_error_rad": [0.0, 0.1], "correct": ["none", "local"]}
    sweep = ll.sweep(ll.Experiment(network=files / "net.npz", data=files / "data.npz", trials=2, axes=axes))
    sentence = "rows differ in correct: must be told apart by the axes or `by`, or rows of one value each"
    with pytest.raises(ValueError, match=sentence):
        plot.accuracy(sweep, "coupler.splitting_error_rad")
    with pytest.raises(ValueError, match="rows differ in coupler.splitting_error_rad: "):
        plot.yields(sweep, by="correct")
    plot.accuracy(sweep, "coupler.splitting_error_rad", by="correct")
    one = {name: column[sweep.rows["correct"] == "none"] for name, column in sweep.rows.items()}
    plot.accuracy(one, "coupler.splitting_error_rad")
