//! A run of a network on a chip that remembers what its gradient needs.

use std::sync::Mutex;

use ndarray::{Array1, Array2, Axis};
use num_complex::Complex;

use crate::error::{Error, Result};
use crate::field::{Fields, Real};
use crate::nn::{At, Batch, Bias, LinearId, Linears, Readout};
use crate::processor::{MapGradient, Processor, TileGradient};

/// A batch on its way through a chain network on a chip: what every map was given and made of it.
///
/// ```
/// use lightloom::compile::{Layout, compile};
/// use lightloom::nn::{Activation, Batch, Input, Layer, Network, Readout, Weight};
/// use lightloom::train::Tape;
/// use lightloom::{Correction, Hardware, Processor, Seed};
/// use ndarray::arr2;
///
/// let layers = vec![
///     Layer::new("0", Weight::Real(arr2(&[[0.4, -0.3], [0.2, 0.5]])), None, Activation::Tanh),
///     Layer::new("1", Weight::Real(arr2(&[[1.0, -1.0]])), None, Activation::Identity),
/// ];
/// let network = Network::new(Input::default(), layers, Readout::Real)?;
/// let program = compile(&network, Layout::default())?;
/// let chip = Hardware::from_toml("coupler.splitting_error_rad = 0.05")?.fabricate(Seed(0), 0);
/// let processor = Processor::<f64>::load(&program, chip, Correction::None, None)?;
/// let batch = Batch::Real(arr2(&[[0.5, -1.0], [0.8, 0.1]]));
/// let (outputs, tape) = Tape::record(&processor, batch, 0)?;
/// // L = Σ y²: ∂L/∂y = 2 y.
/// let gradient = tape.gradient(&(2.0 * &outputs));
/// assert_eq!(gradient.layers[0].map.weight.re().dim(), (2, 2));
/// let tiles = processor.tile_gradients(tape.maps()[0], &gradient.layers[0].map.weight);
/// # assert_eq!(tiles.len(), 1);
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug)]
pub struct Tape<'a, T> {
    processor: &'a Processor<T>,
    products: Vec<Product<T>>,
    /// What the outputs were read of.
    last: Batch<T>,
}

/// What a map was given and made of it, behind the bias.
#[derive(Debug)]
pub(super) struct Product<T> {
    pub(super) id: LinearId,
    at: At,
    pub(super) inputs: Batch<T>,
    biased: Batch<T>,
}

/// The derivatives of a real loss; by a complex number z ∂L/∂Re z + i ∂L/∂Im z.
#[derive(Debug, Clone)]
pub struct NetworkGradient<T> {
    /// By the encoded batch, `[signal, sample]`.
    pub inputs: Batch<T>,
    /// By what each layer is made of.
    pub layers: Vec<LayerGradient<T>>,
}

/// The derivatives of a real loss by what a layer is made of.
#[derive(Debug, Clone)]
pub struct LayerGradient<T> {
    /// By its inputs, its matrix on the chip and the digital scales of its tiles.
    pub map: MapGradient<T>,
    /// By its bias, where it has one, of the same kind.
    pub bias: Option<Bias>,
}

/// Notes every product of a run.
struct Recorder<'a, T> {
    processor: &'a Processor<T>,
    products: Mutex<Vec<Product<T>>>,
    last: Mutex<Option<Batch<T>>>,
}

impl<T: Real> Linears<T> for Recorder<'_, T> {
    fn multiply(&self, id: LinearId, columns: Batch<T>, at: At) -> Result<Batch<T>> {
        let product = self.processor.multiply(id, columns.clone(), at)?;
        self.products
            .lock()
            .expect("no product panicked")
            .push(Product {
                id,
                at,
                inputs: columns,
                biased: product.clone(),
            });
        Ok(product)
    }

    fn read(&self, readout: Readout, signals: Batch<T>) -> Array2<T> {
        *self.last.lock().expect("no product panicked") = Some(signals.clone());
        self.processor.read(readout, signals)
    }
}

impl<'a, T: Real> Tape<'a, T> {
    /// Sends the encoded `batch`, which is block number `block` of the data, through the processor's network: its outputs,
    /// `[output, sample]`, and the tape.
    ///
    /// # Errors
    /// Those of [`Processor::forward`]; [`Error::Unsupported`] if the network is a graph: PyTorch differentiates those.
    pub fn record(
        processor: &'a Processor<T>,
        batch: Batch<T>,
        block: u64,
    ) -> Result<(Array2<T>, Self)> {
        let network = processor.program().network();
        if network.layers().is_empty() {
            let limit = "it must be a chain of dense layers";
            return Err(Error::unsupported("training", "graph", limit));
        }
        let recorder = Recorder {
            processor,
            products: Mutex::default(),
            last: Mutex::new(None),
        };
        let outputs = Batch::Real(network.run(batch, &recorder, block)?);
        outputs.check_finite("outputs on the chip")?;
        let Batch::Real(outputs) = outputs else {
            unreachable!("outputs are real")
        };
        let mut products = recorder.products.into_inner().expect("no product panicked");
        for (product, layer) in products.iter_mut().zip(network.layers()) {
            if let Some(bias) = &layer.bias {
                product.biased.add_bias(bias);
            }
        }
        let last = recorder.last.into_inner().expect("no product panicked");
        let tape = Self {
            processor,
            products,
            last: last.expect("a run reads its outputs"),
        };
        Ok((outputs, tape))
    }

    /// The maps of the layers, in their order.
    pub fn maps(&self) -> Vec<LinearId> {
        self.products.iter().map(|product| product.id).collect()
    }

    /// The gradient of a real loss, from that by the outputs, `[output, sample]`, on the same chip with the same noise of
    /// every shot: what [`Processor::map_gradient`] says of each map, through biases and activations.
    ///
    /// # Panics
    /// If `by_outputs` has another shape than the outputs.
    pub fn gradient(&self, by_outputs: &Array2<T>) -> NetworkGradient<T> {
        self.computed(by_outputs, |_, by_inputs, _| by_inputs.clone())
    }

    /// What takes the place of the [gradient](Self::gradient) where the slopes by the outputs of the last layer, in front of
    /// its activation, go to every layer in front of it directly: by `feedback`, `[output of that layer, output of the last]`,
    /// of which a real layer reads the real part.
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient); if there is not one matrix of its shape for every layer but the last.
    pub fn gradient_by_feedback(
        &self,
        by_outputs: &Array2<T>,
        feedback: &[Fields<f64>],
    ) -> NetworkGradient<T> {
        let hidden = self.products.len() - 1;
        assert_eq!(feedback.len(), hidden, "one a hidden layer");
        self.computed(by_outputs, |layer, _, by_last| {
            sent(&feedback[layer], by_last)
        })
    }

    fn computed(
        &self,
        by_outputs: &Array2<T>,
        by_signals: impl Fn(usize, &Batch<T>, &Batch<T>) -> Batch<T>,
    ) -> NetworkGradient<T> {
        let by_map = |product: &Product<T>, by: &Batch<T>| {
            let Product { id, inputs, at, .. } = product;
            Ok(self.processor.map_gradient(*id, inputs, by, *at))
        };
        let gradient = self.pull_back(by_outputs, by_signals, by_map);
        gradient.expect("nothing is measured")
    }

    /// The gradient. `by_signals` says what the slopes by the outputs of a layer are behind its activation: from the number of
    /// the layer, those by the inputs of the layer behind it, and those in front of the last activation. `by_map` says what
    /// those by a map are, from those by its product.
    ///
    /// # Errors
    /// Those of `by_map`.
    pub(super) fn pull_back(
        &self,
        by_outputs: &Array2<T>,
        by_signals: impl Fn(usize, &Batch<T>, &Batch<T>) -> Batch<T>,
        mut by_map: impl FnMut(&Product<T>, &Batch<T>) -> Result<MapGradient<T>>,
    ) -> Result<NetworkGradient<T>> {
        let network = self.processor.program().network();
        let mut by = self
            .processor
            .readout_gradient(network.readout, &self.last, by_outputs);
        let mut by_last = None;
        let mut layers = Vec::new();
        let products = self.products.iter().zip(network.layers()).enumerate();
        for (index, (product, layer)) in products.rev() {
            if let Some(by_last) = &by_last {
                by = by_signals(index, &by, by_last);
            }
            by = layer.activation.pull_back(&product.biased, by);
            let bias = layer.bias.as_ref().map(|bias| by_bias(bias, &by));
            let map = by_map(product, &by)?;
            by_last.get_or_insert(by);
            by = map.inputs.clone();
            layers.push(LayerGradient { map, bias });
        }
        layers.reverse();
        Ok(NetworkGradient { inputs: by, layers })
    }

    /// The gradients by what the tiles of every layer are programmed to: see [`Processor::tile_gradients`].
    pub fn tile_gradients(&self, gradient: &NetworkGradient<T>) -> Vec<Vec<TileGradient>> {
        let layers = self.products.iter().zip(&gradient.layers);
        let tiles = layers
            .map(|(product, layer)| self.processor.tile_gradients(product.id, &layer.map.weight));
        tiles.collect()
    }
}

/// What `matrix` makes of `signals`; of real ones the real part.
fn sent<T: Real>(matrix: &Fields<f64>, signals: &Batch<T>) -> Batch<T> {
    let [re, im] = [&matrix.re, &matrix.im].map(|part| part.mapv(T::of));
    match signals {
        Batch::Real(x) => Batch::Real(re.dot(x)),
        Batch::Complex(x) => Batch::Complex(Fields {
            re: re.dot(&x.re) - im.dot(&x.im),
            im: im.dot(&x.re) + re.dot(&x.im),
        }),
    }
}

/// The gradient by a bias of the kind of `bias`: the sums over samples.
fn by_bias<T: Real>(bias: &Bias, by: &Batch<T>) -> Bias {
    let sums = |part: &Array2<T>| -> Array1<f64> {
        part.map_axis(Axis(1), |row| row.iter().map(|x| x.double()).sum())
    };
    match (bias, by) {
        (Bias::Real(_), Batch::Real(x)) => Bias::Real(sums(x)),
        (Bias::Real(_), Batch::Complex(Fields { re, .. })) => Bias::Real(sums(re)),
        (Bias::Complex(_), Batch::Complex(Fields { re, im })) => {
            let (re, im) = (sums(re), sums(im));
            let pairs = re.iter().zip(&im);
            Bias::Complex(pairs.map(|(re, im)| Complex::new(*re, *im)).collect())
        }
        (Bias::Complex(_), Batch::Real(_)) => panic!("a complex bias needs complex signals"),
    }
}

#[cfg(test)]
mod tests;
