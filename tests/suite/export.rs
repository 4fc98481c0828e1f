//! Phases for a laboratory: ids, voltages, codes, limits, and the page that explains them.

use std::collections::BTreeSet;
use std::f64::consts::{PI, TAU};
use std::fmt::Write as _;
use std::path::Path;

use lightloom::hardware::{Heaters, Placed};
use lightloom::mesh::Mesh;
use lightloom::{Correction, Hardware};
use serde_json::Value;

use crate::cli::{DEMO, haar, ok, refused, write_npy};

fn rows(folder: &Path, args: &[&str]) -> Vec<Value> {
    let args = [&["export"], args, &["--format", "json"]].concat();
    let rows: Value = serde_json::from_str(&ok(folder, &args)).unwrap();
    rows.as_array().unwrap().clone()
}

fn number(row: &Value, key: &str) -> f64 {
    row[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} of {row}"))
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

/// Distance of two angles on the circle.
fn apart(a: f64, b: f64) -> f64 {
    let off = (a - b).rem_euclid(TAU);
    off.min(TAU - off)
}

/// A heater for every row, each another.
fn v_pi(index: usize) -> f64 {
    4.0 + 0.01 * index as f64
}

fn offset(index: usize) -> f64 {
    0.3 * index as f64 - 2.0
}

fn calibration(rows: &[Value]) -> String {
    let mut table = "id,v_pi_v,phase_offset_rad\n".to_owned();
    for (index, row) in rows.iter().enumerate() {
        writeln!(table, "{},{},{}", id(row), v_pi(index), offset(index)).unwrap();
    }
    table
}

fn mesh_of(folder: &Path, n: usize) {
    write_npy(&folder.join("U.npy"), &haar(n));
    ok(
        folder,
        &["decompose", "U.npy", "-o", "u.mesh.json", "--quiet"],
    );
}

/// φ = offset + π V²/V_π², for every heater with its own numbers.
#[test]
fn calibrated_voltages_make_the_phases() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    mesh_of(folder, 5);
    let plain = rows(folder, &["u.mesh.json"]);
    std::fs::write(folder.join("cal.csv"), calibration(&plain)).unwrap();
    let set = rows(folder, &["u.mesh.json", "--calibration", "cal.csv"]);
    assert_eq!(set.len(), 25);
    let said = ok(folder, &["inspect", "cal.csv"]);
    assert!(said.contains("calibration: 25 heaters"), "{said}");
    for (index, (row, plain)) in set.iter().zip(&plain).enumerate() {
        assert_eq!(
            (id(row), &row["phase_rad"]),
            (id(plain), &plain["phase_rad"])
        );
        let volts = number(row, "voltage_v");
        assert!((0.0..v_pi(index) * 2f64.sqrt() + 1e-9).contains(&volts));
        let phase = offset(index) + PI * (volts / v_pi(index)).powi(2);
        assert!(apart(phase, number(row, "phase_rad")) < 1e-12, "{row}");
        assert!(row.get("dac_code").is_none());
    }
}

/// A code is at most half a step from the voltage, and `phase_set_rad` is what that code makes.
#[test]
fn codes_are_the_nearest_and_their_phases_are_stated() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    mesh_of(folder, 6);
    let plain = rows(folder, &["u.mesh.json"]);
    std::fs::write(folder.join("cal.csv"), calibration(&plain)).unwrap();
    for (bits, top) in [("8", 255.0), ("16", 65535.0)] {
        let args = [
            "u.mesh.json",
            "--calibration",
            "cal.csv",
            "--dac-bits",
            bits,
            "--dac-max-v",
            "7",
        ];
        let set = rows(folder, &args);
        for (index, row) in set.iter().enumerate() {
            let (volts, code) = (number(row, "voltage_v"), number(row, "dac_code"));
            let of_code = code / top * 7.0;
            assert!((of_code - volts).abs() <= 0.5 * 7.0 / top + 1e-12, "{row}");
            let phase = offset(index) + PI * (of_code / v_pi(index)).powi(2);
            let stated = number(row, "phase_set_rad");
            assert!(
                (0.0..TAU).contains(&stated) && apart(phase, stated) < 1e-11,
                "{row}"
            );
        }
        let worst = set
            .iter()
            .map(|row| apart(number(row, "phase_set_rad"), number(row, "phase_rad")))
            .fold(0.0, f64::max);
        // dφ = 2π V dV / V_π², largest for the weakest heater at the largest voltage.
        assert!(
            worst > 0.0 && worst <= 2.0 * PI * 7.0 / 16.0 * 0.5 * 7.0 / top,
            "{worst}"
        );
    }
    // Without a range the weakest heater just reaches 2π.
    let set = rows(folder, &["u.mesh.json", "--dac-bits", "10"]);
    for row in &set {
        let of_code = number(row, "dac_code") / 1023.0 * 2f64.sqrt() * 4.36;
        let phase = PI * (of_code / 4.36).powi(2);
        assert!(apart(phase, number(row, "phase_set_rad")) < 1e-12);
    }
    ok(
        folder,
        &[
            "export",
            "u.mesh.json",
            "--format",
            "npz",
            "--dac-bits",
            "10",
            "-o",
            "u.npz",
        ],
    );
    let arrays = lightloom::io::npy::read_npz(folder.join("u.npz")).unwrap();
    for name in ["rad", "column", "mode", "v", "code", "set_rad"] {
        assert_eq!(
            arrays[&format!("mesh.theta_{name}")].shape(),
            [15],
            "{name}"
        );
    }
}

/// What a laboratory is told to set is what a chip's heaters are set to, whoever names the range of the supply.
#[test]
fn exported_codes_are_those_that_a_chip_sets() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    mesh_of(folder, 8);
    let mesh = Mesh::load(folder.join("u.mesh.json")).unwrap();
    for (bits, v_max) in [
        ("3", None),
        ("8", None),
        ("8", Some("7.5")),
        ("16", Some("6.2")),
    ] {
        let mut args = vec!["u.mesh.json".to_owned(), format!("--dac-bits={bits}")];
        let mut hardware = Hardware::default()
            .with("phase_shifter.dac_bits", bits)
            .unwrap();
        if let Some(v_max) = v_max {
            args.push(format!("--set=phase_shifter.v_max_v={v_max}"));
            hardware = hardware.with("phase_shifter.v_max_v", v_max).unwrap();
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let exported = rows(folder, &args);
        let phases = [mesh.theta(), mesh.phi(), mesh.screen()].concat();
        let sections = [(Placed::MESH, phases.len())];
        let heaters = Heaters::default(); // no crosstalk: places do not matter
        let chip = hardware.fabricate(lightloom::Seed(0), 0);
        let set = chip
            .settle(&heaters, &sections, phases, Correction::None)
            .concat();
        let places = mesh.nodes().iter().map(|node| (node.column, node.top));
        let ids = |kind: &str| -> Vec<String> {
            let cell = |(column, mode)| format!("mesh.{kind}.{column}.{mode}");
            places.clone().map(cell).collect()
        };
        let screen = (0..8).map(|mode| format!("mesh.screen.{}.{mode}", mesh.columns()));
        let ids = ids("theta").into_iter().chain(ids("phi")).chain(screen);
        let v_max: f64 = v_max.map_or(2f64.sqrt() * 4.36, |v| v.parse().unwrap());
        let step = v_max / (2f64.powi(bits.parse().unwrap()) - 1.0);
        let mut seen = 0;
        for (wanted, phase) in ids.zip(&set) {
            let row = exported.iter().find(|row| id(row) == wanted).unwrap();
            let volts = 4.36 * (phase / PI).sqrt();
            assert!(
                (number(row, "dac_code") - volts / step).abs() < 1e-6,
                "{row}"
            );
            assert!(apart(number(row, "phase_set_rad"), *phase) < 1e-12, "{row}");
            seen += 1;
        }
        assert_eq!(seen, exported.len());
    }
}

#[test]
fn every_phase_shifter_has_an_id_of_its_own_that_survives_new_weights() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(5));
    let program = format!("{DEMO}/digits.program.safetensors");
    let mut files = vec![program];
    for geometry in ["clements", "reck", "diamond", "clements+2"] {
        let file = format!("{geometry}.mesh.json");
        let args = ["decompose", "U.npy", "-o", &file, "--geometry", geometry];
        ok(folder, &[&args[..], &["--quiet"]].concat());
        files.push(file);
    }
    for (index, file) in files.iter().enumerate() {
        for cell in ["mzi", "3-splitter", "mzi-crossing", "symmetric"] {
            if index == 0 && cell != "symmetric" {
                continue; // many rows; symmetric cells have every kind of them
            }
            let set = format!("mesh.cell={cell}");
            let rows = rows(folder, &[file, "--set", &set]);
            let ids: BTreeSet<&str> = rows.iter().map(id).collect();
            assert_eq!(ids.len(), rows.len(), "{file} {cell}");
            for row in &rows {
                let end = format!(
                    ".{}.{}.{}",
                    row["kind"].as_str().unwrap(),
                    row["column"],
                    row["mode"]
                );
                assert!(id(row).ends_with(&end), "{row}");
                assert!((0.0..TAU).contains(&number(row, "phase_rad")), "{row}");
            }
        }
    }
    let ids_of = |seed: u64| {
        let u = lightloom::linalg::haar_unitary(
            5,
            &mut lightloom::Seed(seed).stream(lightloom::rng::Effect::Haar, 0, 0, 0),
        );
        let mesh = lightloom::decompose(&u, lightloom::mesh::Geometry::Clements).unwrap();
        mesh.save(folder.join("m.mesh.json")).unwrap();
        let rows = rows(folder, &["m.mesh.json"]);
        rows.iter()
            .map(|row| id(row).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids_of(1), ids_of(2));
}

#[test]
fn a_calibration_that_does_not_fit_is_refused_by_its_ids() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    mesh_of(folder, 3);
    let table = calibration(&rows(folder, &["u.mesh.json"]));
    let refuse = |table: &str, rest: &[&str]| {
        std::fs::write(folder.join("cal.csv"), table).unwrap();
        let args = [
            "export",
            "u.mesh.json",
            "--format",
            "csv",
            "--calibration",
            "cal.csv",
            "-o",
            "o.csv",
        ];
        refused(folder, &[&args[..], rest].concat());
    };
    let without: String = table
        .lines()
        .filter(|line| !line.starts_with("mesh.theta"))
        .map(|line| format!("{line}\n"))
        .collect();
    refuse(&without, &[]);
    refuse(&table.replacen("mesh.theta.0.0", "mesh.tehta.0.0", 1), &[]);
    refuse(&format!("{table}other.theta.0.0,4,0\n"), &[]);
    refuse(&table.replace("v_pi_v", "v_pi"), &[]);
    let limited = |limit: f64| {
        let mut lines = table.lines();
        let mut limited = format!("{},v_max_v\n", lines.next().unwrap());
        for line in lines {
            writeln!(limited, "{line},{limit}").unwrap();
        }
        limited
    };
    refuse(&limited(1e-3), &[]);
    let dac = ["--dac-bits", "8", "--dac-max-v", "0.01"];
    refuse(&table, &dac);
    refuse(&table, &["--dac-bits", "8", "--dac-max-v", "-1"]);
    refuse(&table, &["--dac-bits", "25"]);
    refuse(&table, &["--dac-max-v", "5"]);
    let sax = [
        "export",
        "u.mesh.json",
        "--format",
        "sax",
        "--dac-bits",
        "8",
    ];
    refused(folder, &sax);
    // What the heater bears is never overstepped by rounding up.
    let volts = number(&rows(folder, &["u.mesh.json", "--volts"])[0], "voltage_v");
    let mut exact = "id,v_pi_v,v_max_v\n".to_owned();
    for row in rows(folder, &["u.mesh.json"]) {
        let limit = if id(&row) == "mesh.phi.0.0" {
            volts.to_string()
        } else {
            String::new()
        };
        writeln!(exact, "{},4.36,{limit}", id(&row)).unwrap();
    }
    std::fs::write(folder.join("cal.csv"), exact).unwrap();
    for bits in ["2", "3", "5", "9"] {
        let args = [
            "u.mesh.json",
            "--calibration",
            "cal.csv",
            "--dac-bits",
            bits,
        ];
        let row = &rows(folder, &args)[0];
        let top = f64::from((1 << bits.parse::<u32>().unwrap()) - 1);
        assert!(
            number(row, "dac_code") / top * 2f64.sqrt() * 4.36 <= volts + 1e-12,
            "{row}"
        );
    }
}

/// Code blocks behind `<!-- run -->` in `docs/export.md`.
#[test]
fn the_page_of_export_runs_as_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(4));
    ok(folder, &["decompose", "U.npy", "-o", "first.mesh.json"]);
    let table = calibration(&rows(folder, &["first.mesh.json"]));
    std::fs::write(folder.join("cal.csv"), table).unwrap();
    let page = include_str!("../../docs/export.md");
    let commands = crate::pages::commands(page);
    assert_eq!(commands.len(), 6);
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        ok(folder, &words[1..]);
    }
    for file in [
        "phases.csv",
        "volts.csv",
        "codes.csv",
        "phases.npz",
        "u.sax.json",
    ] {
        assert!(folder.join(file).exists(), "{file}");
    }
    let header = std::fs::read_to_string(folder.join("codes.csv")).unwrap();
    for column in header.lines().next().unwrap().split(',') {
        assert!(page.contains(&format!("| `{column}` |")), "{column}");
    }
}
