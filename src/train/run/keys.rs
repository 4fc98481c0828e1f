//! The keys of `[train]`.

/// A key of `[train]`: its name, its default and what it may be, and what it says.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it is where it is not given.
    pub default: &'static str,
    /// What it may be.
    pub allowed: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

const fn row(
    name: &'static str,
    default: &'static str,
    allowed: &'static str,
    meaning: &'static str,
) -> Row {
    Row {
        name,
        default,
        allowed,
        meaning,
    }
}

/// Every key of `[train]`.
pub const ROWS: [Row; 30] = [
    row(
        "layers",
        "–",
        "two to 64 widths",
        "starts from a new network of these widths, inputs first, instead of a `network` or `program`: normal weights of variance 2/(inputs + outputs) (Glorot), no bias yet",
    ),
    row(
        "activation",
        "\"tanh\"",
        "a real activation",
        "what follows every layer of a new network but the last",
    ),
    row("data", "that which judges", "a path", "what is learnt from"),
    row(
        "label",
        "as the data that judge",
        "a column's name in quotes",
        "the label's column of a table that is learnt from",
    ),
    row(
        "labels",
        "–",
        "a path",
        "labels of `.npy` data that are learnt from",
    ),
    row(
        "split",
        "\"train\" of the same data",
        "\"train\", \"test\"",
        "which part of `data` is learnt from",
    ),
    row(
        "limit",
        "all",
        "1 or more",
        "only so many samples are learnt from, those for validation included",
    ),
    row(
        "validation",
        "0.1",
        "0 to 0.5",
        "share of the samples that is not learnt from: after every epoch they tell how good the program is, and which epoch's is kept; 0 keeps the last",
    ),
    row(
        "method",
        "\"adjoint\"",
        "\"adjoint\", \"in-situ\", \"dfa\", \"spsa\", \"sigma-only\", \"digital-only\", \"last-layer\"",
        "how the slopes of the loss are had",
    ),
    row(
        "parameters",
        "\"weights\"",
        "\"weights\", \"phases\"",
        "what is learnt: weights, compiled anew (straight through programming), or the phases themselves and the digital scales; biases always",
    ),
    row(
        "loss",
        "by the labels",
        "\"cross-entropy\", \"mean-square\", \"distillation\"",
        "what is to become small; distillation: the distance from what the network gives digitally before training",
    ),
    row(
        "temperature",
        "2",
        "above 0",
        "what logits are divided by in a distillation",
    ),
    row(
        "optimizer",
        "\"adam\"",
        "\"adam\", \"sgd\"",
        "how a step follows from slopes",
    ),
    row(
        "momentum",
        "0.9",
        "0 to below 1",
        "share of the step before in a step of sgd",
    ),
    row("rate", "0.001", "above 0", "largest size of a step"),
    row(
        "schedule",
        "\"cosine\"",
        "\"constant\", \"cosine\", \"one-cycle\"",
        "how the size of a step changes on the way",
    ),
    row("epochs", "10", "1 or more", "passes over the samples"),
    row("batch", "128", "1 or more", "samples of a step"),
    row(
        "chips",
        "1",
        "1 to 1000",
        "new chips of every step, over which slopes are averaged",
    ),
    row(
        "trial",
        "none",
        "none, 0 or more",
        "instead: the number of the one chip that is trained on, which validates too; those that judge have numbers from 0 to `trials` − 1 and include it where it is one of these",
    ),
    row(
        "compile_every",
        "1",
        "1 or more",
        "steps after which changed weights are written to the chip; between them it multiplies by old ones",
    ),
    row(
        "correct",
        "that which judges",
        "\"none\", \"local\", \"progressive\", \"fit\" (slow)",
        "how phases are chosen on chips that are trained on",
    ),
    row(
        "ramp",
        "{}",
        "{ KEY = [from, to] }",
        "hardware keys that change in proportion to the steps done, for example { \"coupler.splitting_error_rad\" = [0, 0.05] }",
    ),
    row(
        "perturbation",
        "0.01",
        "above 0",
        "how far spsa moves every parameter, phases in rad",
    ),
    row(
        "passes",
        "3",
        "3, 4",
        "passes of light that in-situ takes its slopes from; the fourth takes out most of what loss does to them",
    ),
    row(
        "tap_noise",
        "0",
        "0 or more",
        "standard deviation of what an in-situ power tap reads, relative",
    ),
    row(
        "tap_fraction",
        "0",
        "0 to below 1",
        "share of the power that every tap takes away while in-situ measures",
    ),
    row(
        "drop_ports",
        "false",
        "true, false",
        "whether in-situ has sources and receivers where light enters and leaves between the meshes of a tile; without them what attenuators take away biases its slopes",
    ),
    row(
        "seed",
        "that which judges",
        "0 or more",
        "from which the order of samples, new weights, feedback and signs follow",
    ),
    row(
        "validation_chips",
        "3",
        "1 to 1000",
        "chips, never trained on, whose mean score tells how good an epoch's program is; a fixed `trial` judges alone",
    ),
];
