"""Small language models with masks of compared places: python3 language.py

Needs onnx and onnxruntime (onnx 1.23 and onnxruntime 1.32 wrote the files). Writes mask.onnx and rotary.onnx, which has
rotary embeddings behind the split into heads; their time is open. Writes language.json: the ids that ONNX Runtime writes greedily behind the beginning, and their mean −ln likelihood.
"""

import json

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, WIDTH, HEADS, HEAD = 12, 8, 2, 4
LENGTH = 9


class Writer:
    def __init__(self, seed):
        self.nodes, self.constants = [], []
        self.random = np.random.default_rng(seed)

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def ints(self, name, *values):
        return self.constant(name, np.array(values, np.int64))

    def weight(self, name, *shape):
        value = 2 * self.random.standard_normal(shape) / np.sqrt(shape[0])
        return self.constant(name, value.astype(np.float32))

    def put(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def heads(self, name):
        """A projection as [batch, head, time, feature]."""
        flat = self.put("MatMul", ["h", self.weight(f"{name}.weight", WIDTH, WIDTH)], f"{name}_flat")
        split = self.put("Reshape", [flat, "split"], f"{name}_split")
        return self.put("Transpose", [split], name, perm=[0, 2, 1, 3])

    def rotated(self, x):
        """x cos + (−second half, first half) sin."""
        first = self.put("Slice", [x, "zero", "half", "last"], f"{x}_first")
        second = self.put("Slice", [x, "half", "head", "last"], f"{x}_second")
        turned = self.put("Concat", [self.put("Neg", [second], f"{x}_minus"), first], f"{x}_turned", axis=-1)
        return self.put(
            "Add",
            [self.put("Mul", [x, "cos"], f"{x}_cos"), self.put("Mul", [turned, "sin"], f"{x}_sin")],
            f"{x}_rotated",
        )

    def model(self, is_rotary):
        self.ints("zero", 0)
        self.ints("one", 1)
        self.ints("half", HEAD // 2)
        self.ints("head", HEAD)
        self.ints("last", -1)
        self.ints("split", 0, 0, HEADS, HEAD)
        self.ints("joined", 0, 0, WIDTH)
        self.constant("start", np.int64(0))
        self.constant("step", np.int64(1))
        self.constant("never", np.float32(-1e9))
        self.constant("nothing", np.float32(0))
        self.constant("root", np.float32(np.sqrt(HEAD)))
        embedding = self.weight("embedding", VOCABULARY, WIDTH)
        self.put("Gather", [embedding, "ids"], "h")
        self.put("Shape", ["ids"], "shape")
        self.put("Gather", ["shape", "step"], "time")
        self.put("Range", ["start", "time", "step"], "p")
        self.put("Unsqueeze", ["p", "one"], "rows")
        q, k, v = (self.heads(name) for name in "qkv")
        if is_rotary:
            turns = 100.0 ** (-np.arange(HEAD // 2) / (HEAD // 2))
            self.constant("turns", turns.astype(np.float32)[None])
            self.put("Cast", ["rows"], "places", to=TensorProto.FLOAT)
            half = self.put("Mul", ["places", "turns"], "half_angles")
            self.put("Concat", [half, half], "angles", axis=-1)
            self.put("Cos", ["angles"], "cos")
            self.put("Sin", ["angles"], "sin")
            q, k = self.rotated(q), self.rotated(k)
        turned = self.put("Transpose", [k], "turned", perm=[0, 1, 3, 2])
        self.put("Div", [self.put("MatMul", [q, turned], "products"), "root"], "scores")
        if is_rotary:
            seen = self.put("LessOrEqual", ["p", "rows"], "seen")
            self.put("Where", [seen, "scores", "never"], "masked")
        else:
            self.put("Where", [self.put("Less", ["rows", "p"], "later"), "never", "nothing"], "mask")
            self.put("Add", ["scores", "mask"], "masked")
        self.put("Softmax", ["masked"], "shares", axis=-1)
        mixed = self.put("Transpose", [self.put("MatMul", ["shares", v], "mixed")], "ordered", perm=[0, 2, 1, 3])
        flat = self.put("Reshape", [mixed, "joined"], "flat")
        self.put("MatMul", [flat, self.weight("o.weight", WIDTH, WIDTH)], "attended")
        self.put("Add", ["h", "attended"], "sum")
        self.put("MatMul", ["sum", self.weight("head.weight", WIDTH, VOCABULARY)], "logits")
        graph = helper.make_graph(
            self.nodes,
            "language",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "time"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "time", VOCABULARY])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def reference(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = [0]
    while len(ids) <= LENGTH:
        ids.append(int(session.run(None, {"ids": np.array([ids])})[0][0, -1].argmax()))
    logits = session.run(None, {"ids": np.array([ids[:-1]])})[0][0].astype(np.float64)
    largest = logits.max(1)
    sums = np.log(np.exp(logits - largest[:, None]).sum(1)) + largest
    return {"ids": ids[1:], "nll": float(np.mean(sums - logits[np.arange(LENGTH), ids[1:]]))}


if __name__ == "__main__":
    written = {}
    for name, is_rotary in [("mask", False), ("rotary", True)]:
        model = Writer(6).model(is_rotary)
        onnx.save(model, f"{name}.onnx")
        written[name] = reference(model)
    with open("language.json", "w") as file:
        json.dump(written, file, indent=1)
        file.write("\n")
