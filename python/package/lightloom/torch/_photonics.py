"""What the layers of a photonic model share: the chip."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from lightloom import Hardware, Network, Program, __version__
from lightloom._lightloom import LoadedMaps, Maps, unknown_name
from lightloom.torch._maps import MapOf, diagonal, is_same, named
from lightloom.torch._memory import check_apart
from lightloom.torch._operators import ALIVE, NUMBERS, is_one

if TYPE_CHECKING:
    from lightloom.torch._layers import Photonic

Correction: TypeAlias = Literal["none", "local", "progressive", "fit"]
Parameters: TypeAlias = Literal["weights", "phases"]

PRECISIONS: dict[torch.dtype, Literal["f32", "f64"]] = {torch.float32: "f32", torch.float64: "f64"}
_LAST_SHOT = 2**31 - 1


class Photonics:
    """The chip of a photonic model: which one it is, which layers are on it, and what their matrices are.

    `trial` and `shot` may be set at any time. Forward passes of one shot have the same noise, in evaluation that of
    `shot`, in training that of `shot` plus the number of times that the parameters have changed with which the chip is
    programmed, weights or phases and scales: every training step has its own.
    """

    _model: nn.Module
    _hardware: Hardware
    _layout: dict[str, Any]
    _correction: Correction
    _seed: int
    _trial: int
    _is_fresh: bool
    _shot: int
    # What sets ranges: there, where shots differ.
    _calibration: tuple[Any, ...] | None
    _order: list[str] | None
    # Whether phases and scales are the parameters of its layers.
    _has_phases: bool
    # The weights that were compiled, [group, out, in] a map, where phases are parameters.
    _first: list[Tensor]
    # Classes of layers that would be photonic.
    _kinds: tuple[type, ...]
    # Names of layers that stay digital, and why.
    _left: dict[str, str]
    # What each map is the weights of.
    _maps: list[MapOf]
    # The map of every node, in the order of a run.
    _nodes: list[int]
    # How often what the chip is programmed with has changed.
    _changes: int
    _has_begun: bool
    # Whether shots of the chip differ.
    _is_noisy: bool
    # What is noted while the model runs for its order, or for its ranges.
    _tracing: list[MapOf] | None
    _recording: list[tuple[int, Tensor]] | None
    # What stands on the chip: derived, and never pickled.
    _compiled: Maps | None
    _loaded: LoadedMaps | None
    # Its seed and trial.
    _loaded_chip: tuple[int, int] | None
    # What it is programmed with, a map: its weights, or its phases and scales.
    _held: list[tuple[Tensor, ...]]
    _matrices: list[Tensor]
    # How often each map has run in this run, by its number.
    _ran: dict[int, int]
    _number: int

    @classmethod
    def _of(
        cls,
        model: nn.Module,
        hardware: Hardware,
        layout: dict[str, Any],
        correction: Correction,
        seed: int,
        trial: int | Literal["fresh"],
        calibration: tuple[Any, ...] | None,
        parameters: Parameters,
    ) -> "Photonics":
        self = cls()
        self._model, self._hardware, self._layout = model, hardware, layout
        self._correction, self._seed, self._shot = correction, seed, 0
        self._is_fresh = trial == "fresh"
        self._trial = 0 if self._is_fresh else _whole("trial", trial, 2**64 - 1)
        self._calibration, self._order = calibration, None
        self._has_phases, self._first = parameters == "phases", []
        self._left, self._maps, self._nodes, self._kinds = {}, [], [], ()
        self._changes, self._has_begun, self._is_noisy = 0, False, False
        self._forget()
        return self

    def _forget(self) -> None:
        self._tracing, self._recording = None, None
        self._compiled, self._loaded, self._loaded_chip = None, None, None
        self._held, self._matrices = [], []
        self._ran = {}
        self._number = next(NUMBERS)
        ALIVE[self._number] = self

    def __getstate__(self) -> dict[str, Any]:
        derived = {
            "_tracing", "_recording", "_compiled", "_loaded", "_loaded_chip", "_held", "_matrices",
            "_ran", "_number",
        }  # fmt: skip
        state = {name: value for name, value in vars(self).items() if name not in derived}
        return {"lightloom": __version__, **state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.pop("lightloom", None)
        if version != __version__:
            limit = f"one of lightloom {__version__}: keep the state dict, which fits every version"
            raise ValueError(f"pickle of a photonic model = one of lightloom {version}: must be {limit}")
        self.__dict__.update(state)
        self._forget()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in ("trial", "shot"):
            raise AttributeError(f"attribute of photonics = {name}: must be trial or shot")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        where = f"seed {self._seed}, trial {self.trial}"
        return f"<Photonics of {len(self._maps)} maps on the chip of {where}: {self._hardware!r}>"

    @property
    def hardware(self) -> Hardware:
        """The kind of chip."""
        return self._hardware

    @property
    def seed(self) -> int:
        """The seed from which its chips follow."""
        return self._seed

    @property
    def trial(self) -> int:
        """The number of the chip among those of its seed. To set it draws another one."""
        return self._trial

    @trial.setter
    def trial(self, trial: int) -> None:
        self._trial = _whole("trial", trial, 2**64 - 1)

    def redraw(self, seed: int) -> None:
        """Go on with the chips that follow from another seed: that of `trial` is drawn at the next run.

        Parameters stay as they are.
        """
        self._seed = _whole("seed", seed, 2**64 - 1)

    @property
    def parameters(self) -> Parameters:
        """What the layers are trained by: "weights", or "phases" and digital scales."""
        return "phases" if self._has_phases else "weights"

    @property
    def shot(self) -> int:
        """The number of the noise of a forward pass in evaluation, as in processor(x, shot=…)."""
        return self._shot

    @shot.setter
    def shot(self, shot: int) -> None:
        self._shot = _whole("shot", shot, _LAST_SHOT)

    @property
    def layers(self) -> list[str]:
        """Names of the maps that are on the chip, by their number."""
        self._check_begun()
        return [one.name for one in self._maps]

    @property
    def digital(self) -> dict[str, str]:
        """Names of the layers that stay digital, and why."""
        return dict(self._left)

    @property
    def matrix_errors(self) -> dict[str, float]:
        """Relative error of every map's complex matrix on this chip, ‖W_chip − W‖_F / ‖W‖_F, by its name.

        It is that of `Processor.matrix_errors`, in front of the receivers. They read the real part, which is `matrix` and
        errs less. Where parameters are phases, W is the weight that was compiled.
        """
        self._refresh()
        assert self._loaded is not None
        return dict(zip(self.layers, self._loaded.matrix_errors, strict=True))

    def matrix(self, layer: str) -> Tensor:
        """What the inputs of a layer are multiplied with on this chip, noise and converters left out.

        [out, in], gains of receivers included; of a layer of several groups [group, out, in]. A convolution's inputs
        are patches, channel by channel; the outputs of a transposed one are.
        """
        names = self.layers
        if layer not in names:
            raise ValueError(f"layer = {layer!r}: must be one of {', '.join(names)}")
        self._refresh()
        blocks = self._matrices[names.index(layer)].clone()
        return blocks[0] if len(blocks) == 1 else blocks

    def program(self, network: "Network | str | os.PathLike[str]") -> Program:
        """The program of the phases and scales as they are now, for `lightloom.load`, `infer` and the commands.

        `network`, a `Network` or the path of one, says what is digital: it is that of `to_digital(model)`, as an ONNX file or
        made of its weights, whose layers it numbers as this model does. On the chip of `seed` and `trial` the program gives what
        the model does; `digital` of an inference is the model as it is on this chip.
        """
        if not self._has_phases:
            limit = "phases: lightloom.compile makes the program of a model's weights"
            raise ValueError(f"parameters of the model = weights: must be {limit}")
        self._refresh()
        assert self._compiled is not None
        matrices = [matrix.double().numpy() for matrix in self._matrices]
        return self._compiled.program(network if isinstance(network, Network) else Network.load(network), matrices)

    # From here on: how a chip comes about.

    def _check(self) -> None:
        """Refuse what no chip, layout or correction is called, before the model runs."""
        own = (module for module in self._model.modules() if vars(module).get("_photonics") is self)
        names = [cast(str, module._name) for module in own]
        if not names:
            return
        for name in self._order or []:
            if not any(name == known or name.startswith(f"{known}.") for known in names):
                raise ValueError(unknown_name("name in order", name, names))
        shots_differ = Maps.check(names[0], self._hardware, self._correction, self._has_phases, **self._layout)
        self._hardware.fabricate(self._seed, self._trial)
        if shots_differ and self._calibration is None:
            limit = "a batch of inputs: hardware whose shots differ needs it for its ranges"
            raise ValueError(f"calibration = None: must be {limit}")

    def _begin(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Number the maps by a run of the model, and load them."""
        self._tracing = []
        try:
            with self._at_rest():
                self._model(*args, **keywords)
            self._number_maps(self._tracing)
        finally:
            self._tracing = None
        for path, module in self._model.named_modules():
            if vars(module).get("_photonics") is self and not module._places:
                self._left[cast(str, module._name)] = "the example does not run it"
            if path in self._left or type(module).__module__.startswith(("torch.nn.", "lightloom.")):
                continue
            for name, parameter in module.named_parameters(path, recurse=False):
                if parameter.ndim > 1:
                    self._left[name] = "a parameter of no layer that can be photonic"
        unasked = [f"{name} ({why})" for name, why in self._left.items() if why != "as asked"]
        if unasked:
            # Of whoever calls to_photonic, or the model.
            warnings.warn(f"layers that stay digital: {', '.join(unasked)}", stacklevel=3)
        self._has_begun = True
        if self._maps:
            if self._has_phases:
                self._take_phases()
            self._refresh()

    def _take_phases(self) -> None:
        """Compile the weights, and let phases and scales be parameters in their place."""
        users = [
            MapOf(module, slot)
            for module in self._model.modules()
            if vars(module).get("_photonics") is self
            for slot in cast("Photonic", module)._places
        ]
        check_apart(self._model, self._maps, users)
        with torch.inference_mode(False), torch.no_grad():
            self._first = [one.blocks().detach().clone() for one in self._maps]
            self._compiled = self._of_weights(self._first)
            made = []
            for programmed, one in zip(self._compiled.programmed(), self._maps, strict=True):
                weight = one.weight()
                phases, scales = (
                    nn.Parameter(torch.from_numpy(each).to(weight.dtype), requires_grad=weight.requires_grad)
                    for each in programmed
                )
                made.append((phases, scales))
        for user in users:
            number = user.module._places[user.slot]
            shape = list(self._first[number].shape)
            layout = f"{self._layout['geometry']}, tile {self._layout['tile']}, weights {shape}"
            user.module._take_phases(user.slot, *made[number], layout=layout)
        for user in users:
            user.module._drop_weights()

    def _restart(self) -> None:
        """Begin a run of the model: see to it that its layers are those whose order is known.

        Nodes are counted anew, whatever became of the run before.
        """
        self._ran = {}
        there = set()
        for path, module in self._model.named_modules():
            there.add(id(module))
            if type(module) in self._kinds and path not in self._left and module is not self._model:
                raise RuntimeError(f"layer `{path}`: came after to_photonic: must be there when it is called")
            if vars(module).get("_photonics") is not self:
                continue
            if module._has_weights_again():
                raise RuntimeError(f"layer `{module._name}`: has a weight again: must have its phases and scales alone")
            for slot, number in module._places.items():
                pairs = zip(self._maps[number].parameters(), module._programmed(slot), strict=True)
                if not all(is_one(held, now) for held, now in pairs):
                    names = f"`{module._name}` and `{self._maps[number].name}`"
                    raise RuntimeError(f"layers {names}: share {self.parameters} no longer: must do so as in to_photonic")
        for one in self._maps:
            if id(one.module) not in there:
                raise RuntimeError(f"layer `{one.name}`: has left the model: must be there as in to_photonic")

    def _number_maps(self, ran: list[MapOf]) -> None:
        maps: list[MapOf] = []
        for one in ran:
            if not any(one.key == other.key for other in maps):
                maps.append(one)
        if self._order is not None:
            order = [named(name, maps) for name in self._order]
            names = [one.name for one in maps]
            unknown = [name for name in order if name not in names]
            if unknown:
                raise ValueError(unknown_name("name in order", unknown[0], names))
            if sorted(order) != sorted(names):
                raise ValueError(f"order = {self._order}: must be these names in any order: {', '.join(names)}")
            maps.sort(key=lambda one: order.index(one.name))
        numbers = {one.key: number for number, one in enumerate(maps)}
        for one in ran:
            one.module._places[one.slot] = numbers[one.key]
        dtypes = {one.weight().dtype: one.name for one in maps}
        if len(dtypes) > 1:
            words = " and ".join(f"{dtype} of {name}" for dtype, name in dtypes.items())
            raise ValueError(f"dtypes of weights = {words}: must be one for all layers")
        self._maps = maps
        self._nodes = [numbers[one.key] for one in ran]

    def _check_begun(self) -> None:
        if not self._has_begun:
            raise RuntimeError("photonic model: has no layers before its first run: give to_photonic an example")

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """While the model runs in evaluation, without gradients; its layers are then as they were."""
        modes = [(module, module.training) for module in self._model.modules()]
        self._model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for module, mode in modes:
                module.training = mode

    def _refresh(self, number: int | None = None, programmed: tuple[Tensor, ...] = ()) -> None:
        """See to it that the chip is programmed with the parameters of the model: map `number` with those given.

        All of them are looked at where a run begins, so that no layer is on another chip than those before it.
        """
        self._check_begun()

        def now(at: int) -> tuple[Tensor, ...]:
            given = programmed if programmed and at == number else self._maps[at].programmed()
            return tuple(one.detach() for one in given)

        is_loaded = self._loaded is not None and self._loaded_chip == (self._seed, self._trial)
        asked = range(len(self._maps)) if number in (None, self._nodes[0]) else (number,)
        is_held = bool(self._held) and all(is_same(self._held[at], now(at)) for at in asked)
        if is_loaded and is_held:
            return
        # Whatever mode the run is in, what is kept is for all of them.
        with torch.inference_mode(False), torch.no_grad():
            if not is_held:
                self._compile([tuple(one.clone() for one in now(at)) for at in range(len(self._maps))])
            self._load()

    def _compile(self, held: list[tuple[Tensor, ...]]) -> None:
        """Make the program of these parameters, which are others than before."""
        if self._has_phases:
            # Of a copy or a pickle there is none yet.
            compiled = self._compiled or self._of_weights(self._first)
            doubles = [(phases.double().numpy(), scales.double().numpy()) for phases, scales in held]
            self._compiled = compiled.reprogrammed(doubles)
        else:
            self._compiled = self._of_weights([blocks for (blocks,) in held])
        if self._held:
            self._changes += 1
            self._trial += self._is_fresh
        self._held = held

    def _of_weights(self, blocks: list[Tensor]) -> Maps:
        matrices = [one.double().numpy() for one in blocks]
        return Maps.compile(self.layers, matrices, self._hardware, **self._layout)

    def _load(self) -> None:
        """Put what is compiled on the chip of the trial."""
        assert self._compiled is not None
        self._loaded = None
        chip = self._hardware.fabricate(self._seed, self._trial)
        precision = PRECISIONS[self._held[0][0].dtype]
        loaded = self._compiled.load(chip, self._correction, precision)
        shapes = [blocks.shape for blocks in self._first or (held[0] for held in self._held)]
        self._matrices = [diagonal(loaded.matrix(number), shape) for number, shape in enumerate(shapes)]
        if loaded.shots_differ:
            loaded = self._compiled.load(chip, self._correction, precision, self._given())
        self._loaded, self._loaded_chip = loaded, (self._seed, self._trial)
        self._is_noisy = loaded.shots_differ

    def _given(self) -> list[tuple[int, Any]]:
        """What every node is given in a run of the calibration without noise."""
        assert self._calibration is not None, "it was looked for when the model became photonic"
        self._recording = []
        try:
            with self._at_rest():
                self._model(*self._calibration)
            recorded = self._recording
        finally:
            self._recording = None
        self._nodes = [number for number, _ in recorded]
        missing = [one.name for number, one in enumerate(self._maps) if number not in self._nodes]
        if missing:
            raise ValueError(f"calibration: does not run {', '.join(missing)}, which the example does")
        return [(number, columns.contiguous().numpy()) for number, columns in recorded]

    def _on_chip(self, number: int, programmed: tuple[Tensor, ...]) -> Tensor:
        """What the chip multiplies by in a map that is programmed so, [group, out, in]."""
        if self._recording is None:
            self._refresh(number, programmed)
        return self._matrices[number]

    def _node(self, number: int) -> int:
        """The node where map `number` stands next in a run."""
        nodes = [node for node, map_of in enumerate(self._nodes) if map_of == number]
        ran = self._ran.get(number, 0)
        self._ran[number] = ran + 1
        return nodes[ran % len(nodes)]

    def _place(self, number: int, is_training: bool) -> tuple[int, int]:
        """The node where map `number` stands next in a run, and the shot."""
        shot = (self._shot + (self._changes if is_training else 0)) % (_LAST_SHOT + 1)
        return self._node(number), shot

    def _multiplied(self, number: int, columns: Tensor, node: int, shot: int) -> Tensor:
        """What receivers make of columns [column, in] there, [column, out]."""
        assert self._loaded is not None
        x = columns.detach().contiguous().numpy()
        return torch.from_numpy(self._loaded.multiply(number, x, node=node, shot=shot))

    def _shots(self, number: int, columns: Tensor, is_training: bool) -> Tensor:
        """What receivers make of columns [column, in] next, [column, out]."""
        return self._multiplied(number, columns, *self._place(number, is_training))

    def _refuse_number(self, number: int, columns: Tensor) -> None:
        """Raise the sentence for outputs of a map that are not finite."""
        name = self._maps[number].name
        for what, numbers in (("inputs", columns), ("outputs", None)):
            if numbers is None or not bool(torch.isfinite(numbers).all()):
                limit = f"numbers that {columns.dtype} holds"
                raise ValueError(f"{what} of layer `{name}`: are not finite: must be {limit}")


def _whole(what: str, number: Any, last: int) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{what} = {number!r}: must be a whole number from 0")
    if not 0 <= number <= last:
        raise ValueError(f"{what} = {number}: must be a whole number from 0 to {last}")
    return number
