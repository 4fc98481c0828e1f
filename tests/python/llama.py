"""A small Llama of random weights: its files in the layout of llama2.c, and its logits in plain NumPy, place by place."""

import struct

import numpy as np

DIM, HIDDEN, LAYERS, HEADS, GROUPS, PLACES = 16, 24, 2, 4, 2, 64
SIZE = DIM // HEADS
PIECES = ["<unk>", "\n<s>\n", "\n</s>\n", "<0x0A>", " ", "a", " a", "é", "b", "ab", " ab", "’s"]
SCORES = [0.0, 0.0, 0.0, 0.0, -1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.5]
# The frequencies of rotary embeddings (Su et al., 2021).
FREQUENCIES = 10000.0 ** (-np.arange(0, SIZE, 2) / SIZE)


def normed(x, weight):
    """Root mean square normalization (Zhang and Sennrich, 2019)."""
    return weight * x / np.sqrt(np.mean(x * x) + 1e-5)


def turned(x, place):
    """Every pair of neighbouring features of a head as a complex number, turned by its angle at this place."""
    pairs = x.reshape(-1, SIZE // 2, 2)
    pairs = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * place * FREQUENCIES)
    return np.stack([pairs.real, pairs.imag], -1).reshape(-1, SIZE)


class Reference:
    """Weights, and what they compute."""

    def __init__(self, random):
        shapes = {
            "tokens": (len(PIECES), DIM),
            "attention_norm": (LAYERS, DIM),
            "q": (LAYERS, HEADS * SIZE, DIM),
            "k": (LAYERS, GROUPS * SIZE, DIM),
            "v": (LAYERS, GROUPS * SIZE, DIM),
            "o": (LAYERS, DIM, HEADS * SIZE),
            "ffn_norm": (LAYERS, DIM),
            "w1": (LAYERS, HIDDEN, DIM),
            "w2": (LAYERS, DIM, HIDDEN),
            "w3": (LAYERS, HIDDEN, DIM),
            "norm": (DIM,),
        }
        # In the order of the file. Values that f32 holds, so that both sides compute with the same.
        self.weights = {name: random.normal(0, 0.5, shape).astype("f4") for name, shape in shapes.items()}

    def write(self, model, tokens):
        """Writes both files."""
        angles = np.outer(np.arange(PLACES), FREQUENCIES)
        with open(model, "wb") as file:
            file.write(struct.pack("<7i", DIM, HIDDEN, LAYERS, HEADS, GROUPS, len(PIECES), PLACES))
            for tensor in [*self.weights.values(), np.cos(angles), np.sin(angles)]:
                file.write(tensor.astype("<f4").tobytes())
        with open(tokens, "wb") as file:
            file.write(struct.pack("<i", max(len(piece.encode()) for piece in PIECES)))
            for piece, score in zip(PIECES, SCORES):
                file.write(struct.pack("<fi", score, len(piece.encode())) + piece.encode())

    def logits(self, ids):
        """Of what follows each of `ids`, `[place, piece]`."""
        w = {name: tensor.astype("f8") for name, tensor in self.weights.items()}
        keys, values = ([[] for _ in range(LAYERS)] for _ in range(2))
        rows = []
        for place, token in enumerate(ids):
            x = w["tokens"][token]
            for layer in range(LAYERS):
                y = normed(x, w["attention_norm"][layer])
                q = turned(w["q"][layer] @ y, place)
                keys[layer].append(turned(w["k"][layer] @ y, place))
                values[layer].append((w["v"][layer] @ y).reshape(GROUPS, SIZE))
                heads = []
                for head in range(HEADS):
                    group = head // (HEADS // GROUPS)
                    scores = [q[head] @ key[group] / np.sqrt(SIZE) for key in keys[layer]]
                    shares = np.exp(scores - np.max(scores))
                    shares /= shares.sum()
                    heads.append(sum(share * value[group] for share, value in zip(shares, values[layer])))
                x = x + w["o"][layer] @ np.concatenate(heads)
                y = normed(x, w["ffn_norm"][layer])
                gate = w["w1"][layer] @ y
                x = x + w["w2"][layer] @ (gate / (1 + np.exp(-gate)) * (w["w3"][layer] @ y))
            rows.append(w["tokens"] @ normed(x, w["norm"]))
        return np.array(rows)
