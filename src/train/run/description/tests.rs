use super::*;
use crate::train::Row;

fn read(train: &str) -> Result<Training> {
    let text = format!("data = \"d.npz\"\ntrials = 1\n[train]\nlayers = [4, 2]\n{train}");
    let source = Source::new("e.toml", text);
    Training::read(&source).map(|(training, ..)| training)
}

/// `LIGHTLOOM_WRITE_DOCS=1 cargo test --lib` writes it.
#[test]
fn the_page_of_training_has_a_row_of_every_key() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/training.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let header = "| key | default | allowed | what |\n|---|---|---|---|\n";
    let start = page.find(header).unwrap();
    let end = start + page[start..].find("\n\n").unwrap() + 1;
    let rows = ROWS.iter().map(|row| {
        let Row {
            name,
            default,
            allowed,
            meaning,
        } = row;
        format!("| `{name}` | {default} | {allowed} | {meaning} |\n")
    });
    let rows: String = rows.collect();
    let fresh = format!("{}{header}{rows}{}", &page[..start], &page[end..]);
    if std::env::var_os("LIGHTLOOM_WRITE_DOCS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    } else {
        assert!(
            page == fresh,
            "docs/training.md is stale: LIGHTLOOM_WRITE_DOCS=1 cargo test --lib"
        );
    }
}

/// The page's defaults are those that are taken, and every key of the page is read.
#[test]
fn every_key_is_read_and_has_its_default() {
    let default = Training {
        new_network: Some(NewNetwork {
            widths: vec![4, 2],
            activation: Activation::Tanh,
        }),
        ..Training::default()
    };
    assert_eq!(read("").unwrap(), default);
    // These say nothing without another key.
    let idle = [
        "momentum",
        "temperature",
        "perturbation",
        "passes",
        "tap_noise",
        "tap_fraction",
        "drop_ports",
    ];
    for row in ROWS.iter().filter(|row| !idle.contains(&row.name)) {
        let written = match row.default {
            "–"
            | "none"
            | "all"
            | "by the labels"
            | "that which judges"
            | "as the data that judge" => continue,
            "\"train\" of the same data" => "\"train\"",
            default => default,
        };
        read(&format!("{} = {written}", row.name)).unwrap();
    }
    let all = read(
        "activation = \"relu\"\ndata = \"t.npy\"\nlabel = \"c\"\nlabels = \"l.npy\"\nsplit = \"test\"\nlimit = 7\nvalidation = 0.2\n\
         method = \"in-situ\"\nparameters = \"phases\"\nloss = \"distillation\"\ntemperature = 3\noptimizer = \"sgd\"\n\
         momentum = 0.5\nrate = 0.2\nschedule = \"one-cycle\"\nepochs = 4\nbatch = 5\nchips = 1\ntrial = 6\ncompile_every = 1\n\
         correct = \"local\"\nramp = { coupler.splitting_error_rad = [0, 0.1] }\npasses = 4\ntap_noise = 0.01\ntap_fraction = 0.02\ndrop_ports = true\nseed = 8\nvalidation_chips = 9",
    );
    let expected = Training {
        new_network: Some(NewNetwork {
            widths: vec![4, 2],
            activation: Activation::Relu,
        }),
        data: Some("t.npy".into()),
        label: Some("c".into()),
        labels: Some("l.npy".into()),
        split: Some(Split::Test),
        limit: Some(7),
        validation: 0.2,
        method: MethodName::InSitu,
        parameters: Parameters::Phases,
        loss: Some(Loss::Distillation { temperature: 3.0 }),
        optimizer: Rule::Sgd { momentum: 0.5 },
        rate: 0.2,
        schedule: Schedule::OneCycle,
        epochs: 4,
        batch: 5,
        chips: 1,
        trial: Some(6),
        compile_every: 1,
        correction: Some(Correction::Local),
        ramp: vec![("coupler.splitting_error_rad".into(), [0.0, 0.1])],
        perturbation: 0.01,
        in_situ: InSitu {
            passes: Passes::Four,
            tap_noise: 0.01,
            tap_fraction: 0.02,
            has_drop_ports: true,
        },
        seed: Some(8),
        validation_chips: 9,
    };
    assert_eq!(all.unwrap(), expected);
}
