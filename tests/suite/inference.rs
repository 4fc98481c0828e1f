//! Noisy inference end to end: what a processor yields, against its formulas.

use lightloom::compile::{Layout, Program, compile};
use lightloom::experiment::{Experiment, Report};
use lightloom::hardware::{Hardware, Placed, Section};
use lightloom::mesh::Correction;
use lightloom::nn::{
    Activation, Batch, Bias, Encoding, Input, Layer, LinearId, Network, Readout, Samples, Scale,
    Weight,
};
use lightloom::processor::{Processor, Reading, detector_noise, full_scale_power_w};
use lightloom::rng::{Effect, Seed};
use lightloom::{Dataset, Error, Result};
use ndarray::{Array1, Array2, s};
use num_complex::Complex;

fn demo() -> (Program, Dataset) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let program = Program::load(format!("{folder}/digits.program.safetensors")).unwrap();
    let data = Dataset::load(format!("{folder}/digits-test.npz"), None, None).unwrap();
    (program, data)
}

fn hardware(settings: &[(&str, &str)]) -> Hardware {
    settings
        .iter()
        .fold(Hardware::default(), |hw, (key, value)| {
            hw.with(key, value).unwrap()
        })
}

fn run(program: &Program, data: &Dataset, hardware: Hardware, trials: usize) -> Result<Report> {
    let seed = Seed(4);
    Experiment {
        hardware,
        seed,
        trials,
        correction: Correction::None,
    }
    .run::<f32>(program, data, &())
}

/// One layer of `weight` that is read as it is, and a batch that drives every input with its own constant.
fn one_layer(weight: Weight, readout: Readout) -> Program {
    let network = Network::of_weight(weight, readout).unwrap();
    compile(&network, Layout::default()).unwrap()
}

fn constant_batch(amplitudes: &[f64], samples: usize) -> Batch<f64> {
    Batch::Real(Array2::from_shape_fn(
        (amplitudes.len(), samples),
        |(row, _)| amplitudes[row],
    ))
}

/// Logits of many shots of one batch, `[class, shot]`.
fn shots(program: &Program, hardware: &Hardware, batch: &Batch<f64>) -> Array2<f64> {
    let chip = hardware.fabricate(Seed(2), 0);
    let processor = Processor::load(program, chip, Correction::None, Some(batch)).unwrap();
    processor.forward(batch.clone(), 0).unwrap()
}

/// Fails unless each row has this mean and variance within five standard errors.
fn check_rows(logits: &Array2<f64>, means: &[f64], variances: &[f64]) {
    let n = logits.ncols() as f64;
    for (row, (mean, variance)) in logits.rows().into_iter().zip(means.iter().zip(variances)) {
        let got = row.sum() / n;
        let spread = row.mapv(|x| (x - mean).powi(2)).sum() / n;
        assert!(
            (got - mean).abs() < 5.0 * (variance / n).sqrt() + 1e-12,
            "mean {got}, expected {mean}"
        );
        assert!(
            (spread / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
            "variance {spread}, expected {variance}"
        );
    }
}

#[test]
fn same_seed_same_bits_on_any_thread_count() {
    let (program, data) = demo();
    let data = data.limit(300);
    let mut everything = Hardware::open("thermo-optic").unwrap();
    for (key, value) in [
        ("phase_shifter.crosstalk", "0.001"),
        ("phase_shifter.v_pi_error", "0.001"),
        ("phase_shifter.dac_bits", "14"),
        ("phase_shifter.offset_rad", "0.01"),
        ("phase_shifter.drift_rad_per_sqrt_s", "0.001"),
        ("phase_shifter.drift_time_s", "10"),
        ("mesh.insertion_loss_spread_db", "0.05"),
        ("mesh.arm_imbalance_db", "0.05"),
        ("input.extinction_ratio_db", "30"),
        ("input.rin_dbc_hz", "-145"),
        ("readout.thermal_noise_pa_sqrt_hz", "5"),
        ("readout.dark_current_na", "10"),
        ("readout.gain_spread", "0.01"),
    ] {
        everything = everything.with(key, value).unwrap();
    }
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let report = pool
            .install(|| run(&program, &data, everything.clone(), 5))
            .unwrap();
        (report.digital, report.ideal, report.noisy, report.layers)
    };
    let one = on(1);
    assert!(one.2.value().std > 0.0, "chips must differ");
    assert_eq!(one, on(2));
    assert_eq!(one, on(8));
}

#[test]
fn a_perfect_chip_agrees_with_digital_for_every_tile_size() {
    let (program, data) = demo();
    for tile in [None, Some(2), Some(5), Some(16), Some(64)] {
        let layout = Layout {
            tile,
            ..Layout::default()
        };
        let program = compile(program.network(), layout).unwrap();
        let report = run(&program, &data, Hardware::default(), 1).unwrap();
        assert_eq!(report.ideal.agreement, Some(1.0), "tile {tile:?}");
        assert_eq!(report.noisy.worth.agreement.unwrap().mean, 1.0);
        assert!(report.layers.iter().all(|layer| layer.matrix_error < 1e-5));
    }
}

/// Var = 2qR(P_lo + |a|²P_fs)B / (2R√(P_lo P_fs))², in units of the digital scale and the full-scale input.
#[test]
fn coherent_readings_have_the_variance_of_shot_and_thermal_noise() {
    let weight = Array2::from_diag(&Array1::from(vec![3.0, 1.5, 0.0]));
    let program = one_layer(Weight::Real(weight), Readout::Real);
    let hw = hardware(&[
        ("readout.bandwidth_ghz", "5"),
        ("readout.lo_power_mw", "0.01"),
        ("readout.thermal_noise_pa_sqrt_hz", "8"),
        ("readout.dark_current_na", "20"),
        ("readout.responsivity_a_w", "0.9"),
        ("input.facet_loss_db", "1.5"),
        ("input.laser_power_mw", "2"),
    ]);
    let inputs = [2.0, -1.0, 0.5];
    let logits = shots(&program, &hw, &constant_batch(&inputs, 40_000));
    let (q, b, r) = (1.602_176_634e-19, 5e9, 0.9);
    let (lo, fs) = (1e-5, 2e-3 / 3.0 * 10f64.powf(-0.3));
    let unit = 2.0 * r * f64::sqrt(lo * fs);
    let (scale, full_scale) = (3.0, 2.0);
    let variance = |a: f64| {
        let current = 2.0 * q * (r * (lo + a * a * fs) + 2.0 * 20e-9) * b + 64e-24 * b;
        current / unit.powi(2) * (scale * full_scale * 1.0f64).powi(2)
    };
    // Amplitudes behind the chip, relative to full scale: a_k x_k / 2 with a = w / s.
    let amplitudes = [1.0, 0.5 * -0.5, 0.0];
    check_rows(&logits, &[6.0, -1.5, 0.0], &amplitudes.map(variance));
}

/// The same law on faulty chips, whose fields have an imaginary part that homodyne does not see but whose shot noise it has:
/// where it can matter (weak local oscillator) it is computed for each reading, else it counts by its mean.
#[test]
fn the_unseen_quadrature_adds_its_shot_noise() {
    let weight = Array2::from_shape_fn((4, 4), |(i, j)| ((3 * i + 5 * j + 1) as f64).sin());
    let program = one_layer(Weight::Real(weight), Readout::Real);
    let inputs = [0.3, -1.0, 0.7, 0.5];
    let batch = constant_batch(&inputs, 40_000);
    for (lo_mw, shares) in [("0.0001", 0.2..1.0), ("1000", 0.0..0.01)] {
        let hw = hardware(&[
            ("coupler.splitting_error_rad", "0.2"),
            ("readout.bandwidth_ghz", "5"),
            ("readout.lo_power_mw", lo_mw),
        ]);
        let chip = hw.fabricate(Seed(2), 0);
        let processor =
            Processor::<f64>::load(&program, chip, Correction::None, Some(&batch)).unwrap();
        let matrix = processor.matrix(LinearId(0));
        let input = Array1::from(inputs.to_vec());
        let (re, im) = (matrix.re().dot(&input), matrix.im().dot(&input));
        let scale = program.tiles(LinearId(0))[0].scale;
        let (q, b) = (1.602_176_634e-19, 5e9);
        let (lo, fs) = (lo_mw.parse::<f64>().unwrap() * 1e-3, 1e-3 / 4.0);
        // Amplitudes relative to full scale, which the largest input, 1, sets.
        let variance = |re: f64, im: f64| {
            let power = (re * re + im * im) / scale.powi(2);
            2.0 * q * (lo + power * fs) * b / (4.0 * lo * fs) * scale.powi(2)
        };
        let pairs = || re.iter().zip(&im);
        let share = pairs().map(|(re, im)| 1.0 - variance(*re, 0.0) / variance(*re, *im));
        let largest = share.fold(0.0, f64::max);
        assert!(shares.contains(&largest), "{largest}");
        let means: Vec<f64> = re.iter().copied().collect();
        let variances: Vec<f64> = pairs().map(|(re, im)| variance(*re, *im)).collect();
        check_rows(&shots(&program, &hw, &batch), &means, &variances);
    }
}

/// A calibration batch of one-hot samples says little of a sample that lights all inputs: its im² is 64² times larger, and is
/// computed for it.
#[test]
fn the_unseen_quadrature_of_bright_samples_counts_whatever_the_calibration_batch() {
    let weight = Array2::from_elem((1, 16), 1.0);
    let program = one_layer(Weight::Real(weight), Readout::Real);
    let hw = hardware(&[
        ("phase_shifter.offset_rad", "0.3"),
        ("readout.bandwidth_ghz", "5"),
        ("readout.lo_power_mw", "0.001"),
    ]);
    let mut dim = [0.0; 16];
    dim[0] = 1.0;
    let chip = || hw.fabricate(Seed(6), 0);
    let bright = constant_batch(&[1.0; 16], 40_000);
    let shots = |calibration: &Batch<f64>| {
        let calibration = Some(calibration);
        let processor = Processor::load(&program, chip(), Correction::None, calibration).unwrap();
        processor.forward(bright.clone(), 0).unwrap()
    };
    // The same full scale, hence the same noise, to the bit.
    assert_eq!(shots(&constant_batch(&dim, 512)), shots(&bright));
}

/// A layer that was dark in calibration has no range: light in it is an error, not a reading without noise.
#[test]
fn light_where_the_calibration_batch_was_dark_is_refused() {
    let program = one_layer(Weight::Real(Array2::eye(2)), Readout::Real);
    let hw = hardware(&[("readout.bandwidth_ghz", "5")]);
    let chip = hw.fabricate(Seed(2), 0);
    let dark = constant_batch(&[0.0, 0.0], 4);
    let processor = Processor::load(&program, chip, Correction::None, Some(&dark)).unwrap();
    assert!(processor.forward(constant_batch(&[0.0, 0.0], 4), 0).is_ok());
    let error = processor.forward(constant_batch(&[0.5, 0.0], 4), 1);
    let Err(Error::Within { context, source }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(context, "layer `only`");
    let dark = "full scale of the calibration batch";
    assert!(matches!(*source, Error::Value { what, got, .. } if what == dark && got == "0"));
}

/// i = R P_fs |a|²; Var = 2q(R P_fs |a|² + I_d)B + i_n²B + (R P_fs |a|²)² RIN B.
#[test]
fn intensity_readings_have_the_variance_of_shot_thermal_and_laser_noise() {
    let weight = Array2::from_diag(&Array1::from(vec![
        Complex::new(2.0, 0.0),
        Complex::new(1.0, 0.0),
    ]));
    let program = one_layer(Weight::Complex(weight), Readout::Intensity);
    let hw = hardware(&[
        ("readout.detection", "intensity"),
        ("readout.bandwidth_ghz", "1"),
        ("readout.thermal_noise_pa_sqrt_hz", "3"),
        ("readout.dark_current_na", "50"),
        ("input.rin_dbc_hz", "-130"),
        ("input.laser_power_mw", "0.1"),
    ]);
    let logits = shots(&program, &hw, &constant_batch(&[1.0, 0.8], 60_000));
    let (q, b, fs, rin) = (1.602_176_634e-19, 1e9, 1e-4 / 2.0, 1e-13);
    let variance = |power: f64| {
        let i = fs * power;
        let current = 2.0 * q * (i + 50e-9) * b + 9e-24 * b + i * i * rin * b;
        current / (fs * fs) * 16.0 // (scale s = 2)⁴
    };
    // Powers behind the chip: (a x)² with a = 1, 1/2.
    check_rows(&logits, &[4.0, 0.64], &[1.0, 0.16].map(variance));
}

/// Both quadratures are read with half of the light each.
#[test]
fn complex_readings_have_noise_on_both_quadratures() {
    let weight = Array2::from_elem((1, 1), Complex::new(0.6, -0.8));
    let program = one_layer(Weight::Complex(weight), Readout::Intensity);
    let hw = hardware(&[
        ("readout.bandwidth_ghz", "5"),
        ("input.laser_power_mw", "0.01"),
    ]);
    let fs = full_scale_power_w(&hw, 1);
    let noise = detector_noise(&hw, Reading::Quadratures, fs);
    let variance = noise.constant + noise.slope;
    let n = 50_000;
    let logits = shots(&program, &hw, &constant_batch(&[1.0], n));
    // |z + n|² has mean |z|² + 2σ² and variance 4|z|²σ² + 4σ⁴.
    check_rows(
        &logits,
        &[1.0 + 2.0 * variance],
        &[4.0 * variance + 4.0 * variance.powi(2)],
    );
}

#[test]
fn converters_leave_their_number_of_levels() {
    let weight = Array2::from_elem((1, 1), 2.0);
    let program = one_layer(Weight::Real(weight), Readout::Real);
    let ramp = Batch::Real(Array2::from_shape_fn((1, 4001), |(_, k)| {
        k as f64 / 2000.0 - 1.0
    }));
    let levels = |settings: &[(&str, &str)]| {
        let logits = shots(&program, &hardware(settings), &ramp);
        let mut values: Vec<i64> = logits.iter().map(|x| (x * 1e9).round() as i64).collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    };
    assert_eq!(levels(&[("readout.adc_bits", "5")]), 31);
    assert_eq!(levels(&[("readout.adc_bits", "1")]), 2);
    assert_eq!(levels(&[("input.dac_bits", "1")]), 2);
    assert_eq!(levels(&[("input.dac_bits", "5")]), 31);
    // Half of the ramp, which goes to ±2, saturates a range that is its median, 1; 8 bits have steps of 1/127.
    let clipped = shots(
        &program,
        &hardware(&[("readout.adc_bits", "8"), ("readout.adc_range", "50")]),
        &ramp,
    );
    for (got, x) in clipped.iter().zip(-2000..=2000) {
        let read = (f64::from(x) / 1000.0).clamp(-1.0, 1.0);
        assert!((got - read).abs() < 0.5 / 127.0 + 1e-3, "{got} {read}");
    }
}

#[test]
fn shot_effects_that_are_off_change_no_bit() {
    let (program, data) = demo();
    let batch = program.network().encode::<f32>(&data.x, 0..64).unwrap();
    let logits = |hw: Hardware| {
        let chip = hw.fabricate(Seed(0), 0);
        let processor = Processor::load(&program, chip, Correction::None, Some(&batch)).unwrap();
        processor.forward(batch.clone(), 0).unwrap()
    };
    let ideal = logits(Hardware::default());
    // Without bandwidth, bits or extinction the rest of the readout has nothing to act on.
    let idle = hardware(&[
        ("readout.thermal_noise_pa_sqrt_hz", "10"),
        ("readout.dark_current_na", "10"),
        ("input.rin_dbc_hz", "-100"),
        ("input.facet_loss_db", "4"),
        ("readout.adc_range", "90"),
    ]);
    assert_eq!(ideal, logits(idle));
    // Fine converters approach it.
    let fine = logits(hardware(&[
        ("readout.adc_bits", "24"),
        ("input.dac_bits", "24"),
    ]));
    let far = ideal
        .iter()
        .zip(&fine)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(far > 0.0 && far < 1e-3, "{far}");
}

/// Every reading: an effect that is switched on but does nothing must not change what the others do.
#[test]
fn detector_gains_act_alike_with_and_without_shot_effects() {
    let z = Complex::new;
    let weight = Array2::from_shape_fn((3, 3), |(r, c)| z((r + 2 * c) as f64 - 2.0, r as f64));
    let real = one_layer(Weight::Real(weight.mapv(|z| z.re)), Readout::Real);
    let complex = one_layer(Weight::Complex(weight.clone()), Readout::Intensity);
    let batch = constant_batch(&[1.0, -0.5, 0.25], 4);
    for (program, detection) in [
        (&real, "coherent"),
        (&complex, "coherent"),
        (&complex, "intensity"),
    ] {
        let logits = |gain: &str, idle: bool| {
            let mut settings = vec![
                ("readout.gain_spread", gain),
                ("readout.detection", detection),
            ];
            if idle {
                settings.push(("input.extinction_ratio_db", "1000"));
            }
            shots(program, &hardware(&settings), &batch)
        };
        let (clean, shot) = (logits("0.3", false), logits("0.3", true));
        let far = clean
            .iter()
            .zip(&shot)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(far < 1e-12, "{detection}: {far}");
        let ideal = logits("0", false);
        let chip = hardware(&[("readout.gain_spread", "0.3")]).fabricate(Seed(2), 0);
        let at = Placed::MESH.section(Section::Detectors);
        let gains = chip.detector_gains(at, 6);
        let fields = weight.dot(&Array1::from(vec![1.0, -0.5, 0.25]).mapv(Complex::from));
        for row in 0..3 {
            let [of_re, of_im] = [gains[2 * row], gains[2 * row + 1]];
            assert!((of_re - 1.0).abs() > 1e-3 && (of_im - 1.0).abs() > 1e-3);
            let expected = match (detection, program.network().readout) {
                // Each quadrature has a gain of its own; their powers are added digitally.
                ("coherent", Readout::Intensity) => {
                    (of_re * fields[row].re).powi(2) + (of_im * fields[row].im).powi(2)
                }
                // A gain of a field or of a power: one factor.
                _ => of_re * ideal[[row, 0]],
            };
            let got = clean[[row, 0]];
            assert!(
                (got - expected).abs() < 1e-12,
                "{detection}: {got} {expected}"
            );
        }
    }
}

/// Every detector of a row has its own δ: both quadratures of a complex row turn by it, a real row reads Re(a e^{iδ}).
/// What is not compared with an oscillator has none.
#[test]
fn local_oscillators_turn_what_their_detectors_read() {
    let z = Complex::new;
    let weight = Array2::from_shape_fn((3, 3), |(r, c)| z((r + 2 * c) as f64 - 2.0, r as f64));
    let inputs = [1.0, -0.5, 0.25];
    let batch = constant_batch(&inputs, 2);
    let lit = weight.dot(&Array1::from(inputs.to_vec()).mapv(|x| z(x, 0.0)));
    let hw = hardware(&[
        ("readout.lo_phase_error_rad", "0.3"),
        ("readout.lo_phase_drift_rad_per_sqrt_s", "0.1"),
        ("phase_shifter.drift_time_s", "4"),
    ]);
    let at = Placed::MESH.section(Section::Detectors);
    let phases = hw.fabricate(Seed(2), 0).oscillator_phases(at, 3).unwrap();
    let complex = one_layer(Weight::Complex(weight.clone()), Readout::Real);
    let real = one_layer(Weight::Real(weight.mapv(|z| z.re)), Readout::Real);
    for shot in [false, true] {
        let hw = match shot {
            true => hw.with("input.extinction_ratio_db", "1000").unwrap(),
            false => hw.clone(),
        };
        let (of_complex, of_real) = (shots(&complex, &hw, &batch), shots(&real, &hw, &batch));
        for (row, phase) in phases.iter().enumerate() {
            let turned = lit[row] * Complex::from_polar(1.0, *phase);
            assert!((of_complex[[row, 0]] - turned.re).abs() < 1e-12);
            let cosine = lit[row].re * phase.cos();
            assert!((of_real[[row, 1]] - cosine).abs() < 1e-12);
        }
        // |z|² of a turned field is that of the field.
        let powers = one_layer(Weight::Complex(weight.clone()), Readout::Intensity);
        for (row, power) in shots(&powers, &hw, &batch).column(0).iter().enumerate() {
            assert!((power - lit[row].norm_sqr()).abs() < 1e-12);
        }
        let photodiodes = hw.with("readout.detection", "intensity").unwrap();
        let ideal = hardware(&[
            ("readout.detection", "intensity"),
            ("input.extinction_ratio_db", "1000"),
        ]);
        let (turned, plain) = (
            shots(&powers, &photodiodes, &batch),
            shots(&powers, &ideal, &batch),
        );
        assert!(
            turned
                .iter()
                .zip(&plain)
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
    }
    // Errors of what is read know them, errors of the matrix in front of the detectors do not.
    let load = |program| {
        Processor::<f64>::load(program, hw.fabricate(Seed(2), 0), Correction::None, None).unwrap()
    };
    for (program, least) in [(&complex, 0.1), (&real, 0.01)] {
        assert!(load(program).matrix_errors()[0] < 1e-12);
        assert!(load(program).read_errors()[0] > least);
    }
}

/// Tiles that are read together have converters of their own: the small one resolves what is a hundredth of the other.
#[test]
fn every_tile_has_converters_of_its_own_range() {
    let weight = Weight::Real(ndarray::arr2(&[[1.0, 0.0, 0.01, 0.0]]));
    let layer = Layer::new("only", weight, None, Activation::Identity);
    let input = Input {
        scale: Scale::Factor(1.0.into()),
        ..Input::default()
    };
    let network = Network::new(input, vec![layer], Readout::Real).unwrap();
    let layout = Layout {
        tile: Some(2),
        ..Layout::default()
    };
    let program = compile(&network, layout).unwrap();
    let ramp = Array2::from_shape_fn((4, 2001), |(row, k)| match (row, k) {
        (0, 0) => 1.0, // brings the large tile to its full scale
        (2, _) => k as f64 / 1000.0 - 1.0,
        _ => 0.0,
    });
    let logits = shots(
        &program,
        &hardware(&[("readout.adc_bits", "3")]),
        &Batch::Real(ramp),
    );
    let mut levels: Vec<i64> = logits
        .iter()
        .skip(1)
        .map(|x| (x * 1e9).round() as i64)
        .collect();
    levels.sort_unstable();
    levels.dedup();
    assert_eq!(levels.len(), 7);
    assert_eq!((levels[0], levels[6]), (-10_000_000, 10_000_000));
}

/// The full scale of a layer's modulators is the largest of its inputs on this chip without noise, not that of the network.
#[test]
fn full_scale_of_a_layer_is_set_on_the_noiseless_chip() {
    let layer = |name: &str, weights: &[f64]| {
        Layer::new(
            name,
            Weight::Real(Array1::from(weights.to_vec()).insert_axis(ndarray::Axis(0))),
            None,
            Activation::Identity,
        )
    };
    let input = Input {
        scale: Scale::Factor(1.0.into()),
        ..Input::default()
    };
    let layers = vec![layer("a", &[2.0, 1.0]), layer("b", &[1.0])];
    let network = Network::new(input, layers, Readout::Real).unwrap();
    let program = compile(&network, Layout::default()).unwrap();
    let hw = hardware(&[
        ("coupler.splitting_error_rad", "0.3"),
        ("input.dac_bits", "2"),
        ("readout.bandwidth_ghz", "1"),
    ]);
    let batch = constant_batch(&[0.7, 0.0], 40_000);
    let chip = hw.fabricate(Seed(2), 0);
    let processor = Processor::<f64>::load(&program, chip, Correction::None, Some(&batch)).unwrap();
    let [a, b] = [0, 1].map(|layer| processor.matrix(LinearId(layer)).re()[[0, 0]]);
    assert!(
        (a / 2.0 - 1.0).abs() > 0.01,
        "the chip must differ from the network: {a}"
    );
    // Of the three levels −1, 0, 1 all samples are at the largest.
    let logits = shots(&program, &hw, &batch);
    let mean = logits.mean().unwrap();
    assert!(
        (mean / (0.7 * a * b) - 1.0).abs() < 1e-3,
        "{mean} {}",
        0.7 * a * b
    );
}

#[test]
fn layers_that_are_not_detected_have_no_detector_gain() {
    let eye = || {
        Weight::Complex(Array2::from_diag(&Array1::from(vec![
            Complex::new(1.0, 0.0);
            3
        ])))
    };
    let layer = |name: &str| Layer::new(name, eye(), None, Activation::Identity);
    let input = Input {
        scale: Scale::Factor(1.0.into()),
        ..Input::default()
    };
    let network = Network::new(input, vec![layer("a"), layer("b")], Readout::Intensity).unwrap();
    let program = compile(&network, Layout::default()).unwrap();
    let batch = constant_batch(&[1.0, 0.5, 0.25], 2);
    let hw = hardware(&[
        ("readout.gain_spread", "0.2"),
        ("readout.detection", "intensity"),
    ]);
    let processor =
        Processor::<f64>::load(&program, hw.fabricate(Seed(2), 0), Correction::None, None).unwrap();
    assert!(processor.matrix_errors().iter().all(|error| *error < 1e-12));
    let logits = processor.forward(batch, 0).unwrap();
    // One gain, that of the last layer's detectors: a second one would be another factor.
    let mut at = Placed::MESH.section(Section::Detectors);
    at.site.bank = 1;
    let gains = hw.fabricate(Seed(2), 0).detector_gains(at, 6);
    for (row, x) in [1.0, 0.5, 0.25f64].into_iter().enumerate() {
        let gain = gains[2 * row];
        assert!((gain - 1.0).abs() > 1e-3, "{gain}");
        let ratio = logits[[row, 0]] / (x * x);
        assert!((ratio - gain).abs() < 1e-12, "{ratio} {gain}");
    }
}

/// ‖ΔW x‖_F / ‖W x‖_F by plain sums over the chip's matrix, of a real layer its real part; and for light in one input
/// alone, that column's error.
#[test]
fn the_error_on_data_is_that_of_the_products_with_the_data() {
    let mut stream = Seed(8).stream(Effect::Haar, 0, 0, 0);
    let mut draw = || Array2::from_shape_simple_fn((5, 7), || stream.standard_normal());
    let (re, im) = (draw(), draw());
    let complex = ndarray::Zip::from(&re)
        .and(&im)
        .map_collect(|re, im| Complex::new(*re, *im));
    let hw = hardware(&[("coupler.splitting_error_rad", "0.05")]);
    let one_input = Array2::from_shape_fn((7, 3), |(row, _)| f64::from(u8::from(row == 2)));
    let many = Array2::from_shape_fn((7, 4), |(row, sample)| ((row + 3 * sample) as f64).sin());
    for (weight, readout) in [
        (Weight::Real(re), Readout::Real),
        (Weight::Complex(complex), Readout::Intensity),
    ] {
        let program = one_layer(weight.clone(), readout);
        let network = program.network().digital::<f64>().unwrap();
        let chip = hw.fabricate(Seed(2), 0);
        let processor = Processor::<f64>::load(&program, chip, Correction::None, None).unwrap();
        let on_chip = processor.matrix(LinearId(0));
        let wanted = weight.to_complex();
        for x in [&one_input, &many] {
            let (mut error, mut norm) = (0.0, 0.0);
            for sample in 0..x.ncols() {
                for row in 0..5 {
                    let sum = |matrix: &dyn Fn(usize) -> Complex<f64>| -> Complex<f64> {
                        (0..7).map(|col| matrix(col) * x[[col, sample]]).sum()
                    };
                    let right = sum(&|col| wanted[[row, col]]);
                    let chip = sum(&|col| {
                        Complex::new(on_chip.re()[[row, col]], on_chip.im()[[row, col]])
                    });
                    let apart = chip - right;
                    norm += right.norm_sqr();
                    error += match readout {
                        Readout::Real => apart.re.powi(2),
                        _ => apart.norm_sqr(),
                    };
                }
            }
            let expected = f64::sqrt(error / norm);
            let signals = program.network().signals(Batch::Real(x.clone()), &network);
            let found = processor.weighted_errors(&signals.unwrap());
            assert!(
                (found[0] / expected - 1.0).abs() < 1e-12,
                "{found:?} {expected}"
            );
            assert!(expected > 0.01);
        }
    }
}

/// Loss in every form is made up for: what remains is the change of the matrix's shape.
#[test]
fn the_digital_scale_makes_up_for_loss_spread_and_imbalance() {
    let mut stream = Seed(6).stream(Effect::Haar, 0, 0, 0);
    let weight = Array2::from_shape_fn((24, 24), |_| stream.standard_normal());
    let program = one_layer(Weight::Real(weight), Readout::Real);
    for (settings, most) in [
        (vec![("mesh.insertion_loss_db", "0.2")], 0.1),
        (vec![("mesh.arm_imbalance_db", "0.05")], 0.05),
        (vec![("mesh.arm_imbalance_db", "0.2")], 0.2),
        (
            vec![
                ("mesh.insertion_loss_db", "0.01"),
                ("mesh.insertion_loss_spread_db", "0.2"),
            ],
            0.2,
        ),
    ] {
        let chip = hardware(&settings).fabricate(Seed(0), 0);
        let processor = Processor::<f64>::load(&program, chip, Correction::None, None).unwrap();
        let error = processor.matrix_errors()[0];
        assert!(error > 1e-4 && error < most, "{settings:?}: {error}");
        assert!(processor.losses_db()[0] > 0.5, "{settings:?}");
    }
}

#[test]
fn numbers_that_leave_their_range_are_refused_not_guessed() {
    let (program, data) = demo();
    let data = data.limit(20);
    for settings in [
        [
            ("input.facet_loss_db", "3000"),
            ("readout.bandwidth_ghz", "5"),
        ],
        [
            ("input.laser_power_mw", "1e-300"),
            ("readout.bandwidth_ghz", "5"),
        ],
        [
            ("readout.thermal_noise_pa_sqrt_hz", "1e300"),
            ("readout.bandwidth_ghz", "5"),
        ],
        [
            ("phase_shifter.drift_rad_per_sqrt_s", "1e300"),
            ("phase_shifter.drift_time_s", "1e300"),
        ],
    ] {
        let error = run(&program, &data, hardware(&settings), 1).unwrap_err();
        let is_not_finite = matches!(error.root(), Error::NotFinite { .. });
        assert!(is_not_finite, "{settings:?}: {error}");
    }
    let huge = Dataset::new(
        "huge",
        Samples::from(Array2::from_elem((2, 64), 1e300)),
        vec![0, 1],
    );
    let error = run(&program, &huge.unwrap(), Hardware::default(), 1).unwrap_err();
    let is_named = matches!(error.root(), Error::NotFinite { what, .. } if what == "encoded data");
    assert!(is_named, "{error}");
    let rin = hardware(&[("readout.bandwidth_ghz", "5")]).with("input.rin_dbc_hz", "0");
    let error = rin.unwrap_err();
    let is_named = matches!(error.root(), Error::Value { what, .. } if what == "input.rin_dbc_hz");
    assert!(is_named, "{error}");
}

/// Fails unless `error` is a number at `place` that is not finite.
fn assert_infinite(error: &Error, place: &str, settings: &[(&str, &str)]) {
    let is_there = matches!(error.root(), Error::NotFinite { what, .. } if what == place);
    assert!(is_there, "{settings:?}: {error}");
}

/// Digits of 10²⁰, whose squares single precision does not hold: with noise they are refused, by name, whether a converter
/// stands behind the detectors or not; without noise they are computed.
#[test]
fn no_converter_makes_numbers_of_infinities() {
    let (program, data) = demo();
    let data = data.limit(40);
    let raw = program.network().encode::<f64>(&data.x, 0..40).unwrap();
    fn outcome<T: lightloom::field::Real>(
        program: &Program,
        raw: &Batch<f64>,
        size: f64,
        settings: &[(&str, &str)],
    ) -> lightloom::Result<Array2<T>> {
        let Batch::Real(raw) = raw else {
            panic!("the demo is real")
        };
        let batch = Batch::Real(raw.mapv(|x| T::of(x * size)));
        let chip = hardware(settings).fabricate(Seed(2), 0);
        let processor = Processor::load(program, chip, Correction::None, Some(&batch)).unwrap();
        processor.forward(batch, 0)
    }
    let noise = ("readout.bandwidth_ghz", "5");
    let adc = ("readout.adc_bits", "8");
    let dac = ("input.dac_bits", "8");
    let extinction = ("input.extinction_ratio_db", "30");
    for settings in [
        &[noise][..],
        &[noise, adc],
        &[noise, dac],
        &[noise, adc, dac, extinction],
    ] {
        let single = outcome::<f32>(&program, &raw, 1e20, settings).map(|_| ());
        let double = outcome::<f64>(&program, &raw, 1e160, settings).map(|_| ());
        for error in [single.unwrap_err(), double.unwrap_err()] {
            assert_infinite(&error, "outputs of layer `0` on chip 0", settings);
        }
        assert!(outcome::<f32>(&program, &raw, 1e10, settings).is_ok());
    }
    for settings in [&[adc][..], &[adc, dac], &[adc, dac, extinction]] {
        assert!(outcome::<f32>(&program, &raw, 1e20, settings).is_ok());
    }
}

/// Sums beyond the range of the arithmetic, in front of converters, of modulators and of the last readout.
#[test]
fn sums_that_overflow_are_refused_wherever_they_would_be_hidden() {
    fn refused<T: lightloom::field::Real>(
        program: &Program,
        inputs: &[f64],
        settings: &[(&str, &str)],
        place: &str,
    ) {
        let batch = Array2::from_shape_fn((inputs.len(), 4), |(row, _)| T::of(inputs[row]));
        let chip = hardware(settings).fabricate(Seed(2), 0);
        let batch = Batch::Real(batch);
        let processor = Processor::load(program, chip, Correction::None, Some(&batch)).unwrap();
        assert_infinite(&processor.forward(batch, 0).unwrap_err(), place, settings);
    }
    let hadamard = || ndarray::arr2(&[[1.0, 1.0], [1.0, -1.0]]);
    let layer = |name: &str, bias: Option<f64>| {
        Layer::new(
            name,
            Weight::Real(hadamard()),
            bias.map(|bias| Bias::Real(Array1::from_elem(2, bias))),
            Activation::Identity,
        )
    };
    let network = |layers| {
        let input = Input {
            scale: Scale::Factor(1.0.into()),
            ..Input::default()
        };
        let network = Network::new(input, layers, Readout::Real).unwrap();
        compile(&network, Layout::default()).unwrap()
    };
    let settings: [&[(&str, &str)]; 4] = [
        &[("readout.adc_bits", "8")],
        &[("readout.adc_bits", "1")],
        &[("input.dac_bits", "8"), ("readout.adc_bits", "8")],
        &[
            ("input.extinction_ratio_db", "20"),
            ("readout.adc_bits", "8"),
        ],
    ];
    let [in_a, in_b] = [
        "outputs of layer `a` on chip 0",
        "outputs of layer `b` on chip 0",
    ];
    let sums = network(vec![layer("a", None)]);
    let single_bias = network(vec![layer("a", Some(3e38)), layer("b", None)]);
    let double_bias = network(vec![layer("a", Some(1.5e308)), layer("b", None)]);
    for settings in settings {
        refused::<f32>(&sums, &[3e38, 3e38], settings, in_a);
        refused::<f64>(&sums, &[1.6e308, 1.6e308], settings, in_a);
        refused::<f32>(&single_bias, &[1.5e38, 1.5e38], settings, in_b);
        refused::<f64>(&double_bias, &[8e307, 8e307], settings, in_b);
    }
    let last = network(vec![layer("a", Some(3e38))]);
    refused::<f32>(&last, &[1.5e38, 1.5e38], &[], "logits on chip 0");
    let square = one_layer(
        Weight::Complex(hadamard().mapv(Complex::from)),
        Readout::Intensity,
    );
    refused::<f32>(&square, &[1e20, 1e20], &[], "logits on chip 0");
}

#[test]
fn intensity_detection_is_refused_where_a_sign_is_needed() {
    let (program, _) = demo();
    let chip = hardware(&[("readout.detection", "intensity")]).fabricate(Seed(0), 0);
    let error = Processor::<f32>::load(&program, chip, Correction::None, None).unwrap_err();
    let is_named = matches!(
        error.root(),
        Error::Value { what, got, .. } if what == "readout.detection" && got == "intensity"
    );
    assert!(is_named, "{error}");
}

#[test]
fn a_chip_that_loses_all_light_is_refused() {
    let (program, _) = demo();
    for (key, value) in [
        ("mesh.insertion_loss_db", "50"),
        ("mesh.arm_imbalance_db", "400"),
    ] {
        let chip = hardware(&[(key, value)]).fabricate(Seed(0), 0);
        let error = Processor::<f32>::load(&program, chip, Correction::None, None).unwrap_err();
        let set = format!("{value} (");
        let is_named = matches!(
            error.root(),
            Error::Value { what, got, .. } if what == key && got.starts_with(&set)
        );
        assert!(is_named, "{error}");
    }
}

#[test]
fn complex_networks_pass_optical_activations_and_tiles() {
    let mut stream = Seed(8).stream(Effect::Haar, 0, 0, 0);
    let mut random = |rows, cols| {
        Weight::Complex(Array2::from_shape_fn((rows, cols), |_| {
            Complex::new(stream.standard_normal(), stream.standard_normal())
        }))
    };
    let layer = |name: &str, weight, activation| Layer::new(name, weight, None, activation);
    let activation = Activation::ModulusSoftplus { temperature: 0.03 };
    let layers = vec![
        layer("0", random(7, 6), activation),
        layer("2", random(4, 7), Activation::Identity),
    ];
    let input = Input {
        encoding: Encoding::ComplexHalves,
        ..Input::default()
    };
    let network = Network::new(input, layers, Readout::Intensity).unwrap();
    let raw = Array2::from_shape_fn((40, 12), |(i, j)| ((3 * i + 5 * j) as f64).sin());
    let samples = Samples::from(raw);
    let digital = network.forward::<f64>(&samples).unwrap();
    for (tile, detection) in [
        (None, "coherent"),
        (Some(3), "coherent"),
        (None, "intensity"),
    ] {
        let program = compile(
            &network,
            Layout {
                tile,
                ..Layout::default()
            },
        )
        .unwrap();
        let hw = hardware(&[("readout.detection", detection)]);
        let processor =
            Processor::<f64>::load(&program, hw.fabricate(Seed(0), 0), Correction::None, None)
                .unwrap();
        let batch = network.encode::<f64>(&samples, 0..40).unwrap();
        let chip = processor.forward(batch, 0).unwrap();
        for ((class, sample), got) in chip.indexed_iter() {
            let expected = digital[[sample, class]];
            assert!(
                (got - expected).abs() < 1e-10 * expected.abs().max(1.0),
                "tile {tile:?}"
            );
        }
    }
}

#[test]
fn a_program_survives_its_file_to_the_bit() {
    let (program, _) = demo();
    for layout in [
        Layout::default(),
        Layout {
            tile: Some(16),
            ..Layout::default()
        },
    ] {
        let program = compile(program.network(), layout).unwrap();
        let mut bytes = Vec::new();
        program.write(&mut bytes).unwrap();
        let bundle = lightloom::io::safetensors::parse(&bytes).unwrap();
        assert_eq!(Program::from_bundle(bundle).unwrap(), program);
    }
}

#[test]
fn the_program_of_the_demo_is_what_its_network_compiles_to() {
    let (stored, _) = demo();
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo/network.toml");
    let network = Network::load(network, Activation::Identity).unwrap();
    assert_eq!(stored.network(), &network);
    let fresh = compile(&network, stored.layout()).unwrap();
    for (a, b) in stored.maps().zip(fresh.maps()) {
        for (a, b) in a.tiles.iter().zip(b.tiles) {
            assert!((a.matrix() - b.matrix()).norm() < 1e-11);
        }
    }
}

/// `x.t().to_owned()` keeps the order of its memory: the natural way from `[sample, feature]` to a batch.
#[test]
fn batches_of_any_memory_layout_give_the_same_bits() {
    let (program, data) = demo();
    let encoded = program.network().encode::<f64>(&data.x, 0..64).unwrap();
    let Batch::Real(plain) = &encoded else {
        panic!("the demo is real")
    };
    let turned = plain.t().as_standard_layout().t().to_owned();
    assert!(!turned.is_standard_layout());
    let every_second = plain.slice(s![..;1, ..;-1]).slice(s![.., ..;-1]).to_owned();
    let hw = hardware(&[("input.dac_bits", "6"), ("readout.bandwidth_ghz", "1")]);
    let outputs = |batch: Array2<f64>| {
        let batch = Batch::Real(batch);
        let chip = hw.fabricate(Seed(2), 0);
        let processor = Processor::load(&program, chip, Correction::None, Some(&batch)).unwrap();
        processor.forward(batch, 0).unwrap()
    };
    let wanted = outputs(plain.clone());
    assert_eq!(outputs(turned), wanted);
    assert_eq!(outputs(every_second), wanted);

    let mesh = lightloom::mesh::Mesh::bar(lightloom::mesh::Geometry::Clements, 3).unwrap();
    let re = Array2::from_shape_fn((3, 5), |(mode, sample)| (mode * 5 + sample) as f64);
    let fields = |re: ndarray::ArrayView2<f64>| {
        let dark = Array2::zeros((3, 5));
        let mut fields = lightloom::Fields::new(re, dark.view()).unwrap();
        mesh.coefficients().walk(&mut fields);
        fields
    };
    let turned = re.t().as_standard_layout().t().to_owned();
    assert_eq!(fields(turned.view()), fields(re.view()));
    let apart = lightloom::Fields::new(re.view(), Array2::zeros((5, 3)).view());
    let error = apart.unwrap_err();
    assert!(matches!(error, Error::Shape { what, .. } if what == "imaginary parts"));
}

#[test]
fn hardware_whose_shots_differ_needs_a_calibration_batch() {
    let (program, _) = demo();
    let chip = hardware(&[("readout.adc_bits", "8")]).fabricate(Seed(2), 0);
    let error = Processor::<f64>::load(&program, chip, Correction::None, None).unwrap_err();
    let is_named =
        matches!(error.root(), Error::Format { what, .. } if what == "calibration batch");
    assert!(is_named, "{error}");
}
