//! Tiles that share silicon: the same chip under other work.

use lightloom::compile::{Arrangement, Layout, Program, compile};
use lightloom::hardware::{Hardware, HardwareKey, Placement, Site, When};
use lightloom::mesh::Correction;
use lightloom::nn::{Activation, Batch, Input, Layer, LinearId, Network, Readout, Scale, Weight};
use lightloom::processor::{Loading, Processor};
use lightloom::rng::{Effect, Seed};
use lightloom::{Error, Result};
use ndarray::{Array2, s};

fn random(rows: usize, cols: usize) -> Array2<f64> {
    let mut stream = Seed(4).stream(Effect::Haar, rows as u64, cols as u64, 0);
    Array2::from_shape_simple_fn((rows, cols), || stream.standard_normal())
}

/// One layer of `weight` in tiles of 4 modes, alike for alike blocks.
fn tiled(weight: Array2<f64>) -> Program {
    let network = Network::of_weight(Weight::Real(weight), Readout::Real).unwrap();
    let layout = Layout {
        tile: Some(4),
        arrangement: Arrangement::Descending,
        ..Layout::default()
    };
    compile(&network, layout).unwrap()
}

/// A layer of 2×2 tiles that hold the same block.
fn four_alike() -> Program {
    let block = random(4, 4);
    tiled(Array2::from_shape_fn((8, 8), |(r, c)| {
        block[[r % 4, c % 4]]
    }))
}

fn load(program: &Program, hardware: &Hardware, placement: Placement) -> Result<Processor<f64>> {
    let loading = Loading {
        correction: Correction::None,
        placement,
        ..Loading::default()
    };
    Processor::load(program, hardware.fabricate(Seed(3), 1), loading, None)
}

/// What the layer's receivers read of light in one input after the other, `[out, in]`.
fn read(program: &Program, hardware: &Hardware, placement: Placement) -> Array2<f64> {
    let inputs = program.network().layers()[0].linear.inputs();
    let processor = load(program, hardware, placement).unwrap();
    processor
        .forward(Batch::Real(Array2::eye(inputs)), 0)
        .unwrap()
}

/// The blocks of the four tiles, in the order of the program.
fn blocks(whole: &Array2<f64>) -> [Array2<f64>; 4] {
    [(0, 0), (0, 4), (4, 0), (4, 4)].map(|(r, c)| whole.slice(s![r..r + 4, c..c + 4]).to_owned())
}

/// Hardware with this spread and what it takes to act.
fn with_spread(key: &HardwareKey) -> Hardware {
    let needs_time = key.row.needs == Some("phase_shifter.drift_time_s");
    let time = if needs_time { "1" } else { "0" };
    let hardware = Hardware::default().with("phase_shifter.drift_time_s", time);
    hardware.unwrap().with(key.name, "0.05").unwrap()
}

#[test]
fn a_mesh_that_is_reprogrammed_keeps_its_silicon_and_errs_anew_at_every_load() {
    let program = four_alike();
    let one = || Placement::Shared { meshes: 1 };
    let (mut of_chips, mut of_loads) = (0, 0);
    for key in Hardware::keys() {
        let is_per_chip = match key.row.when {
            When::PerChip => true,
            // A supply rounds the same phases alike.
            When::PerLoad if key.name != "phase_shifter.dac_bits" => false,
            _ => continue,
        };
        let hardware = with_spread(key);
        let [first, others @ ..] = blocks(&read(&program, &hardware, one()));
        for other in &others {
            assert_eq!(*other == first, is_per_chip, "{}", key.name);
        }
        let [first, others @ ..] = blocks(&read(&program, &hardware, Placement::OwnMeshes));
        assert!(others.iter().all(|other| *other != first), "{}", key.name);
        if is_per_chip {
            of_chips += 1
        } else {
            of_loads += 1
        }
    }
    assert_eq!((of_chips, of_loads), (6, 3));
}

#[test]
fn two_meshes_take_the_tiles_in_turn() {
    let program = four_alike();
    let hardware = Hardware::default()
        .with("coupler.splitting_error_rad", "0.05")
        .unwrap();
    let [a, b, c, d] = blocks(&read(&program, &hardware, Placement::Shared { meshes: 2 }));
    assert!(a == c && b == d && a != b);
    // The same as a table, on two chips of one seed: others than two meshes of one chip.
    let site = |chip| Site {
        chip,
        ..Site::default()
    };
    let table = Placement::Table([0, 1, 0, 1].map(site).to_vec());
    let [e, f, g, h] = blocks(&read(&program, &hardware, table));
    assert!(e == g && f == h && e == a && f != b && f != e);
}

#[test]
fn a_correction_alone_gives_every_tile_its_own_mesh() {
    let program = four_alike();
    let hardware = Hardware::open("thermo-optic").unwrap();
    let hardware = hardware.with("readout.bandwidth_ghz", "0").unwrap();
    let hardware = hardware.with("input.dac_bits", "none").unwrap();
    let hardware = hardware.with("input.extinction_ratio_db", "none").unwrap();
    let hardware = hardware.with("readout.adc_bits", "none").unwrap();
    let chip = || hardware.fabricate(Seed(3), 1);
    let alone = Processor::<f64>::load(&program, chip(), Correction::Local, None).unwrap();
    let own = |tile| Site {
        mesh: tile,
        ..Site::default()
    };
    for placement in [
        Placement::OwnMeshes,
        Placement::Table((0..4).map(own).collect()),
    ] {
        let loading = Loading {
            correction: Correction::Local,
            placement,
            ..Loading::default()
        };
        let placed = Processor::<f64>::load(&program, chip(), loading, None).unwrap();
        assert_eq!(alone.matrix(LinearId(0)), placed.matrix(LinearId(0)));
    }
}

/// The tiles of the last rows use some of the detectors of their mesh, which are the same ones.
#[test]
fn detectors_of_a_shared_mesh_have_one_gain_whichever_tile_they_read() {
    let program = tiled(random(6, 4));
    let ideal = read(&program, &Hardware::default(), Placement::OwnMeshes);
    let hardware = Hardware::default()
        .with("readout.gain_spread", "0.1")
        .unwrap();
    let gains = read(&program, &hardware, Placement::Shared { meshes: 1 }) / ideal;
    for row in 0..6 {
        let (gain, same) = (gains[[row, 0]], gains[[row % 4, 0]]);
        assert!(
            (gain - 1.0).abs() > 1e-3 && (gain - same).abs() < 1e-12,
            "{row}: {gain} {same}"
        );
    }
}

#[test]
fn tiles_of_other_meshes_do_not_share_silicon() {
    let layer = |name: &str, rows, cols| {
        let weight = Weight::Real(random(rows, cols));
        Layer::new(name, weight, None, Activation::Identity)
    };
    let input = Input {
        scale: Scale::Factor(1.0.into()),
        ..Input::default()
    };
    let layers = vec![layer("wide", 5, 7), layer("narrow", 3, 5)];
    let network = Network::new(input, layers, Readout::Real).unwrap();
    let program = |tile| {
        let layout = Layout {
            tile,
            ..Layout::default()
        };
        compile(&network, layout).unwrap()
    };
    let one = || Placement::Shared { meshes: 1 };
    let error = load(&program(None), &Hardware::default(), one()).unwrap_err();
    let sentence = error.to_string();
    assert!(matches!(error, Error::Within { .. }), "{sentence}");
    for part in [
        "layer `narrow`, tile 0",
        "[3, 5]",
        "[5, 7]",
        "tile 0 of layer `wide`",
    ] {
        assert!(sentence.contains(part), "{sentence}: {part}");
    }
    load(
        &program(None),
        &Hardware::default(),
        Placement::Shared { meshes: 2 },
    )
    .unwrap();
    load(&program(Some(4)), &Hardware::default(), one()).unwrap();
}
