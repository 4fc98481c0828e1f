//! Names and values of the activations.

use std::collections::HashSet;

use approx::assert_relative_eq;
use ndarray::{Array2, arr2};
use num_complex::Complex;

use super::*;
use crate::error::compare::{golden, value};
use crate::field::{Fields, Real};
use crate::nn::Batch;

/// One of each kind: its defaults, 0.1 for what has none.
pub(crate) fn all() -> Vec<Activation> {
    let one = |kind: &Kind| {
        let values = kind
            .parameters
            .iter()
            .map(|known| known.default.unwrap_or(0.1));
        (kind.build)(&mut values.map(|value| {
            if value.is_finite() {
                value
            } else {
                0.5 * value.signum()
            }
        }))
    };
    KINDS.iter().map(one).collect()
}

#[test]
fn every_kind_makes_itself_from_its_name_and_parameters() {
    let names: HashSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), KINDS.len());
    for (kind, activation) in KINDS.iter().zip(all()) {
        assert_eq!(activation.name(), kind.name);
        let json = serde_json::to_value(activation).unwrap();
        let written: HashSet<&str> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let parameters = kind.parameters.iter().map(|parameter| parameter.name);
        assert_eq!(written, parameters.chain(["kind"]).collect());
        activation.check().unwrap();
    }
}

#[test]
fn every_activation_survives_text_json_and_toml() {
    #[derive(Serialize, Deserialize)]
    struct File {
        activation: Activation,
    }
    for activation in all() {
        assert_eq!(
            activation.to_string().parse::<Activation>().unwrap(),
            activation
        );
        let json = serde_json::to_string(&activation).unwrap();
        assert!(
            json.contains(&format!("\"kind\":\"{}\"", activation.name())),
            "{json}"
        );
        assert_eq!(
            serde_json::from_str::<Activation>(&json).unwrap(),
            activation
        );
        let toml = toml::to_string(&File { activation }).unwrap();
        assert_eq!(
            toml::from_str::<File>(&toml).unwrap().activation,
            activation
        );
    }
}

#[test]
fn an_integer_parameter_and_a_plain_name_are_accepted() {
    let parse = |text: &str| serde_json::from_str::<Activation>(text).unwrap();
    assert_eq!(
        parse(r#""leaky-relu""#),
        Activation::LeakyRelu { slope: 0.01 }
    );
    assert_eq!(
        parse(r#"{"kind": "modrelu", "bias": -1}"#),
        Activation::Modrelu { bias: -1.0 }
    );
}

#[test]
fn a_wrong_activation_is_refused_in_a_sentence() {
    for text in [
        "swish",
        "rleu",
        "leaky-relu:slpoe=1",
        "modulus-softplus",
        "relu:slope=1",
        "leaky-relu:slope=x",
    ] {
        golden(text, text.parse::<Activation>().unwrap_err());
    }
    let error = "modulus-softplus:temperature=1.5".parse::<Activation>();
    assert_eq!(
        error.unwrap_err().refusal(),
        value("modulus-softplus: temperature", "1.5")
    );
    let json = r#"{"kind": "relu", "slop": 1}"#;
    golden(json, serde_json::from_str::<Activation>(json).unwrap_err());
}

fn real(activation: Activation, x: f64) -> f64 {
    let mut batch = Batch::Real(arr2(&[[x]]));
    activation.apply(&mut batch);
    match batch {
        Batch::Real(x) => x[[0, 0]],
        Batch::Complex(_) => panic!("real stays real"),
    }
}

fn complex(activation: Activation, re: f64, im: f64) -> Complex<f64> {
    let mut batch = Batch::Complex(Fields {
        re: arr2(&[[re]]),
        im: arr2(&[[im]]),
    });
    activation.apply(&mut batch);
    match batch {
        Batch::Complex(fields) => Complex::new(fields.re[[0, 0]], fields.im[[0, 0]]),
        Batch::Real(_) => panic!("complex stays complex"),
    }
}

/// Reference values to 16 digits: tanh 1, 1/(1 + 1/e), ln(1 + e), Φ(1), Φ(−2) from tables.
#[test]
fn real_activations_have_their_tabulated_values() {
    use Activation::*;
    for (activation, x, expected) in [
        (Relu, -2.0, 0.0),
        (Relu, 3.0, 3.0),
        (LeakyRelu { slope: 0.1 }, -2.0, -0.2),
        (LeakyRelu { slope: 0.1 }, 2.0, 2.0),
        (Tanh, 1.0, 0.761_594_155_955_764_9),
        (Sigmoid, 1.0, 0.731_058_578_630_004_9),
        (Sigmoid, -1000.0, 0.0),
        (Softplus, 1.0, 1.313_261_687_518_222_8),
        (Softplus, 1000.0, 1000.0),
        (Gelu, 1.0, 0.841_344_746_068_542_9),
        (Gelu, -2.0, -2.0 * 0.022_750_131_948_179_21),
        (GeluTanh, 1.0, 0.841_191_990_608_276_1),
        (Softmax, 7.0, 1.0),
        (LogSoftmax, 7.0, 0.0),
        (Identity, -7.0, -7.0),
    ] {
        assert_relative_eq!(real(activation, x), expected, max_relative = 1e-14);
    }
}

/// e^{ln 1} : e^{ln 3} = 1 : 3, whatever is added to both.
#[test]
fn softmax_acts_over_the_features_of_each_sample() {
    let x = arr2(&[[0.0, 1000.0], [3f64.ln(), 1000.0]]);
    let mut batch = Batch::Real(x.clone());
    Activation::Softmax.apply(&mut batch);
    let Batch::Real(p) = batch else { panic!() };
    for (got, expected) in p.iter().zip([0.25, 0.5, 0.75, 0.5]) {
        assert_relative_eq!(*got, expected, max_relative = 1e-15);
    }
    let mut batch = Batch::Real(x);
    Activation::LogSoftmax.apply(&mut batch);
    let Batch::Real(log) = batch else { panic!() };
    assert_relative_eq!(log[[1, 0]], 0.75f64.ln(), max_relative = 1e-14);
}

/// At T = ½, u₀ = 0 and f(u) = ½ [ln(1 + e^{2u}) − ln 2] = ½ [u + ln cosh u]; small amplitudes pass times T.
#[test]
fn modulus_softplus_keeps_the_phase_and_follows_its_closed_form() {
    let half = Activation::ModulusSoftplus { temperature: 0.5 };
    let z = complex(half, 0.6, -0.8);
    let f = 0.5 * (1.0 + 1f64.cosh().ln());
    assert_relative_eq!(z.re, 0.6 * f, max_relative = 1e-14);
    assert_relative_eq!(z.im, -0.8 * f, max_relative = 1e-14);
    let weak = Activation::ModulusSoftplus { temperature: 0.03 };
    assert_relative_eq!(complex(weak, 0.0, 1e-6).im, 0.03e-6, max_relative = 1e-5);
    // f(u) → u − u₀ + ½ ln(1 − T) for large u, with ln(1 + e^{−2u₀}) = −ln(1 − T).
    let shift = 0.5 * (1.0 / 0.03f64 - 1.0).ln() - 0.5 * 0.97f64.ln();
    assert_relative_eq!(
        complex(weak, 40.0, 0.0).re,
        40.0 - shift,
        max_relative = 1e-14
    );
    assert_eq!(complex(weak, 0.0, 0.0), Complex::from(0.0));
}

#[test]
fn modrelu_shortens_the_modulus_and_zrelu_keeps_one_quadrant() {
    let modrelu = Activation::Modrelu { bias: -2.5 };
    let z = complex(modrelu, -3.0, 4.0);
    assert_relative_eq!(z.re, -1.5, max_relative = 1e-15);
    assert_relative_eq!(z.im, 2.0, max_relative = 1e-15);
    assert_eq!(complex(modrelu, 1.0, -2.0), Complex::from(0.0));
    let open = Activation::Modrelu { bias: 1.0 };
    assert_eq!(complex(open, 0.0, 0.0), Complex::from(0.0));
    assert_eq!(complex(Activation::Zrelu, 1.0, 2.0), Complex::new(1.0, 2.0));
    for (re, im) in [(-1.0, 2.0), (1.0, -2.0), (-1.0, -2.0)] {
        assert_eq!(complex(Activation::Zrelu, re, im), Complex::from(0.0));
    }
}

/// Shen et al. 2017, eq. 1, read backwards: a chosen T_m gives the intensity that must produce it.
#[test]
fn saturable_absorber_solves_the_equation_of_shen() {
    for t0 in [1e-6, 0.03, 0.5, 0.99] {
        for share in [1e-9, 0.01, 0.5, 0.9, 0.999] {
            let tm: f64 = t0 + share * (1.0 - t0);
            let sigma_tau: f64 = 1.7;
            let intensity = 0.5 * (tm / t0).ln() / (1.0 - tm) / sigma_tau;
            let z = complex(
                Activation::SaturableAbsorber { sigma_tau, t0 },
                0.6 * intensity.sqrt(),
                0.8 * intensity.sqrt(),
            );
            assert_relative_eq!(z.norm_sqr(), tm * intensity, max_relative = 1e-10);
            assert_relative_eq!(z.im / z.re, 4.0 / 3.0, max_relative = 1e-12);
        }
    }
    assert_eq!(function::absorber_transmission(0.0, 0.2), 0.2);
    assert_relative_eq!(
        function::absorber_transmission(1e12, 0.2),
        1.0,
        max_relative = 1e-12
    );
}

/// Williamson et al. 2020: at φ_b = π weak light is blocked and g|z|² = π opens fully; at φ_b = 0 weak
/// light passes as i √(1 − α) z. Between, ψ = π/4 gives i √(1 − α) e^{−iπ/4} / √2 = √(1 − α) (1 + i)/2.
#[test]
fn electro_optic_activation_opens_with_power() {
    use std::f64::consts::PI;
    let gate = |g_rad, phi_b_rad| Activation::ElectroOptic {
        alpha: 0.19,
        g_rad,
        phi_b_rad,
    };
    assert!(complex(gate(0.05 * PI, PI), 1e-6, 0.0).norm() < 1e-16);
    let open = complex(gate(PI, PI), 0.6, 0.8);
    assert_relative_eq!(open.norm(), 0.9, max_relative = 1e-14);
    let weak = complex(gate(1.0, 0.0), 1e-6, 0.0);
    assert_relative_eq!(weak.im, 0.9e-6, max_relative = 1e-11);
    let quarter = complex(gate(0.25 * PI, 0.25 * PI), 1.0, 0.0);
    assert_relative_eq!(quarter.re, 0.45, max_relative = 1e-14);
    assert_relative_eq!(quarter.im, 0.45, max_relative = 1e-14);
}

#[test]
fn single_precision_agrees_with_double() {
    let re = arr2(&[[0.3, -1.2], [0.9, 2.0]]);
    let im = arr2(&[[-0.4, 0.1], [1.1, 0.5]]);
    for activation in all() {
        let (mut single, mut double) = if activation.is_complex() {
            let fields = Fields {
                re: re.mapv(|x| x as f32),
                im: im.mapv(|x| x as f32),
            };
            let exact = Fields {
                re: re.clone(),
                im: im.clone(),
            };
            (Batch::Complex(fields), Batch::Complex(exact))
        } else {
            (Batch::Real(re.mapv(|x| x as f32)), Batch::Real(re.clone()))
        };
        activation.apply(&mut single);
        activation.apply(&mut double);
        let parts = |batch: Batch<f64>| match batch {
            Batch::Real(x) => x.into_iter().collect::<Vec<_>>(),
            Batch::Complex(fields) => fields.re.into_iter().chain(fields.im).collect(),
        };
        let single = match single {
            Batch::Real(x) => Batch::Real(x.mapv(f64::from)),
            Batch::Complex(fields) => Batch::Complex(Fields {
                re: fields.re.mapv(f64::from),
                im: fields.im.mapv(f64::from),
            }),
        };
        for (a, b) in parts(single).into_iter().zip(parts(double)) {
            assert!((a - b).abs() < 1e-6, "{activation}: {a} against {b}");
        }
    }
}

/// Debian's PyTorch 1.13 wrote the file (`tests/cases/activations.py`): values, and slopes by `autograd`.
#[derive(Deserialize)]
struct Reference {
    x: Vec<f64>,
    kinds: BTreeMap<String, Curve>,
}

#[derive(Deserialize)]
struct Curve {
    y: Vec<f64>,
    slope: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../tests/cases/activations.json")).unwrap()
}

fn mapped<T: Real>(activation: Activation, x: &[f64]) -> Vec<T> {
    let x: Vec<T> = x.iter().map(|x| T::of(*x)).collect();
    let mut batch = Batch::Real(Array2::from_shape_vec((1, x.len()), x).unwrap());
    activation.apply(&mut batch);
    match batch {
        Batch::Real(y) => y.into_iter().collect(),
        Batch::Complex(_) => panic!("real stays real"),
    }
}

#[test]
fn every_real_function_has_the_values_and_slopes_of_pytorch() {
    let Reference { x, kinds } = reference();
    let mut seen = HashSet::new();
    for (name, curve) in kinds {
        let activation: Activation = name.parse().unwrap();
        seen.insert(activation.name());
        let double: Vec<f64> = mapped(activation, &x);
        let single: Vec<f32> = mapped(activation, &x);
        for (index, &x) in x.iter().enumerate() {
            let (y, slope) = (curve.y[index], curve.slope[index]);
            assert!(
                (double[index] - y).abs() <= 1e-15 + 1e-13 * y.abs(),
                "{name}({x}): {y}"
            );
            let single = f64::from(single[index]);
            let ulps = 4.0 * f64::from(f32::EPSILON) * y.abs();
            // PyTorch's 1 + erf is 0 where gelu is below 1e-300.
            assert!(
                (single - y).abs() <= 1e-15 + ulps,
                "{name}({x}) in f32: {single}, {y}"
            );
            // This PyTorch takes 1/6 in single precision for the slope of its hardsigmoid.
            let tolerance = if name == "hardsigmoid" {
                6e-9
            } else {
                1e-15 + 1e-13 * slope.abs()
            };
            let got = activation.slope(x).unwrap();
            assert!(
                (got - slope).abs() <= tolerance,
                "{name}'({x}): {got}, {slope}"
            );
        }
    }
    let with_slope = all()
        .into_iter()
        .filter(|activation| activation.slope(0.5).is_some());
    assert_eq!(
        seen,
        with_slope.map(|activation| activation.name()).collect()
    );
}

/// f'(x) = (f(x + h) − f(x − h)) / 2h + O(h²), away from kinks.
#[test]
fn slopes_are_central_differences() {
    const H: f64 = 1e-5;
    for activation in reference()
        .kinds
        .keys()
        .map(|name| name.parse::<Activation>().unwrap())
    {
        for step in -50..50 {
            // No kink lies within 0.03 of an odd multiple of 1/32 plus 1/100.
            let x = f64::from(2 * step + 1) / 16.0 + 0.01;
            let [low, high] = mapped::<f64>(activation, &[x - H, x + H])[..] else {
                panic!()
            };
            let difference = (high - low) / (2.0 * H);
            let slope = activation.slope(x).unwrap();
            assert!(
                (slope - difference).abs() < 1e-9,
                "{activation} at {x}: {slope}, {difference}"
            );
        }
    }
}

#[test]
fn no_function_and_no_slope_is_nan_far_from_zero() {
    for activation in all() {
        for x in [1e4, -1e4, 1e30, -1e30, 0.0, -0.0] {
            if activation.is_complex() {
                continue;
            }
            let (double, single) = (
                mapped::<f64>(activation, &[x]),
                mapped::<f32>(activation, &[x]),
            );
            assert!(
                double[0].is_finite() && single[0].is_finite(),
                "{activation}({x})"
            );
            let slope = activation.slope(x).unwrap_or_default();
            assert!(slope.is_finite(), "{activation}'({x})");
        }
    }
}

#[test]
fn bounds_may_be_left_out_one_by_one_and_must_not_cross() {
    for text in ["clip:min=0", "clip:max=1.5", "clip:min=-1,max=1"] {
        assert_eq!(text.parse::<Activation>().unwrap().to_string(), text);
    }
    for (text, refusal) in [
        ("clip", value("clip: max", "inf")),
        ("clip:min=2,max=1", value("clip: max", "1")),
        ("clip:min=inf", value("clip: min", "inf")),
        ("hardtanh:min_val=2", value("hardtanh: max_val", "1")),
        ("celu:alpha=0", value("celu: alpha", "0")),
    ] {
        let error = text.parse::<Activation>().unwrap_err();
        assert_eq!(error.refusal(), refusal, "{text}");
    }
}

#[test]
fn only_a_slip_of_the_finger_is_taken_for_another_function() {
    for word in [
        "rleu",
        "LeakyReLU",
        "hard_swish",
        "sigmod",
        "gelu_tanh",
        "ReLU6",
        // A number says which function; felu is as near to relu as to celu; prelu2 was no slip.
        "relu7",
        "felu",
        "quick-gelu",
        "glu2",
        "tanhshrink",
        "logsigmoid",
    ] {
        golden(word, word.parse::<Activation>().unwrap_err());
    }
}

/// The table of `docs/networks.md`; `LIGHTLOOM_WRITE_DOCS=1 cargo test --lib activation` writes it anew.
#[test]
fn the_page_shows_the_table() {
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/networks.md");
    let [start, end] = ["<!-- activations -->\n", "<!-- end of activations -->\n"];
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(start).unwrap();
    let (shown, after) = rest.split_once(end).unwrap();
    let table = table();
    if std::env::var_os("LIGHTLOOM_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, format!("{before}{start}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(shown, table);
    }
}

fn table() -> String {
    let mut table = "| name | function | parameters | in ONNX |\n|---|---|---|---|\n".to_owned();
    for complex in [false, true] {
        for kind in KINDS
            .iter()
            .filter(|kind| (kind.domain == Domain::Complex) == complex)
        {
            let parameters = kind.parameters.iter().map(|parameter| {
                let name = match parameter.default.filter(|default| default.is_finite()) {
                    // Sixths are no decimal numbers.
                    Some(default) if default == 1.0 / 6.0 => format!("`{}` (1/6)", parameter.name),
                    Some(default) => format!("`{}` ({default})", parameter.name),
                    None => format!("`{}`", parameter.name),
                };
                let words = parameter.words();
                format!("{name}: {}{}", words[..1].to_lowercase(), &words[1..])
            });
            let parameters: Vec<String> = parameters.collect();
            let onnx: Vec<String> = kind.onnx.iter().map(|form| format!("`{form}`")).collect();
            let cells = [kind.words(), &parameters.join("; "), &onnx.join(", ")]
                .map(|cell| cell.replace('|', "\\|"));
            table.push_str(&format!("| `{}` | {} |\n", kind.name, cells.join(" | ")));
        }
    }
    table
}

/// Central differences of |f(z)| along z; only functions that keep the phase have one.
#[test]
fn slopes_of_moduli_are_central_differences() {
    const STEP: f64 = 1e-5;
    let mut names = HashSet::new();
    for activation in all().into_iter().filter(Activation::is_complex) {
        for r in [1e-3, 0.2, 0.7, 1.3, 4.0] {
            let at = |r: f64| {
                let (re, im) = (arr2(&[[0.6 * r]]), arr2(&[[0.8 * r]]));
                let mut batch = Batch::Complex(Fields { re, im });
                activation.apply(&mut batch);
                let Batch::Complex(z) = batch else {
                    panic!("amplitudes stay amplitudes");
                };
                z.re[[0, 0]].hypot(z.im[[0, 0]])
            };
            let difference = (at(r + STEP) - at(r - STEP)) / (2.0 * STEP);
            if let Some(slope) = activation.modulus_slope(r) {
                names.insert(activation.name());
                let apart = (slope - difference).abs();
                assert!(apart < 1e-8, "{activation} {r}: {slope} {difference}");
            }
        }
    }
    let expected = ["modrelu", "modulus-softplus", "saturable-absorber"];
    assert_eq!(names, HashSet::from(expected));
}
