use super::*;
use crate::error::compare::{golden, shape};
use crate::linalg::C64;
use crate::mesh::{Geometry, Phases};
use crate::rng::{Effect, Seed};

fn haar(geometry: Geometry, modes: usize) -> Mesh {
    let mut stream = Seed(4).stream(Effect::Haar, 0, modes as u64, 0);
    Mesh::haar(geometry, modes, &mut stream).unwrap()
}

/// Links of every length, also upside down.
fn butterfly() -> Mesh {
    let node = |column, top, bottom| Node {
        column,
        top,
        bottom,
    };
    let nodes = vec![
        node(0, 0, 1),
        node(0, 3, 2),
        node(1, 0, 2),
        node(1, 3, 1),
        node(2, 0, 3),
    ];
    Mesh::new(4, nodes, vec![1.0; 5], vec![2.0; 5], vec![0.0; 4]).unwrap()
}

fn drawn(mesh: &Mesh, color: ColorBy) -> String {
    let title = Some("A < B & \"C\"".to_owned());
    draw(mesh, &DrawOptions { color, title }).unwrap()
}

fn meshes() -> Vec<Mesh> {
    let mut meshes = vec![butterfly(), Mesh::bar(Geometry::Clements, 1).unwrap()];
    for modes in [2, 3, 8, 9, 16, 64] {
        meshes.extend([Geometry::Clements, Geometry::Reck].map(|g| haar(g, modes)));
        meshes.push(Mesh::bar(Geometry::Diamond, modes).unwrap());
        meshes.extend(Mesh::bar(Geometry::Butterfly, modes));
    }
    meshes
}

fn colorings(modes: usize) -> [ColorBy; 3] {
    let light = ColorBy::light_in(modes / 2, modes).unwrap();
    [ColorBy::Theta, ColorBy::Phi, light]
}

/// Reads tags one by one: every one closes what was opened last, attributes are quoted, `&` is escaped.
fn check_well_formed(xml: &str) {
    let mut open = Vec::new();
    for (index, part) in xml.split('<').enumerate() {
        if index == 0 {
            assert!(part.is_empty());
            continue;
        }
        let (tag, text) = part.split_once('>').expect("every tag ends");
        assert!(!text.contains('>'));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.to_owned()));
        } else {
            let name = tag.split([' ', '/']).next().unwrap();
            let quotes = tag.matches('"').count();
            assert!(
                quotes % 2 == 0 && tag.matches("=\"").count() == quotes / 2,
                "{tag}"
            );
            if !tag.ends_with('/') {
                open.push(name.to_owned());
            }
        }
        for entity in part.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;"];
            assert!(
                known.iter().any(|known| entity.starts_with(known)),
                "{entity}"
            );
        }
    }
    assert!(open.is_empty() && !xml.contains("NaN") && !xml.contains("inf"));
}

#[test]
fn drawings_are_well_formed_with_one_element_per_mzi_and_screen_phase() {
    for mesh in meshes() {
        for color in colorings(mesh.modes()) {
            let svg = drawn(&mesh, color);
            check_well_formed(&svg);
            assert_eq!(svg.matches("class=\"mzi\"").count(), mesh.nodes().len());
            assert_eq!(svg.matches("class=\"screen\"").count(), mesh.modes());
            assert!(svg.contains("A &lt; B &amp; &quot;C&quot;"));
        }
    }
}

#[test]
fn drawings_of_64_modes_stay_below_a_megabyte() {
    for mesh in [haar(Geometry::Clements, 64), haar(Geometry::Reck, 64)] {
        for color in colorings(64) {
            assert!(drawn(&mesh, color).len() < 1_000_000);
        }
    }
}

/// Links of one column that would lie over each other stand side by side: 2^c lanes for distance 2^c.
#[test]
fn a_butterfly_is_as_wide_as_its_links_need() {
    for modes in [4, 8, 32] {
        let mesh = Mesh::bar(Geometry::Butterfly, modes).unwrap();
        let layout = Layout::of(&mesh);
        let lanes = layout.width / layout.style.lane;
        assert!(
            (lanes - (modes as f64 - 1.0)).abs() < 1e-9,
            "{modes}: {lanes}"
        );
        for (a, x) in mesh.nodes().iter().zip(&layout.x) {
            for (b, y) in mesh.nodes().iter().zip(&layout.x) {
                let apart = a.bottom < b.top || b.bottom < a.top;
                assert!(a == b || x != y || apart, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn ancillas_are_counted_apart() {
    let diamond = Mesh::bar(Geometry::Diamond, 4).unwrap();
    let svg = draw(&diamond, &DrawOptions::default()).unwrap();
    assert!(svg.contains("4 modes and 2 ancillas · diamond · 9 MZIs in 5 columns"));
}

#[test]
fn cross_is_dark_bar_is_bright_and_equal_angles_have_one_colour() {
    let mesh = Mesh::bar(Geometry::Clements, 2).unwrap();
    assert!(drawn(&mesh, ColorBy::Theta).contains(&color::sequential(1.0).hex()));
    let crossing = Phases {
        theta: vec![0.0],
        phi: vec![1.0 + TAU],
        ..mesh.phases().clone()
    };
    let mesh = mesh.with_phases(crossing).unwrap();
    let cross = drawn(&mesh, ColorBy::Theta);
    assert!(cross.contains(&format!("fill=\"{}\"", color::sequential(0.0).hex())));
    let angle = drawn(&mesh, ColorBy::Phi);
    assert!(angle.contains(&format!("fill=\"{}\"", color::cyclic(1.0 / TAU).hex())));
}

#[test]
fn light_that_does_not_fit_the_mesh_is_named() {
    let mesh = haar(Geometry::Clements, 3);
    let error = |input: Vec<C64>| {
        let color = ColorBy::Light(input);
        draw(&mesh, &DrawOptions { color, title: None }).unwrap_err()
    };
    let two = error(vec![C64::from(1.0); 2]);
    assert_eq!(two.refusal(), shape("input", &[2]));
    golden("dark", error(vec![C64::default(); 3]));
    golden("NaN", error(vec![C64::from(f64::NAN); 3]));
    assert!(ColorBy::light_in(3, 3).is_err());
}

#[test]
fn errors_are_one_per_mzi_and_the_largest_is_the_deepest_red() {
    for modes in [4, 12] {
        let mesh = haar(Geometry::Clements, modes);
        let mut errors = vec![0.0; mesh.nodes().len()];
        errors[1] = 0.02;
        let svg = drawn(&mesh, ColorBy::Error(errors.clone()));
        check_well_formed(&svg);
        let (pale, deep) = (color::light(0.0).hex(), color::light(1.0).hex());
        let filled = |color: &str| svg.matches(&format!("fill=\"{color}\"")).count();
        assert_eq!([filled(&pale), filled(&deep)], [errors.len() - 1, 1]);
        assert!(svg.contains("error 0.0200") && svg.contains(">0.02</text>"));
        for wrong in [
            vec![0.0; 2],
            vec![f64::NAN; errors.len()],
            vec![-1.0; errors.len()],
        ] {
            let color = ColorBy::Error(wrong);
            assert!(draw(&mesh, &DrawOptions { color, title: None }).is_err());
        }
    }
}

/// 12 720 MZIs with their words would be 4 MB.
#[test]
fn a_mesh_of_very_many_mzis_is_boxes_alone_of_some_twenty_bytes() {
    for color in colorings(160) {
        let mesh = haar(Geometry::Clements, 160);
        let svg = drawn(&mesh, color);
        check_well_formed(&svg);
        let boxes = svg.split("class=\"boxes\"").nth(1).unwrap();
        let boxes = boxes.split("</g>").next().unwrap();
        assert_eq!(boxes.matches('V').count(), mesh.nodes().len());
        assert!(svg.len() < 30 * mesh.nodes().len(), "{}", svg.len());
        assert!(!svg.contains("<title>MZI"));
    }
}
