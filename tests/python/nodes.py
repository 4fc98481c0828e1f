"""Does lightloom compute what the node cases of the onnx package say?

    python tests/python/nodes.py LIGHTLOOM

LIGHTLOOM is the command. A case is a graph, most often of one node, with inputs and the outputs that they give. Of a
product each factor in turn is computed and the others are stored: light has to give the outputs, on a perfect chip too.
Any other case is compiled with as many of its inputs open as lightloom takes, and computed digitally. What is refused
must be so in one sentence that names what it is about. Prints how many cases do what and fails for a wrong number, and
where docs/networks.md says other counts. Needs the packages of nodes.txt.
"""

import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
from onnx import helper, numpy_helper
from pages import ROOT

warnings.filterwarnings("ignore")
from onnx.backend.test.case.node import collect_testcases

COMMAND = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
PAGE = (ROOT / "docs" / "networks.md").read_text()

# Which inputs of a product are factors that may be computed.
PRODUCTS = {"Gemm": (0, 1), "MatMul": (0, 1), "Einsum": (0, 1), "Conv": (0,), "ConvTranspose": (0,)}

# How far outputs may be off, of the largest of them; numbers of half precision have eleven bits.
LIMIT = 1e-5
HALF_LIMIT = 2**-9
LIMITS = {
    # Its outputs are written with four digits.
    "test_averagepool_2d_ceil_last_window_starts_on_pad": 2e-4,
    # A number in the middle between two steps of 255.
    "test_dynamicquantizelinear_expanded": 1 / 254,
    # A mean of 6480 numbers that are added in single precision.
    "test_nllloss_NCd1d2d3d4d5_mean_weight_expanded": 5e-5,
}

# tract takes the largest of −∞ alone for −3.4e38: they guard against no numbers by it, and have no numbers.
UNGUARDED = {
    "test_attention_23_boolmask_fullymasked_row_nan_robustness_expanded",
    "test_attention_23_fullymasked_qk_matmul_output_mode3_zero_expanded",
    "test_attention_4d_causal_nonpad_negative_offset_structural_empty_expanded",
}

# Types of elements that graphs may have.
FLOATS = {"float16", "float32", "float64"}
INTEGERS = {f"{kind}{bits}" for kind in ["int", "uint"] for bits in [8, 16, 32, 64]}
TYPES = {*FLOATS, *INTEGERS, "bool"}


class Refused(Exception):
    """A sentence of lightloom."""


class Wrong(Exception):
    """What must not be."""


@dataclasses.dataclass
class Case:
    name: str
    model: onnx.ModelProto
    # By name; nothing for what is no array.
    inputs: dict
    outputs: list

    @property
    def graph(self):
        return self.model.graph

    def types(self):
        """The types of elements of inputs and outputs; nothing for what is no array."""
        return {x if x is None else x.dtype.name for x in [*self.inputs.values(), *self.outputs]}

    def limit(self):
        """How far outputs may be off."""
        return LIMITS.get(self.name, HALF_LIMIT if "float16" in self.types() else LIMIT)


def array(x):
    """The array that a case gives, or nothing for a sequence or an optional value."""
    if isinstance(x, onnx.TensorProto):
        return numpy_helper.to_array(x)
    return None if x is None or isinstance(x, list) else np.asarray(x)


def cases():
    """Every node case of the package."""
    for case in collect_testcases(None):
        inputs, outputs = ([array(x) for x in part] for part in case.data_sets[0])
        names = [value.name for value in case.model.graph.input]
        if not any(entry.domain == "" for entry in case.model.opset_import):
            case.model.opset_import.append(helper.make_opsetid("", 21))
        yield Case(case.name, case.model, dict(zip(names, inputs, strict=True)), outputs)


def operators(graph):
    """Domains and names of all operators of a graph and of the bodies within it."""
    for node in graph.node:
        yield node.domain, node.op_type
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                yield from operators(body)


def listed():
    """Domains and names of the operators of the table of the page."""
    (table,) = re.findall(r"<!-- operators -->\n(.*?)<!-- end of operators -->", PAGE, re.DOTALL)
    for row in table.splitlines()[2:]:
        _, what, names, _ = row.split("|")
        domain = re.search(r"of `(.+)`", what)
        for name in re.findall(r"`(\w+)`", names):
            yield domain.group(1) if domain else "", name


def is_exact(x):
    """Whether data, which are of single precision, can hold `x` as far as outputs are compared."""
    if x is None or x.size == 0 or x.dtype.kind not in "fiub":
        return False
    return x.dtype.kind in "fb" or np.abs(x.astype(np.float64)).max() <= 2**24


def opened(case, names):
    """The graph with the inputs `names` as those of one sample and the others stored, and that sample.

    A sample has an axis of length 1 in front, which a Squeeze takes away. What is not finite comes of a division by
    zero. Where no input is open, 0 is added to the outputs.
    """
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    nodes = list(graph.node)
    del graph.input[:], graph.node[:]
    (version,) = (entry.version for entry in model.opset_import if entry.domain == "")
    data = []

    def store(name, x):
        graph.initializer.append(numpy_helper.from_array(x, name))

    def feed(name, x):
        kind = helper.np_dtype_to_tensor_dtype(x.dtype)
        graph.input.append(helper.make_tensor_value_info(f"{name}/sample", kind, [1, *x.shape]))
        data.append(x.astype(np.float32).reshape(-1))
        if version < 13:
            graph.node.append(helper.make_node("Squeeze", [f"{name}/sample"], [name], axes=[0]))
        else:
            store(f"{name}/axes", np.array([0]))
            graph.node.append(helper.make_node("Squeeze", [f"{name}/sample", f"{name}/axes"], [name]))

    for name, x in case.inputs.items():
        if name not in names:
            store(name, x)
        elif np.isfinite(x).all():
            feed(name, x)
        else:
            finite = np.isfinite(x)
            feed(f"{name}/over", np.where(finite, x, np.nan_to_num(np.sign(x))).astype(x.dtype))
            store(f"{name}/under", finite.astype(x.dtype))
            graph.node.append(helper.make_node("Div", [f"{name}/over", f"{name}/under"], [name]))
    outputs = [value.name for value in graph.output]
    if not names:
        feed("zero", np.zeros((), np.float32))
        for name in outputs:
            nodes.append(helper.make_node("Cast", [name], [f"{name}/number"], to=onnx.TensorProto.FLOAT))
            nodes.append(helper.make_node("Add", [f"{name}/number", "zero"], [f"{name}/sum"]))
        outputs = [f"{name}/sum" for name in outputs]
        del graph.output[:]
        graph.output.extend(helper.make_empty_tensor_value_info(name) for name in outputs)
    graph.node.extend(nodes)
    return model, np.concatenate(data).reshape(1, -1), outputs


def lightloom(folder, *words):
    """What the command prints; raises what it refuses."""
    done = subprocess.run([COMMAND, *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()
        if done.returncode != 2 or not re.fullmatch(r"error: [^\n]+", said):
            raise Wrong(f"exit code {done.returncode}: {said[-500:]}")
        raise Refused(said)
    return done.stdout


def check(case, names, chips, layers):
    """Raises unless the outputs of `chips`, digital or ideal, are those of the case, with so many maps on light."""
    model, x, outputs = opened(case, names)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        onnx.save(model, folder / "case.onnx")
        np.save(folder / "x.npy", x)
        chosen = ["--outputs", ",".join(outputs), *(["--light", "*"] if layers else [])]
        lightloom(folder, "compile", "case.onnx", "-o", "p.safetensors", *chosen, "--quiet")
        data = ["--data", "x.npy", "--trials", "1"]
        try:
            lightloom(folder, "infer", "p.safetensors", *data, "--predictions", "y.npz", "--quiet")
        except Refused as refused:
            is_finite = all(np.isfinite(y).all() for y in case.outputs)
            if "must be finite" in str(refused) and is_finite and case.name not in UNGUARDED:
                raise Wrong(str(refused)) from None
            raise
        record = json.loads(lightloom(folder, "inspect", "p.safetensors", "--json", "-"))
        found = dict(np.load(folder / "y.npz"))
    if layers and len(record["layers"]) != layers:
        raise Wrong(f"{len(record['layers'])} maps on light")
    shapes = [port["shape"] for port in record["graph"]["outputs"]]
    if shapes != [list(y.shape) for y in case.outputs]:
        raise Wrong(f"outputs of shapes {shapes}")
    ends = np.cumsum([y.size for y in case.outputs])[:-1]
    for chip in chips:
        for y, expected in zip(np.split(found[chip].reshape(-1), ends), case.outputs, strict=True):
            expected = expected.reshape(-1).astype(np.float64)
            far = np.abs(y - expected).max() / (np.abs(expected).max() or 1.0)
            if not far <= case.limit():
                raise Wrong(f"{chip}: {far:.2g} of the largest off")


def refusal(case):
    """What the command says of the case as it is; raises if it takes it."""
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(case.model, pathlib.Path(folder) / "case.onnx")
        try:
            lightloom(folder, "compile", "case.onnx", "-o", "p.safetensors", "--quiet")
        except Refused as refused:
            return str(refused)
    raise Wrong("is compiled")


def verdict(case, known):
    """What becomes of a case: light, digital, or refused for its operators, types or else; raises what must not be."""
    unknown = {name for domain, name in set(operators(case.graph)) - known}
    if unknown:
        said = refusal(case)
        if not any(f"({name})" in said or f".{name})" in said for name in unknown):
            raise Wrong(said)
        return "operators"
    if None in case.types():
        refusal(case)
        return "types"
    inputs = list(case.inputs.items())
    node = case.graph.node[0]
    if len(case.graph.node) == 1 and node.op_type in PRODUCTS and len(inputs) > 1:
        if case.types() <= FLOATS:
            for place in PRODUCTS[node.op_type]:
                check(case, [inputs[place][0]], ["digital", "ideal"], 1)
            return "light"
    exact = [name for name, x in inputs if is_exact(x)]
    real = [name for name in exact if case.inputs[name].dtype.kind == "f"]
    refusals = []
    for names in [exact, real, exact[:1], []]:
        try:
            check(case, names, ["digital"], 0)
            return "digital"
        except Refused as refused:
            refusals.append(str(refused))
    # Where constants fail at once a sentence may know the graph alone; that of an open input has to say more.
    if not any(re.search("`|operator set|digital logits", sentence) for sentence in refusals):
        raise Wrong(refusals[0])
    return "else" if case.types() <= TYPES else "types"


def main():
    known, found, wrong = set(listed()), collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        futures = [(case, threads.submit(verdict, case, known)) for case in cases()]
        for case, future in futures:
            try:
                found[future.result()] += 1
            except (Refused, Wrong) as error:
                print(f"{case.name}: {error}")
                wrong += 1
    words = (
        f"Of the {len(futures)} node cases of the `onnx` package {onnx.__version__}, {found['light']} are products "
        f"that light gives and {found['digital']} are computed digitally. The others are refused in a sentence: "
        f"{found['operators']} for operators that are not above, {found['types']} for types such as bfloat16, four "
        f"bits or text, {found['else']} for something else that they ask of an operator."
    )
    print(words)
    if wrong:
        sys.exit(f"failed: {wrong} cases")
    if words not in " ".join(PAGE.split()):
        sys.exit("failed: docs/networks.md has other counts")


if __name__ == "__main__":
    main()
