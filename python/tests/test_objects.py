"""Sweeps of networks, programs and data that are Python's own objects."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command
from test_sweep import KEYS

import lightloom as ll

DEMO = Path(__file__).parents[2] / "meshes/demo"


def same_rows(a: ll.Sweep, b: ll.Sweep) -> None:
    """Rows are equal to the bit, but for what names their files."""
    assert list(a.rows) == list(b.rows)
    for name, column in a.rows.items():
        assert column.dtype == b.rows[name].dtype
        assert np.array_equal(column, b.rows[name], equal_nan=column.dtype.kind == "f"), name


def test_rows_of_objects_are_those_of_their_files(files: Path, tmp_path: Path) -> None:
    of_files = ll.sweep(ll.Experiment(network=files / "net.npz", data=files / "data.npz", **KEYS), tmp_path / "files")
    network, data = ll.Network.load(files / "net.npz"), ll.Dataset.load(files / "data.npz")
    experiment = ll.Experiment(network=network, data=data, **KEYS)
    of_objects = ll.sweep(experiment, tmp_path / "objects")
    same_rows(of_objects, of_files)
    assert (tmp_path / "objects/rows.csv").read_bytes() == (tmp_path / "files/rows.csv").read_bytes()
    assert (tmp_path / "objects/confusion.csv").read_bytes() == (tmp_path / "files/confusion.csv").read_bytes()
    same_rows(ll.sweep(experiment), of_files)
    # An object of one kind and a file of the other.
    same_rows(ll.sweep(ll.Experiment(network=network, data=files / "data.npz", **KEYS)), of_files)


def test_the_folder_holds_what_it_ran_on(files: Path, tmp_path: Path, command: Command) -> None:
    network, data = ll.Network.load(files / "net.npz"), ll.Dataset.load(files / "data.npz")
    keys: dict[str, Any] = {**KEYS, "trials": 2}
    ll.sweep(ll.Experiment(network=network, data=data, **keys), tmp_path / "out")
    inputs = sorted((tmp_path / "out/inputs").iterdir())
    assert [path.name.split(".", 1)[1] for path in inputs] in (
        ["data.safetensors", "network.safetensors"],
        ["network.safetensors", "data.safetensors"],
    )
    named = {entry["path"] for entry in json.loads((tmp_path / "out/manifest.json").read_text())["inputs"]}
    assert named == {f"inputs/{path.name}" for path in inputs}
    # The same call goes on with the rest.
    more = ll.sweep(ll.Experiment(network=network, data=data, **{**keys, "trials": 4}), tmp_path / "out")
    assert sorted((tmp_path / "out/inputs").iterdir()) == inputs
    same_rows(more, ll.sweep(ll.Experiment(network=network, data=data, **KEYS)))
    # So does the command with the file that is there, and it begins anew elsewhere.
    assert command("sweep", "out/experiment.toml", "--out", "again", "--quiet").returncode == 0
    same_rows(ll.Sweep.load(tmp_path / "again"), more)
    report = command("report", "out", "--quiet")
    assert report.returncode == 0, report.stderr
    assert "is not found" not in (tmp_path / "out/report.html").read_text()
    other = ll.Dataset(np.ones((4, 6)), [0, 1, 2, 0])
    with pytest.raises(ValueError, match="holds trials of another experiment .*data: .*inputs/"):
        ll.sweep(ll.Experiment(network=network, data=other, **KEYS), tmp_path / "out")
    # What was written for a sweep that was refused is gone.
    assert sorted((tmp_path / "out/inputs").iterdir()) == inputs
    with pytest.raises(ValueError):
        ll.sweep(ll.Experiment(network=network, data=ll.Dataset(np.ones((4, 5))), **KEYS), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_several_programs_and_graphs_stand_on_an_axis(files: Path, program: ll.Program, tmp_path: Path) -> None:
    tiled = ll.compile(program.network, tile=4)
    data = ll.Dataset.load(files / "data.npz")
    both = ll.sweep(ll.Experiment(program=[program, tiled], data=data, trials=2, hardware="mit-pnp"))
    assert len(set(both.rows["program"].tolist())) == 2
    program.save(tmp_path / "a.safetensors")
    tiled.save(tmp_path / "b.safetensors")
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    files_of = ll.sweep(ll.Experiment(program=paths, data=data, trials=2, hardware="mit-pnp"))
    assert np.array_equal(both.rows["accuracy"], files_of.rows["accuracy"])
    graph = ll.Network.load(DEMO / "digits-cnn.onnx", scale=1 / 16)
    digits = ll.Dataset.load(DEMO / "digits-test.npz", network=graph)
    keys: dict[str, Any] = {"trials": 1, "limit": 100, "hardware": "mit-pnp"}
    objects = ll.sweep(ll.Experiment(network=graph, data=digits, **keys))
    own = ll.Experiment(network=DEMO / "digits-cnn.onnx", data=DEMO / "digits-test.npz", scale=1 / 16, **keys)
    same_rows(objects, ll.sweep(own))


def test_pictures_that_no_network_was_known_of_are_brought_into_its_order(tmp_path: Path) -> None:
    graph = ll.Network.load(DEMO / "digits-cnn.onnx", scale=1 / 16)
    x = np.random.default_rng(0).integers(0, 16, (20, 8, 8, 1)).astype(np.float32)
    data = ll.Dataset(x, np.arange(20) % 10)
    data.save(tmp_path / "data.safetensors")
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(20) % 10)
    keys: dict[str, Any] = {"network": graph, "trials": 1, "hardware": "mit-pnp"}
    of_file = ll.sweep(ll.Experiment(data=tmp_path / "data.npz", **keys))
    same_rows(ll.sweep(ll.Experiment(data=data, **keys)), of_file)
    same_rows(ll.sweep(ll.Experiment(data=tmp_path / "data.safetensors", **keys)), of_file)


def test_an_experiment_of_objects_is_pickled(files: Path, program: ll.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    experiment = ll.Experiment(program=program, data="data.npz", trials=2)
    other = pickle.loads(pickle.dumps(experiment))
    assert other == experiment and other.to_toml() == experiment.to_toml()
    before = ll.sweep(experiment)
    monkeypatch.chdir(files.parent)
    # Paths beside an object are those of where it was made.
    same_rows(ll.sweep(pickle.loads(pickle.dumps(other))), before)
    build, (version, *state) = experiment.__reduce__()
    with pytest.raises(ValueError, match="^version of a pickled Experiment = 2: must be 1, which"):
        build(version + 1, *state)


def test_what_stands_in_a_wrong_place_is_refused_in_a_sentence(program: ll.Program, samples: Any) -> None:
    data = ll.Dataset(samples["x"], samples["y"])
    with pytest.raises(TypeError, match="^network = <Program .*: must be something else: it is the value of program"):
        ll.Experiment(network=program, data=data, trials=1)
    with pytest.raises(TypeError, match="^program = <Network .*: it is the value of network"):
        ll.Experiment(program=program.network, data=data, trials=1)
    with pytest.raises(TypeError, match="^labels = <Dataset .*: a Dataset is the value of data"):
        ll.Experiment(program=program, data=data, labels=data, trials=1)
    with pytest.raises(TypeError, match=r"^data = array.*: must be a path or a Dataset, such as Dataset\(x, y\)"):
        ll.Experiment(program=program, data=samples["x"], trials=1)
    with pytest.raises(ValueError, match="is a network that lightloom wrote, and says all of itself: must have no activation"):
        ll.sweep(ll.Experiment(network=program.network, data=data, trials=1, activation="tanh"))


def test_networks_and_data_are_saved_and_read_by_the_command(files: Path, command: Command) -> None:
    network = ll.Network.load(files / "net.npz", activation="tanh", mean=0.5)
    data = ll.Dataset(np.arange(18.0).reshape(3, 6), ["cat", "ant", "bee"])
    network.save(files / "own.network.safetensors")
    data.save(files / "own.data.safetensors")
    assert ll.compile(files / "own.network.safetensors") == ll.compile(network)
    again = ll.Network.load(files / "own.network.safetensors")
    assert repr(again) == repr(network) and again.notes == []
    read = ll.Dataset.load(files / "own.data.safetensors")
    assert read.class_names == ["ant", "bee", "cat"] and read.__reduce__()[1][:2] == data.__reduce__()[1][:2]
    assert command("compile", "own.network.safetensors", "-o", "own.program.safetensors").returncode == 0
    assert ll.Program.load(files / "own.program.safetensors") == ll.compile(network)
    for file, kind in [("own.network.safetensors", "network"), ("own.data.safetensors", "data set")]:
        said = command("inspect", file, "--json", "-")
        assert json.loads(said.stdout)["kind"] == kind, said.stderr
    ran = command("infer", "own.program.safetensors", "--data", "own.data.safetensors", "--trials", "1", "--json", "-")
    assert json.loads(ran.stdout)["samples"] == 3, ran.stderr


def test_reports_call_classes_as_the_data_do(tmp_path: Path, command: Command) -> None:
    rng = np.random.default_rng(0)
    names = np.array(["setosa", "a <b> & a very long name of a class", "virginica"])
    centres, y = rng.normal(size=(3, 6)), rng.integers(0, 3, 60)
    x = centres[y] + rng.normal(size=(60, 6))
    # Texts are classes in their sorted order.
    order = np.argsort(names)
    network = ll.Network.from_weights([centres[order]], [-(centres[order] ** 2).sum(axis=1) / 2])
    keys: dict[str, Any] = {"network": network, "hardware": "mit-pnp", "trials": 2}
    axes = {"coupler.splitting_error_rad": [0.0, 0.1]}
    result = ll.sweep(ll.Experiment(data=ll.Dataset(x, names[y]), axes=axes, **keys), tmp_path / "out")
    (reference,) = result.manifest["references"]
    assert reference["class_names"] == names[order].tolist()
    assert command("report", "out", "--quiet").returncode == 0
    page = (tmp_path / "out/report.html").read_text()
    figure = (tmp_path / "out/figures/confusion.svg").read_text()
    assert ">setosa</text>" in figure and ">virginica</text>" in figure
    assert "a &lt;b&gt; &amp; a very" in figure and "name of a class</text>" not in figure
    assert "chips: setosa taken for virginica: " in figure
    assert "class 0" not in page and "class 1" not in page
    # What a page's script reads ends no element.
    (data,) = [line for line in page.split("<script") if 'id="confusion-data"' in line]
    held = json.loads(data.split(">", 1)[1].split("</script>")[0])
    assert held["names"] == names[order].tolist()
    losses = (tmp_path / "out/figures/class-losses.svg").read_text()
    assert "setosa: recall " in losses
    # Data without names have numbers, and manifests without the key.
    numbered = ll.sweep(ll.Experiment(data=ll.Dataset(x, np.argsort(order)[y]), axes=axes, **keys), tmp_path / "plain")
    assert "class_names" not in numbered.manifest["references"][0]
    assert np.array_equal(numbered.rows["accuracy"], result.rows["accuracy"])
    assert command("report", "plain", "--quiet").returncode == 0
    assert "chips: class 0 taken for 1: " in (tmp_path / "plain/figures/confusion.svg").read_text()
