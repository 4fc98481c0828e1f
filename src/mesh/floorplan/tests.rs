use super::*;
use crate::mesh::Geometry;

const GEOMETRIES: [Geometry; 5] = [
    Geometry::Clements,
    Geometry::Reck,
    Geometry::Diamond,
    Geometry::Butterfly,
    Geometry::Redundant { extra: 3 },
];

#[test]
fn ids_and_places_are_unique_over_every_geometry_and_cell() {
    for geometry in GEOMETRIES {
        for modes in [1, 2, 4, 8, 16] {
            let mesh = Mesh::bar(geometry, modes).unwrap();
            for kind in CellKind::ALL {
                let plan = mesh.floorplan(kind);
                let ids: HashSet<String> =
                    plan.components.iter().map(|part| part.id("mesh")).collect();
                let name = format!("{geometry} {modes} {kind}");
                assert_eq!(ids.len(), plan.components.len(), "{name}");
                let places: HashSet<[u64; 2]> = plan
                    .components
                    .iter()
                    .map(|part| [part.place.steps, part.place.modes].map(f64::to_bits))
                    .collect();
                assert_eq!(places.len(), plan.components.len(), "{name}");
                let couplers = plan.couplers().count();
                assert_eq!(couplers, kind.couplers() * mesh.nodes.len(), "{name}");
                let ends = plan.components.iter().map(|part| part.place.steps);
                let last = ends.fold(0.0, f64::max);
                assert!(last < plan.steps as f64, "{name}");
            }
        }
    }
}

#[test]
fn phase_shifters_are_numbered_as_one_list_of_phases_has_them() {
    for geometry in GEOMETRIES {
        for kind in CellKind::ALL {
            let mesh = Mesh::bar(geometry, 8).unwrap();
            let plan = mesh.floorplan(kind);
            let mut numbers: Vec<usize> = plan.shifters().map(|part| part.number).collect();
            assert_eq!(numbers.len(), mesh.phase_shifters_of(kind));
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..mesh.phase_shifters_of(kind)));
            for part in &plan.components {
                let count = mesh.nodes.len();
                let node = match part.kind {
                    ComponentKind::Phi => part.number - count,
                    ComponentKind::Screen => {
                        assert_eq!(part.number, 2 * count + part.mode);
                        continue;
                    }
                    ComponentKind::Free => {
                        let free = mesh.free_shifters(kind)[part.number - 2 * count - mesh.modes];
                        assert_eq!(free.mode, part.mode);
                        free.node
                    }
                    _ => part.number,
                };
                assert_eq!(mesh.nodes[node].column, part.column);
            }
        }
    }
}

/// A rectangle of four modes: cells on (0, 1) and (2, 3), on (1, 2), on (0, 1) and (2, 3), on (1, 2).
#[test]
fn a_rectangle_of_four_modes_stands_where_it_is_drawn_by_hand() {
    let mesh = Mesh::bar(Geometry::Clements, 4).unwrap();
    let pitch = Pitch::new(100.0, 127.0).unwrap();
    let place = |kind: CellKind, id: &str| {
        let plan = mesh.floorplan(kind);
        let found = plan.components.iter().find(|part| part.id("mesh") == id);
        found
            .unwrap_or_else(|| panic!("{kind} {id}"))
            .place
            .um(pitch)
    };
    for (id, along, across) in [
        ("mesh.phi.0.0", 0.0, 0.0),
        ("mesh.alpha.0.0", 100.0, 63.5),
        ("mesh.theta.0.0", 200.0, 0.0),
        ("mesh.beta.0.0", 300.0, 63.5),
        ("mesh.phi.0.2", 0.0, 254.0),
        ("mesh.beta.0.2", 300.0, 317.5),
        ("mesh.phi.1.1", 400.0, 127.0),
        ("mesh.theta.3.1", 1400.0, 127.0),
        ("mesh.screen.4.0", 1600.0, 0.0),
        ("mesh.screen.4.3", 1800.0, 381.0),
    ] {
        assert_eq!(place(CellKind::Mzi, id), [along, across], "{id}");
    }
    let near = |kind, id: &str, along: f64, across: f64| {
        let [x, y] = place(kind, id);
        assert!(
            (x - along).abs() < 1e-9 && y == across,
            "{kind} {id}: {x} {y}"
        );
    };
    near(
        CellKind::ThreeSplitter,
        "mesh.gamma.1.1",
        400.0 - 200.0 / 3.0,
        190.5,
    );
    near(
        CellKind::ThreeSplitter,
        "mesh.beta.0.0",
        200.0 + 200.0 / 3.0,
        63.5,
    );
    near(
        CellKind::Crossing,
        "mesh.beta.0.0",
        200.0 + 200.0 / 3.0,
        63.5,
    );
    // A free shifter in front of the first column moves all cells on by two steps; columns are two steps long.
    near(CellKind::Symmetric, "mesh.theta.0.0", 200.0, 0.0);
    near(CellKind::Symmetric, "mesh.phi.0.1", 200.0, 127.0);
    near(
        CellKind::Symmetric,
        "mesh.alpha.1.1",
        400.0 - 200.0 / 3.0,
        190.5,
    );
    near(CellKind::Symmetric, "mesh.phi.1.2", 400.0, 254.0);
    near(CellKind::Symmetric, "mesh.free.0.0", 0.0, 0.0);
}

#[test]
fn attenuators_stand_in_two_rows() {
    let bank = Floorplan::bank(3);
    let ids: Vec<String> = bank
        .shifters()
        .map(|part| part.id("0.1.attenuators"))
        .collect();
    assert_eq!(ids[2], "0.1.attenuators.attenuator.0.2");
    let steps: Vec<f64> = bank.shifters().map(|part| part.place.steps).collect();
    assert_eq!((steps, bank.steps), (vec![0.0, 2.0, 0.0], 4));
}

#[test]
fn a_pitch_is_a_number_above_0() {
    for (step, mode, says) in [
        (0.0, 1.0, "step_um = 0: must be a number of µm above 0"),
        (
            1.0,
            f64::NAN,
            "mode_um = NaN: must be a number of µm above 0",
        ),
        (f64::INFINITY, 1.0, "step_um = inf"),
        (1.0, -127.0, "mode_um = -127"),
    ] {
        let error = Pitch::new(step, mode).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}
