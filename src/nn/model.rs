//! The network as it was trained.

use ndarray::{Array1, Array2};
use num_complex::Complex;

use super::activation::{Activation, Domain};
use super::batch::{Batch, Readout};
use super::input::{Encoding, Input};
use super::normalization::Scale;
use crate::error::{Context, Error, Result};
use crate::field::Real;

/// A feed-forward network: input, layers, readout.
///
/// The loaders return only models that pass [`Model::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// How raw data enter.
    pub input: Input,
    /// The layers in the order in which signals meet them.
    pub layers: Vec<Layer>,
    /// How the last layer is read.
    pub readout: Readout,
}

/// One layer: `y = activation(weight · x + bias)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its name, for example `0` or `fc1`.
    pub name: String,
    /// `[out, in]`.
    pub weight: Weight,
    /// One number an output.
    pub bias: Option<Bias>,
    /// What follows.
    pub activation: Activation,
}

/// A weight matrix, `[out, in]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Weight {
    /// Real weights.
    Real(Array2<f64>),
    /// Complex weights.
    Complex(Array2<Complex<f64>>),
}

/// A bias vector, `[out]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Bias {
    /// Real biases.
    Real(Array1<f64>),
    /// Complex biases.
    Complex(Array1<Complex<f64>>),
}

impl Weight {
    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Real(w) => w.nrows(),
            Self::Complex(w) => w.nrows(),
        }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Real(w) => w.ncols(),
            Self::Complex(w) => w.ncols(),
        }
    }

    /// Whether the weights are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self, Self::Complex(_))
    }

    /// Whether all weights are 0.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Real(w) => w.iter().all(|value| *value == 0.0),
            Self::Complex(w) => w.iter().all(|value| *value == Complex::ZERO),
        }
    }

    /// The weights as complex numbers.
    pub fn to_complex(&self) -> Array2<Complex<f64>> {
        match self {
            Self::Real(w) => w.mapv(Complex::from),
            Self::Complex(w) => w.clone(),
        }
    }

    fn check_finite(&self) -> Result<()> {
        match self {
            Self::Real(w) => first_bad(w.indexed_iter().map(|(at, x)| (at, *x, 0.0))),
            Self::Complex(w) => first_bad(w.indexed_iter().map(|(at, z)| (at, z.re, z.im))),
        }
        .map_or(Ok(()), |((row, column), got)| {
            Err(not_finite("weight", format!("[{row}, {column}]"), got))
        })
    }

    /// Fails unless the squares of the largest weights are numbers, at precision `T` far from the smallest ones.
    pub(super) fn check_size<T: Real>(&self) -> Result<()> {
        let largest = match self {
            Self::Real(w) => w.iter().fold(0.0, |most, x| x.abs().max(most)),
            Self::Complex(w) => w.iter().fold(0.0, |most, z| z.norm().max(most)),
        };
        // Sums of many squares, too, and what trained weights have below their largest one.
        let reach = T::max_value().double().sqrt() / 1e4;
        if largest == 0.0 || (reach.recip()..=reach).contains(&largest) {
            return Ok(());
        }
        let limit = format!(
            "with the largest from {:.0e} to {reach:.0e} in {} precision, or all 0",
            reach.recip(),
            if size_of::<T>() == 4 {
                "single"
            } else {
                "double"
            }
        );
        Err(Error::value("weight", format!("{largest:e}"), limit))
    }
}

impl Bias {
    /// Number of outputs.
    pub fn len(&self) -> usize {
        match self {
            Self::Real(b) => b.len(),
            Self::Complex(b) => b.len(),
        }
    }

    /// Whether there are no outputs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the biases are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self, Self::Complex(_))
    }

    fn check_finite(&self) -> Result<()> {
        match self {
            Self::Real(b) => first_bad(b.indexed_iter().map(|(at, x)| (at, *x, 0.0))),
            Self::Complex(b) => first_bad(b.indexed_iter().map(|(at, z)| (at, z.re, z.im))),
        }
        .map_or(Ok(()), |(at, got)| {
            Err(not_finite("bias", format!("[{at}]"), got))
        })
    }
}

impl<T: Real> Batch<T> {
    /// Adds `bias`, one number a feature, to every sample.
    ///
    /// # Panics
    /// If there is not one number a feature, or a complex bias meets real signals ([`Model::check`]
    /// refuses both).
    pub fn add_bias(&mut self, bias: &Bias) {
        fn add<T: Real>(x: &mut Array2<T>, bias: impl Iterator<Item = f64>) {
            for (mut row, b) in x.rows_mut().into_iter().zip(bias) {
                let b = T::of(b);
                row.mapv_inplace(|value| value + b);
            }
        }
        assert_eq!(bias.len(), self.features(), "one bias a feature");
        match (self, bias) {
            (Self::Real(x), Bias::Real(b)) => add(x, b.iter().copied()),
            (Self::Complex(fields), Bias::Real(b)) => add(&mut fields.re, b.iter().copied()),
            (Self::Complex(fields), Bias::Complex(b)) => {
                add(&mut fields.re, b.iter().map(|z| z.re));
                add(&mut fields.im, b.iter().map(|z| z.im));
            }
            (Self::Real(_), Bias::Complex(_)) => panic!("a complex bias needs complex signals"),
        }
    }
}

fn first_bad<I>(mut values: impl Iterator<Item = (I, f64, f64)>) -> Option<(I, f64)> {
    values
        .find(|(_, re, im)| !(re.is_finite() && im.is_finite()))
        .map(|(at, re, im)| (at, if re.is_finite() { im } else { re }))
}

fn not_finite(what: &str, index: String, got: f64) -> Error {
    Error::NotFinite {
        what: what.to_owned(),
        index,
        got: got.to_string(),
    }
}

impl Layer {
    /// Number of multiply-accumulates that one sample costs, counted in the layer's own numbers.
    pub fn weights(&self) -> usize {
        self.weight.outputs() * self.weight.inputs()
    }

    /// Fails unless the layer is consistent in itself and accepts `inputs` signals, complex or not; returns
    /// whether its outputs are complex.
    fn check(&self, inputs: Option<usize>, complex: bool) -> Result<bool> {
        let shape = [self.weight.outputs(), self.weight.inputs()];
        if shape.contains(&0) {
            return Err(Error::shape(
                "weight",
                shape,
                "[out, in] with none of them 0",
            ));
        }
        if let Some(inputs) = inputs.filter(|&inputs| inputs != shape[1]) {
            return Err(Error::shape(
                "weight",
                shape,
                format!("[out, {inputs}], as the layer before it has {inputs} outputs"),
            ));
        }
        self.weight.check_finite()?;
        self.weight.check_size::<f64>()?;
        let complex = complex || self.weight.is_complex();
        if let Some(bias) = &self.bias {
            if bias.len() != shape[0] {
                let limit = format!("[{}], one number an output", shape[0]);
                return Err(Error::shape("bias", [bias.len()], limit));
            }
            bias.check_finite()?;
            if bias.is_complex() && !complex {
                return Err(Error::unsupported(
                    "bias",
                    "complex",
                    "the outputs of this layer are real, so its bias must be real",
                ));
            }
        }
        self.activation.check()?;
        let signals = match (complex, self.activation.domain()) {
            (true, Domain::Real) => "complex",
            (false, Domain::Complex) => "real",
            _ => return Ok(complex),
        };
        let allowed = Activation::names(complex).join(", ");
        Err(Error::unsupported(
            "activation",
            self.activation.name(),
            format!("the outputs of this layer are {signals}, so it must be one of {allowed}"),
        ))
    }
}

impl Model {
    /// A model of these parts.
    ///
    /// # Errors
    /// As [`Model::check`].
    pub fn new(input: Input, layers: Vec<Layer>, readout: Readout) -> Result<Self> {
        let model = Self {
            input,
            layers,
            readout,
        };
        model.check()?;
        Ok(model)
    }

    /// A network of one layer, `weight` alone: it takes numbers as they are, whatever their type, and its `readout` is all
    /// that follows.
    ///
    /// # Errors
    /// As [`Model::check`].
    pub fn of_weight(weight: Weight, readout: Readout) -> Result<Self> {
        let layer = Layer {
            name: "only".to_owned(),
            weight,
            bias: None,
            activation: Activation::Identity,
        };
        let input = Input {
            scale: Scale::Factor(1.0.into()),
            ..Input::default()
        };
        Self::new(input, vec![layer], readout)
    }

    /// Fails unless the model can be evaluated: at least one layer, shapes that chain, finite numbers, real
    /// activations on real signals and complex ones on complex signals.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::Value`] or [`Error::Unsupported`] within the layer's
    /// name; [`Error::Format`] for an empty network.
    pub fn check(&self) -> Result<()> {
        if self.layers.is_empty() {
            return Err(Error::format(
                "network",
                "has no layers: must have at least one",
            ));
        }
        self.input.check(self.features())?;
        let mut complex = self.input.encoding == Encoding::ComplexHalves;
        let mut inputs = None;
        for layer in &self.layers {
            complex = layer
                .check(inputs, complex)
                .within(format!("layer `{}`", layer.name))?;
            inputs = Some(layer.weight.outputs());
        }
        Ok(())
    }

    /// Raw features that a sample must have; 0 for an empty network.
    pub fn features(&self) -> usize {
        let first = self.layers.first();
        self.input
            .features(first.map_or(0, |layer| layer.weight.inputs()))
    }

    /// Number of outputs of the last layer, where there are classes one each; 0 for an empty network.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.weight.outputs())
    }

    /// Whether any signal inside is complex.
    pub fn is_complex(&self) -> bool {
        self.input.encoding == Encoding::ComplexHalves
            || self.layers.iter().any(|layer| layer.weight.is_complex())
    }

    /// Number of weights and biases; a complex one counts once.
    pub fn parameters(&self) -> usize {
        self.layers
            .iter()
            .map(|layer| layer.weights() + layer.bias.as_ref().map_or(0, Bias::len))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Fields;
    use ndarray::{arr1, arr2};

    fn layer(weight: Weight, bias: Option<Bias>, activation: Activation) -> Layer {
        let name = "fc".into();
        Layer {
            name,
            weight,
            bias,
            activation,
        }
    }

    fn real(rows: usize, cols: usize) -> Weight {
        Weight::Real(Array2::ones((rows, cols)))
    }

    fn error(layers: Vec<Layer>) -> String {
        Model::new(Input::default(), layers, Readout::Real)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused_in_a_sentence() {
        use Activation::*;
        assert_eq!(
            error(vec![]),
            "network: has no layers: must have at least one"
        );
        assert_eq!(
            error(vec![
                layer(real(3, 2), None, Relu),
                layer(real(2, 4), None, Identity)
            ]),
            "layer `fc`: weight has shape [2, 4]: must be [out, 3], as the layer before it has 3 outputs"
        );
        let nan = Weight::Real(arr2(&[[0.0, 1.0], [f64::NAN, 2.0]]));
        assert_eq!(
            error(vec![layer(nan, None, Relu)]),
            "layer `fc`: weight: element [1, 0] is NaN: must be finite"
        );
        for size in [1e-170, 1e170] {
            let extreme = Weight::Real(arr2(&[[0.0, size]]));
            let said = error(vec![layer(extreme, None, Relu)]);
            assert!(said.contains("with the largest from"), "{said}");
        }
        let tiny = Weight::Real(arr2(&[[0.0, 1e-40]]));
        let layers = vec![layer(tiny, None, Relu)];
        let model = Model::new(Input::default(), layers, Readout::Real).unwrap();
        assert!(model.prepare::<f64>().is_ok());
        let said = model.prepare::<f32>().unwrap_err().to_string();
        assert!(said.contains("in single precision"), "{said}");
        let bias = Some(Bias::Real(arr1(&[0.0, f64::INFINITY])));
        assert!(
            error(vec![layer(real(2, 1), bias.clone(), Relu)]).contains("bias: element [1] is inf")
        );
        assert!(
            error(vec![layer(real(3, 1), bias, Relu)]).contains("bias has shape [2]: must be [3]")
        );
        let bias = Some(Bias::Complex(arr1(&[Complex::new(0.0, 1.0)])));
        assert!(error(vec![layer(real(1, 1), bias, Identity)]).contains("bias: `complex`"));
        assert!(error(vec![layer(real(0, 2), None, Identity)]).contains("[0, 2]"));
        assert!(
            error(vec![layer(real(1, 1), None, Zrelu)]).contains("are real, so it must be one of")
        );
        let complex = Weight::Complex(arr2(&[[Complex::new(0.0, 1.0)]]));
        // A real weight on complex signals stays complex.
        let layers = vec![layer(complex, None, Zrelu), layer(real(1, 1), None, Relu)];
        assert!(error(layers).contains("are complex, so it must be one of"));
    }

    #[test]
    fn a_model_counts_its_features_classes_and_parameters() {
        let bias = Some(Bias::Real(Array1::zeros(5)));
        let layers = vec![layer(real(5, 4), bias, Activation::Identity)];
        let input = Input {
            encoding: Encoding::ComplexHalves,
            ..Input::default()
        };
        let model = Model::new(input, layers, Readout::Modulus).unwrap();
        assert_eq!(
            (model.features(), model.classes(), model.parameters()),
            (8, 5, 25)
        );
        assert!(model.is_complex());
    }

    #[test]
    fn a_bias_is_added_to_every_sample_of_its_feature() {
        let mut real = Batch::Real(arr2(&[[1.0, 2.0], [3.0, 4.0]]));
        real.add_bias(&Bias::Real(arr1(&[10.0, 20.0])));
        assert_eq!(real, Batch::Real(arr2(&[[11.0, 12.0], [23.0, 24.0]])));
        let mut complex = Batch::Complex(Fields {
            re: arr2(&[[3.0, -1.0]]),
            im: arr2(&[[4.0, 0.0]]),
        });
        complex.add_bias(&Bias::Complex(arr1(&[Complex::new(1.0, -4.0)])));
        let Batch::Complex(sum) = complex else {
            panic!()
        };
        assert_eq!(
            (sum.re, sum.im),
            (arr2(&[[4.0, 0.0]]), arr2(&[[0.0, -4.0]]))
        );
    }
}
