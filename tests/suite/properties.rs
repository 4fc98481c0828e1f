//! What holds for all inputs: inverse pairs, and what a conversion must keep. The cases are drawn from a fixed seed.

use std::f64::consts::{PI, TAU};

use lightloom::hardware::{Calibration, HardwareKey};
use lightloom::io::record::Cell;
use lightloom::io::{self, TensorData};
use lightloom::linalg::max_abs_difference;
use lightloom::mesh::{CellKind, Convention, Geometry, Node};
use lightloom::nn::Activation;
use lightloom::{Hardware, Mesh, units};
use ndarray::Array2;
use num_complex::Complex;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        rng_seed: RngSeed::Fixed(0),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Any finite number, subnormal ones and −0 among them.
fn finite() -> impl Strategy<Value = f64> + Clone {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

/// Any bits, `NaN`s among them.
fn bits() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits)
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
}

fn geometry() -> impl Strategy<Value = Geometry> {
    let names = ["clements", "reck", "diamond", "butterfly", "clements+3"];
    prop::sample::select(names.to_vec()).prop_map(|name| name.parse().unwrap())
}

/// A mesh of some geometry with phases drawn from `phase`.
fn mesh(phase: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = Mesh> {
    let shapes = (geometry(), prop::sample::select(&[2usize, 4, 8][..]));
    shapes.prop_flat_map(move |(geometry, modes)| {
        let bar = Mesh::bar(geometry, modes).unwrap();
        let cells = bar.nodes().len();
        let waveguides = bar.modes();
        let phases = |count| prop::collection::vec(phase.clone(), count);
        (phases(cells), phases(cells), phases(waveguides)).prop_map(move |(theta, phi, screen)| {
            Mesh::new(waveguides, bar.nodes().to_vec(), theta, phi, screen).unwrap()
        })
    })
}

/// A mesh of no geometry: MZIs between any two modes, a column each.
fn wild_mesh() -> impl Strategy<Value = Mesh> {
    (
        2usize..6,
        prop::collection::vec((0usize..6, 1usize..6, finite(), finite()), 0..12),
    )
        .prop_map(|(modes, cells)| {
            let node = |(column, (top, step, ..)): (usize, &(usize, usize, f64, f64))| Node {
                column,
                top: top % modes,
                bottom: (top + 1 + step % (modes - 1)) % modes,
            };
            let nodes = cells.iter().enumerate().map(node).collect();
            let theta = cells.iter().map(|cell| cell.2).collect();
            let phi = cells.iter().map(|cell| cell.3).collect();
            Mesh::new(modes, nodes, theta, phi, vec![-0.0; modes]).unwrap()
        })
}

fn activation() -> impl Strategy<Value = Activation> {
    let inside = 1e-9..1.0f64;
    prop_oneof![
        Just(Activation::Identity),
        Just(Activation::LogSoftmax),
        finite().prop_map(|slope| Activation::LeakyRelu { slope }),
        inside
            .clone()
            .prop_map(|temperature| Activation::ModulusSoftplus { temperature }),
        finite().prop_map(|bias| Activation::Modrelu { bias }),
        (1e-300..1e300f64, inside)
            .prop_map(|(sigma_tau, t0)| Activation::SaturableAbsorber { sigma_tau, t0 }),
        (0.0..1.0f64, finite(), finite()).prop_map(|(alpha, g_rad, phi_b_rad)| {
            Activation::ElectroOptic {
                alpha,
                g_rad,
                phi_b_rad,
            }
        }),
    ]
}

/// Hardware within its ranges.
fn hardware() -> impl Strategy<Value = Hardware> {
    let bits = || prop::option::of(1..=24i64);
    let whole = |bits: Option<i64>| bits.map_or(Cell::Null, Cell::Int);
    let float = |number: Option<f64>| number.map_or(Cell::Null, Cell::from);
    let positive = || 1e-9..1e9f64;
    (
        (
            0.0..=PI / 4.0,
            -PI / 4.0..=PI / 4.0,
            positive(),
            0.0..=0.1f64,
        ),
        (bits(), bits(), bits()),
        (positive(), positive(), prop::option::of(1.5..4.0f64)),
        prop::sample::select(&CellKind::ALL[..]),
        (any::<bool>(), prop::option::of(1e-3..=100.0f64)),
        prop::option::of(positive()),
    )
        .prop_map(move |(errors, bits, supply, cell, readout, extinction)| {
            let v_max_v = supply.2.map(|factor| factor * supply.1);
            let detection = ["coherent", "intensity"][usize::from(readout.0)];
            let adc_range = readout.1.map_or(Cell::from("max"), Cell::Float);
            let values = [
                ("coupler.splitting_error_rad", errors.0.into()),
                ("coupler.splitting_bias_rad", errors.1.into()),
                ("phase_shifter.phase_error_rad", errors.2.into()),
                ("phase_shifter.crosstalk", errors.3.into()),
                ("phase_shifter.dac_bits", whole(bits.0)),
                ("input.dac_bits", whole(bits.1)),
                ("readout.adc_bits", whole(bits.2)),
                ("input.laser_power_mw", supply.0.into()),
                ("phase_shifter.v_pi_v", supply.1.into()),
                ("phase_shifter.v_max_v", float(v_max_v)),
                ("mesh.cell", cell.name().into()),
                ("readout.detection", detection.into()),
                ("readout.adc_range", adc_range),
                ("input.extinction_ratio_db", float(extinction)),
            ];
            Hardware::default().with_values(values).unwrap()
        })
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn every_mesh_survives_its_file_to_the_bit(
        mesh in prop_oneof![mesh(finite()), wild_mesh()],
    ) {
        let again = Mesh::from_json(&mesh.to_json()).unwrap();
        prop_assert_eq!(&again, &mesh);
        prop_assert!(same_bits(again.theta(), mesh.theta()));
        prop_assert!(same_bits(again.phi(), mesh.phi()));
        prop_assert!(same_bits(again.screen(), mesh.screen()));
    }

    /// Of every convention, with θ and φ far outside their usual ranges.
    #[test]
    fn a_mesh_in_another_convention_has_the_same_matrix(mesh in mesh(-20.0..20.0f64)) {
        let u = mesh.transfer();
        // Two roundings a phase on the way there and back, on every MZI of a path.
        let tolerance = 1e-14 * (4 + 2 * mesh.columns()) as f64;
        for convention in Convention::ALL {
            let back = Mesh::from_notation(&mesh.to_notation(convention)).unwrap();
            let off = max_abs_difference(&back.transfer(), &u);
            prop_assert!(off < tolerance, "{}: {:.1e}", convention, off);
        }
    }

    #[test]
    fn every_array_survives_npy_to_the_bit(
        (rows, columns) in (0usize..5, 0usize..5),
        numbers in prop::collection::vec(bits(), 50),
    ) {
        let count = rows * columns;
        let reals = Array2::from_shape_vec((rows, columns), numbers[..count].to_vec()).unwrap();
        let mut bytes = Vec::new();
        io::npy::write(&mut bytes, reals.view()).unwrap();
        let read = io::npy::parse("array", &bytes).unwrap();
        prop_assert_eq!(read.shape(), &[rows, columns]);
        let TensorData::Real(data) = read.data() else { panic!("real") };
        prop_assert!(same_bits(data, &numbers[..count]));
        let pairs = numbers.chunks(2).take(count).map(|pair| Complex::new(pair[0], pair[1]));
        let complexes = Array2::from_shape_vec((rows, columns), pairs.collect()).unwrap();
        let mut bytes = Vec::new();
        io::npy::write(&mut bytes, complexes.view()).unwrap();
        let read = io::npy::parse("array", &bytes).unwrap();
        let TensorData::Complex(data) = read.data() else { panic!("complex") };
        let parts: Vec<f64> = data.iter().flat_map(|z| [z.re, z.im]).collect();
        prop_assert!(same_bits(&parts, &numbers[..2 * count]));
        // A cut file is refused wherever it is cut.
        for length in 0..bytes.len() {
            prop_assert!(io::npy::parse("array", &bytes[..length]).is_err());
        }
    }

    #[test]
    fn every_table_survives_csv_to_the_bit(
        rows in prop::collection::vec((prop::collection::vec(finite(), 3), 0usize..1000), 1..8),
    ) {
        let line = |(x, y): &(Vec<f64>, usize)| format!("{},{},{},{y}\n", x[0], x[1], x[2]);
        let text: String = rows.iter().map(line).collect();
        let table = io::csv::parse(text.as_bytes(), None).unwrap();
        for (index, (x, _)) in rows.iter().enumerate() {
            prop_assert!(same_bits(&table.x.row(index).to_vec(), x));
        }
        let classes = rows.iter().map(|(_, y)| *y).collect();
        prop_assert_eq!(table.label, io::table::Label::Classes(classes, None));
    }

    #[test]
    fn every_hardware_survives_toml_and_its_keys_can_be_set(hardware in hardware()) {
        let text = toml::to_string(&hardware).unwrap();
        prop_assert_eq!(&Hardware::from_toml(&text).unwrap(), &hardware);
        // Key by key into the default, V_π before the voltage that must exceed it.
        let mut set = Hardware::default();
        for key in Hardware::keys() {
            let value = key.get(&hardware);
            set = set.with_values([(key.name, value.clone())]).unwrap();
            prop_assert_eq!(HardwareKey::named(key.name).unwrap().get(&set), value);
        }
        prop_assert_eq!(set, hardware);
    }

    #[test]
    fn every_activation_survives_the_command_line(activation in activation()) {
        prop_assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
    }

    #[test]
    fn decibels_and_their_ratios_are_inverse(db in -300.0..300.0f64) {
        let tolerance = 1e-12 * db.abs().max(1.0);
        prop_assert!((units::db_from_power(units::power_from_db(db)) - db).abs() < tolerance);
        let amplitude = units::amplitude_from_db(db);
        prop_assert!((amplitude.powi(2) / units::power_from_db(db) - 1.0).abs() < 1e-13);
    }

    /// φ = offset + π V²/V_π², whatever the turn that the phase is stated in.
    #[test]
    fn a_calibrated_heater_sets_any_phase_within_one_turn(
        phase in -50.0..50.0f64, offset in -50.0..50.0f64, v_pi_v in 0.1..50.0f64,
    ) {
        let table = format!("id,v_pi_v,phase_offset_rad\nh,{v_pi_v},{offset}\n");
        let heater = Calibration::parse(table.as_bytes()).unwrap().heaters["h"].heater;
        prop_assert_eq!((heater.v_pi_v, heater.phase_offset_rad), (v_pi_v, offset));
        let volts = heater.volts(phase);
        prop_assert!((0.0..=v_pi_v * 2f64.sqrt() * (1.0 + 1e-15)).contains(&volts));
        let set = heater.phase_rad(volts);
        prop_assert!((0.0..TAU).contains(&set));
        let off = (set - phase).rem_euclid(TAU);
        prop_assert!(off.min(TAU - off) < 1e-12, "{} {}", set, phase);
    }
}
