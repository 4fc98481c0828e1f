use super::*;

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

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
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
    let said = error(&most);
    assert!(said.contains("points × trials = 30000000"), "{said}");
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
    assert_eq!(
        said,
        "line 6: mesh.insertion_loss_db = \"none\": must be a number"
    );
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
    for (more, says) in [
        (
            "trails = 3",
            "line 4: `trails`: is no key of an experiment: did you mean `trials`?",
        ),
        ("tile 64", "line 4: "),
        (
            "limit = 0",
            "line 4: limit = 0: must be a whole number from 1",
        ),
        (
            "limit = \"all\"",
            "line 4: limit = \"all\": must be a whole number",
        ),
        (
            "seed = -1",
            "line 4: seed = -1: must be a whole number from 0",
        ),
        (
            "label = 0.5",
            "line 4: label = 0.5: must be a column's name in quotes, or its position from 0",
        ),
        (
            "limit = 1.5e0",
            "line 4: limit = 1.5e0: must be a whole number from 1",
        ),
        (
            "seed = 1e30",
            "line 4: seed = 1e30: must be a whole number from 0",
        ),
        ("tile = 1e4", "tile = 10000.0: must be 2..=4096 modes"),
        ("tile = 1", "tile = 1: must be 2..=4096 modes, or \"none\""),
        (
            "tile = [16, 32]",
            "line 4: `tile`: is a list, which makes an axis: write it under [axes]",
        ),
        ("geometry = \"round\"", "line 4: "),
        (
            "correct = \"lokal\"",
            "correct = lokal: must be one of none, local, progressive, fit (did you mean `local`?)",
        ),
        ("precision = 32", "precision = 32: must be f32 or f64"),
        ("split = \"dev\"", "split = dev: must be one of test, train"),
        ("activation = \"rely\"", "line 4: "),
        (
            "record = \"all\"",
            "must be a list of \"confusion\" and \"layers\"",
        ),
        ("record = [\"confusions\"]", "did you mean `confusion`?"),
        (
            "hardware = 3",
            "a preset, a TOML file, or [hardware.coupler] tables",
        ),
        (
            "hardware = \"thermo\"",
            "line 4: hardware = thermo: must be a TOML file or one of ideal",
        ),
        (
            "[hardware.coupler]\nsplitting_eror_rad = 1",
            "line 5: coupler.splitting_eror_rad: is no key of the hardware: coupler has splitting_error_rad, splitting_bias_rad (did you mean `coupler.splitting_error_rad`?)",
        ),
        (
            "[hardware.coupler]\nsplitting_error_rad = 1",
            "coupler.splitting_error_rad = 1: must be from 0 to π/4",
        ),
        (
            "[hardware]\ntile = 8",
            "line 5: key = tile: must be section.name",
        ),
        ("[set]\ntile = 8", "line 5: `tile`: is no hardware key"),
        (
            "[set]\n\"readout.adc_bits\" = 40",
            "readout.adc_bits = 40: must be 1..=24",
        ),
        (
            "correct = [\"none\", \"local\"]",
            "line 4: `correct`: is a list, which makes an axis",
        ),
        ("axes = 3", "line 4: axes = 3: must be a table"),
        (
            "[axes]\nsplitting_error_rad = [0]",
            "line 5: `splitting_error_rad`: is no key that can be varied: did you mean `coupler.splitting_error_rad`?",
        ),
        (
            "[axes]\ntile = 8",
            "line 5: tile = 8: must be a list or a range { from, to, steps }",
        ),
        (
            "[axes]\ntile = []",
            "line 5: tile = []: must be a list of at least one value",
        ),
        (
            "[axes]\ntile = [8, 8]",
            "line 5: `tile`: holds 8 twice: values must differ",
        ),
        (
            "[axes]\ntile = [[8]]",
            "tile = a list: must be a finite number or text",
        ),
        (
            "[axes]\n\"readout.adc_bits\" = [8.5]",
            "readout.adc_bits = 8.5: must be a whole number or \"none\"",
        ),
        (
            "[axes]\n\"coupler.splitting_error_rad\" = [inf]",
            "must be a finite number or text",
        ),
        (
            "[axes]\n\"coupler.splitting_error_rad\" = [0, 1]",
            "coupler.splitting_error_rad = 1: must be from 0 to π/4",
        ),
        (
            "[axes]\ntile = { from = 8, to = 16 }",
            "range of `tile`: has no `steps`: must be { from, to, steps }",
        ),
        (
            "[axes]\ntile = { from = 8, to = 16, step = 2 }",
            "`step`: is no key of a range: did you mean `steps`?",
        ),
        (
            "[axes]\ntile = { from = 8, to = 16, steps = 1 }",
            "steps = 1: must be a whole number from 2 to 100000",
        ),
        (
            "[axes]\n\"coupler.splitting_error_rad\" = { from = 0, to = 0.1, steps = 3, log = true }",
            "log range = 0 to 0.1: must be from and to above 0",
        ),
        (
            "tile = 8\n[axes]\ntile = [16]",
            "`tile`: is given a value and varied too",
        ),
        (
            "[set]\ncoupler.splitting_error_rad = 0.1\n[axes]\ncoupler.splitting_error_rad = [0]",
            "is given a value and varied too",
        ),
        (
            "[axes]\ntile = [8]\n[[zip]]\ntile = [16]",
            "`tile`: is varied twice: must be on one axis",
        ),
        (
            "[[zip]]\ntile = [8, 16]\nprecision = [\"f32\"]",
            "number of values of `precision` = 1: must be 2, as `tile` of the same [[zip]]",
        ),
        (
            "[[zip]]\ntile = [8, 8]\nprecision = [\"f32\", \"f32\"]",
            "holds the same values twice: number 2 is number 1",
        ),
        (
            "[axes]\n\"input.wavelength_nm\" = [1310, 1550]",
            "line 5: `input.wavelength_nm`: is recorded and changes no result: must not be varied",
        ),
        ("[[zip]]", "[[zip]]: is empty: must hold lists"),
        ("zip = 3", "zip = 3: must be [[zip]] tables"),
        ("program = \"p\"", "network or program: are both given"),
        (
            "[axes]\n\"coupler.splitting_error_rad\" = { from = 0, to = 0.1, steps = 100000 }\n\"coupler.splitting_bias_rad\" = { from = 0, to = 0.1, steps = 1000 }",
            "points × trials = 200000000: must be at most 10000000 in all",
        ),
    ] {
        let message = with(more);
        assert!(
            message.contains(says),
            "{more}\n  says: {message}\n  not:  {says}"
        );
        assert!(!message.contains('\n'), "{message}");
        assert!(message.matches("line ").count() <= 1, "{message}");
    }
    assert!(error("data = \"b\"\ntrials = 1").contains("network or program: is missing"));
    assert!(error("network = \"a\"\ntrials = 1").contains("data: is missing"));
    assert!(error("network = \"a\"\ndata = \"b\"").contains("trials: is missing"));
    let program = "program = \"a\"\ndata = \"b\"\ntrials = 1\n";
    assert!(
        error(&format!("{program}tile = 8"))
            .contains("`tile`: is chosen when a program is compiled")
    );
    assert!(error(&format!("{program}activation = \"tanh\"")).contains("is part of a program"));
}
