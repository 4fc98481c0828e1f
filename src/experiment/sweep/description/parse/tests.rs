use super::*;
use crate::error::compare::{golden, value};

const SPLITTING: &str = r#"
name = "splitting"
network = "mlp.onnx"
data = "mnist"
limit = 1000
hardware = "thermo-optic"
trials = 20
[set]
mesh.cell = "3-splitter"
[axes]
"phase_shifter.phase_error_rad" = { from = 0.0, to = 0.02, steps = 5 }
coupler.splitting_error_rad = [0, 0.01, 0.02]
tile = ["none", 64]
"#;

fn parse(text: &str) -> Result<Sweep> {
    Sweep::parse(text, "unnamed", Hardware::open)
}

fn error(text: &str) -> Error {
    parse(text).unwrap_err()
}

#[test]
fn axes_keep_the_order_of_the_file_and_the_last_one_is_fastest() {
    let sweep = parse(SPLITTING).unwrap();
    let names: Vec<_> = sweep.keys().map(|key| key.name()).collect();
    assert_eq!(
        names,
        [
            "phase_shifter.phase_error_rad",
            "coupler.splitting_error_rad",
            "tile"
        ]
    );
    assert_eq!((sweep.points(), sweep.rows()), (30, 600));
    let values = |point: usize| -> Vec<Cell> { sweep.values(point).into_iter().cloned().collect() };
    assert_eq!(values(0), [Cell::Float(0.0), Cell::Float(0.0), Cell::Null]);
    assert_eq!(
        values(1),
        [Cell::Float(0.0), Cell::Float(0.0), Cell::Int(64)]
    );
    assert_eq!(values(2), [Cell::Float(0.0), Cell::Float(0.01), Cell::Null]);
    assert_eq!(
        values(29),
        [Cell::Float(0.02), Cell::Float(0.02), Cell::Int(64)]
    );
    let point = sweep.point(29).unwrap();
    assert_eq!(point.hardware.phase_shifter().phase_error_rad, 0.02);
    assert_eq!(point.hardware.coupler().splitting_error_rad, 0.02);
    assert_eq!(point.hardware.mesh().cell.to_string(), "3-splitter");
    let thermo_optic = Hardware::open("thermo-optic").unwrap();
    assert_eq!(point.hardware.readout(), thermo_optic.readout());
}

#[test]
fn an_experiment_as_resolved_reads_back_as_it_was() {
    let more = r#"
program = ["a.program.safetensors", "b.program.safetensors"]
data = "x.npy"
labels = "y.npy"
label = "the kind"
trials = 1
seed = 7
correct = "local"
record = []
hardware.coupler.splitting_error_rad = 0.25
hardware.readout.adc_bits = 8
hardware.mesh = {}
[[zip]]
"readout.adc_range" = ["max", 99.5]
"input.dac_bits" = [4, "none"]
[axes]
precision = ["f64", "f32"]
"input.rin_dbc_hz" = ["none", -150]
[[zip]]
"mesh.cell" = ["mzi", "symmetric"]
"#;
    for text in [SPLITTING, more] {
        let sweep = parse(text).unwrap();
        let resolved = sweep.resolved();
        let again = parse(&resolved).unwrap();
        assert_eq!(again, sweep, "{resolved}");
        assert_eq!(again.resolved(), resolved);
    }
    let sweep = parse(more).unwrap();
    assert_eq!(sweep.name, "unnamed");
    assert_eq!(
        (sweep.records_confusion, sweep.records_layers),
        (false, false)
    );
    let lengths: Vec<_> = sweep
        .axes
        .iter()
        .map(|axis| (axis.keys.len(), axis.len()))
        .collect();
    assert_eq!(lengths, [(1, 2), (2, 2), (1, 2), (1, 2), (1, 2)]);
    let last = sweep.point(sweep.points() - 1).unwrap();
    assert_eq!(last.hardware.input().dac_bits, None);
    assert_eq!(last.hardware.input().rin_dbc_hz, Some(-150.0));
}

#[test]
fn a_count_may_have_an_exponent() {
    let other = SPLITTING
        .replace("limit = 1000\n", "limit = 1e3\n")
        .replace("trials = 20\n", "trials = 2.0e1\n")
        .replace("steps = 5 }", "steps = 0.5e1 }")
        .replace("[\"none\", 64]", "[\"none\", 6.4e1]");
    assert_eq!(
        parse(&other).unwrap().resolved(),
        parse(SPLITTING).unwrap().resolved()
    );
    let most = SPLITTING.replace("trials = 20\n", "trials = 1e6\n");
    assert_eq!(error(&most).refusal(), value("points × trials", "30000000"));
}

#[test]
fn the_position_of_a_label_is_a_name_too() {
    let with = |label: &str| parse(&format!("label = {label}\n{SPLITTING}")).unwrap();
    assert_eq!(with("4"), with("\"4\""));
    assert_eq!(with("\"kind\"").base.label.as_deref(), Some("kind"));
}

#[test]
fn comments_and_layout_of_the_file_change_nothing() {
    let other = SPLITTING
        .replace("limit = 1000\n", "limit = 1_000 # enough\n")
        .replace(
            "{ from = 0.0, to = 0.02, steps = 5 }",
            "[0, 0.005, 1e-2, 0.015, 2e-2]",
        );
    assert_eq!(
        parse(&other).unwrap().resolved(),
        parse(SPLITTING).unwrap().resolved()
    );
}

#[test]
fn none_stands_among_the_values_of_a_key_that_may_be_left_out() {
    let good = "network = \"a\"\ndata = \"b\"\ntrials = 1\nhardware = \"thermo-optic\"\n";
    let sweep = parse(&format!(
        "{good}[set]\nreadout.adc_bits = \"none\"\n[axes]\n\"phase_shifter.dac_bits\" = [4, 6, 8, \"none\"]"
    ))
    .unwrap();
    let bits = |point: usize| {
        sweep
            .point(point)
            .unwrap()
            .hardware
            .phase_shifter()
            .dac_bits
    };
    assert_eq!([bits(0), bits(2), bits(3)], [Some(4), Some(8), None]);
    assert_eq!(sweep.base.hardware.readout().adc_bits, None);
    let said = error(&format!(
        "{good}[axes]\n\"mesh.insertion_loss_db\" = [0.1, \"none\"]"
    ));
    golden("none for a loss", said);
}

#[test]
fn ranges_hold_both_ends() {
    let values = |range: &str| {
        let text = format!("network = \"a\"\ndata = \"b\"\ntrials = 1\naxes.{range}");
        parse(&text).unwrap().axes[0].values[0].clone()
    };
    assert_eq!(
        values("readout.adc_bits = { from = 4, to = 10, steps = 3 }"),
        [Cell::Int(4), Cell::Int(7), Cell::Int(10)]
    );
    let sigma = "coupler.splitting_error_rad";
    let log = values(&format!(
        "{sigma} = {{ from = 0.001, to = 0.1, steps = 3, log = true }}"
    ));
    assert_eq!((&log[0], &log[2]), (&Cell::Float(0.001), &Cell::Float(0.1)));
    assert!(matches!(log[1], Cell::Float(x) if (x - 0.01).abs() < 1e-16));
    assert_eq!(
        values(&format!("{sigma} = {{ from = 0, to = 0.5, steps = 3 }}")),
        [Cell::Float(0.0), Cell::Float(0.25), Cell::Float(0.5)]
    );
}

/// Each with one sentence that says what, where and what would be right.
#[test]
fn malformed_experiments_are_refused_in_one_sentence() {
    let good = "network = \"a\"\ndata = \"b\"\ntrials = 2\n";
    assert!(parse(good).is_ok());
    let with = |more: &str| error(&format!("{good}{more}"));
    for more in [
        "trails = 3",
        "tile 64",
        "limit = 0",
        "limit = \"all\"",
        "seed = -1",
        "label = 0.5",
        "limit = 1.5e0",
        "seed = 1e30",
        "tile = 1e4",
        "tile = 1",
        "tile = [16, 32]",
        "geometry = \"round\"",
        "correct = \"lokal\"",
        "precision = 32",
        "split = \"dev\"",
        "activation = \"rely\"",
        "record = \"all\"",
        "record = [\"confusions\"]",
        "hardware = 3",
        "hardware = \"thermo\"",
        "[hardware.coupler]\nsplitting_eror_rad = 1",
        "[hardware.coupler]\nsplitting_error_rad = 1",
        "[hardware]\ntile = 8",
        "[set]\ntile = 8",
        "[set]\n\"readout.adc_bits\" = 40",
        "correct = [\"none\", \"local\"]",
        "axes = 3",
        "[axes]\nsplitting_error_rad = [0]",
        "[axes]\ntile = 8",
        "[axes]\ntile = []",
        "[axes]\ntile = [8, 8]",
        "[axes]\ntile = [[8]]",
        "[axes]\n\"readout.adc_bits\" = [8.5]",
        "[axes]\n\"coupler.splitting_error_rad\" = [inf]",
        "[axes]\n\"coupler.splitting_error_rad\" = [0, 1]",
        "[axes]\ntile = { from = 8, to = 16 }",
        "[axes]\ntile = { from = 8, to = 16, step = 2 }",
        "[axes]\ntile = { from = 8, to = 16, steps = 1 }",
        "[axes]\n\"coupler.splitting_error_rad\" = { from = 0, to = 0.1, steps = 3, log = true }",
        "tile = 8\n[axes]\ntile = [16]",
        "[set]\ncoupler.splitting_error_rad = 0.1\n[axes]\ncoupler.splitting_error_rad = [0]",
        "[axes]\ntile = [8]\n[[zip]]\ntile = [16]",
        "[[zip]]\ntile = [8, 16]\nprecision = [\"f32\"]",
        "[[zip]]\ntile = [8, 8]\nprecision = [\"f32\", \"f32\"]",
        "[axes]\n\"input.wavelength_nm\" = [1310, 1550]",
        "[[zip]]",
        "zip = 3",
        "program = \"p\"",
        "[axes]\n\"coupler.splitting_error_rad\" = { from = 0, to = 0.1, steps = 100000 }\n\"coupler.splitting_bias_rad\" = { from = 0, to = 0.1, steps = 1000 }",
    ] {
        let message = with(more).to_string();
        assert!(!message.contains('\n'), "{message}");
        assert!(message.matches("line ").count() <= 1, "{message}");
        golden(more, message);
    }
    for lacks in [
        "data = \"b\"\ntrials = 1",
        "network = \"a\"\ntrials = 1",
        "network = \"a\"\ndata = \"b\"",
    ] {
        golden(lacks, error(lacks));
    }
    let program = "program = \"a\"\ndata = \"b\"\ntrials = 1\n";
    for compiled in ["tile = 8", "activation = \"tanh\""] {
        let text = format!("{program}{compiled}");
        golden(&text, error(&text));
    }
}
