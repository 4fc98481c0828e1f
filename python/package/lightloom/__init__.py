"""Compile trained neural networks onto meshes of Mach–Zehnder interferometers and simulate the imperfect photonic chip.

Arrays are [sample, feature] at every border, phases are in rad, and a name ends in its unit.
"""

from lightloom._lightloom import (
    Chip,
    Corrected,
    Dataset,
    Drawing,
    Experiment,
    Hardware,
    Inference,
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
    infer,
    load,
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
    "Mesh",
    "Network",
    "Processor",
    "Program",
    "Sweep",
    "__version__",
    "compile",
    "correct",
    "decompose",
    "draw",
    "infer",
    "load",
    "sweep",
]
