//! Whole graphs of ONNX: what multiplies by a constant matrix goes to light, everything else is computed by tract, in single
//! precision.

mod convolution;
mod light;
mod product;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, SymbolValues};
use tract_onnx::tract_core::model::TypedSimplePlan;

use self::light::{Found, Light, Place, lift};
use crate::nn::digital::BLOCK;
use crate::nn::{Linear, LinearId};

/// Most numbers of the columns of one product that are held at a time.
const HELD: usize = 1 << 20;

/// A graph of ONNX: its products with constant matrices are [`Linear`] maps, the rest is digital.
///
/// A clone is another handle of the same graph.
#[derive(Debug, Clone)]
pub struct Graph {
    parts: Arc<Parts>,
}

struct Parts {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    linears: Vec<Linear>,
    places: Vec<Place>,
    /// The graph with [`Light`] in it, not yet optimized.
    lifted: TypedModel,
    /// Samples that pass through it together.
    chunk: usize,
    /// What runs, by the number of samples that it is for.
    plans: Mutex<BTreeMap<usize, Arc<TypedSimplePlan>>>,
}

/// An input or an output of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Its name in the file.
    pub name: String,
    /// Its type.
    pub(crate) kind: DatumType,
    /// Lengths of its axes; nothing where the file leaves one open.
    pub shape: Vec<Option<usize>>,
}

impl Port {
    /// Numbers of one sample, which are those of all axes but the first; nothing where one of these is open.
    pub fn features(&self) -> Option<usize> {
        self.shape.iter().skip(1).copied().product()
    }

    /// Samples that pass together where the file fixes their number.
    pub fn batch(&self) -> Option<usize> {
        self.shape.first().copied().flatten()
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Parts")
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl Graph {
    /// The graph of a typed model whose constants are folded.
    fn of(
        mut model: TypedModel,
        inputs: Vec<Port>,
        outputs: Vec<Port>,
        chosen: impl Fn(&TypedNode, &Found) -> bool,
        name: impl Fn(&TypedNode) -> String,
    ) -> TractResult<Self> {
        let (mut linears, places) = lift(&mut model, chosen, name)?;
        let mut largest = 1;
        let ones = ones(&model);
        for node in model.nodes() {
            let Some(light) = node.op_as::<Light>() else {
                continue;
            };
            let shape = &model.outlet_fact(node.inputs[0])?.shape;
            let shape: Option<Vec<usize>> = shape
                .iter()
                .map(|length| length.eval(&ones).to_usize().ok())
                .collect();
            let linear = &mut linears[light.map.0];
            let columns = shape.map_or(1, |shape| light.form.count(&shape));
            linear.columns = linear.columns.max(columns);
            largest = largest.max(columns * linear.inputs());
        }
        let fixed = inputs.iter().find_map(Port::batch);
        let chunk = fixed.unwrap_or_else(|| {
            let fitting = (HELD / largest).clamp(1, BLOCK);
            1 << fitting.ilog2()
        });
        let parts = Parts {
            inputs,
            outputs,
            linears,
            places,
            lifted: model,
            chunk,
            plans: Mutex::default(),
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// What it is given.
    pub fn inputs(&self) -> &[Port] {
        &self.parts.inputs
    }

    /// What comes of it.
    pub fn outputs(&self) -> &[Port] {
        &self.parts.outputs
    }

    /// Its products with constant matrices, by their number.
    pub fn linears(&self) -> &[Linear] {
        &self.parts.linears
    }

    /// The map and the name of every node that multiplies by one, in the order of evaluation.
    pub fn nodes(&self) -> impl Iterator<Item = (LinearId, &str)> {
        let places = self.parts.places.iter();
        places.map(|place| (place.map, &*place.node))
    }
}

/// Every symbol of `model` as 1: one sample, of one token.
fn ones(model: &TypedModel) -> SymbolValues {
    let symbols = model.symbols.all_symbols();
    let start = SymbolValues::default();
    symbols.iter().fold(start, |values, symbol| values.with(symbol, 1))
}
