"""Compile trained neural networks onto meshes of Mach–Zehnder interferometers and simulate the imperfect photonic chip.

Arrays are [sample, feature] at every border, phases are in rad, and a name ends in its unit.
"""

from lightloom._instrument import Instrument, TappedInstrument
from lightloom._lightloom import (
    Chip,
    Corrected,
    Dataset,
    Drawing,
    Experiment,
    Hardware,
    Inference,
    Laboratory,
    Mesh,
    Network,
    Processor,
    Program,
    Sweep,
    __version__,
    compile,
    correct,
    decompose,
    draw,
    in_situ,
    infer,
    load,
    self_configure,
)
from lightloom._sweep import sweep

__all__ = [
    "Chip",
    "Corrected",
    "Dataset",
    "Drawing",
    "Experiment",
    "Hardware",
    "Inference",
    "Instrument",
    "Laboratory",
    "Mesh",
    "Network",
    "Processor",
    "Program",
    "Sweep",
    "TappedInstrument",
    "__version__",
    "compile",
    "correct",
    "decompose",
    "draw",
    "in_situ",
    "infer",
    "load",
    "self_configure",
    "sweep",
]
