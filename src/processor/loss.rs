//! What a tile loses: the light that its cells absorb.

use ndarray::ArrayView1;

use crate::compile::Meshes;
use crate::field::{Direction, Fields, Real};
use crate::hardware::{Chip, Place, Placed, Quantity, Section};
use crate::linalg::C64;
use crate::mesh::{CellKind, Cells, Mesh};
use crate::units::db_from_power;

/// The powers of the light that [goes through](super::tile::SetTile::matrix) a tile, summed over its samples.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// In every mode behind the first mesh that it meets.
    between: Vec<f64>,
    /// In all modes behind the other one.
    behind: f64,
}

impl Watched {
    /// Notes the light behind the first mesh, then behind the other one.
    pub(super) fn note<T: Real>(&mut self, light: &Fields<T>) {
        let rows = light.re.rows().into_iter().zip(light.im.rows());
        let powers = rows.map(|(re, im)| power(re) + power(im));
        if self.between.is_empty() {
            self.between = powers.collect();
        } else {
            self.behind = powers.sum();
        }
    }
}

/// Σ x², in double precision: a lossy tile has tiny amplitudes.
fn power<T: Real>(row: ArrayView1<'_, T>) -> f64 {
    /// Sums side by side: none waits for another.
    const LANES: usize = 16;
    let row = row
        .to_slice()
        .expect("fields are stored in standard layout");
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x.double() * x.double();
        }
    }
    let rest = rest.iter().map(|x| x.double() * x.double());
    sums.into_iter().chain(rest).sum()
}

/// Whether cells of this chip absorb light.
pub(super) fn absorbs(chip: &Chip) -> bool {
    let mut acting = chip.hardware().acting();
    acting.any(|key| key.row.place == Place::Loss) || chip.given().knows(Quantity::LossDb)
}

/// Loss of the meshes of `tile`, which is `at` this silicon of `chip`, dB: what its cells absorb of the light that makes its
/// matrix of so many rows and columns.
/// `attenuators` are the amplitudes that its attenuators pass.
///
/// It is 0 without loss, never negative and a continuous function of every loss, whatever else is wrong with the chip:
/// light that interference sends elsewhere is not lost. A power that was measured against the power that is asked for could
/// not tell the two apart. So the light is followed where interference cannot change its power: out of *all* modes of a mesh
/// comes what went in, less what was absorbed.
///
/// The first mesh is lit in all of its modes or, where the tile has padding, in some. With all of them lit each mode behind
/// it would hold a power of 1 without loss, whatever its couplers do; the modes count by what the attenuators are asked to
/// pass. With some of them lit, their powers alone are followed, which split at each cell as the program asks
/// ([`follow`]). For a chip with loss alone this is the power that its matrix lacks: exactly where cells lose alike in both
/// arms and there is no padding; else the matrix error is within 1 % of what that power would leave, up to 0.2 dB a cell
/// (0.05 dB a heated arm where there is padding).
pub(super) fn tile_loss_db(
    tile: &Meshes,
    (rows, cols): (usize, usize),
    chip: &Chip,
    at: Placed,
    attenuators: &[C64],
    watched: &Watched,
) -> f64 {
    let is_back = rows <= cols;
    let (mesh, lit, section, direction) = if is_back {
        (&tile.output, rows, Section::Output, Direction::Back)
    } else {
        (&tile.input, cols, Section::Input, Direction::Forth)
    };
    let powers = if lit == mesh.modes() {
        let measured = watched.between.iter().map(|power| Power {
            lossy: *power,
            lossless: 1.0,
        });
        measured.collect()
    } else {
        let cells = chip.cells(at.section(section), mesh.nodes().len());
        follow(mesh, cells, lit, direction)
    };
    let banked = chip.attenuators(at.section(Section::Attenuators), tile.attenuators.len());
    let bar = Passing::of(&banked).couplers;
    let amplitudes = banked.amplitude.all(banked.count);
    let mut arrives = Power {
        lossy: 0.0,
        lossless: 0.0,
    };
    for ((theta, amplitude), power) in tile.attenuators.iter().zip(amplitudes).zip(&powers) {
        let asked = (theta / 2.0).sin().powi(2);
        arrives.lossy += asked * power.lossy * amplitude * amplitude * bar;
        arrives.lossless += asked * power.lossless;
    }
    if arrives.lossless == 0.0 {
        return 0.0;
    }
    let pairs = attenuators.iter().zip(&watched.between);
    let enters: f64 = pairs
        .map(|(amplitude, power)| amplitude.norm_sqr() * power)
        .sum();
    let first = share(arrives.lossy, arrives.lossless);
    let other = share(watched.behind, enters);
    0.0 - db_from_power(first * other)
}

/// `part / whole`, at most 1: rounding can make a little light.
fn share(part: f64, whole: f64) -> f64 {
    let share = part / whole;
    if share > 1.0 { 1.0 } else { share }
}

/// The power in one mode, on the chip and on one without loss.
#[derive(Debug, Clone, Copy)]
struct Power {
    lossy: f64,
    lossless: f64,
}

/// Shares of the power that pass the parts of a cell.
struct Passing {
    /// Whatever stands in front of its couplers, top and bottom.
    front: [f64; 2],
    /// The couplers and θ, to the port that is asked for: ((1 + k)/2)² for an arm of amplitude k beside a bare one.
    couplers: f64,
}

impl Passing {
    fn of(cells: &Cells) -> Self {
        let beside = |arm: f64| ((1.0 + arm) / 2.0).powi(2);
        let (theta, phi) = (cells.theta_arm, cells.phi_arm);
        match cells.kind {
            CellKind::Mzi | CellKind::Crossing => Self {
                front: [phi * phi, 1.0],
                couplers: beside(theta),
            },
            CellKind::ThreeSplitter => Self {
                front: [beside(phi); 2],
                couplers: beside(theta),
            },
            CellKind::Symmetric => Self {
                front: [phi * phi; 2],
                couplers: beside(theta / phi),
            },
        }
    }
}

/// The powers behind `mesh`, made of `cells`, of incoherent light in its first `lit` ports, one each, which every cell
/// splits as the program asks of perfect ones: the light of a chip with loss alone, but for what interferes between modes.
fn follow(mesh: &Mesh, cells: Cells, lit: usize, direction: Direction) -> Vec<Power> {
    let passing = Passing::of(&cells);
    let amplitudes = cells.amplitude.all(cells.count);
    let light = |mode: usize| if mode < lit { 1.0 } else { 0.0 };
    let mut powers: Vec<Power> = (0..mesh.modes())
        .map(|mode| Power {
            lossy: light(mode),
            lossless: light(mode),
        })
        .collect();
    let mut cross = |index: usize| {
        let node = mesh.nodes()[index];
        let bar = (mesh.theta()[index] / 2.0).sin().powi(2);
        let couplers = passing.couplers * amplitudes[index] * amplitudes[index];
        let [top, bottom] = passing.front;
        let [before, behind] = match direction {
            Direction::Forth => [[top, bottom], [1.0; 2]],
            Direction::Back => [[1.0; 2], [top, bottom]],
        };
        let (x, y) = (powers[node.top], powers[node.bottom]);
        let split = |x: f64, y: f64| [bar * x + (1.0 - bar) * y, (1.0 - bar) * x + bar * y];
        let lossy = split(x.lossy * before[0], y.lossy * before[1]);
        let lossless = split(x.lossless, y.lossless);
        for (arm, mode) in [node.top, node.bottom].into_iter().enumerate() {
            powers[mode] = Power {
                lossy: lossy[arm] * couplers * behind[arm],
                lossless: lossless[arm],
            };
        }
    };
    match direction {
        Direction::Forth => (0..cells.count).for_each(&mut cross),
        Direction::Back => (0..cells.count).rev().for_each(&mut cross),
    }
    powers
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use num_complex::Complex;

    use super::*;
    use crate::compile::{Layout, Program, compile};
    use crate::hardware::Hardware;
    use crate::mesh::{Correction, Geometry};
    use crate::nn::{LinearId, Network, Readout, Weight};
    use crate::processor::Processor;
    use crate::rng::{Effect, Seed};

    fn random((rows, cols): (usize, usize)) -> Array2<f64> {
        let mut stream = Seed(6).stream(Effect::Haar, rows as u64, cols as u64, 0);
        Array2::from_shape_simple_fn((rows, cols), || stream.standard_normal())
    }

    fn program(weight: Weight, geometry: Geometry, tile: Option<usize>) -> Program {
        let network = Network::of_weight(weight, Readout::Real).unwrap();
        let layout = Layout {
            multiplier: geometry.into(),
            tile,
            ..Layout::default()
        };
        compile(&network, layout).unwrap()
    }

    fn square(modes: usize) -> Program {
        let weight = Weight::Real(random((modes, modes)));
        program(weight, Geometry::Clements, None)
    }

    fn chip(settings: &[(&str, String)], trial: u64) -> Chip {
        let ideal = Hardware::default();
        let set = |hw: Hardware, (key, value): &(&str, String)| hw.with(key, value).unwrap();
        settings.iter().fold(ideal, set).fabricate(Seed(3), trial)
    }

    fn load<T: Real>(program: &Program, chip: Chip) -> Processor<T> {
        Processor::load(program, chip, Correction::None, None).unwrap()
    }

    fn loss_db(program: &Program, settings: &[(&str, String)]) -> f64 {
        load::<f64>(program, chip(settings, 0)).losses_db()[0]
    }

    /// One attenuator passes its own loss; an arm of amplitude k beside a bare one ((1 + k)/2)² of the power in the bar state.
    /// Light of a unitary of two modes meets two MZIs and an attenuator.
    #[test]
    fn one_mzi_loses_what_its_closed_form_says() {
        let one = square(1);
        assert!((loss_db(&one, &[("mesh.insertion_loss_db", "0.3".into())]) - 0.3).abs() < 1e-12);
        let k = 10f64.powf(-0.5 / 20.0);
        let arm = loss_db(&one, &[("mesh.arm_imbalance_db", "0.5".into())]);
        assert!(
            (arm + 20.0 * ((1.0 + k) / 2.0).log10()).abs() < 1e-12,
            "{arm}"
        );
        let (s, c) = 0.3f64.sin_cos();
        let unitary = ndarray::arr2(&[[c, -s], [s, c]]).mapv(Complex::from);
        let two = program(Weight::Complex(unitary), Geometry::Clements, None);
        assert!((loss_db(&two, &[("mesh.insertion_loss_db", "0.3".into())]) - 0.9).abs() < 1e-12);
    }

    /// Without loss the scale is 1, and so it is with next to none: light that wrong couplers send elsewhere is not lost.
    #[test]
    fn loss_is_continuous_at_zero_whatever_the_couplers_do() {
        for (shape, tile) in [((6, 6), None), ((6, 6), Some(9)), ((3, 7), Some(8))] {
            let program = program(Weight::Real(random(shape)), Geometry::Clements, tile);
            for key in [
                "mesh.insertion_loss_db",
                "mesh.insertion_loss_spread_db",
                "mesh.arm_imbalance_db",
            ] {
                let at = |loss: f64| {
                    let bias = ("coupler.splitting_bias_rad", "0.3".to_owned());
                    let settings = [bias, (key, format!("{loss}"))];
                    let processor = load::<f64>(&program, chip(&settings, 0));
                    (processor.losses_db()[0], processor.matrix_errors()[0])
                };
                let ((none, error), (little, close)) = (at(0.0), at(1e-12));
                assert_eq!(none, 0.0);
                assert!((0.0..1e-10).contains(&little), "{key}: {little:e}");
                assert!((error - close).abs() < 1e-10, "{key}: {error} {close}");
                // And smooth: twice the loss loses twice as much.
                let ratio = at(2e-6).0 / at(1e-6).0;
                assert!((ratio - 2.0).abs() < 1e-5, "{key}: {ratio}");
            }
        }
    }

    #[test]
    fn no_chip_gains_light() {
        let settings = |loss: &str| {
            let all = [
                ("coupler.splitting_error_rad", "0.1"),
                ("coupler.splitting_bias_rad", "0.2"),
                ("phase_shifter.phase_error_rad", "0.3"),
                ("mesh.insertion_loss_spread_db", loss),
                ("mesh.arm_imbalance_db", loss),
            ];
            all.map(|(key, value)| (key, value.to_owned()))
        };
        for geometry in [
            Geometry::Clements,
            Geometry::Reck,
            Geometry::Diamond,
            Geometry::Redundant { extra: 2 },
        ] {
            for (shape, tile) in [
                ((5, 5), None),
                ((2, 7), None),
                ((7, 2), None),
                ((3, 4), Some(6)),
            ] {
                let program = program(Weight::Real(random(shape)), geometry, tile);
                for kind in CellKind::ALL {
                    for correction in [Correction::None, Correction::Local, Correction::Progressive]
                    {
                        for (trial, loss) in ["1e-9", "1e-3", "0.3"].into_iter().enumerate() {
                            let kind = ("mesh.cell", kind.name().to_owned());
                            let chip = chip(&[&settings(loss)[..], &[kind]].concat(), trial as u64);
                            let double =
                                Processor::<f64>::load(&program, chip.clone(), correction, None);
                            let single = Processor::<f32>::load(&program, chip, correction, None);
                            let double = double.unwrap().losses_db()[0];
                            let single = single.unwrap().losses_db()[0];
                            assert!(double >= 0.0 && single >= 0.0);
                            assert!((double - single).abs() < 1e-4, "{double} {single}");
                        }
                    }
                }
            }
        }
    }

    /// The digital factor leaves the matrix error that one from the matrix's own power would, within 1 %.
    #[test]
    fn loss_alone_is_the_power_that_the_matrix_lacks() {
        let layers = [
            ((1, 1), None),
            ((4, 4), None),
            ((24, 24), None),
            ((10, 40), None),
            ((40, 10), None),
            ((10, 10), Some(32)),
            ((3, 32), Some(32)),
            ((32, 3), Some(32)),
        ];
        let key = |key, value: &str| (key, value.to_owned());
        for (shape, tile) in layers {
            let weight = random(shape);
            let program = program(Weight::Real(weight.clone()), Geometry::Clements, tile);
            for settings in [
                vec![key("mesh.insertion_loss_db", "0.2")],
                vec![
                    key("mesh.insertion_loss_db", "0.1"),
                    key("mesh.insertion_loss_spread_db", "0.1"),
                ],
                vec![key("mesh.arm_imbalance_db", "0.05")],
            ] {
                let processor = load::<f64>(&program, chip(&settings, 1));
                let chip = processor.matrix(LinearId(0));
                let size = weight.iter().map(|w| w * w).sum::<f64>();
                let by_power = (size / chip.power()).sqrt();
                let error = |factor: f64| {
                    let re = (&chip.re * factor - &weight).mapv(|x| x * x).sum();
                    let im = (&chip.im * factor).mapv(|x| x * x).sum();
                    ((re + im) / size).sqrt()
                };
                let (ours, theirs) = (error(1.0), error(by_power));
                assert!(
                    ours < 1.01 * theirs + 1e-9,
                    "{shape:?} {settings:?}: {ours} {theirs}"
                );
                let is_whole =
                    tile.is_none() && settings.iter().all(|(key, _)| !key.contains("arm"));
                assert!(
                    !is_whole || (by_power - 1.0).abs() < 1e-12,
                    "{shape:?}: {by_power}"
                );
            }
        }
    }

    /// Faults of couplers and phases do not change what cells absorb, but for where the light is that they absorb.
    #[test]
    fn interference_is_no_loss() {
        let program = square(32);
        let loss = ("mesh.insertion_loss_db", "0.2".to_owned());
        let bias = ("coupler.splitting_bias_rad", "0.2".to_owned());
        let phases = ("phase_shifter.phase_error_rad", "0.5".to_owned());
        let alone = loss_db(&program, std::slice::from_ref(&loss));
        for fault in [bias, phases] {
            let faulty = loss_db(&program, &[loss.clone(), fault.clone()]);
            assert!(
                (faulty / alone - 1.0).abs() < 0.01,
                "{fault:?}: {faulty} {alone}"
            );
        }
    }
}
