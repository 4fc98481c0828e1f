//! A program while it is trained: which of its numbers change, and how it is made of them again.

use std::fmt;
use std::str::FromStr;

use ndarray::Array2;
use num_complex::Complex;

use super::NetworkGradient;
use crate::compile::{Array, Layout, Meshes, Program, Tile, compile};
use crate::error::{Error, Result};
use crate::field::Real;
use crate::linalg::Matrix;
use crate::mesh::{Mesh, Phases};
use crate::nn::{Bias, Layer, LinearId, Network, Weight};
use crate::processor::TileGradient;

/// What stands for the products of a network while it is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parameters {
    /// The network's weights, compiled anew as they change: the gradient by a weight is that by the same entry of the chip's
    /// matrix, straight through programming.
    #[default]
    Weights,
    /// The phases that heaters are asked for, and the digital scale of every tile.
    Phases,
}

impl Parameters {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Weights, Self::Phases];

    /// Its name: `weights` or `phases`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Phases => "phases",
        }
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Parameters {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| Error::unknown("parameters", text, &Self::ALL.map(Self::name)))
    }
}

/// Which of its parameters are trained; biases of the layers in question always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrainedPart {
    /// All of them.
    #[default]
    Everything,
    /// Of every tile the attenuators, which hold its singular values, and the digital scale. Gu et al., NeurIPS 2021
    /// (arXiv:2110.14807).
    SingularValues,
    /// Nothing on the chip: biases and the digital scales of tiles.
    Digital,
    /// Those of the last layer.
    LastLayer,
}

/// Some of the numbers that a program is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// The weights of a layer, row by row; of complex ones all real parts, then all imaginary parts.
    Weight(usize),
    /// The phases of both meshes of a tile and of the attenuators between them, rad, in the order of light.
    Phases(usize, usize),
    /// The phases of the attenuators of a tile, rad.
    Attenuators(usize, usize),
    /// ln of the digital scale of a tile: a step changes it in proportion.
    Scale(usize, usize),
    /// The biases of a layer; of complex ones all real parts, then all imaginary parts.
    Bias(usize),
}

/// A program while it is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Trainable {
    program: Program,
    parameters: Parameters,
    slots: Vec<Slot>,
    /// The network with the newest weights and biases; where phases are trained its weights are those of the beginning.
    network: Network,
}

impl Trainable {
    /// `program` while this `part` of its `parameters` is trained.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if its network is a graph, or phases are to be trained of crossbars or of weights of few bits;
    /// [`Error::Value`] if weights stand for its products where a part of its tiles is trained.
    pub fn new(program: &Program, parameters: Parameters, part: TrainedPart) -> Result<Self> {
        let network = program.network();
        let layers = network.layers().len();
        if layers == 0 {
            let limit = "it must be a chain of dense layers: lightloom.torch trains graphs";
            return Err(Error::unsupported("training", "graph", limit));
        }
        let weights = program.layout().weights;
        if parameters == Parameters::Phases && !weights.is_exact() {
            let limit = "exact weights where phases are trained: compile without --weights";
            return Err(Error::unsupported(
                "weights of the program",
                weights.to_string(),
                limit,
            ));
        }
        let is_part = matches!(part, TrainedPart::SingularValues | TrainedPart::Digital);
        if is_part && parameters == Parameters::Weights {
            let limit = "phases where scales of tiles are learnt";
            return Err(Error::value("parameters", parameters, limit));
        }
        let mut slots = Vec::new();
        for (layer, of_layer) in network.layers().iter().enumerate() {
            if part == TrainedPart::LastLayer && layer + 1 < layers {
                continue;
            }
            match parameters {
                Parameters::Weights => slots.push(Slot::Weight(layer)),
                Parameters::Phases => {
                    for (number, tile) in program.tiles(LinearId(layer)).iter().enumerate() {
                        match part {
                            TrainedPart::Everything | TrainedPart::LastLayer => {
                                tile.as_meshes()?;
                                slots.push(Slot::Phases(layer, number));
                            }
                            TrainedPart::SingularValues => {
                                tile.as_meshes()?;
                                slots.push(Slot::Attenuators(layer, number));
                            }
                            TrainedPart::Digital => {}
                        }
                        if tile.scale > 0.0 {
                            slots.push(Slot::Scale(layer, number));
                        }
                    }
                }
            }
            if of_layer.bias.is_some() {
                slots.push(Slot::Bias(layer));
            }
        }
        Ok(Self {
            network: network.clone(),
            program: program.clone(),
            parameters,
            slots,
        })
    }

    /// What chips are asked for.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What stands for its products.
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Number of phase shifters that a step writes: all of them where weights are compiled anew.
    pub fn written(&self) -> usize {
        let tile = |layer: usize, tile: usize| &self.program.tiles(LinearId(layer))[tile];
        let of = |slot: &Slot| match slot {
            Slot::Weight(layer) => {
                let tiles = self.program.tiles(LinearId(*layer));
                tiles.iter().map(Tile::phase_shifters).sum()
            }
            Slot::Phases(layer, number) => tile(*layer, *number).phase_shifters(),
            Slot::Attenuators(layer, number) => meshes(tile(*layer, *number)).attenuators.len(),
            Slot::Scale(..) | Slot::Bias(_) => 0,
        };
        self.slots.iter().map(of).sum()
    }

    /// Everything that it part, in one order.
    pub fn values(&self) -> Vec<f64> {
        let tile = |layer: usize, tile: usize| &self.program.tiles(LinearId(layer))[tile];
        let mut values = Vec::new();
        for slot in &self.slots {
            match *slot {
                Slot::Weight(layer) => values.extend(flat_weight(self.weight(layer))),
                Slot::Phases(layer, number) => {
                    let meshes = meshes(tile(layer, number));
                    values.extend(meshes.input.phases().flat());
                    values.extend(&meshes.attenuators);
                    values.extend(meshes.output.phases().flat());
                }
                Slot::Attenuators(layer, number) => {
                    values.extend(&meshes(tile(layer, number)).attenuators);
                }
                Slot::Scale(layer, number) => values.push(tile(layer, number).scale.ln()),
                Slot::Bias(layer) => values.extend(flat_bias(self.bias(layer))),
            }
        }
        values
    }

    fn weight(&self, layer: usize) -> &Weight {
        match &self.network.layers()[layer].linear.groups[..] {
            [only] => only,
            _ => unreachable!("a layer of a chain is dense"),
        }
    }

    fn bias(&self, layer: usize) -> &Bias {
        let bias = self.network.layers()[layer].bias.as_ref();
        bias.expect("only layers with a bias have its slot")
    }

    /// Gives it other values, in the order of [`values`](Self::values). Chips are asked for new weights only where
    /// `compiles` says so; all else changes at once.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a value that is not finite; those of [`compile`](crate::compile::compile()).
    ///
    /// # Panics
    /// If there is not one value for each.
    pub fn set(&mut self, values: &[f64], compiles: bool) -> Result<()> {
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                what: "trained parameters".to_owned(),
                index: format!("[{index}]"),
                got: values[index].to_string(),
            });
        }
        let mut rest = values;
        let parts: Vec<(Slot, &[f64])> = self
            .slots
            .iter()
            .map(|slot| {
                let (head, tail) = rest.split_at(self.count(*slot));
                rest = tail;
                (*slot, head)
            })
            .collect();
        assert!(rest.is_empty(), "one value for each");
        let mut layers = self.network.layers().to_vec();
        for (slot, values) in parts {
            match slot {
                Slot::Weight(layer) => {
                    layers[layer].linear.groups = vec![weight_of(self.weight(layer), values)];
                }
                Slot::Phases(layer, number) => set_meshes(self.meshes_mut(layer, number), values)?,
                Slot::Attenuators(layer, number) => {
                    let meshes = self.meshes_mut(layer, number);
                    meshes.attenuators.copy_from_slice(values);
                }
                Slot::Scale(layer, number) => {
                    self.program.tile_mut(LinearId(layer), number).scale = values[0].exp();
                }
                Slot::Bias(layer) => layers[layer].bias = Some(bias_of(self.bias(layer), values)),
            }
        }
        self.network = with_layers(&self.network, layers)?;
        match (self.parameters, compiles) {
            (Parameters::Weights, true) => {
                self.program = compile(&self.network, self.program.layout())?;
            }
            // Biases are digital and change at once; what the chip holds stays.
            (Parameters::Weights, false) => {
                let network = biased_as(self.program.network(), &self.network)?;
                self.program.set_network(network);
            }
            (Parameters::Phases, _) => self.program.set_network(self.network.clone()),
        }
        Ok(())
    }

    fn meshes_mut(&mut self, layer: usize, number: usize) -> &mut Meshes {
        meshes_mut(self.program.tile_mut(LinearId(layer), number))
    }

    /// Number of values of a slot.
    fn count(&self, slot: Slot) -> usize {
        let meshes = |layer, number: usize| meshes(&self.program.tiles(LinearId(layer))[number]);
        let parts = |is_complex| if is_complex { 2 } else { 1 };
        match slot {
            Slot::Weight(layer) => {
                let weight = self.weight(layer);
                parts(weight.is_complex()) * weight.outputs() * weight.inputs()
            }
            Slot::Phases(layer, number) => {
                let meshes = meshes(layer, number);
                let of_meshes = meshes.input.phase_shifters() + meshes.output.phase_shifters();
                of_meshes + meshes.attenuators.len()
            }
            Slot::Attenuators(layer, number) => meshes(layer, number).attenuators.len(),
            Slot::Scale(..) => 1,
            Slot::Bias(layer) => {
                let bias = self.bias(layer);
                parts(bias.is_complex()) * bias.len()
            }
        }
    }

    /// The slopes of a loss by its values, from the gradient of a run of [`program`](Self::program) and those by its tiles,
    /// layer by layer, which are asked for only where they count.
    pub(super) fn slopes<T: Real>(
        &self,
        gradient: &NetworkGradient<T>,
        tiles: impl FnOnce() -> Vec<Vec<TileGradient>>,
    ) -> Vec<f64> {
        let is_of_tile = |slot: &Slot| matches!(slot, Slot::Phases(..) | Slot::Attenuators(..));
        let tiles = match self.slots.iter().any(is_of_tile) {
            true => tiles(),
            false => Vec::new(),
        };
        let by_meshes = |layer: usize, number: usize| match &tiles[layer][number] {
            TileGradient::Meshes(gradient) => gradient,
            TileGradient::Crossbar(_) => unreachable!("only tiles with meshes have such slots"),
        };
        let mut slopes = Vec::new();
        for slot in &self.slots {
            match *slot {
                Slot::Weight(layer) => {
                    let by = &gradient.layers[layer].map.weight;
                    slopes.extend(by.re().iter().map(|x| x.double()));
                    if self.weight(layer).is_complex() {
                        slopes.extend(by.im().iter().map(|x| x.double()));
                    }
                }
                Slot::Phases(layer, number) => {
                    let by = by_meshes(layer, number);
                    slopes.extend(by.input.flat());
                    slopes.extend(&by.attenuators);
                    slopes.extend(by.output.flat());
                }
                Slot::Attenuators(layer, number) => {
                    slopes.extend(&by_meshes(layer, number).attenuators);
                }
                Slot::Scale(layer, number) => {
                    let scale = self.program.tiles(LinearId(layer))[number].scale;
                    slopes.push(scale * gradient.layers[layer].map.scales[number]);
                }
                Slot::Bias(layer) => {
                    let by = gradient.layers[layer].bias.as_ref();
                    slopes.extend(flat_bias(by.expect("a bias has slopes")));
                }
            }
        }
        slopes
    }

    /// What was learnt, as a program of its own: where phases were trained, its network has the weights that its tiles
    /// hold on a perfect chip, so that digital is what it says without errors.
    ///
    /// # Errors
    /// Those of [`compile`](crate::compile::compile()).
    pub fn trained_program(&self) -> Result<Program> {
        let layout = self.program.layout();
        match self.parameters {
            Parameters::Weights => compile(&self.network, layout),
            Parameters::Phases => {
                let layers = self.network.layers().iter().enumerate();
                let layers = layers.map(|(index, layer)| {
                    let held = held(self.weight(index), self.program.tiles(LinearId(index)));
                    Layer::new(layer.name(), held, layer.bias.clone(), layer.activation)
                });
                let network = with_layers(&self.network, layers.collect())?;
                from_tiles_of(network, layout, &self.program)
            }
        }
    }
}

/// `program`'s tiles for another network of the same shapes.
fn from_tiles_of(network: Network, layout: Layout, program: &Program) -> Result<Program> {
    let tiles = program.maps().map(|map| map.tiles.to_vec()).collect();
    Program::from_tiles(network, layout, tiles)
}

/// `network` with other layers of the same shapes.
fn with_layers(network: &Network, layers: Vec<Layer>) -> Result<Network> {
    Network::new(network.input.clone(), layers, network.readout)
}

/// `network` with the biases of `other`.
fn biased_as(network: &Network, other: &Network) -> Result<Network> {
    let pairs = network.layers().iter().zip(other.layers());
    let layers = pairs.map(|(layer, other)| Layer {
        bias: other.bias.clone(),
        ..layer.clone()
    });
    with_layers(network, layers.collect())
}

/// The matrix that `tiles` hold on a perfect chip, of the kind of `weight`: of a real one the real part, which is all that
/// its receivers read.
fn held(weight: &Weight, tiles: &[Tile]) -> Weight {
    let mut whole = Matrix::zeros(weight.outputs(), weight.inputs());
    for tile in tiles {
        let mut block = whole.view_mut((tile.row, tile.col), (tile.rows, tile.cols));
        block.copy_from(&tile.matrix());
    }
    let shape = whole.shape();
    match weight {
        Weight::Real(_) => Weight::Real(Array2::from_shape_fn(shape, |at| whole[at].re)),
        Weight::Complex(_) => Weight::Complex(Array2::from_shape_fn(shape, |at| whole[at])),
    }
}

fn meshes(tile: &Tile) -> &Meshes {
    tile.meshes()
        .expect("only tiles with meshes have such slots")
}

pub(super) fn meshes_mut(tile: &mut Tile) -> &mut Meshes {
    match &mut tile.array {
        Array::Meshes(meshes) => meshes,
        Array::Crossbar(_) => unreachable!("only tiles with meshes have such slots"),
    }
}

/// Sets the phases of both meshes of a tile and of the attenuators between them.
fn set_meshes(meshes: &mut Meshes, values: &[f64]) -> Result<()> {
    let (input, rest) = values.split_at(meshes.input.phase_shifters());
    let (attenuators, output) = rest.split_at(meshes.attenuators.len());
    set_phases(&mut meshes.input, input)?;
    meshes.attenuators.copy_from_slice(attenuators);
    set_phases(&mut meshes.output, output)
}

pub(super) fn set_phases(mesh: &mut Mesh, flat: &[f64]) -> Result<()> {
    *mesh = mesh.with_phases(Phases::from_flat(flat.to_vec(), mesh))?;
    Ok(())
}

fn flat_weight(weight: &Weight) -> Vec<f64> {
    match weight {
        Weight::Real(weight) => weight.iter().copied().collect(),
        Weight::Complex(weight) => {
            let (re, im) = (weight.iter().map(|z| z.re), weight.iter().map(|z| z.im));
            re.chain(im).collect()
        }
    }
}

fn weight_of(like: &Weight, flat: &[f64]) -> Weight {
    let shape = (like.outputs(), like.inputs());
    let part = |flat: &[f64]| {
        Array2::from_shape_vec(shape, flat.to_vec()).expect("there is a value for every weight")
    };
    match like {
        Weight::Real(_) => Weight::Real(part(flat)),
        Weight::Complex(_) => {
            let (re, im) = flat.split_at(flat.len() / 2);
            let im = part(im);
            let mut weight = part(re).mapv(|re| Complex::new(re, 0.0));
            weight.zip_mut_with(&im, |z, im| z.im = *im);
            Weight::Complex(weight)
        }
    }
}

fn flat_bias(bias: &Bias) -> Vec<f64> {
    match bias {
        Bias::Real(bias) => bias.to_vec(),
        Bias::Complex(bias) => {
            let (re, im) = (bias.iter().map(|z| z.re), bias.iter().map(|z| z.im));
            re.chain(im).collect()
        }
    }
}

fn bias_of(like: &Bias, flat: &[f64]) -> Bias {
    match like {
        Bias::Real(_) => Bias::Real(flat.to_vec().into()),
        Bias::Complex(_) => {
            let (re, im) = flat.split_at(flat.len() / 2);
            let pairs = re.iter().zip(im);
            Bias::Complex(pairs.map(|(re, im)| Complex::new(*re, *im)).collect())
        }
    }
}

#[cfg(test)]
mod tests;
