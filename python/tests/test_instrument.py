"""Methods that need only measurements, on benches that are simulated, of another process, or broken."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Literal

import lightloom
import numpy as np
import pytest
from lightloom import Chip, Hardware, Laboratory, Mesh, in_situ, self_configure
from numpy.typing import NDArray

MODES = 5

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]
Side = Literal["inputs", "outputs"]


def haar(seed: int) -> Complex:
    random = np.random.default_rng(seed)
    z = random.normal(size=(MODES, MODES)) + 1j * random.normal(size=(MODES, MODES))
    return np.asarray(np.linalg.qr(z)[0])


def target() -> Mesh:
    mesh = lightloom.decompose(haar(1))
    assert isinstance(mesh, Mesh)
    return mesh


def chip(**keys: float) -> Chip:
    return Hardware("ideal", phase_shifter_offset_rad=6.0, **keys).fabricate(3, trial=0)


def serve(pipe: Connection, keys: dict[str, float]) -> None:
    """The chip's side of a pipe: nothing else of it is seen."""
    bench = Laboratory(chip(**keys), target())
    while True:
        try:
            question, *arguments = pipe.recv()
        except EOFError:
            return
        answer = getattr(bench, question)
        pipe.send(answer(*arguments) if callable(answer) else answer)


class Piped:
    """A user's own class: asks a bench in another process."""

    def __init__(self, **keys: float) -> None:
        self.pipe, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=serve, args=(there, keys), daemon=True)
        self.process.start()
        there.close()

    def ask(self, *question: Any) -> Any:
        self.pipe.send(question)
        return self.pipe.recv()

    @property
    def ports(self) -> tuple[int, int]:
        inputs, outputs = self.ask("ports")
        return inputs, outputs

    @property
    def heaters(self) -> int:
        return int(self.ask("heaters"))

    def set(self, phases: Floats) -> None:
        self.ask("set", phases)

    def send(self, side: Side, light: Complex) -> Complex:
        return np.asarray(self.ask("send", side, light))

    def taps(self, side: Side, light: Complex) -> tuple[Complex, Floats]:
        fields, powers = self.ask("taps", side, light)
        return fields, powers

    def close(self) -> None:
        self.pipe.close()
        self.process.join(10)


def test_a_chip_in_another_process_configures_itself_and_measures_its_gradient() -> None:
    mesh, own = target(), Laboratory(chip(), target())
    piped = Piped()
    try:
        done = self_configure(piped, mesh)
        assert done["matrix_error"] < 1e-9
        assert done["kept"] == "found" and done["unreachable"] == 0
        assert done["passes"] == done["readings"] / MODES > 0
        # The same, bit by bit, as on a bench of this process.
        here = self_configure(own, mesh)
        np.testing.assert_array_equal(done["phases"], here["phases"])
        np.testing.assert_allclose(own.true_transfer(), mesh.matrix(), atol=1e-9)
        light = haar(5)[:3]
        slopes = in_situ(piped, light, piped.send("inputs", light))
        expected = in_situ(own, light, own.send("inputs", light))
        for got, wanted in zip(slopes, expected):
            np.testing.assert_array_equal(got, wanted)
    finally:
        piped.close()


def test_measured_slopes_are_differences_of_the_loss() -> None:
    """L = Σ w |y|² on a lossless chip whose couplers and offsets err."""
    bench = Laboratory(chip(coupler_splitting_error_rad=0.1), target())
    random = np.random.default_rng(2)
    phases = random.uniform(0, 6, bench.heaters)
    light, weights = haar(7)[:2], random.uniform(size=MODES)

    def loss(phases: Floats) -> float:
        bench.set(phases)
        return float(np.sum(weights * abs(bench.send("inputs", light)) ** 2))

    loss(phases)
    slopes, by_light = in_situ(bench, light, 2 * weights * bench.send("inputs", light))
    step = 1e-5
    for heater in range(bench.heaters):
        move = step * (np.arange(bench.heaters) == heater)
        difference = (loss(phases + move) - loss(phases - move)) / (2 * step)
        assert slopes[heater] == pytest.approx(difference, abs=1e-8)
    bench.set(phases)
    matrix = bench.true_transfer()
    np.testing.assert_allclose(by_light, 2 * weights * (light @ matrix.T) @ matrix.conj(), atol=1e-12)


class Broken:
    ports = (MODES, MODES)

    def __init__(self, answer: Callable[[Complex], Any]) -> None:
        self.bench = Laboratory(chip(), target())
        self.heaters = self.bench.heaters
        self.answer = answer

    def set(self, phases: Floats) -> None:
        self.bench.set(phases)

    def send(self, side: Side, light: Complex) -> Any:
        return self.answer(self.bench.send(side, light))


def refuse(fields: Complex) -> None:
    raise TimeoutError("the laser is off")


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (lambda fields: fields[:, 1:], ValueError, "shape"),
        (lambda fields: fields * np.nan, ValueError, "NaN"),
        (lambda fields: fields[0], ValueError, "[sample, port]"),
        (lambda fields: "none", ValueError, "fields that the instrument read"),
        (refuse, TimeoutError, "the laser is off"),
    ],
)
def test_bad_answers_are_one_sentence(
    answer: Callable[[Complex], Any], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind) as caught:
        self_configure(Broken(answer), target())
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_bad_arguments_are_one_sentence() -> None:
    bench: Any = Laboratory(chip(), target())
    configure: Any = self_configure
    measure: Any = in_situ
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: configure(3, target()), "instrument"),
        (lambda: configure(bench, 3), "mesh"),
        (lambda: configure(bench, target(), cell="none"), "cell"),
        (lambda: measure(bench, haar(1)[:, 1:], haar(1)[:, 1:]), "shape"),
        (lambda: measure(bench, haar(1), haar(1), passes=2), "passes"),
        (lambda: measure(bench, haar(1), haar(1), passes=3.5), "passes"),
        (lambda: configure(bench, lightloom.decompose(np.eye(4))), "inputs of the instrument"),
        (lambda: configure(bench, target(), receiver_noise=-1.0), "receiver_noise"),
        (lambda: configure(bench, target(), crosstalk=float("nan")), "crosstalk"),
        (lambda: measure(Broken(abs), haar(1), haar(1)), "taps"),
        (lambda: Laboratory(chip(), target(), tap_fraction=1.0), "tap_fraction"),
        (lambda: Laboratory(chip(), target(), tap_noise=float("nan")), "tap_noise"),
        (lambda: bench.set([0.0]), "phases"),
        (lambda: bench.send("input", haar(1)), "side"),
        (lambda: bench.wait(-1.0), "seconds"),
    ]
    for call, sentence in calls:
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_a_tap_takes_light() -> None:
    light = haar(1)
    whole, tapped = (Laboratory(chip(), target(), tap_fraction=f) for f in (0.0, 0.01))
    assert np.sum(abs(tapped.send("inputs", light)) ** 2) < 0.97 * np.sum(abs(whole.send("inputs", light)) ** 2)
    assert repr(whole) == f"<Laboratory: 5 inputs, 5 outputs, {whole.heaters} heaters>"


def test_ctrl_c_ends_a_configuration_of_a_simulated_bench() -> None:
    bench = Laboratory(chip(), target())

    class Pressed:
        ports, heaters = bench.ports, bench.heaters
        set, count = bench.set, 0

        def send(self, side: Side, light: Complex) -> Complex:
            self.count += 1
            signal.raise_signal(signal.SIGINT)
            return bench.send(side, light)

    pressed = Pressed()
    with pytest.raises(KeyboardInterrupt):
        self_configure(pressed, target())
    assert pressed.count == 1
