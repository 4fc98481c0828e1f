use super::*;
use crate::error::compare::golden;
use crate::hardware::{Hardware, Heaters, Placed};
use crate::io::Source;
use crate::linalg::max_abs_difference;
use crate::mesh::{CellKind, Correction, Geometry, Mesh};
use crate::rng::{Effect, Seed};
use crate::units::heater_phase_rad;

fn mesh(modes: usize) -> Mesh {
    let mut stream = Seed(3).stream(Effect::Haar, 0, 0, 0);
    Mesh::haar(Geometry::Clements, modes, &mut stream).unwrap()
}

fn csv(text: &str) -> Source {
    Source::new("chip.csv", text)
}

/// What is measured, on hardware with these keys.
fn chip(keys: &str, measured: MeasuredChip) -> crate::Chip {
    let hardware = Hardware::from_toml(keys).unwrap();
    hardware.with_measured(measured).fabricate(Seed(5), 2)
}

const ALL: &str = "coupler = { splitting_error_rad = 0.03, splitting_bias_rad = 0.01 }\n\
    phase_shifter = { offset_rad = 1, v_pi_error = 0.02, crosstalk = 0.005, phase_error_rad = 0.01 }\n\
    mesh = { insertion_loss_db = 0.1, insertion_loss_spread_db = 0.02, arm_imbalance_db = 0.05, cell = \"CELL\" }";

#[test]
fn a_chip_written_out_as_tables_is_the_chip_that_was_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for kind in CellKind::ALL {
        let mesh = mesh(5);
        let keys = ALL.replace("CELL", kind.name());
        let drawn = chip(&keys, MeasuredChip::default());
        let measured = drawn.measured(&mesh).unwrap();
        let hardware = drawn.hardware().clone().with_measured(measured);
        let path = folder.path().join("chip.toml");
        hardware.save(&path).unwrap();
        let read = Hardware::open(path.to_str().unwrap()).unwrap();
        assert_eq!(read, hardware, "{kind}");
        assert_eq!(Hardware::from_toml(&read.annotated()).unwrap(), hardware);
        // What is drawn once a chip no longer follows from the seed; what is drawn once a load does.
        let known = read.fabricate(Seed(5), 2);
        for correction in [Correction::None, Correction::Local] {
            let of = |chip: &crate::Chip| chip.program(&mesh, correction).coefficients.transfer();
            let apart = max_abs_difference(&of(&drawn), &of(&known));
            assert!(apart < 4e-15, "{kind} {correction:?}: {apart:e}");
        }
        let other = hardware.fabricate(Seed(6), 0);
        assert_eq!(other.measured(&mesh).unwrap(), *hardware.measured());
    }
}

#[test]
fn what_is_not_measured_is_drawn_as_it_was() {
    let mesh = mesh(4);
    let text = "id,splitting_error_rad,loss_db\nmesh.alpha.0.0,0.2,\nmesh.theta.1.1,,0.7\n";
    let measured = MeasuredChip::default().with_numbers(&csv(text)).unwrap();
    let keys = ALL.replace("CELL", "mzi");
    let drawn = chip(&keys, MeasuredChip::default());
    let part = chip(&keys, measured).on_mesh(&mesh).unwrap();
    let count = mesh.nodes().len();
    let [drawn, part] = [drawn, part].map(|chip| chip.cells(Placed::MESH, count).drawn());
    let node = |column, top| {
        let found = |node: &crate::mesh::Node| node.column == column && node.top == top;
        mesh.nodes().iter().position(found).unwrap()
    };
    for (index, (drawn, part)) in drawn.mzis().iter().zip(part.mzis()).enumerate() {
        let mut expected = *drawn;
        if index == node(0, 0) {
            expected.alpha = 0.2;
        }
        if index == node(1, 1) {
            expected.amplitude = crate::units::amplitude_from_db(-0.7);
        }
        assert_eq!(part, expected, "{index}");
    }
}

/// A matrix that corrections find without an error is that of a chip whose errors they know.
#[test]
fn corrections_use_what_is_known_and_no_more() {
    let mesh = mesh(4);
    let ideal = mesh.transfer();
    let measured = MeasuredChip::default()
        .with("mesh.theta.0.0", MeasuredQuantity::OffsetRad, 0.4)
        .unwrap()
        .with("mesh.phi.1.1", MeasuredQuantity::VPiV, 4.5)
        .unwrap();
    let error = |known: Known, correction| {
        let chip = chip("", measured.clone().with_known(known));
        max_abs_difference(
            &chip.program(&mesh, correction).coefficients.transfer(),
            &ideal,
        )
    };
    assert!(error(Known::ALL, Correction::None) > 0.05);
    assert!(error(Known::ALL, Correction::Local) < 1e-12);
    let offsets = Known {
        v_pi_v: false,
        ..Known::ALL
    };
    assert_eq!(offsets.names().len(), Known::NAMES.len() - 1);
    assert!(error(offsets, Correction::Local) > 0.02);
    assert_eq!(
        error(Known::default(), Correction::Local),
        error(offsets, Correction::Local)
    );
    // Without knowledge a correction asks for what a perfect chip is asked for.
    let apart = error(Known::NONE, Correction::Local) - error(Known::NONE, Correction::None);
    assert!(apart.abs() < 1e-12);
}

/// Phases that a correction chooses where it does not know couplers are those for couplers at their bias.
#[test]
fn what_is_not_known_is_taken_at_the_mean() {
    let mesh = mesh(4);
    let known = |known: Known| MeasuredChip::default().with_known(known);
    let keys = "coupler.splitting_bias_rad = 0.02\nmesh.insertion_loss_db = 0.3";
    let spread = keys.replace(
        "_bias_rad = 0.02",
        "_bias_rad = 0.02\ncoupler.splitting_error_rad = 0.05",
    ) + "\nmesh.insertion_loss_spread_db = 0.1";
    let phases = |keys: &str, known: MeasuredChip| {
        let chip = chip(keys, known);
        chip.program(&mesh, Correction::Progressive).phases.flat()
    };
    let mean = phases(keys, known(Known::ALL));
    assert_eq!(phases(&spread, known(Known::NONE)), mean);
    assert_ne!(phases(&spread, known(Known::default())), mean);
}

#[test]
fn a_dead_heater_shows_its_offset_and_its_neighbours_heat() {
    let mesh = mesh(4);
    let measured = MeasuredChip::default()
        .with("mesh.theta.0.0", MeasuredQuantity::Dead, 1.0)
        .unwrap()
        .with("mesh.theta.0.0", MeasuredQuantity::OffsetRad, 0.3)
        .unwrap()
        .with("mesh.theta.1.1", MeasuredQuantity::Dead, 0.0)
        .unwrap()
        .with_share("mesh.phi.0.0", "mesh.theta.0.0", 0.25)
        .unwrap();
    let chip = chip("", measured).on_mesh(&mesh).unwrap();
    let plan = mesh.floorplan(CellKind::Mzi);
    let number = |id: &str| {
        let mut shifters = plan.shifters();
        shifters.find(|part| part.id("mesh") == id).unwrap().number
    };
    let count = mesh.phases().flat().len();
    let asked: Vec<f64> = (0..count).map(|k| 0.1 * k as f64).collect();
    let sections = [(Placed::MESH, count)];
    let heaters = Heaters::default();
    let shown = chip.settle(&heaters, &sections, asked.clone(), Correction::None);
    let (dead, phi) = (number("mesh.theta.0.0"), number("mesh.phi.0.0"));
    for (index, (shown, asked)) in shown[0].iter().zip(&asked).enumerate() {
        let expected = if index == dead {
            0.25 * 0.1 * phi as f64
        } else {
            *asked
        };
        assert!((shown - expected).abs() < 1e-15, "{index}");
    }
    // Slopes go the same way back.
    let slopes = chip.pull_back(&heaters, &sections, vec![1.0; count]);
    for (index, slope) in slopes.iter().enumerate() {
        let expected = [(dead, 0.0), (phi, 1.25)];
        let expected = expected
            .iter()
            .find(|(at, _)| *at == index)
            .map_or(1.0, |(_, slope)| *slope);
        assert!((slope - expected).abs() < 1e-15, "{index}");
    }
}

#[test]
fn crosstalk_that_was_measured_stands_in_place_of_the_law_and_is_made_up_for() {
    let mesh = mesh(5);
    let kind = CellKind::Mzi;
    let text = "from,to,share\nmesh.theta.0.0,mesh.theta.0.2,0.08\nmesh.screen.5.4,mesh.phi.0.0,-0.02\n\
                mesh.phi.1.1,mesh.theta.1.1,0\n";
    let measured = MeasuredChip::default().with_crosstalk(&csv(text)).unwrap();
    assert_eq!(measured.pair_count(), 3);
    let plan = mesh.floorplan(kind);
    let number = |id: &str| {
        let mut shifters = plan.shifters();
        shifters.find(|part| part.id("mesh") == id).unwrap().number
    };
    for crosstalk in [0.0, 0.01] {
        let keys = format!("phase_shifter.crosstalk = {crosstalk}");
        let chip = chip(&keys, measured.clone()).on_mesh(&mesh).unwrap();
        let heaters = chip.heaters(|heaters| heaters.push_mesh(&mesh, kind));
        let count = mesh.phases().flat().len();
        let sections = [(Placed::MESH, count)];
        let asked: Vec<f64> = (0..count).map(|k| 0.2 + (k as f64).sin().abs()).collect();
        let shown = chip.settle(&heaters, &sections, asked.clone(), Correction::None);
        // The law alone, with its entries for these pairs replaced one by one.
        let mut expected = heaters.heat(&asked, crosstalk);
        let law = [crosstalk, 0.0, crosstalk.powi(2)];
        let pairs = [
            ("mesh.theta.0.0", "mesh.theta.0.2", 0.08),
            ("mesh.screen.5.4", "mesh.phi.0.0", -0.02),
            ("mesh.phi.1.1", "mesh.theta.1.1", 0.0),
        ];
        for ((from, to, share), law) in pairs.into_iter().zip(law) {
            expected[number(to)] += (share - law) * asked[number(from)];
        }
        for (shown, expected) in shown[0].iter().zip(&expected) {
            assert!((shown - expected).abs() < 1e-14);
        }
        // Local correction of a chip without other errors: exact.
        let whole = chip
            .program(&mesh, Correction::Local)
            .coefficients
            .transfer();
        assert!(
            max_abs_difference(&whole, &mesh.transfer()) < 1e-11,
            "{crosstalk}"
        );
        let whole = chip
            .program(&mesh, Correction::None)
            .coefficients
            .transfer();
        assert!(
            max_abs_difference(&whole, &mesh.transfer()) > 1e-3,
            "{crosstalk}"
        );
    }
}

#[test]
fn heaters_answer_as_they_were_measured_and_corrections_that_know_it_make_up_for_it() {
    let mesh = mesh(4);
    // V_π of 3 V in place of 4.36 V, then a heater whose phase saturates.
    let law = [1.0, 2.0, 4.0].map(|volts| [volts, heater_phase_rad(volts, 3.0)]);
    let saturates = [[0.0, 0.0], [2.0, 0.9], [4.0, 2.9], [6.0, 5.5], [8.0, 6.6]];
    let mut text = "id,voltage_v,phase_rad\n".to_owned();
    for (id, points) in [("mesh.theta.0.0", &law[..]), ("mesh.phi.1.1", &saturates)] {
        for [volts, phase] in points {
            text += &format!("{id},{volts},{phase}\n");
        }
    }
    let measured = MeasuredChip::default().with_responses(&csv(&text)).unwrap();
    let of_law = MeasuredChip::default()
        .with("mesh.theta.0.0", MeasuredQuantity::VPiV, 3.0)
        .unwrap();
    let known = Known {
        response: true,
        ..Known::default()
    };
    let settle = |measured: &MeasuredChip, correction| {
        let chip = chip("", measured.clone()).on_mesh(&mesh).unwrap();
        let sections = [(Placed::MESH, mesh.phases().flat().len())];
        let asked = mesh.phases().flat();
        chip.settle(&Heaters::default(), &sections, asked, correction)
            .concat()
    };
    let [by_table, by_v_pi] = [&measured, &of_law].map(|of| settle(of, Correction::None));
    let plan = mesh.floorplan(CellKind::Mzi);
    let mut shifters = plan.shifters();
    let other = shifters
        .find(|part| part.id("mesh") == "mesh.phi.1.1")
        .unwrap()
        .number;
    for (index, (a, b)) in by_table.iter().zip(&by_v_pi).enumerate() {
        assert!(index == other || (a - b).abs() < 1e-12, "{index}: {a} {b}");
    }
    let curve = Curve::new(&saturates).unwrap();
    let asked = mesh.phases().flat()[other].rem_euclid(std::f64::consts::TAU);
    let volts = crate::units::heater_volts(asked, 4.36);
    assert!((by_table[other] - curve.phase_rad(volts * volts)).abs() < 1e-12);
    let right = settle(&measured.clone().with_known(known), Correction::Local);
    for (shown, asked) in right.iter().zip(mesh.phases().flat()) {
        let off = (shown - asked).rem_euclid(std::f64::consts::TAU);
        assert!(off.min(std::f64::consts::TAU - off) < 1e-10);
    }
    // Slopes by what is asked, against differences.
    let chip = chip("", measured).on_mesh(&mesh).unwrap();
    let (count, h) = (mesh.phases().flat().len(), 1e-6);
    let sections = [(Placed::MESH, count)];
    let show = |asked: Vec<f64>| {
        let shown = chip.settle(&Heaters::default(), &sections, asked, Correction::None);
        shown.concat().iter().sum::<f64>()
    };
    let asked: Vec<f64> = (0..count).map(|k| 0.3 + 0.2 * k as f64).collect();
    let slopes = chip.pull_back_at(&Heaters::default(), &sections, &asked, vec![1.0; count]);
    for index in 0..count {
        let at = |step: f64| {
            let mut asked = asked.clone();
            asked[index] += step;
            show(asked)
        };
        let slope = (at(h) - at(-h)) / (2.0 * h);
        assert!((slopes[index] - slope).abs() < 1e-8, "{index}");
    }
}

#[test]
fn what_a_table_must_not_say_is_named_by_file_line_and_column() {
    for text in [
        "",
        "id\nmesh.theta.0.0\n",
        "offset_rad\n1\n",
        "id,ofset_rad\nmesh.theta.0.0,1\n",
        "id,offset_rad,offset_rad\nmesh.theta.0.0,1,1\n",
        "id,offset_rad\nmesh.theta.0.0\n",
        "id,offset_rad\nmesh.theta.0.0,x\n",
        "id,offset_rad\nmesh.theta.0.0,nan\n",
        "id,offset_rad\nmesh.theta,1\n",
        "id,offset_rad\nmesh.theta.0.01,1\n",
        "id,offset_rad\nmesh.tetha.0.0,1\n",
        "id,offset_rad\n,1\n",
        "id,offset_rad\nmesh.theta.0.0,1\nmesh.phi.0.0,1\nmesh.theta.0.0,1\n",
        "id,splitting_error_rad\nmesh.alpha.0.0,0.8\n",
        "id,splitting_error_rad\nmesh.theta.0.0,0.1\n",
        "id,loss_db\nmesh.theta.0.0,-0.1\n",
        "id,v_pi_v\nmesh.theta.0.0,0\n",
        "id,dead\nmesh.theta.0.0,yes\n",
    ] {
        golden(
            text,
            MeasuredChip::default()
                .with_numbers(&csv(text))
                .unwrap_err(),
        );
    }
    for text in [
        "id,voltage_v\nmesh.theta.0.0,1\n",
        "id,voltage_v,phase_rad\nmesh.theta.0.0,1,1\n",
        "id,voltage_v,phase_rad\nmesh.theta.0.0,0,0.1\nmesh.theta.0.0,1,1\n",
        "id,voltage_v,phase_rad\nmesh.theta.0.0,1,1\nmesh.theta.0.0,2,0.9\n",
        "id,voltage_v,phase_rad\nmesh.theta.0.0,1,1\nmesh.theta.0.0,,2\n",
        "id,voltage_v,phase_rad\nmesh.alpha.0.0,1,1\nmesh.alpha.0.0,2,2\n",
    ] {
        golden(
            text,
            MeasuredChip::default()
                .with_responses(&csv(text))
                .unwrap_err(),
        );
    }
    for text in [
        "from,to,share\nmesh.theta.0.0,mesh.theta.0.0,0.1\n",
        "from,to,share\nmesh.theta.0.0,mesh.phi.0.0,1\n",
        "from,to,share\nmesh.alpha.0.0,mesh.phi.0.0,0.1\n",
        "from,to,shares\nmesh.theta.0.0,mesh.phi.0.0,0.1\n",
    ] {
        golden(
            text,
            MeasuredChip::default()
                .with_crosstalk(&csv(text))
                .unwrap_err(),
        );
    }
}

#[test]
fn what_is_no_component_or_contradicts_itself_is_refused_on_the_mesh() {
    let mesh = mesh(4);
    let numbers = |text: &str| MeasuredChip::default().with_numbers(&csv(text)).unwrap();
    let shares = |text: &str| MeasuredChip::default().with_crosstalk(&csv(text)).unwrap();
    let curve = Curve::new(&[[1.0, 1.0], [2.0, 3.0]]).unwrap();
    for (asked, measured) in [
        (
            "another mesh",
            numbers("id,offset_rad\nmesh.theta.0.0,1\nmesh.theta.0.9,1\n"),
        ),
        (
            "a program",
            numbers("id,offset_rad\n0.0.input.theta.0.0,1\n"),
        ),
        (
            "another cell",
            numbers("id,splitting_error_rad\nmesh.gamma.0.0,0.1\n"),
        ),
        (
            "another heater",
            shares("from,to,share\nmesh.theta.0.0,mesh.theta.0.7,0.1\n"),
        ),
        (
            "too much heat",
            shares(
                "from,to,share\nmesh.theta.0.0,mesh.phi.0.0,0.6\nmesh.theta.0.2,mesh.phi.0.0,-0.5\n",
            ),
        ),
        (
            "dead and alive",
            numbers("id,dead,v_pi_v\nmesh.theta.0.0,true,4\n"),
        ),
        (
            "a response and V_π",
            numbers("id,v_pi_v\nmesh.theta.0.0,4\n")
                .with_response("mesh.theta.0.0", curve)
                .unwrap(),
        ),
    ] {
        golden(asked, chip("", measured).on_mesh(&mesh).unwrap_err());
    }
}

#[test]
fn hardware_says_what_is_wrong_with_its_measured_section() {
    for text in [
        "measured = 1",
        "[measured]\nfile = \"chip.csv\"",
        "[measured]\nfiles = [1]",
        "[measured]\nfiles = \"chip.csv\"",
        "[measured]\nknown = 1",
        "[measured]\nknown = [\"ofset_rad\"]",
        "[measured]\ntable = \"id,offset_rad\\nmesh.theta.0.0,x\\n\"",
        "[mesured]\nknown = true",
    ] {
        golden(text, Hardware::from_toml(text).unwrap_err());
    }
    let known = |text: &str| Hardware::from_toml(text).unwrap().measured().known();
    assert_eq!(known("[measured]\nknown = true"), Known::ALL);
    assert_eq!(known("[measured]\nknown = false"), Known::NONE);
    assert_eq!(known(""), Known::default());
    assert!(known("[measured]\nknown = [\"v_pi_v\"]").v_pi_v);
}

#[test]
fn no_cut_or_flipped_table_makes_the_reader_panic() {
    let read = |bytes: &[u8]| MeasuredChip::default().with_numbers(&Source::new("chip.csv", bytes));
    let good = b"id,offset_rad,dead\nmesh.phi.0.0,4.3,false\nmesh.theta.1.0,,true\n";
    crate::io::corruption::survives_any(good, read);
}

#[test]
fn summaries_are_of_all_that_was_measured() {
    let text = "id,offset_rad,loss_db\nmesh.theta.0.0,1,\nmesh.phi.0.0,2,\nmesh.screen.4.0,6,\nmesh.theta.0.2,,0.5\n";
    let measured = MeasuredChip::default().with_numbers(&csv(text)).unwrap();
    let [loss, offset] = &measured.summaries()[..] else {
        panic!("two quantities");
    };
    assert_eq!(
        (loss.quantity, loss.count, loss.sigma),
        (MeasuredQuantity::LossDb, 1, 0.0)
    );
    assert_eq!((offset.count, offset.mean), (3, 3.0));
    assert!((offset.sigma - (14.0f64 / 3.0).sqrt()).abs() < 1e-15);
    assert_eq!(offset.farthest, ("mesh.screen.4.0".to_owned(), 6.0));
}
