//! Back-propagation by light, through all tiles of a network.

use ndarray::{Array2, s};

use super::{Method, Minibatch, forward, quadratures};
use crate::compile::{Meshes, Tile};
use crate::error::{Error, Result};
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Costs, Detection, Instrument, Side};
use crate::mesh::Phases;
use crate::nn::Batch;
use crate::processor::{MapGradient, MeshesGradient, Processor, TileGradient};
use crate::train::in_situ::in_situ;
use crate::train::tape::Product;
use crate::train::{InSituGradient, Passes, Tape, Trainable};

/// Slopes from powers that taps read: light goes forward, its adjoint backward, and both together; nothing is known of the
/// chip but the program's digital scales. Every tile is an [`Instrument`]: see [`in_situ`](crate::train::in_situ()), which
/// says what loss does to it. Slopes are those by the phases that heaters show: crosstalk and other V_π than are known bias
/// those by what is asked of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InSitu {
    /// How often light is sent.
    pub passes: Passes,
    /// Standard deviation of what a tap reads, relative.
    pub tap_noise: f64,
    /// Share of the power that every tap takes away.
    pub tap_fraction: f64,
    /// Whether there are sources and receivers where light enters and leaves between the meshes too: without them what
    /// attenuators take away is lost.
    pub has_drop_ports: bool,
}

impl Default for InSitu {
    /// Three passes, perfect taps, no drop ports.
    fn default() -> Self {
        Self {
            passes: Passes::Three,
            tap_noise: 0.0,
            tap_fraction: 0.0,
            has_drop_ports: false,
        }
    }
}

impl<T: Real> Method<T> for InSitu {
    fn slopes(
        &self,
        trainable: &Trainable,
        chip: &Chip,
        minibatch: &Minibatch<'_, T>,
    ) -> Result<(f64, Vec<f64>)> {
        if chip.hardware().readout().detection == Detection::Intensity {
            let limit = "coherent for in-situ, which sends back fields";
            return Err(Error::value("readout.detection", "intensity", limit));
        }
        let processor = minibatch.load(trainable, chip)?;
        let (outputs, tape) = Tape::record(&processor, minibatch.batch.clone(), minibatch.step)?;
        let (loss, by_outputs) = minibatch.criterion.slopes(&outputs, minibatch.samples);
        let mut tiles = vec![Vec::new(); tape.maps().len()];
        let by_map = |product: &Product<T>, by: &Batch<T>| {
            let (map, of_tiles) = self.measured(&processor, product, by)?;
            tiles[product.id.0] = of_tiles;
            Ok(map)
        };
        let gradient = tape.pull_back(&by_outputs, |_, by, _| by.clone(), by_map)?;
        Ok((loss, trainable.slopes(&gradient, || tiles)))
    }

    fn costs(&self, trainable: &Trainable, samples: usize) -> Costs {
        let maps = trainable.program().maps();
        let taps: usize = maps
            .flat_map(|map| map.tiles)
            .map(Tile::phase_shifters)
            .sum();
        let passes = match self.passes {
            Passes::Three => 3,
            Passes::Four => 4,
        };
        let forward = forward(trainable, samples);
        // Taps are read in three passes, light that comes back at the inputs once.
        let maps = trainable.program().maps();
        let inputs: usize = maps
            .flat_map(|map| {
                map.tiles
                    .iter()
                    .map(move |tile| quadratures(&map) * tile.cols)
            })
            .sum();
        Costs {
            passes: passes * samples as u64,
            readings: forward.readings + ((3 * taps + inputs) * samples) as u64,
            ..forward
        }
    }
}

impl InSitu {
    /// What light says of a map, all of whose tiles are measured: of its inputs and digital scales, and of the phases of each
    /// tile.
    fn measured<T: Real>(
        &self,
        processor: &Processor<T>,
        product: &Product<T>,
        by_outputs: &Batch<T>,
    ) -> Result<(MapGradient<T>, Vec<TileGradient>)> {
        let id = product.id;
        let tiles = processor.program().tiles(id);
        let (inputs, by_outputs) = (fields(&product.inputs), fields(by_outputs));
        let mut by_inputs = Fields::zeros(inputs.modes(), inputs.samples());
        let (mut scales, mut gradients) = (Vec::new(), Vec::new());
        for (number, tile) in tiles.iter().enumerate() {
            let bench = processor.bench(id, number)?;
            let mut bench = bench
                .with_tap_noise(self.tap_noise)
                .with_tap_fraction(self.tap_fraction);
            if self.has_drop_ports {
                bench = bench.with_drop_ports();
            }
            let light = placed(&inputs, (tile.col, tile.cols), bench.ports(Side::Inputs));
            let mut by = placed(
                &by_outputs,
                (tile.row, tile.rows),
                bench.ports(Side::Outputs),
            );
            let read = bench.send(Side::Inputs, &light)?;
            let factors = (0..by.modes()).map(|row| processor.row_scale(id, number, row));
            by.scale_modes(&factors.map(Into::into).collect::<Vec<_>>());
            let overlap = (&by.re * &read.re).sum() + (&by.im * &read.im).sum();
            scales.push(overlap / tile.scale.max(f64::MIN_POSITIVE));
            let measured = in_situ(&mut bench, &light, &by, self.passes)?;
            let columns = s![tile.col..tile.col + tile.cols, ..];
            let mine = s![..tile.cols, ..];
            let add = |to: &mut Array2<f64>, from: &Array2<f64>| {
                let mut to = to.slice_mut(columns);
                to += &from.slice(mine);
            };
            add(&mut by_inputs.re, &measured.inputs.re);
            add(&mut by_inputs.im, &measured.inputs.im);
            gradients.push(of_tile(tile.as_meshes()?, measured));
        }
        let map = MapGradient {
            inputs: match &product.inputs {
                Batch::Real(_) => Batch::Real(by_inputs.re.mapv(T::of)),
                Batch::Complex(_) => Batch::Complex(Fields {
                    re: by_inputs.re.mapv(T::of),
                    im: by_inputs.im.mapv(T::of),
                }),
            },
            weight: Fields::zeros(0, 0),
            scales,
        };
        Ok((map, gradients))
    }
}

/// Signals as fields.
fn fields<T: Real>(signals: &Batch<T>) -> Fields<f64> {
    match signals {
        Batch::Real(x) => Fields {
            re: x.mapv(T::double),
            im: Array2::zeros(x.raw_dim()),
        },
        Batch::Complex(z) => Fields {
            re: z.re.mapv(T::double),
            im: z.im.mapv(T::double),
        },
    }
}

/// So many modes of `fields` from the `first` on, as the first of `ports`.
fn placed(fields: &Fields<f64>, (first, count): (usize, usize), ports: usize) -> Fields<f64> {
    let mut placed = Fields::zeros(ports, fields.samples());
    let from = s![first..first + count, ..];
    placed
        .re
        .slice_mut(s![..count, ..])
        .assign(&fields.re.slice(from));
    placed
        .im
        .slice_mut(s![..count, ..])
        .assign(&fields.im.slice(from));
    placed
}

/// The slopes of all heaters of a tile as those of its meshes.
fn of_tile(meshes: &Meshes, measured: InSituGradient) -> TileGradient {
    let mut input = measured.phases;
    let mut attenuators = input.split_off(meshes.input.phase_shifters());
    let output = attenuators.split_off(meshes.attenuators.len());
    TileGradient::Meshes(Box::new(MeshesGradient {
        input: Phases::from_flat(input, &meshes.input),
        attenuators,
        output: Phases::from_flat(output, &meshes.output),
    }))
}
