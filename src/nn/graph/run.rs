//! The graph at work.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use ndarray::{Array2, ArrayD, ArrayView2, Axis, IxDyn, s};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{EvalContext, OpState, TDim, anyhow};
use tract_onnx::tract_core::model::TypedSimplePlan;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::nn::Sigmoid;
use tract_onnx::tract_core::plan;

use super::Graph;
use super::light::Light;
use super::prepare::{guarded, optimized, quietly};
use crate::error::{Error, Result};
use crate::field::{Real, assign_turned};
use crate::nn::{At, BLOCK, Batch, Linears, Port};

impl Graph {
    /// The outputs, `[output, sample]`, of block number `block`, whose `signals`, `[feature, sample]`, are the features of
    /// all inputs after one another; `with` computes the products.
    ///
    /// Samples pass a few at a time: the place of the first of them in the data stands for the block in the
    /// [address](At) of shots.
    ///
    /// # Errors
    /// Those of `with`; [`Error::Format`] if an operator cannot be computed.
    pub(in crate::nn) fn run<T: Real>(
        &self,
        signals: &Array2<T>,
        with: &(impl Linears<T> + ?Sized),
        block: u64,
    ) -> Result<Array2<T>> {
        let samples = signals.ncols();
        let chunk = self.parts.chunk;
        let mut whole = Array2::zeros((self.width(), samples));
        for start in (0..samples).step_by(chunk) {
            let end = samples.min(start + chunk);
            let signals = signals.slice(s![.., start..end]);
            // A file that fixes the number of its samples gets the last one again where some are missing.
            let fixed = self.inputs().iter().find_map(Port::batch);
            let count = fixed.unwrap_or(end - start);
            let mut inputs = Vec::new();
            let mut first = 0;
            for port in self.inputs() {
                let features = port.features().ok_or_else(|| open(port))?;
                let rows = signals.slice(s![first..first + features, ..]);
                let mut values = Array2::zeros((count, features));
                let (mut given, mut again) = values.view_mut().split_at(Axis(0), end - start);
                assign_turned(given.view_mut(), rows.t(), |x: T| x.double() as f32);
                again.assign(&given.row(end - start - 1));
                let array = values.into_shape_with_order(IxDyn(&port.shape_for(count)));
                inputs.push(array.expect("a port has its features"));
                first += features;
            }
            let outputs = self.run_on(inputs, with, block * BLOCK as u64 + start as u64)?;
            let mut row = 0;
            for output in &outputs {
                let output = output.as_standard_layout();
                let flat = output.as_slice().expect("it was put in order");
                let width = flat.len() / count;
                let values = ArrayView2::from_shape((count, width), flat);
                let values = values.expect("every sample has as many");
                let given = values.slice(s![..end - start, ..]);
                let rows = whole.slice_mut(s![row..row + width, start..end]);
                assign_turned(rows, given.t(), |x| T::of(f64::from(x)));
                row += width;
            }
        }
        Ok(whole)
    }

    /// Fails where the file leaves an axis of an input open beside that of the samples: no sample has a number of features.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub(in crate::nn) fn check_closed(&self) -> Result<()> {
        let mut inputs = self.inputs().iter();
        let port = inputs.find(|port| port.features().is_none());
        port.map_or(Ok(()), |port| Err(open(port)))
    }

    /// The outputs of `inputs`, which are of the shapes of the ports; `with` computes the products, as shots of number
    /// `block`. Numbers that a port takes as integers are rounded.
    ///
    /// # Errors
    /// Those of `with`; [`Error::Format`] if an operator cannot be computed, or an input is not one that the graph takes.
    ///
    /// # Panics
    /// If `with` gives complex products.
    pub fn run_on<T: Real>(
        &self,
        inputs: Vec<ArrayD<f32>>,
        with: &(impl Linears<T> + ?Sized),
        block: u64,
    ) -> Result<Vec<ArrayD<f32>>> {
        let first = self.inputs().first().zip(inputs.first());
        let count = first.map_or(1, |(port, input)| match port.is_batched() {
            true => input.shape()[0],
            false => 1,
        });
        let plan = guarded(&self.parts.nodes, || self.plan(count))?;
        let outlets = self.parts.lifted.inputs.iter();
        let tensors = outlets.zip(inputs).map(|(outlet, input)| {
            let tensor = Tensor::from(input);
            let kind = self.parts.lifted.outlet_fact(*outlet)?.datum_type;
            Ok(cast(tensor, kind)?.into_tvalue())
        });
        let tensors: TractResult<TVec<TValue>> = tensors.collect();
        let mut refused = None;
        let hook = |context: &EvalContext<'_>,
                    state: Option<&mut (dyn OpState + 'static)>,
                    node: &TypedNode,
                    values: TVec<TValue>|
         -> TractResult<TVec<TValue>> {
            let Some(light) = node.op_as::<Light>() else {
                if is_sigmoid(node) && values[0].datum_type() == DatumType::F32 {
                    return Ok(tvec!(sigmoid(values)?));
                }
                return quietly(|| plan::eval(context, state, node, values))
                    .unwrap_or_else(|panic| Err(anyhow!("\"{}\" {panic}", node.name)));
            };
            let x = &values[0];
            let columns = convert(light.form.columns(x)?);
            let at = At {
                node: light.node,
                block,
            };
            let product = match with.multiply(light.map, Batch::Real(columns), at) {
                Ok(Batch::Real(product)) => product,
                Ok(Batch::Complex(_)) => panic!("a real map gives real products of real columns"),
                Err(error) => {
                    refused = Some(error);
                    return Err(anyhow!("a product failed"));
                }
            };
            let y = light.form.output(convert(product), x.shape())?;
            Ok(tvec!(cast(y, x.datum_type())?.into_tvalue()))
        };
        let run = tensors.and_then(|tensors| plan.spawn()?.run_plan_with_eval(tensors, hook));
        if let Some(error) = refused {
            return Err(error);
        }
        guarded(&self.parts.nodes, || {
            let arrays = run?.into_iter().map(|value| {
                let single = cast(value.into_tensor(), DatumType::F32)?;
                single.into_plain_array::<f32>()
            });
            arrays.collect()
        })
    }

    /// What runs `count` samples.
    fn plan(&self, count: usize) -> TractResult<Arc<TypedSimplePlan>> {
        let plans = self.parts.plans.lock();
        let mut plans = plans.unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&count) {
            return Ok(plan.clone());
        }
        let mut model = self.parts.lifted.clone();
        // The first axis of inputs has one symbol where it is open.
        let outlets = model.inputs.iter();
        let firsts =
            outlets.filter_map(|outlet| model.outlet_fact(*outlet).ok()?.shape.first().cloned());
        let batch = firsts.into_iter().find_map(|length| match length {
            TDim::Sym(symbol) => Some(symbol),
            _ => None,
        });
        if let Some(symbol) = batch {
            let count = TDim::Val(count as i64);
            model = model.set_symbols(&HashMap::from([(symbol, count)]))?;
        }
        let plan = TypedSimplePlan::new(optimized(model)?)?;
        plans.insert(count, plan.clone());
        Ok(plan)
    }
}

fn open(port: &Port) -> Error {
    let limit =
        "of a shape that is known, but for the number of samples: compile it with --shape NAME=N,…";
    Error::value(format!("input `{}`", port.name), "of an open shape", limit)
}

fn is_sigmoid(node: &TypedNode) -> bool {
    let op = node.op_as::<ElementWiseOp>();
    op.is_some_and(|op| op.0.is::<Sigmoid>())
}

/// 1 / (1 + e⁻ˣ) of all elements: that of tract is no smaller than 4·10⁻⁷ and no larger than 1 less that, whose logarithms and
/// order are wrong.
fn sigmoid(values: TVec<TValue>) -> TractResult<TValue> {
    let mut x = values
        .into_iter()
        .next()
        .ok_or_else(|| anyhow!("one input"))?
        .into_tensor();
    let mut view = x.to_plain_array_view_mut::<f32>()?;
    view.mapv_inplace(|x| 1.0 / (1.0 + (-x).exp()));
    Ok(x.into_tvalue())
}

/// The numbers of `tensor` as those of `kind`; of the same kind they are not copied.
fn cast(tensor: Tensor, kind: DatumType) -> TractResult<Tensor> {
    match tensor.datum_type() == kind {
        true => Ok(tensor),
        false => Ok(tensor.cast_to_dt(kind)?.into_owned()),
    }
}

/// The same numbers in another precision; of the same precision they are not copied.
fn convert<A: Real, B: Real>(x: Array2<A>) -> Array2<B> {
    let mut x = Some(x);
    if let Some(same) = (&mut x as &mut dyn Any).downcast_mut::<Option<Array2<B>>>() {
        return same.take().expect("it was there");
    }
    let x = x.expect("it was not taken");
    x.mapv(|x| B::of(x.double()))
}
