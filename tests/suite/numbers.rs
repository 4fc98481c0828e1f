//! Numbers in blocks: hardware that rounds weights, inputs and outputs, against plain sums.

use lightloom::compile::{Layout, Multiplier, Weights, compile};
use lightloom::hardware::Hardware;
use lightloom::mesh::{Correction, Geometry};
use lightloom::nn::{Batch, Network, Readout, Weight};
use lightloom::processor::{Processor, compiled_for};
use lightloom::rng::{Effect, Seed};
use lightloom::{Error, Program};
use ndarray::Array2;
use num_complex::Complex;

use crate::cli::{DEMO, lightloom, ok, refused_at_work};

fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    settings.iter().fold(Hardware::default(), set)
}

fn normals((rows, cols): (usize, usize), block: u64) -> Array2<f64> {
    let mut stream = Seed(8).stream(Effect::Haar, rows as u64, cols as u64, block);
    Array2::from_shape_simple_fn((rows, cols), || stream.standard_normal())
}

fn program(weight: &Array2<f64>, multiplier: Multiplier, tile: usize, weights: Weights) -> Program {
    let network = Network::of_weight(Weight::Real(weight.clone()), Readout::Real).unwrap();
    let layout = Layout {
        tile: Some(tile),
        multiplier,
        weights,
        ..Layout::default()
    };
    compile(&network, layout).unwrap()
}

/// `[out, sample]`, of block 0.
fn outputs(program: &Program, hardware: &Hardware, x: &Array2<f64>) -> Array2<f64> {
    let chip = hardware.fabricate(Seed(1), 0);
    let batch = Batch::Real(x.clone());
    let processor = Processor::load(program, chip, Correction::None, Some(&batch)).unwrap();
    processor.forward(batch, 0).unwrap()
}

fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most, x| x.abs().max(most))
}

/// Eight significant bits, of two neighbours the even one.
fn bfloat16(x: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    let unit = 2f64.powi(x.abs().log2().floor() as i32 - 7);
    (x / unit).round_ties_even() * unit
}

/// round(clamp(a, ±1) / d) · d with d = 1/(2^{b−1} − 1).
fn rounded(a: f64, bits: Option<u32>) -> f64 {
    let a = a.clamp(-1.0, 1.0);
    bits.map_or(a, |bits| {
        let d = 1.0 / (2f64.powi(bits as i32 - 1) - 1.0);
        (a / d).round() * d
    })
}

struct Format {
    bits_w: Option<u32>,
    bits_x: Option<u32>,
    bits_y: u32,
    gain: f64,
}

/// y_i = s_w,i s_x (n/G) Q{ (G/n) Σ Q(ŵ) Q(x̂) } of arXiv:2205.06287, tile by tile, and the number of sums beyond the converters' last level.
fn reference(
    weight: &Array2<f64>,
    x: &Array2<f64>,
    n: usize,
    format: &Format,
) -> (Array2<f64>, usize) {
    let (rows, cols) = weight.dim();
    let mut y = Array2::zeros((rows, x.ncols()));
    let mut clipped = 0;
    for first in (0..cols).step_by(n) {
        let own = first..cols.min(first + n);
        for sample in 0..x.ncols() {
            let size = |most: f64, x: f64| x.abs().max(most);
            let s_x = bfloat16(own.clone().map(|j| x[[j, sample]]).fold(0.0, size));
            for i in 0..rows {
                let s_w = bfloat16(own.clone().map(|j| weight[[i, j]]).fold(0.0, size));
                if s_w == 0.0 || s_x == 0.0 {
                    continue;
                }
                let sum: f64 = own
                    .clone()
                    .map(|j| {
                        rounded(weight[[i, j]] / s_w, format.bits_w)
                            * rounded(x[[j, sample]] / s_x, format.bits_x)
                    })
                    .sum();
                let n = n as f64;
                let analog = format.gain / n * sum;
                let d = 1.0 / (2f64.powi(format.bits_y as i32 - 1) - 1.0);
                clipped += usize::from(analog.abs() > 1.0 + d / 2.0);
                y[[i, sample]] +=
                    s_w * s_x * n / format.gain * rounded(analog, Some(format.bits_y));
            }
        }
    }
    (y, clipped)
}

fn abfp(format: &Format) -> Hardware {
    let text = |bits: Option<u32>| bits.map_or("none".to_owned(), |bits| bits.to_string());
    hardware(&[
        ("numbers.format", "abfp"),
        ("numbers.weight_bits", &text(format.bits_w)),
        ("input.dac_bits", &text(format.bits_x)),
        ("readout.adc_bits", &format.bits_y.to_string()),
        ("numbers.gain", &format.gain.to_string()),
    ])
}

/// Tiles of odd size, so that no sum is half-way between two levels and rounding of meshes turns none over.
#[test]
fn blocks_on_crossbars_and_on_ideal_meshes_are_those_of_the_paper() {
    for (shape, n) in [((4, 15), 5), ((7, 9), 9), ((6, 11), 7), ((3, 5), 9)] {
        let weight = normals(shape, 0);
        let mut x = normals((shape.1, 40), 1);
        // A dark sample, and one that is dark in its first tile.
        x.column_mut(3).fill(0.0);
        x.slice_mut(ndarray::s![..n.min(shape.1), 4]).fill(0.0);
        for (bits_w, bits_x, bits_y, gain) in [
            (Some(4), Some(4), 4, 1.0),
            (Some(7), Some(10), 11, 1.86),
            (Some(6), None, 6, 4.0),
            (None, Some(5), 8, 8.0),
        ] {
            let format = Format {
                bits_w,
                bits_x,
                bits_y,
                gain,
            };
            let (wanted, _) = reference(&weight, &x, n, &format);
            let hardware = abfp(&format);
            let crossbar = program(&weight, Multiplier::Crossbar, n, Weights::Abfp(bits_w));
            let found = outputs(&crossbar, &hardware, &x);
            assert!(distance(&found, &wanted) < 1e-12, "{shape:?} {bits_w:?}");
            let mesh = program(&weight, Multiplier::default(), n, Weights::Abfp(bits_w));
            let found = outputs(&mesh, &hardware, &x);
            assert!(distance(&found, &wanted) < 1e-9, "{shape:?} {bits_w:?}");
        }
    }
}

/// Rows of complex weights have the scale of their largest modulus, and both parts the levels of a real one.
#[test]
fn blocks_of_complex_weights_round_both_parts_and_need_coherent_detectors() {
    let (re, im) = (normals((3, 10), 20), normals((3, 10), 21));
    let weight = Array2::from_shape_fn((3, 10), |at| Complex::new(re[at], im[at]));
    let network = Network::of_weight(Weight::Complex(weight.clone()), Readout::Real).unwrap();
    let layout = Layout {
        tile: Some(5),
        multiplier: Multiplier::Crossbar,
        weights: Weights::Abfp(Some(5)),
        ..Layout::default()
    };
    let blocks = compile(&network, layout).unwrap();
    let hardware = hardware(&[
        ("numbers.format", "abfp"),
        ("numbers.weight_bits", "5"),
        ("input.dac_bits", "6"),
        ("readout.adc_bits", "7"),
    ]);
    let x = normals((10, 20), 22);
    let mut wanted = Array2::zeros((3, 20));
    for first in [0, 5] {
        for ((row, sample), y) in wanted.indexed_iter_mut() {
            let own = || first..first + 5;
            let s_w = own().map(|j| weight[[row, j]].norm()).fold(0.0, f64::max);
            let s_x = own().map(|j| f64::abs(x[[j, sample]])).fold(0.0, f64::max);
            let (s_w, s_x) = (bfloat16(s_w), bfloat16(s_x));
            let products = own().map(|j| {
                rounded(re[[row, j]] / s_w, Some(5)) * rounded(x[[j, sample]] / s_x, Some(6))
            });
            *y += s_w * s_x * 5.0 * rounded(products.sum::<f64>() / 5.0, Some(7));
        }
    }
    assert!(distance(&outputs(&blocks, &hardware, &x), &wanted) < 1e-12);
    let network = Network::of_weight(Weight::Complex(weight), Readout::Intensity).unwrap();
    let layout = Layout {
        tile: None,
        ..layout
    };
    let blocks = compile(&network, layout).unwrap();
    let powers = hardware.with("readout.detection", "intensity").unwrap();
    let chip = powers.fabricate(Seed(0), 0);
    let error = Processor::<f64>::load(&blocks, chip, Correction::None, None).unwrap_err();
    assert!(matches!(error.root(), Error::Value { what, .. } if what == "numbers.format"));
}

/// 3 of 6 is 255.5 of 511 levels, and the larger size is taken, as everywhere.
#[test]
fn half_of_a_scale_is_a_half() {
    let weight = ndarray::arr2(&[[1.0, 1.0]]);
    let x = ndarray::arr2(&[[6.0 / 16.0, 14.0 / 16.0], [3.0 / 16.0, -7.0 / 16.0]]);
    let hardware = hardware(&[("numbers.format", "abfp"), ("input.dac_bits", "10")]);
    let program = program(&weight, Multiplier::Crossbar, 2, Weights::Abfp(None));
    let y = outputs(&program, &hardware, &x);
    let wanted = ndarray::arr2(&[[
        6.0 / 16.0 * (1.0 + 256.0 / 511.0),
        14.0 / 16.0 * (1.0 - 256.0 / 511.0),
    ]]);
    assert!(distance(&y, &wanted) < 1e-15);
}

/// With maxima of blocks that bfloat16 holds: each of n products errs by some 2⁻ᵇ of the largest one, their sum by n times that.
#[test]
fn blocks_of_many_bits_are_the_product_and_a_gain_of_one_never_clips() {
    let (mut weight, mut x) = (normals((6, 12), 2), normals((12, 50), 3));
    for first in [0, 4, 8] {
        weight.column_mut(first).fill(4.0);
        x.row_mut(first).fill(-6.0);
    }
    let exact = weight.dot(&x);
    for bits in [4, 8, 12, 24] {
        let format = Format {
            bits_w: Some(bits),
            bits_x: Some(bits),
            bits_y: bits,
            gain: 1.0,
        };
        let program = program(&weight, Multiplier::Crossbar, 4, Weights::Abfp(Some(bits)));
        let error = distance(&outputs(&program, &abfp(&format), &x), &exact);
        let limit = 3.0 * 4.0 * 4.0 * 6.0 * 3.0 * 2f64.powi(-(bits as i32));
        assert!(error < limit, "{bits} bits: {error} {limit}");
        assert_eq!(reference(&weight, &x, 4, &format).1, 0);
    }
}

/// Weights over one scale a tile: the levels k/7 of the largest one.
#[test]
fn fixed_weights_are_the_nearest_levels_on_meshes_and_crossbars() {
    let weight = normals((5, 8), 4);
    for multiplier in [
        Multiplier::Crossbar,
        Multiplier::default(),
        Multiplier::Meshes(Geometry::Reck),
    ] {
        let program = program(&weight, multiplier, 4, Weights::Fixed(4));
        for tile in program.maps().next().unwrap().tiles {
            let block = weight.slice(ndarray::s![
                tile.row..tile.row + tile.rows,
                tile.col..tile.col + tile.cols
            ]);
            let scale = block.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
            let matrix = tile.matrix();
            for ((row, col), w) in block.indexed_iter() {
                let level = rounded(w / scale, Some(4)) * scale;
                assert!((matrix[(row, col)].re - level).abs() < 1e-12 * 8.0);
            }
        }
        assert!((0.02..0.2).contains(&program.weight_error()));
    }
}

#[test]
fn a_program_file_keeps_how_its_weights_are_held() {
    let weight = normals((5, 8), 5);
    for multiplier in [Multiplier::Crossbar, Multiplier::default()] {
        for weights in [
            Weights::Fixed(3),
            Weights::Abfp(None),
            Weights::Abfp(Some(5)),
        ] {
            let program = program(&weight, multiplier, 4, weights);
            let mut bytes = Vec::new();
            program.write(&mut bytes).unwrap();
            let bundle = lightloom::io::safetensors::parse(&bytes).unwrap();
            assert_eq!(Program::from_bundle(bundle).unwrap(), program);
            let tiles = program.maps().map(|map| map.tiles.to_vec()).collect();
            let (network, layout) = (program.network().clone(), program.layout());
            let again = Program::from_tiles(network.clone(), layout, tiles);
            assert_eq!(again.unwrap(), program);
            if let Weights::Abfp(_) = weights {
                let mut tiles: Vec<Vec<_>> = program.maps().map(|map| map.tiles.to_vec()).collect();
                tiles[0][0].row_scales.as_mut().unwrap()[1] *= 2.0;
                let error = Program::from_tiles(network, layout, tiles).unwrap_err();
                assert!(matches!(error.root(), Error::Format { .. }));
            }
        }
    }
}

#[test]
fn hardware_takes_programs_with_its_own_weights_and_others_are_compiled_again() {
    let weight = normals((4, 4), 6);
    let exact = program(&weight, Multiplier::Crossbar, 4, Weights::Exact);
    let blocks = hardware(&[("numbers.format", "abfp"), ("numbers.weight_bits", "5")]);
    let load = |program: &Program, hardware: &Hardware| {
        let chip = hardware.fabricate(Seed(0), 0);
        Processor::<f64>::load(program, chip, Correction::None, None)
    };
    let error = load(&exact, &blocks).unwrap_err();
    assert!(matches!(error.root(), Error::Value { what, .. } if what == "numbers.format"));
    let held = compiled_for(&exact, &blocks).unwrap().unwrap();
    assert_eq!(held.layout().weights, Weights::Abfp(Some(5)));
    assert!(load(&held, &blocks).is_ok());
    assert_eq!(compiled_for(&held, &blocks).unwrap(), None);
    // What leaves weights as they are takes them as they are.
    for hardware in [
        Hardware::default(),
        hardware(&[("numbers.format", "fixed")]),
    ] {
        assert_eq!(compiled_for(&held, &hardware).unwrap(), None);
        assert!(load(&held, &hardware).is_ok());
    }
}

/// In front of a converter with far finer codes than the noise; 5 standard errors of 40 000 readings.
#[test]
fn noise_in_codes_has_its_standard_deviation_and_its_kurtosis() {
    let n = 20_000;
    let weight = Array2::from_shape_fn((2, 2), |(i, j)| if i == j { 1.0 } else { 0.25 });
    let x = Array2::from_shape_fn((2, n), |(j, _)| if j == 0 { 1.0 } else { -0.5 });
    for (kind, kurtosis, eighth) in [("normal", 3.0, 105.0), ("logistic", 4.2, 685.8)] {
        for format in ["float", "abfp"] {
            let hardware = hardware(&[
                ("numbers.format", format),
                ("numbers.noise", kind),
                ("numbers.noise_codes", "300"),
                ("readout.adc_bits", "16"),
                ("readout.adc_range", "100"),
            ]);
            let weights = match format {
                "abfp" => Weights::Abfp(None),
                _ => Weights::Exact,
            };
            let program = program(&weight, Multiplier::Crossbar, 2, weights);
            let y = outputs(&program, &hardware, &x);
            let clean = weight.dot(&x);
            // Full scale of blocks: 2 products; else the largest reading, which is 0.875.
            let (scale, steps) = (if format == "abfp" { 2.0 } else { 0.875 }, 32_767.0);
            let code = scale / steps;
            // Of the first row in blocks, of which no reading clips.
            let rows = if format == "abfp" { 0..2 } else { 1..2 };
            let draws: Vec<f64> = rows
                .flat_map(|row| (0..n).map(move |sample| [row, sample]))
                .map(|at| (y[at] - clean[at]) / code / 300.0)
                .collect();
            let count = draws.len() as f64;
            let moment = |p: i32| draws.iter().map(|x| x.powi(p)).sum::<f64>() / count;
            let se = 5.0 / count.sqrt();
            assert!(moment(1).abs() < se, "{kind} {format}");
            assert!((moment(2) - 1.0).abs() < se * f64::sqrt(kurtosis - 1.0));
            let spread = f64::sqrt(eighth - kurtosis * kurtosis);
            assert!(
                (moment(4) - kurtosis).abs() < se * spread,
                "{kind}: {}",
                moment(4)
            );
        }
    }
}

/// Sums that are counted by hand: with a gain of 4 in tiles of 4 the converters reach 1 product.
#[test]
fn clipped_readings_are_counted_and_signal_to_noise_is_that_of_the_outputs() {
    let weight = normals((3, 4), 7);
    let x = normals((4, 30), 8);
    for gain in [1.0, 4.0] {
        let format = Format {
            bits_w: Some(6),
            bits_x: Some(6),
            bits_y: 6,
            gain,
        };
        let program = program(&weight, Multiplier::Crossbar, 4, Weights::Abfp(Some(6)));
        let (found, clipped) = reference(&weight, &x, 4, &format);
        assert_eq!(clipped > 0, gain > 1.0);
        let input = Batch::Real(x.clone());
        let chip = abfp(&format).fabricate(Seed(0), 0);
        let processor = Processor::load(&program, chip, Correction::None, Some(&input)).unwrap();
        let digital = program.network().digital().unwrap();
        let quality = processor.qualities(input, 0, &digital).unwrap()[0];
        assert_eq!(quality.clipped, clipped as f64 / 90.0);
        assert_eq!(quality.clipped_inputs, 0.0);
        let power = |y: &Array2<f64>| y.iter().map(|y| y * y).sum::<f64>();
        let snr_db = 10.0 * (power(&weight.dot(&x)) / power(&(found - weight.dot(&x)))).log10();
        assert!((quality.snr_db.unwrap() - snr_db).abs() < 1e-9);
        assert!((quality.effective_bits.unwrap() - (snr_db - 1.76) / 6.02).abs() < 1e-9);
    }
}

/// A calibration batch with half of the amplitude: inputs beyond it are clipped.
#[test]
fn inputs_beyond_the_full_scale_of_their_modulators_are_counted() {
    let weight = normals((2, 2), 9);
    let program = program(&weight, Multiplier::Crossbar, 2, Weights::Exact);
    let x = ndarray::arr2(&[[1.0, 0.2, -0.9, 0.5], [0.1, -0.5, 0.3, 0.6]]);
    let calibration = Batch::Real(x.slice(ndarray::s![.., 1..2]).to_owned());
    let chip = hardware(&[("input.dac_bits", "8")]).fabricate(Seed(0), 0);
    let processor = Processor::load(&program, chip, Correction::None, Some(&calibration)).unwrap();
    let input = Batch::Real(x.clone());
    let digital = program.network().digital().unwrap();
    let quality = processor.qualities(input, 0, &digital).unwrap()[0];
    assert_eq!(quality.clipped_inputs, 3.0 / 8.0);
    assert_eq!(quality.clipped, 0.0);
}

/// What gain does: narrow tiles are ruined by it, wide ones need it.
#[test]
fn infer_compiles_again_says_what_clips_and_prints_what_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for name in ["network.toml", "digits.safetensors", "digits-test.npz"] {
        std::fs::copy(format!("{DEMO}/{name}"), folder.join(name)).unwrap();
    }
    let compile = [
        "compile",
        "network.toml",
        "--geometry",
        "crossbar",
        "--quiet",
        "-o",
    ];
    ok(folder, &[&compile[..], &["x.safetensors"]].concat());
    ok(
        folder,
        &[&compile[..], &["b.safetensors", "--weights", "abfp:6"]].concat(),
    );
    let keys = [
        "--set",
        "numbers.format=abfp",
        "--set",
        "numbers.weight_bits=6",
        "--set",
        "input.dac_bits=6",
        "--set",
        "readout.adc_bits=6",
        "--set",
        "numbers.gain=32",
    ];
    let infer = |program: &str| {
        let infer = [
            "infer",
            program,
            "--data",
            "digits-test.npz",
            "--trials",
            "1",
        ];
        let output = lightloom(folder, &[&infer[..], &keys].concat());
        assert!(output.status.success());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (table, said) = infer("x.safetensors");
    assert!(
        said.contains("compiled again with abfp:6 weights"),
        "{said}"
    );
    assert!(
        said.contains("a smaller numbers.gain clips fewer"),
        "{said}"
    );
    assert!(table.contains("effective bits"), "{table}");
    let (_, said) = infer("b.safetensors");
    assert!(!said.contains("compiled again"), "{said}");
    let inspect = ok(folder, &["inspect", "b.safetensors"]);
    assert!(inspect.contains("arrays of abfp:6 weights"), "{inspect}");
    // A matrix is loaded, not compiled.
    let matrix = ["matrix", "x.safetensors", "--layer", "0", "-o", "w.npy"];
    refused_at_work(folder, &[&matrix[..], &keys[..4]].concat());
}

/// Converters clip by noise, which no range mends, or by a range that is set too small.
#[test]
fn what_is_said_of_clipped_values_is_why_they_are_clipped() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let said = |settings: &[&str]| -> Vec<String> {
        let program = format!("{DEMO}/digits.program.safetensors");
        let data = format!("{DEMO}/digits-test.npz");
        let infer = ["infer", &*program, "--data", &*data, "--trials", "1"];
        let set: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
        let output = lightloom(folder, &[&infer[..], &set].concat());
        assert!(output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        let lines = text.lines().filter(|line| line.contains("converters clip"));
        lines.map(str::to_owned).collect()
    };
    let by_noise = |settings: &[&str]| {
        let said = said(settings);
        assert!(!said.is_empty(), "{settings:?}");
        for line in &said {
            assert!(line.contains("noise carries them there"), "{line}");
            assert!(!line.contains("clips fewer"), "{line}");
        }
        said
    };
    let noisy = by_noise(&[
        "readout.adc_bits=8",
        "readout.bandwidth_ghz=5",
        "readout.thermal_noise_pa_sqrt_hz=100000",
    ]);
    let end = ": noise carries them there, without it 0.0 % are clipped";
    assert!(noisy[0].ends_with(end), "{noisy:?}");
    by_noise(&["readout.adc_bits=4", "numbers.noise_codes=6"]);
    // Light that is lost leaves the noise.
    let lossy = by_noise(&[
        "readout.adc_bits=8",
        "readout.bandwidth_ghz=5",
        "mesh.insertion_loss_db=0.8",
    ]);
    assert!(
        lossy[0].contains(" dB of the light), without it"),
        "{lossy:?}"
    );
    // Ranges are set by values as they are; a converter of one bit makes full scale of all of them, and so does the floor of
    // modulators that hardly darken.
    for (coarse, key) in [
        ("input.dac_bits=1", "input.dac_bits = 1"),
        (
            "input.extinction_ratio_db=1",
            "input.extinction_ratio_db = 1",
        ),
    ] {
        let said = said(&["readout.adc_bits=8", coarse]);
        assert!(!said.is_empty(), "{coarse}");
        for line in said {
            assert!(line.contains("values are larger by"), "{line}");
            assert!(line.contains(key), "{line}");
        }
    }
    let low = said(&["readout.adc_bits=8", "readout.adc_range=80"]);
    assert!(!low.is_empty());
    for line in low {
        assert!(
            line.ends_with(": a larger readout.adc_range clips fewer"),
            "{line}"
        );
    }
}

#[test]
fn a_sweep_compiles_for_the_numbers_of_its_points() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for name in ["network.toml", "digits.safetensors", "digits-test.npz"] {
        std::fs::copy(format!("{DEMO}/{name}"), folder.join(name)).unwrap();
    }
    let experiment = "network = 'network.toml'\ndata = 'digits-test.npz'\nlimit = 200\ntrials = 1\n\
                      tile = 16\ngeometry = 'crossbar'\n[axes]\n\
                      'numbers.format' = ['float', 'fixed', 'abfp']\n'numbers.weight_bits' = [2, 4]\n";
    std::fs::write(folder.join("e.toml"), experiment).unwrap();
    ok(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    let rows = crate::sweep::rows(&folder.join("out"));
    let error = |format: &str, bits: u64| {
        let mut rows = rows.iter();
        let row =
            rows.find(|row| row["numbers.format"] == format && row["numbers.weight_bits"] == bits);
        row.unwrap()["layer.0.matrix_error"].as_f64().unwrap()
    };
    assert!(error("float", 2) < 1e-6);
    assert!(error("abfp", 4) < error("fixed", 4) && error("fixed", 4) < error("fixed", 2));
}
