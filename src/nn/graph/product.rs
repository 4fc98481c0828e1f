//! Products along axes: Gemm, MatMul on either side, Einsum.

use ndarray::{Array2, ArrayD, Ix1, IxDyn};
use tract_onnx::tract_core::internal::*;

use crate::field::by_rows;

/// How a product with a constant matrix runs along the axes of its input and its output.
///
/// An axis of the weight and the input that the output lacks is summed over; one of weight and output counts outputs; one of
/// input and output columns; one of all three groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Product {
    /// The axes of the input: those of groups, then those that are summed over, then those of columns. Axes of length 1
    /// that take no part are left out.
    order: Vec<usize>,
    /// How many of them are groups, and how many are summed over.
    groups: usize,
    sums: usize,
    /// What every axis of the output counts.
    outputs: Vec<Counts>,
    /// Lengths of the weight's axes: those of groups, of outputs, of sums.
    group_lengths: Vec<usize>,
    output_lengths: Vec<usize>,
    /// One number an output, added digitally.
    bias: Option<Tensor>,
}

/// What an axis of an output counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Group(usize),
    Output(usize),
    Column(usize),
    /// Nothing: its length is 1.
    One,
}

impl Product {
    /// The product along `axes` of `weight` and the input number `input` of two, of `shape`, and its groups, `[out, in]` each;
    /// nothing where it is none of one matrix.
    pub(super) fn of(
        axes: &AxesMapping,
        input: usize,
        shape: &ShapeFact,
        weight: &Tensor,
    ) -> TractResult<Option<(Self, Vec<Array2<f32>>)>> {
        let weight_at = 1 - input;
        let (mut groups, mut sums, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        // Axes of the weight.
        let (mut weight_groups, mut weight_outputs, mut weight_sums) =
            (Vec::new(), Vec::new(), Vec::new());
        let mut outputs = vec![Counts::One; axes.rank(InOut::Out(0))];
        for axis in axes.iter_all_axes() {
            let one = |places: &[usize]| -> Option<Option<usize>> {
                match places {
                    [] => Some(None),
                    [only] => Some(Some(*only)),
                    _ => None,
                }
            };
            let (Some(w), Some(x), Some(y)) = (
                one(&axis.inputs[weight_at]),
                one(&axis.inputs[input]),
                one(&axis.outputs[0]),
            ) else {
                return Ok(None);
            };
            // An axis of length 1 takes no part.
            let w = w.filter(|w| weight.shape()[*w] != 1);
            let x = x.filter(|x| !shape[*x].is_one());
            let mut counts = |what| {
                if let Some(y) = y {
                    outputs[y] = what;
                }
            };
            match (w, x, y) {
                (None, None, _) => {}
                (Some(w), Some(x), Some(_)) => {
                    counts(Counts::Group(groups.len()));
                    groups.push(x);
                    weight_groups.push(w);
                }
                (Some(w), None, Some(_)) => {
                    counts(Counts::Output(weight_outputs.len()));
                    weight_outputs.push(w);
                }
                (None, Some(x), Some(_)) => {
                    counts(Counts::Column(columns.len()));
                    columns.push(x);
                }
                (Some(w), Some(x), None) => {
                    sums.push(x);
                    weight_sums.push(w);
                }
                // A sum over one of the two alone is no product with a matrix.
                (Some(_), None, None) | (None, Some(_), None) => return Ok(None),
            }
        }
        let lengths = |axes: &[usize]| -> Vec<usize> {
            axes.iter().map(|axis| weight.shape()[*axis]).collect()
        };
        let (group_lengths, output_lengths) = (lengths(&weight_groups), lengths(&weight_outputs));
        let count: usize = group_lengths.iter().product();
        let rows: usize = output_lengths.iter().product();
        let order = [&*weight_groups, &*weight_outputs, &*weight_sums].concat();
        let rest = (0..weight.rank()).filter(|axis| !order.contains(axis));
        let order: Vec<usize> = order.iter().copied().chain(rest).collect();
        let weight = weight.to_plain_array_view::<f32>()?.permuted_axes(order);
        let weight = weight.as_standard_layout().into_owned();
        let flat: Vec<f32> = weight.into_iter().collect();
        if flat.is_empty() {
            return Ok(None);
        }
        let columns_of_weight = flat.len() / (count * rows);
        let matrices = flat
            .chunks_exact(rows * columns_of_weight)
            .map(|group| Array2::from_shape_vec((rows, columns_of_weight), group.to_vec()))
            .collect::<Result<_, _>>()?;
        let form = Self {
            order: [&*groups, &*sums, &*columns].concat(),
            groups: groups.len(),
            sums: sums.len(),
            outputs,
            group_lengths,
            output_lengths,
            bias: None,
        };
        Ok(Some((form, matrices)))
    }

    /// The axis of the output that counts outputs, where it is one and there are no groups.
    pub(super) fn axis_of_outputs(&self) -> Option<usize> {
        let is_one = self.group_lengths.is_empty() && self.output_lengths.len() == 1;
        let mut counts = self.outputs.iter();
        counts
            .position(|counts| *counts == Counts::Output(0))
            .filter(|_| is_one)
    }

    /// Adds one number of `bias` to every output.
    pub(super) fn add(&mut self, bias: Tensor) {
        self.bias = Some(bias);
    }

    /// Lengths of the axes of an input of `shape`, in our order.
    fn lengths(&self, shape: &[usize]) -> Vec<usize> {
        self.order.iter().map(|axis| shape[*axis]).collect()
    }

    /// Number of columns of an input of `shape`.
    pub(super) fn count(&self, shape: &[usize]) -> usize {
        self.lengths(shape)[self.groups + self.sums..]
            .iter()
            .product()
    }

    pub(super) fn columns(&self, x: &Tensor) -> TractResult<Array2<f32>> {
        let lengths = self.lengths(x.shape());
        let inputs: usize = lengths[..self.groups + self.sums].iter().product();
        let columns: usize = lengths[self.groups + self.sums..].iter().product();
        let x = x.cast_to::<f32>()?;
        let view = x.to_plain_array_view::<f32>()?;
        // Where columns come first in memory, they stay there.
        let split = self.groups + self.sums;
        let columns_first: Vec<usize> = [&self.order[split..], &self.order[..split]].concat();
        let rest = (0..view.ndim()).filter(|axis| !self.order.contains(axis));
        let rest: Vec<usize> = rest.collect();
        let by_column = view
            .view()
            .permuted_axes([&*columns_first, &*rest].concat());
        if by_column.is_standard_layout() {
            let flat = by_column.as_slice().context("it stands in order")?.to_vec();
            let by_column = Array2::from_shape_vec((columns, inputs), flat)?;
            return Ok(by_column.reversed_axes());
        }
        let by_input = view.permuted_axes([&*self.order, &*rest].concat());
        let by_input = by_input.as_standard_layout().into_owned();
        Ok(by_input.into_shape_with_order((inputs, columns))?)
    }

    pub(super) fn output(&self, mut products: Array2<f32>, shape: &[usize]) -> TractResult<Tensor> {
        if let Some(bias) = &self.bias {
            let bias = bias.to_plain_array_view::<f32>()?;
            let bias = bias.into_dimensionality::<Ix1>()?;
            // Along memory.
            if products.is_standard_layout() {
                let rows = products.rows_mut().into_iter();
                rows.zip(bias).for_each(|(mut row, bias)| row += *bias);
            } else {
                let columns = products.columns_mut().into_iter();
                columns.for_each(|mut column| column += &bias);
            }
        }
        let columns = &self.lengths(shape)[self.groups + self.sums..];
        // Of the products: groups, outputs, columns.
        let lengths = [&*self.group_lengths, &*self.output_lengths, columns].concat();
        let split = self.group_lengths.len() + self.output_lengths.len();
        let first = self.outputs.iter().find(|counts| **counts != Counts::One);
        let products = match matches!(first, Some(Counts::Column(_))) {
            true => {
                let by_column = [&lengths[split..], &lengths[..split]].concat();
                let products = by_rows(products.reversed_axes());
                let products = products.into_shape_with_order(IxDyn(&by_column))?;
                let axes = (columns.len()..lengths.len()).chain(0..columns.len());
                products.permuted_axes(axes.collect::<Vec<_>>())
            }
            false => by_rows(products).into_shape_with_order(IxDyn(&lengths))?,
        };
        let place = |counts: &Counts| match *counts {
            Counts::Group(at) => Some(at),
            Counts::Output(at) => Some(self.group_lengths.len() + at),
            Counts::Column(at) => Some(split + at),
            Counts::One => None,
        };
        let order: Vec<usize> = self.outputs.iter().filter_map(place).collect();
        let whole: Vec<usize> = self
            .outputs
            .iter()
            .map(|counts| place(counts).map_or(1, |at| lengths[at]))
            .collect();
        let ordered = products.permuted_axes(order);
        let ordered: ArrayD<f32> = match ordered.is_standard_layout() {
            true => ordered,
            false => ordered.as_standard_layout().into_owned(),
        };
        Ok(Tensor::from(ordered.into_shape_with_order(IxDyn(&whole))?))
    }
}
