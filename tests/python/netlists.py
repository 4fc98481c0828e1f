"""Do SAX and gdsfactory read our netlists, and does SAX simulate the matrix that lightloom computes?

    python tests/python/netlists.py LIGHTLOOM

LIGHTLOOM is the command. Opens the netlists of meshes and of tiles of a program with SAX, simulates them and prints the
largest difference to `lightloom matrix` and to the weights that were compiled; it must be at most 1e-9. The Python of
docs/export.md draws meshes with gdsfactory, and what it drew is simulated too. Needs the packages of netlists.txt.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import jax

jax.config.update("jax_enable_x64", True)

import gdsfactory
import jax.numpy as jnp
import numpy as np
import sax
from gdsfactory.get_netlist import OriginalNamer
from pages import ROOT, blocks

LIMIT = 1e-9
COMMAND = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)


def mzi(theta=0.0, phi=0.0):
    """Light passes φ on the top arm, a coupler, θ on the top arm, a coupler. Ports: 0 = top.

    T = i e^{iθ/2} [[e^{iφ} sin θ/2, cos θ/2], [e^{iφ} cos θ/2, −sin θ/2]], row = output.
    """
    common = 1j * jnp.exp(0.5j * theta)
    sine, cosine = jnp.sin(theta / 2), jnp.cos(theta / 2)
    outer = jnp.exp(1j * phi)
    return sax.reciprocal(
        {
            ("in0", "out0"): common * outer * sine,
            ("in0", "out1"): common * outer * cosine,
            ("in1", "out0"): common * cosine,
            ("in1", "out1"): -common * sine,
        }
    )


def phase(phi=0.0):
    """A phase shifter on one waveguide."""
    return sax.reciprocal({("in0", "out0"): jnp.exp(1j * phi)})


def straight():
    """A waveguide between cells, whose length does not count here."""
    return sax.reciprocal({("o1", "o2"): 1.0})


def simulate(netlist):
    """The matrix of a netlist between its ports, row = output, as SAX computes it."""
    circuit, _ = sax.circuit(netlist=netlist, models={"mzi": mzi, "phase": phase, "straight": straight})
    found = sax.sdict(circuit())
    ports = netlist["ports"]
    inputs = sum(name.startswith("in") for name in ports)
    outputs = sum(name.startswith("out") for name in ports)
    matrix = np.zeros((outputs, inputs), complex)
    for row in range(outputs):
        for column in range(inputs):
            matrix[row, column] = complex(np.asarray(found[f"in{column}", f"out{row}"]).ravel()[0])
    return matrix


def lightloom(*arguments):
    """What the command prints."""
    run = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, check=False)
    if run.returncode != 0:
        sys.exit(f"lightloom {' '.join(map(str, arguments))}: {run.stderr.decode()}")
    return run.stdout


def report(name, expected, simulated):
    """Prints the largest difference; whether it is small enough."""
    if expected.shape != simulated.shape:
        print(f"{name}: shapes {expected.shape} and {simulated.shape} differ")
        return False
    error = np.abs(expected - simulated).max()
    print(f"{name}: {expected.shape[0]} x {expected.shape[1]}, max |expected - SAX| = {error:.1e}")
    return error <= LIMIT


def matrix_of(mesh):
    """`lightloom matrix` of a mesh file."""
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder) / "U.npy"
        lightloom("matrix", mesh, "-o", target, "--quiet")
        return np.load(target)


def meshes():
    """Mesh files of the repository."""
    for name in ["haar-4-clements", "haar-4-reck", "dft-8-clements"]:
        path = ROOT / "meshes" / f"{name}.mesh.json"
        netlist = json.loads(lightloom("export", path, "--format", "sax"))
        yield name, matrix_of(path), simulate(netlist)


def geometries(folder):
    """A random unitary in every geometry; ancillas are ports of the netlist, not of the matrix."""
    for name in ["clements", "reck", "diamond", "butterfly", "clements+2"]:
        mesh = random_unitary(folder, name)
        netlist = json.loads(lightloom("export", mesh, "--format", "sax"))
        yield f"random unitary, {name}", matrix_of(mesh), simulate(netlist)[:8, :8]


def random_unitary(folder, geometry):
    """Writes the mesh of a random unitary and returns its path."""
    random = np.random.default_rng(0)
    unitary = np.linalg.qr(random.normal(size=(8, 8)) + 1j * random.normal(size=(8, 8)))[0]
    np.save(folder / "U.npy", unitary)
    lightloom("decompose", folder / "U.npy", "-o", folder / "u.mesh.json", "--geometry", geometry, "--quiet")
    return folder / "u.mesh.json"


def layouts(folder):
    """What gdsfactory draws by the Python of docs/export.md, as it finds it in the drawn chip again."""
    (code,) = (text for mark, text in blocks("docs/export.md") if mark == "python" and "gdsfactory" in text)
    for geometry in ["clements", "reck", "diamond"]:
        mesh = random_unitary(folder, geometry)
        lightloom("export", mesh, "--format", "sax", "-o", folder / "u.sax.json")
        names = {}
        # Each time anew, which gdsfactory remarks on.
        with contextlib.chdir(folder), warnings.catch_warnings(action="ignore"):
            exec(compile(code, "Python of docs/export.md", "exec"), names)
        if not (folder / "u.gds").stat().st_size:
            sys.exit("failed: u.gds is empty")
        drawn = names["chip"].get_netlist(instance_namer=OriginalNamer())
        # Phases are no geometry. All else, connections above all, is what was drawn.
        instances = json.loads((folder / "u.sax.json").read_text())["instances"]
        for name, part in drawn["instances"].items():
            drawn["instances"][name] = instances.pop(name, {"component": part["component"]})
        if instances:
            sys.exit(f"failed: {', '.join(instances)} were not drawn")
        yield f"drawn by gdsfactory, {geometry}", matrix_of(mesh), simulate(drawn)[:8, :8]


def tiles(folder):
    """Tiles of a compiled network: scale · simulated block = block of the trained weights."""
    program = folder / "digits.program.safetensors"
    network = ROOT / "meshes" / "demo" / "digits.safetensors"
    lightloom("compile", network, "-o", program, "--tile", 8, "--quiet")
    weights = safetensors(network)
    entries = json.loads(lightloom("export", program, "--format", "sax"))
    for name in ["2.0", "4.1"]:
        tile = entries[name]
        row, col, rows, cols = (tile[key] for key in ["row", "col", "rows", "cols"])
        block = weights[name.split(".")[0] + ".weight"][row : row + rows, col : col + cols]
        simulated = tile["scale"] * simulate(tile["netlist"])[:rows, :cols]
        yield f"tile {name} of the digits", block.astype(complex), simulated


def safetensors(path):
    """The float32 and float64 tensors of a safetensors file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    kinds = {"F32": "<f4", "F64": "<f8"}
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], kinds[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def main():
    print(f"SAX {sax.__version__}, JAX {jax.__version__}, gdsfactory {gdsfactory.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        cases = [*meshes(), *geometries(folder), *tiles(folder), *layouts(folder)]
    if not all([report(*case) for case in cases]):
        sys.exit(f"failed: a difference is above {LIMIT:.0e}")


if __name__ == "__main__":
    main()
