//! The operator that stands where a graph multiplies by a constant matrix.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::Array2;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math::Add;

use super::convolution::{Scatter, Window};
use super::product::Product;
use crate::nn::{Linear, LinearId, Weight};

/// A product with a constant matrix, computed by whoever [multiplies](crate::nn::Linears).
///
/// Its one input is what the operator that it replaces was given beside its constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Light {
    /// Number of the matrix.
    pub(super) map: LinearId,
    /// Number of this place in the graph, in the order of evaluation: the address of its shots.
    pub(super) node: usize,
    /// How columns are made of the input, and the output of their products.
    pub(super) form: Form,
    /// What it replaces, which knows the shape of the output.
    original: Box<dyn TypedOp>,
    /// The facts of that operator's inputs; nothing stands for the one that is left.
    facts: Vec<Option<TypedFact>>,
}

/// How a tensor becomes columns, and products of columns a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Axes are moved.
    Product(Product),
    /// Patches are columns.
    Window(Window),
    /// Pixels are columns, and their products are patches that overlap.
    Scatter(Scatter),
}

impl Form {
    /// The columns of `x`, `[in, column]`, in any memory layout.
    pub(super) fn columns(&self, x: &Tensor) -> TractResult<Array2<f32>> {
        match self {
            Self::Product(form) => form.columns(x),
            Self::Window(form) => form.columns(x),
            Self::Scatter(form) => form.columns(x),
        }
    }

    /// What kind of product it is, with as many `groups`: `convolution 5×5`.
    fn words(&self, groups: usize) -> String {
        let mut words = match self {
            Self::Product(_) => "product".to_owned(),
            Self::Window(form) => format!("convolution {}", form.words()),
            Self::Scatter(form) => format!("transposed convolution {}", form.words()),
        };
        if groups > 1 {
            words += &format!(", {groups} groups");
        }
        words
    }

    /// Number of columns of an input of `shape`.
    pub(super) fn count(&self, shape: &[usize]) -> usize {
        match self {
            Self::Product(form) => form.count(shape),
            Self::Window(form) => form.count(shape),
            Self::Scatter(form) => form.count(shape),
        }
    }

    /// The output that the `products` of the columns of an input of `shape` are, `[out, column]`.
    pub(super) fn output(&self, products: Array2<f32>, shape: &[usize]) -> TractResult<Tensor> {
        match self {
            Self::Product(form) => form.output(products, shape),
            Self::Window(form) => form.output(products, shape),
            Self::Scatter(form) => form.output(products, shape),
        }
    }
}

impl Op for Light {
    fn name(&self) -> StaticName {
        "Light".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Light {
    not_out_of_plan!();
}

impl TypedOp for Light {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let mut given = inputs.iter().copied();
        let facts = self.facts.iter();
        let facts: TVec<&TypedFact> = facts
            .map(|fact| fact.as_ref().or_else(|| given.next()).context("one input"))
            .collect::<TractResult<_>>()?;
        let facts = self.original.output_facts(&facts)?;
        // Values that are computed are never known beforehand.
        Ok(facts.into_iter().map(|fact| fact.without_value()).collect())
    }

    as_op!();
}

/// What a node multiplies by, and how.
pub(super) struct Found {
    /// Groups of `[out, in]`.
    pub(super) groups: Vec<Array2<f32>>,
    /// How columns are made.
    pub(super) form: Form,
    /// Which input is no constant.
    input: usize,
    /// Whether every group has one input channel.
    pub(super) is_depthwise: bool,
}

/// What `node` multiplies by, if it is a product with one constant matrix.
pub(super) fn found(model: &TypedModel, node: &TypedNode) -> TractResult<Option<Found>> {
    let fact = |index: usize| model.outlet_fact(node.inputs[index]);
    let constant = |index: usize| -> TractResult<Option<Arc<Tensor>>> {
        Ok(fact(index)?
            .konst
            .clone()
            .filter(|tensor| tensor.datum_type().is_float() && tensor.is_plain()))
    };
    if let Some(op) = node.op_as::<EinSum>() {
        if node.inputs.len() != 2 || op.q_params.is_some() || !op.operating_dt.is_float() {
            return Ok(None);
        }
        let (input, weight) = match (constant(0)?, constant(1)?) {
            (Some(weight), None) => (1, weight),
            (None, Some(weight)) => (0, weight),
            _ => return Ok(None),
        };
        if !fact(input)?.datum_type.is_float() {
            return Ok(None);
        }
        let weight = weight.cast_to::<f32>()?.into_owned();
        let shape = &fact(input)?.shape;
        let product = Product::of(&op.axes, input, shape, &weight)?;
        return Ok(product.map(|(form, groups)| Found {
            groups,
            form: Form::Product(form),
            input,
            is_depthwise: false,
        }));
    }
    let (kernel, bias) = match (node.op_is::<Conv>(), node.op_is::<Deconv>()) {
        (false, false) => return Ok(None),
        _ => (constant(1)?, constant(2)?),
    };
    let (Some(kernel), Some(bias), true) = (kernel, bias, fact(0)?.datum_type.is_float()) else {
        return Ok(None);
    };
    let kernel = kernel.cast_to::<f32>()?.into_owned();
    let bias = bias.cast_to::<f32>()?;
    let with = |form: Option<(Form, Vec<Array2<f32>>)>, per_group: usize, groups: usize| {
        form.map(|(form, matrices)| Found {
            groups: matrices,
            form,
            input: 0,
            is_depthwise: groups > 1 && per_group == 1,
        })
    };
    if let Some(op) = node.op_as::<Conv>() {
        let per_group = op.input_channels() / op.group;
        let window = Window::of(op, &kernel, &bias)?;
        let window = window.map(|(form, groups)| (Form::Window(form), groups));
        return Ok(with(window, per_group, op.group));
    }
    let op = node.op_as::<Deconv>().context("a transposed convolution")?;
    let per_group = op.pool_spec.input_channels / op.group;
    let scatter = Scatter::of(op, &kernel, &bias)?;
    let scatter = scatter.map(|(form, groups)| (Form::Scatter(form), groups));
    Ok(with(scatter, per_group, op.group))
}

/// The sum with constants that `node`, a product of this `form`, goes into and nowhere else, and what it adds to every output.
fn sum_behind(
    model: &TypedModel,
    node: &TypedNode,
    form: &Product,
) -> TractResult<Option<(OutletId, Tensor)>> {
    let product = OutletId::from(node.id);
    let (Some(axis), Some(sum)) = (form.axis_of_outputs(), model.single_succ(node.id)?) else {
        return Ok(None);
    };
    let adds = |op: &TypedBinOp| op.0.is::<Add>() && op.1.is_none();
    let fact = model.outlet_fact(product)?;
    let keeps_its_shape = model.outlet_fact(sum.id.into())?.shape == fact.shape;
    let other = sum.inputs.iter().find(|outlet| **outlet != product);
    let (true, true, false, Some(other)) = (
        sum.op_as::<TypedBinOp>().is_some_and(adds) && fact.datum_type == DatumType::F32,
        keeps_its_shape,
        model.outputs.contains(&product),
        other,
    ) else {
        return Ok(None);
    };
    let added = model.outlet_fact(*other)?.konst.clone();
    let count = fact.shape[axis].to_usize()?;
    let is_bias = |added: &Tensor| {
        let mut lengths = added.shape().iter().enumerate();
        lengths.all(|(at, length)| *length == if at == axis { count } else { 1 })
    };
    let added = added.filter(|added| added.is_plain() && is_bias(added));
    let bias = added.map(|added| added.into_tensor().into_shape(&[count]));
    Ok(bias.transpose()?.map(|bias| (sum.id.into(), bias)))
}

/// A place in a graph where light multiplies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// The matrix.
    pub(super) map: LinearId,
    /// The name of the node in its file.
    pub(super) node: String,
    /// What kind of product it is, in words.
    pub(super) kind: String,
}

/// Replaces every product with a constant matrix that `chosen` takes by [`Light`]; the matrices and the places in the order
/// of evaluation. Products by one matrix share a map. `name` names a matrix by its node.
pub(super) fn lift(
    model: &mut TypedModel,
    chosen: impl Fn(&TypedNode, &Found) -> bool,
    name: impl Fn(&TypedNode) -> String,
) -> TractResult<(Vec<Linear>, Vec<Place>)> {
    let mut linears: Vec<Linear> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    let mut known: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    for id in model.eval_order()? {
        // One at a time: a product may be fed by what a product before it became.
        let mut patch = TypedModelPatch::new("a product to light");
        let node = model.node(id);
        let Some(mut found) = found(model, node)?.filter(|found| chosen(node, found)) else {
            continue;
        };
        let map = *known.entry(bits(&found.groups)).or_insert_with(|| {
            let weights = found.groups.iter();
            linears.push(Linear {
                name: name(node),
                groups: weights
                    .map(|weight| Weight::Real(weight.mapv(f64::from)))
                    .collect(),
                columns: 1,
            });
            linears.len() - 1
        });
        let facts = node.inputs.iter().enumerate().map(|(index, outlet)| {
            let fact = model.outlet_fact(*outlet)?.clone();
            Ok((index != found.input).then_some(fact))
        });
        let mut whole = OutletId::from(id);
        if let Form::Product(product) = &mut found.form
            && let Some((sum, bias)) = sum_behind(model, node, product)?
        {
            product.add(bias);
            whole = sum;
        }
        let light = Light {
            map: LinearId(map),
            node: places.len(),
            form: found.form,
            original: node.op.clone(),
            facts: facts.collect::<TractResult<_>>()?,
        };
        places.push(Place {
            map: light.map,
            node: node.name.clone(),
            kind: light.form.words(found.groups.len()),
        });
        let x = patch.tap_model(model, node.inputs[found.input])?;
        let y = patch.wire_node(format!("{}.light", node.name), light, &[x])?[0];
        patch.shunt_outside(model, whole, y)?;
        patch.apply(model)?;
    }
    model.compact()?;
    Ok((linears, places))
}

/// The numbers of `groups` with their shape, as bits.
fn bits(groups: &[Array2<f32>]) -> Vec<u32> {
    let shape = groups
        .first()
        .map_or([0, 0], |group| [group.nrows(), group.ncols()]);
    let shape = shape.into_iter().map(|length| length as u32);
    shape
        .chain(groups.iter().flatten().map(|weight| weight.to_bits()))
        .collect()
}
