"""What methods that need only measurements talk to."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Instrument(Protocol):
    """A chip whose heaters are set and whose light is measured.

    Who has a chip writes a class with these members for the driver of the bench; `Laboratory` simulates one. Every port has
    a source and a coherent receiver. Answers of another shape and numbers that are not finite are refused; what the
    instrument raises is raised.
    """

    @property
    def ports(self) -> tuple[int, int]:
        """Number of ports at the inputs and at the outputs."""
        ...

    @property
    def heaters(self) -> int:
        """Number of heaters."""
        ...

    def set(self, phases: NDArray[np.float64], /) -> object:
        """Ask every heater for its phase, rad: θ of all cells, φ of all cells, the screen, free shifters; [heater]."""
        ...

    def send(self, side: Literal["inputs", "outputs"], light: NDArray[np.complex128], /) -> ArrayLike:
        """Send `light`, [sample, port], into the ports of `side`: the fields at the other one, [sample, port].

        Light into the outputs goes backwards.
        """
        ...


class TappedInstrument(Instrument, Protocol):
    """An instrument with a power tap behind every phase shifter."""

    def taps(self, side: Literal["inputs", "outputs"], light: NDArray[np.complex128], /) -> tuple[ArrayLike, ArrayLike]:
        """Send light as `send` does: the fields, and what every tap read of the same pass, [sample, heater].

        Behind a shifter is where light of inference leaves it.
        """
        ...
