"""Figures of results, on axes of matplotlib, which must be installed: pip install matplotlib.

Each function draws on `ax`, by default on a new figure, and returns the axes, which can be changed as any axes can.
`rows` is one row a chip: an `Inference`, a `Sweep` or the `rows` of one, a data frame, any mapping of arrays by the names
of their columns, the path of a rows.csv, or the folder of a sweep: of one that has not ended the trials that are
finished. `value` is the column of what a chip gives: accuracy, agreement, …, where more is better, or an error (score,
output_error, …_error), where less is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from lightloom._lightloom import Inference, Mesh, Sweep, decompose, unknown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

__all__ = ["Table", "accuracy", "map", "mesh", "yields"]


class Table(Protocol):
    """Columns by their names: a dict of arrays, a data frame."""

    def keys(self) -> Iterable[Any]: ...
    def __getitem__(self, name: Any, /) -> Any: ...


Rows: TypeAlias = Table | Inference | Sweep | str | PathLike[str]
_Floats: TypeAlias = NDArray[np.float64]

# What is tolerated, as in reports: a loss of 1 % of all samples; of a mean squared error or the like 10 % of digital's own.
_LOSS = 0.01
_SHARE = 0.1


def accuracy(
    rows: Rows,
    x: str,
    *,
    by: str | None = None,
    value: str = "accuracy",
    quantiles: tuple[float, float] | None = (0.2, 0.8),
    ax: Axes | None = None,
) -> Axes:
    """Mean of `value` over the chips against the column `x`, and the band between two quantiles; a line for each value of `by`."""
    low, high = quantiles or (0.0, 1.0)
    if not 0 <= low < high <= 1:
        raise ValueError(f"quantiles = {quantiles}: must be two numbers from 0 to 1, the smaller one first")
    table = _columns(rows, [x, value] if by is None else [x, by, value], value, numbers=[x, value])
    ax = _axes(ax)
    for label, chosen in _groups(table, by):
        groups = _by_number(table[x][chosen], table[value][chosen])
        at = [number for number, _ in groups]
        (line,) = ax.plot(at, [values.mean() for _, values in groups], marker="o", markersize=3, label=label)
        if quantiles is not None:
            bands = [np.quantile(values, quantiles) for _, values in groups]
            ax.fill_between(
                at, [band[0] for band in bands], [band[1] for band in bands], color=line.get_color(), alpha=0.2, linewidth=0
            )
    _name(ax, x, _words(value), by)
    return ax


def map(
    rows: Rows,
    x: str,
    y: str,
    *,
    value: str = "accuracy",
    show: Literal["mean", "median", "yield"] | float = "mean",
    reference: float | None = None,
    contour: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """What the chips of every pair of the columns `x` and `y` give, as colours.

    `show` is mean; median; a number from 0 to 1, that quantile; or yield, the share of chips that lose no more than is tolerated
    against `reference`: 0.01 of an accuracy, 0.01 more of an output error, a tenth more of a mean squared error.
    `reference` is by default the mean of the column digital_accuracy, or that of another `value`, which rows of a sweep
    have. With `contour` a line shows where the mean or quantile has just lost it, interpolated between the squares.
    """
    if not (show in ("mean", "median", "yield") or isinstance(show, (int, float)) and 0 <= show <= 1):
        raise ValueError(f"show = {show}: must be mean, median, yield or a quantile from 0 to 1")
    table = _columns(rows, [x, y, value], value, numbers=[x, y, value], beside=[f"digital_{value}"])
    if reference is None and f"digital_{value}" in table:
        reference = float(np.mean(table[f"digital_{value}"]))
    if reference is None and show == "yield":
        raise ValueError(f"reference = None: must be a number where rows have no column digital_{value}")
    ax = _axes(ax)
    across, along = np.unique(table[x]), np.unique(table[y])
    squares = np.full((len(along), len(across)), np.nan)
    for row, b in enumerate(along):
        for column, a in enumerate(across):
            values = table[value][(table[x] == a) & (table[y] == b)]
            if len(values) > 0:
                squares[row, column] = _shown(value, values, show, reference)
    colors = ax.pcolormesh(across, along, squares, shading="nearest")
    bar = ax.figure.colorbar(colors, ax=ax)
    bar.set_label(_map_label(value, show))
    if contour and show != "yield" and reference is not None and min(squares.shape) > 1:
        level = _tolerated(value, reference)
        if np.nanmin(squares) < level < np.nanmax(squares):
            ax.contour(across, along, squares, levels=[level], colors="white")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    return ax


def yields(
    rows: Rows,
    *,
    by: str | None = None,
    value: str = "accuracy",
    ax: Axes | None = None,
) -> Axes:
    """Share of chips whose `value` is at least that of the horizontal axis, of an error at most; a line for each value of `by`."""
    table = _columns(rows, [value] if by is None else [by, value], value, numbers=[value])
    ax = _axes(ax)
    for label, chosen in _groups(table, by):
        values = np.sort(table[value][chosen])
        shares = np.arange(len(values) + 1) / len(values)
        if _is_error(value):
            ax.step(np.insert(values, 0, values[0]), shares, where="post", label=label)
        else:
            # Behind the best chip no chip is left.
            ax.step(np.append(values, values[-1]), 1 - shares, where="pre", label=label)
    limit = "most" if _is_error(value) else "least"
    _name(ax, _words(value), f"share of chips with at {limit} this {_words(value)}", by)
    ax.set_ylim(0, 1.05)
    return ax


def mesh(
    mesh: Mesh | ArrayLike, color: Literal["theta", "phi"] = "theta", *, ax: Axes | None = None
) -> Axes:
    """A mesh by its phases: waveguides from left to right, mode 0 on top, a coloured box an MZI at its column.

    Of a unitary matrix [mode, mode], row = output, it is the mesh that `decompose` makes of it.
    """
    if color not in ("theta", "phi"):
        raise ValueError(f"color = {color}: must be theta or phi")
    mesh = _mesh(mesh)
    ax = _axes(ax)
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.patches import Rectangle

    columns = max(mesh.columns, 1)
    ax.add_collection(
        LineCollection([[(-0.5, mode), (columns - 0.5, mode)] for mode in range(_modes(mesh))], colors="0.6", zorder=1)
    )
    boxes = PatchCollection(
        [Rectangle((column - 0.3, top - 0.25), 0.6, bottom - top + 0.5) for column, top, bottom in mesh.nodes],
        edgecolor="0.2",
        linewidth=0.5,
        cmap="viridis" if color == "theta" else "twilight",
        zorder=2,
    )
    boxes.set_array(mesh.theta if color == "theta" else mesh.phi)
    boxes.set_clim(0, np.pi if color == "theta" else 2 * np.pi)
    ax.add_collection(boxes)
    ax.figure.colorbar(boxes, ax=ax).set_label("θ (rad)" if color == "theta" else "φ (rad)")
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(_modes(mesh) - 0.5, -0.5)
    ax.set_xlabel("column")
    ax.set_ylabel("mode")
    return ax


def _mesh(of: Mesh | ArrayLike) -> Mesh:
    """The mesh itself, or that of a unitary matrix."""
    if isinstance(of, Mesh):
        return of
    matrix = np.asarray(of)
    if matrix.dtype.kind not in "biufc":
        limit = "a Mesh, or a unitary matrix [mode, mode]"
        raise TypeError(f"mesh = {_written(of)}: must be {limit}")
    if matrix.ndim != 2:
        raise ValueError(f"mesh has shape {list(matrix.shape)}: must be a Mesh, or [mode, mode]")
    return cast(Mesh, decompose(matrix))


def _written(thing: object) -> str:
    """`thing` as Python writes it, on one line, its beginning where it is long."""
    line = " ".join(repr(thing).split())
    return line if len(line) <= 60 else f"{line[:60]}…"


def _modes(mesh: Mesh) -> int:
    """Waveguides of `mesh`, those included that carry no data."""
    return len(mesh.screen)


def _axes(ax: Axes | None) -> Axes:
    """`ax`, or the axes of a new figure."""
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "matplotlib":
            raise
        raise ModuleNotFoundError("matplotlib is not installed: pip install matplotlib") from None
    if ax is None:
        return plt.subplots()[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax = {_written(ax)}: must be one matplotlib.axes.Axes, such as plt.subplots()[1]")
    return ax


def _is_error(value: str) -> bool:
    """Whether less of `value` is better."""
    return value == "score" or value.endswith("_error")


def _tolerated(value: str, reference: float) -> float:
    """The `value` that has lost just as much against `reference` as is tolerated."""
    if value == "score":
        return reference * (1 + _SHARE)
    return reference + _LOSS if _is_error(value) else reference - _LOSS


def _shown(value: str, values: _Floats, show: str | float, reference: float | None) -> float:
    """What a map shows of one square."""
    if show == "mean":
        return float(values.mean())
    if show == "median":
        return float(np.median(values))
    if show == "yield":
        level = _tolerated(value, cast(float, reference))
        # A share of samples that has lost just what is tolerated may be off by its rounding.
        slack = 1e-9 * max(abs(level), 1.0)
        return float((values <= level + slack if _is_error(value) else values >= level - slack).mean())
    return float(np.quantile(values, cast(float, show)))


def _map_label(value: str, show: str | float) -> str:
    if show in ("mean", "median"):
        return f"{show} {_words(value)}"
    if show == "yield":
        return f"share of chips with the {_words(value)} that is tolerated"
    return f"{show:.0%} quantile of {_words(value)}"


def _words(value: str) -> str:
    """What the column `value` is called."""
    return value.replace("_", " ")


def _name(ax: Axes, x: str, y: str, by: str | None) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if by is not None:
        ax.legend(title=by)


def _groups(table: dict[str, NDArray[Any]], by: str | None) -> list[tuple[str | None, NDArray[np.bool_]]]:
    """Which rows have each value of the column `by`, and what the value is called."""
    if by is None:
        return [(None, np.ones(len(next(iter(table.values()))), dtype=bool))]
    values = np.unique(table[by]).tolist()
    return [(f"{value:g}" if isinstance(value, float) else str(value), table[by] == value) for value in values]


def _by_number(at: _Floats, values: _Floats) -> list[tuple[float, _Floats]]:
    """The values at each number, in the order of the numbers."""
    return [(float(number), values[at == number]) for number in np.unique(at)]


def _columns(
    rows: Rows, names: list[str], value: str, *, numbers: list[str], beside: list[str] | None = None
) -> dict[str, NDArray[Any]]:
    """The columns `names` of `rows`, and those of `beside` that are there; `numbers` must be finite numbers in every row.

    All but `value` tell the kinds of chips apart.
    """
    table = _table(rows)
    known = [str(name) for name in table.keys()]
    if not known:
        raise ValueError(f"rows has no column: must have {', '.join(dict.fromkeys(names))}")
    for name in names:
        if name not in known:
            raise ValueError(unknown_name("column", name, known))
    wanted = names + [name for name in beside or [] if name in known]
    columns = {name: np.asarray(table[name]) for name in wanted}
    for name in wanted:
        if columns[name].shape != columns[names[0]].shape or columns[name].ndim != 1:
            raise ValueError(f"column {name} has shape {list(columns[name].shape)}: must be [row], as {names[0]} has")
        if name in names and name not in numbers:
            columns[name] = _values(columns[name])
            continue
        try:
            columns[name] = columns[name].astype(np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"column {name} holds {columns[name].flat[0]!r}: must hold numbers") from None
        lacking = np.flatnonzero(~np.isfinite(columns[name]))
        if len(lacking) > 0:
            raise ValueError(f"column {name} is {columns[name][lacking[0]]} in row {lacking[0]}: must be finite")
    if len(columns[names[0]]) == 0:
        raise ValueError("rows has none: must have at least one")
    _check_apart(table, known, [columns[name] for name in names if name != value], names)
    return columns


def _check_apart(table: Table, known: list[str], told: list[NDArray[Any]], names: list[str]) -> None:
    """Fail where rows of a sweep that differ in more than what is `told` would be taken for chips of one kind."""
    if not {"point", "seed", "samples"} <= set(known):
        return
    points: dict[tuple[Any, ...], Any] = {}
    places = (tuple(column[row] for column in told) for row in range(len(table["point"])))
    if all(points.setdefault(place, point) == point for place, point in zip(places, table["point"], strict=True)):
        return
    settings = known[known.index("seed") + 1 : known.index("samples")]
    varied = [name for name in settings if name not in names and len({str(one) for one in table[name]}) > 1]
    raise ValueError(f"rows differ in {', '.join(varied)}: must be told apart by the axes or `by`, or rows of one value each")


def _values(column: NDArray[Any]) -> NDArray[Any]:
    """A column of numbers as they are; of anything else the texts."""
    if column.dtype.kind in "biuf":
        return column
    try:
        return column.astype(np.float64)
    except (TypeError, ValueError):
        return column.astype(str)


def _table(rows: Rows) -> Table:
    if isinstance(rows, Inference | Sweep):
        return rows.rows
    if not isinstance(rows, (str, PathLike)):
        return rows
    path = Path(fspath(rows))
    if path.is_dir():
        if not (path / "rows.csv").exists():
            return Sweep.load(path).rows
        path = path / "rows.csv"
    if path.suffix != ".csv":
        raise ValueError(f"{path}: must be a rows.csv, or the folder of one")
    with path.open(newline="", encoding="utf-8") as file:
        head, *lines = list(csv.reader(file)) or [[]]
    columns = zip(*lines, strict=True) if lines else ([] for _ in head)
    # Nothing stands for a number that is not there.
    return {name: np.array([cell or "nan" for cell in column]) for name, column in zip(head, columns, strict=True)}
