"""Writes the golden files of this folder: phases as other packages return them, beside their own matrices.

    python make.py strawberryfields interferometer piquasso phaseshift perceval neuroptica neurophox

Name the packages that are installed; each one is called, none is imitated. neurophox and neuroptica are
used through their numpy classes. See ../README.md for the versions.
"""

import datetime
import importlib.metadata
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent


def haar(modes, seed):
    """A Haar-random unitary: QR of a Ginibre matrix, phases of R's diagonal moved to Q."""
    rng = np.random.RandomState(seed)
    q, r = np.linalg.qr(rng.normal(size=(modes, modes)) + 1j * rng.normal(size=(modes, modes)))
    return q * (np.diag(r) / np.abs(np.diag(r)))


def cell(modes, a, b):
    return {"cell": {"modes": [int(m) for m in modes], "phases_rad": [float(a), float(b)]}}


def inverse(modes, a, b):
    return {"inverse_cell": {"modes": [int(m) for m in modes], "phases_rad": [float(a), float(b)]}}


def phase(mode, rad):
    return {"phase": {"mode": int(mode), "phase_rad": float(rad)}}


def screen(factors, first=0):
    return [phase(mode + first, np.angle(z)) for mode, z in enumerate(np.asarray(factors))]


def pretty(value, indent=""):
    """JSON with one row of a matrix, or one element of a mesh, a line."""
    inner = indent + "  "
    if isinstance(value, dict) and indent in ("", "  "):
        lines = [f"{inner}{json.dumps(key)}: {pretty(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + json.dumps(item) for item in value) + f"\n{indent}]"
    return json.dumps(value)


def write(name, package, function, convention, unitary, elements):
    unitary = np.asarray(unitary, dtype=complex)
    version = importlib.metadata.version(package)
    golden = {
        "package": package,
        "version": version,
        "function": function,
        "date": datetime.date.today().isoformat(),
        "unitary_re": unitary.real.tolist(),
        "unitary_im": unitary.imag.tolist(),
        "cells": {"convention": convention, "modes": len(unitary), "elements": elements},
    }
    (HERE / f"{name}.json").write_text(pretty(golden) + "\n")
    print(name, version)


def strawberryfields():
    import strawberryfields.decompositions as dec
    from strawberryfields.ops import _rectangular_compact_cmds

    package = "strawberryfields"
    u = haar(5, 1)
    ti_list, diagonal, t_list = dec.rectangular(u)
    elements = [cell(t[:2], *t[2:4]) for t in ti_list] + screen(diagonal)
    elements += [inverse(t[:2], *t[2:4]) for t in reversed(t_list)]
    write("strawberryfields_rectangular", package, "decompositions.rectangular", package, u, elements)

    t_list, diagonal, _ = dec.rectangular_phase_end(u)
    elements = [cell(t[:2], *t[2:4]) for t in t_list] + screen(diagonal)
    write("strawberryfields_rectangular_phase_end", package,
          "decompositions.rectangular_phase_end", package, u, elements)

    t_list, diagonal, _ = dec.triangular(u)
    elements = screen(diagonal) + [inverse(t[:2], *t[2:4]) for t in t_list]
    write("strawberryfields_triangular", package, "decompositions.triangular", package, u, elements)

    t_list, diagonal, _ = dec.rectangular_symmetric(u)
    elements = [cell(t[:2], *t[2:4]) for t in t_list] + screen(diagonal)
    write("strawberryfields_rectangular_symmetric", package,
          "decompositions.rectangular_symmetric", "strawberryfields-mzi", u, elements)

    for modes in (5, 6):
        u = haar(modes, modes)
        elements = []
        for command in _rectangular_compact_cmds(list(range(modes)), dec.rectangular_compact(u)):
            gate, reg = type(command.op).__name__, command.reg
            p = command.op.p
            if gate == "Rgate":
                elements.append(phase(reg[0], p[0]))
            else:  # sMZgate(a, b) is B diag(e^{i(a - pi/2)}, e^{i(b - pi/2)}) B
                elements.append(cell(reg, p[0] - np.pi / 2, p[1] - np.pi / 2))
        write(f"strawberryfields_rectangular_compact_{modes}", package,
              "decompositions.rectangular_compact", "bell-walmsley", u, elements)


def interferometer():
    import interferometer as itf

    u = haar(6, 2)
    for name, function in (("square", itf.square_decomposition), ("triangle", itf.triangle_decomposition)):
        found = function(u.copy())
        elements = [cell((b.mode1, b.mode2), b.theta, b.phi) for b in found.BS_list]
        elements += [phase(mode + 1, rad) for mode, rad in enumerate(found.output_phases)]
        write(f"clementsw_{name}", "interferometer", f"{name}_decomposition", "clementsw", u, elements)


def piquasso():
    import piquasso as pq
    from piquasso.decompositions.clements import clements

    u = haar(6, 3)
    found = clements(u, connector=pq.NumpyConnector())
    elements = [cell(b.modes, *b.params) for b in found.beamsplitters]
    elements += [phase(p.mode, p.phi) for p in found.phaseshifters]
    write("piquasso_clements", "piquasso", "decompositions.clements.clements", "clements", u, elements)


def phaseshift():
    from phaseshift.clements_interferometer import clements_decomposition

    u = haar(5, 4)
    found = clements_decomposition(u)  # its circuit is in the order of the matrix product
    elements = [cell(c.target, c.theta, c.phi) for c in reversed(found.circuit)] + screen(found.D)
    write("phaseshift_clements", "phaseshift", "clements_interferometer.clements_decomposition",
          "clements", u, elements)


def perceval():
    import perceval as pcvl
    from perceval.components import catalog

    rng = np.random.RandomState(5)
    circuit = pcvl.GenericInterferometer(
        5, catalog["mzi phase first"].generate, shape=pcvl.InterferometerShape.RECTANGLE,
        phase_shifter_fun_gen=lambda mode: pcvl.PS(pcvl.P(f"out{mode}")), phase_at_output=True)
    for parameter in circuit.get_parameters():
        parameter.set_value(rng.uniform(0, 2 * np.pi))
    # Flat: PS(phi), BS, PS(theta), BS for an MZI, then one PS per output.
    elements, shifters = [], {}
    for modes, part in circuit:
        if isinstance(part, pcvl.PS):
            shifters.setdefault(modes[0], []).append(float(part.param("phi")))
        elif isinstance(part, pcvl.BS) and len(shifters[modes[0]]) == 2:
            elements.append(cell(modes, *shifters.pop(modes[0])))
    elements += [phase(mode, rad) for mode, (rad,) in sorted(shifters.items())]
    write("perceval_rectangle", "perceval-quandela", "GenericInterferometer(mzi phase first)", "perceval",
          np.array(circuit.compute_unitary()), elements)


def neuroptica():
    from neuroptica.component_layers import MZILayer
    from neuroptica.layers import ClementsLayer

    mesh = ClementsLayer(6).mesh
    elements = []
    for layer in mesh.layers:
        if isinstance(layer, MZILayer):
            elements += [cell((m.m, m.n), m.theta, m.phi) for m in layer.mzis]
        else:
            elements += [phase(p.m, p.phi) for p in layer.phase_shifters]
    write("neuroptica_clements", "neuroptica", "layers.ClementsLayer", "neuroptica",
          mesh.get_transfer_matrix(), elements)


def neurophox():
    from neurophox.config import SINGLEMODE
    from neurophox.numpy import RMNumpy

    modes = 6
    layer = RMNumpy(modes, basis=SINGLEMODE)
    elements = [phase(mode, rad) for mode, rad in enumerate(np.ravel(layer.phases.gamma))]
    theta, phi = layer.phases.theta.checkerboard_arrangement, layer.phases.phi.checkerboard_arrangement
    for column in range(modes):
        for top in range(column % 2, modes - 1, 2):
            elements.append(cell((top, top + 1), theta[top, column], phi[top, column]))
    # Fields are row vectors there: the matrix that acts on columns is the transpose.
    write("neurophox_rectangular", "neurophox", "numpy.RMNumpy(basis=SINGLEMODE)", "neurophox",
          layer.matrix.T, elements)


if __name__ == "__main__":
    for package in sys.argv[1:]:
        globals()[package]()
