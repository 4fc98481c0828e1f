//! Forms of products against their definitions.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayD, IxDyn};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv, KernelFormat, PaddingSpec, PoolSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;

use super::convolution::{Scatter, Window};
use super::light::Form;
use super::product::Product;

/// Numbers that differ from place to place.
fn numbers(shape: &[usize], phase: f32) -> ArrayD<f32> {
    let mut place = 0.0;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        place += 1.0;
        (0.7 * place + phase).sin()
    })
}

/// What `form` makes of `x`, with `groups` multiplied in double precision, and whichever way they stand in memory.
fn through(form: &Form, groups: &[Array2<f32>], x: &ArrayD<f32>) -> ArrayD<f32> {
    let x = Tensor::from(x.clone());
    let columns = form.columns(&x).unwrap();
    assert_eq!(columns.ncols(), form.count(x.shape()));
    let (outputs, inputs) = groups[0].dim();
    let products = Array2::from_shape_fn(
        (outputs * groups.len(), columns.ncols()),
        |(row, column)| {
            let group = row / outputs;
            let weights = groups[group].row(row % outputs);
            let terms = weights.iter().enumerate();
            let terms = terms
                .map(|(at, w)| f64::from(*w) * f64::from(columns[[group * inputs + at, column]]));
            terms.sum::<f64>() as f32
        },
    );
    let by_column = products.t().as_standard_layout().into_owned();
    let [y, same] = [products, by_column.reversed_axes()].map(|products| {
        let y = form.output(products, x.shape()).unwrap();
        y.into_plain_array::<f32>().unwrap()
    });
    assert_eq!(y, same);
    y
}

fn assert_close(what: &str, got: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(got.shape(), expected.shape(), "{what}");
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() < 1e-5, "{what}: {a} against {b}");
    }
}

/// A kernel on planes of one to three axes.
struct Case {
    plane: &'static [usize],
    kernel: &'static [usize],
    before: &'static [usize],
    after: &'static [usize],
    dilations: &'static [usize],
    strides: &'static [usize],
    channels: usize,
    outputs: usize,
    groups: usize,
}

const CASES: [Case; 6] = [
    Case {
        plane: &[5, 6],
        kernel: &[3, 2],
        before: &[1, 0],
        after: &[0, 2],
        dilations: &[1, 1],
        strides: &[1, 1],
        channels: 2,
        outputs: 3,
        groups: 1,
    },
    Case {
        plane: &[7, 8],
        kernel: &[3, 3],
        before: &[2, 1],
        after: &[1, 2],
        dilations: &[2, 1],
        strides: &[2, 3],
        channels: 4,
        outputs: 6,
        groups: 2,
    },
    // Taps that meet nothing but padding.
    Case {
        plane: &[2, 2],
        kernel: &[3, 3],
        before: &[2, 2],
        after: &[2, 2],
        dilations: &[2, 2],
        strides: &[1, 1],
        channels: 1,
        outputs: 1,
        groups: 1,
    },
    Case {
        plane: &[4, 4],
        kernel: &[2, 3],
        before: &[0, 1],
        after: &[0, 1],
        dilations: &[1, 1],
        strides: &[2, 1],
        channels: 3,
        outputs: 3,
        groups: 3,
    },
    Case {
        plane: &[9],
        kernel: &[4],
        before: &[3],
        after: &[1],
        dilations: &[2],
        strides: &[2],
        channels: 2,
        outputs: 2,
        groups: 1,
    },
    Case {
        plane: &[3, 4, 5],
        kernel: &[2, 3, 2],
        before: &[1, 2, 0],
        after: &[0, 1, 1],
        dilations: &[1, 2, 1],
        strides: &[2, 1, 3],
        channels: 4,
        outputs: 2,
        groups: 2,
    },
];

impl Case {
    fn pool(&self) -> PoolSpec {
        PoolSpec::new(
            DataFormat::NCHW,
            self.kernel.into(),
            PaddingSpec::Explicit(self.before.into(), self.after.into()),
            Some(self.dilations.into()),
            Some(self.strides.into()),
            self.channels,
            self.outputs,
        )
    }

    fn input(&self) -> ArrayD<f32> {
        numbers(&[&[2, self.channels], self.plane].concat(), 0.3)
    }

    /// `[out, in of a group, …]`.
    fn weights(&self) -> ArrayD<f32> {
        numbers(
            &[&[self.outputs, self.channels / self.groups], self.kernel].concat(),
            1.1,
        )
    }

    /// The channels and taps that an output channel sums over: the input channel, that in its group, the tap.
    fn terms(&self, output: usize) -> Vec<(usize, usize, Vec<usize>)> {
        let per_group = self.channels / self.groups;
        let group = output / (self.outputs / self.groups);
        let mut terms = Vec::new();
        for channel in 0..per_group {
            for tap in ndarray::indices(IxDyn(self.kernel)) {
                let tap = (0..self.kernel.len()).map(|axis| tap[axis]).collect();
                terms.push((group * per_group + channel, channel, tap));
            }
        }
        terms
    }
}

/// y[n, o, p] = b[o] + Σ w[o, i, t] x[n, i, p · stride + t · dilation − before], 0 beyond the plane.
#[test]
fn patches_of_a_convolution_are_those_of_its_definition() {
    for (number, case) in CASES.iter().enumerate() {
        let (x, w) = (case.input(), case.weights());
        let conv = Conv::new(case.pool(), KernelFormat::OIHW, case.groups, None);
        let bias = numbers(&[case.outputs], 0.5);
        let (window, groups) = Window::of(&conv, &Tensor::from(w.clone()), &bias.clone().into())
            .unwrap()
            .unwrap();
        assert_eq!(groups.len(), case.groups);
        let places: Vec<usize> = (0..case.plane.len())
            .map(|axis| {
                let field = (case.kernel[axis] - 1) * case.dilations[axis] + 1;
                let padded = case.plane[axis] + case.before[axis] + case.after[axis];
                (padded - field) / case.strides[axis] + 1
            })
            .collect();
        let shape = [&[2, case.outputs][..], &places].concat();
        let expected = ArrayD::from_shape_fn(IxDyn(&shape), |y| {
            let mut sum = bias[y[1]];
            for (channel, in_group, tap) in case.terms(y[1]) {
                let met = (0..tap.len()).map(|axis| {
                    let at = y[2 + axis] * case.strides[axis] + tap[axis] * case.dilations[axis];
                    at.checked_sub(case.before[axis])
                        .filter(|at| *at < case.plane[axis])
                });
                if let Some(met) = met.collect::<Option<Vec<usize>>>() {
                    let weight = w[&*[&[y[1], in_group][..], &tap].concat()];
                    sum += weight * x[&*[&[y[0], channel][..], &met].concat()];
                }
            }
            sum
        });
        let got = through(&Form::Window(window), &groups, &x);
        assert_close(&format!("case {number}"), &got, &expected);
    }
}

/// y[n, o, q] = b[o] + Σ w[o, i, t] x[n, i, p] over all p · stride + t · dilation − before = q.
#[test]
fn products_of_a_transposed_convolution_overlap_as_its_definition_says() {
    for (number, case) in CASES.iter().enumerate() {
        let (x, w) = (case.input(), case.weights());
        let adjustments: TVec<usize> = (0..case.plane.len()).map(|axis| axis % 2).collect();
        let lengths: Vec<usize> = (0..case.plane.len())
            .map(|axis| {
                let field = (case.kernel[axis] - 1) * case.dilations[axis] + 1;
                let padding = case.before[axis] + case.after[axis];
                (case.plane[axis] - 1) * case.strides[axis] + field + adjustments[axis] - padding
            })
            .collect();
        let deconv = Deconv::new(case.pool(), KernelFormat::OIHW, adjustments, case.groups);
        // One number is that of every output.
        let bias = tract_onnx::prelude::tensor0(0.5f32);
        let (scatter, groups) = Scatter::of(&deconv, &Tensor::from(w.clone()), &bias)
            .unwrap()
            .unwrap();
        let shape = [&[2, case.outputs][..], &lengths].concat();
        let expected = ArrayD::from_shape_fn(IxDyn(&shape), |y| {
            let mut sum = 0.5;
            for (channel, in_group, tap) in case.terms(y[1]) {
                let from = (0..tap.len()).map(|axis| {
                    let at = (y[2 + axis] + case.before[axis])
                        .checked_sub(tap[axis] * case.dilations[axis])?;
                    let place = at / case.strides[axis];
                    (at % case.strides[axis] == 0 && place < case.plane[axis]).then_some(place)
                });
                if let Some(from) = from.collect::<Option<Vec<usize>>>() {
                    let weight = w[&*[&[y[1], in_group][..], &tap].concat()];
                    sum += weight * x[&*[&[y[0], channel][..], &from].concat()];
                }
            }
            sum
        });
        let got = through(&Form::Scatter(scatter), &groups, &x);
        assert_close(&format!("case {number}"), &got, &expected);
    }
}

/// The weight stands first or second; axes are groups, outputs, sums, columns; some have length 1.
#[test]
fn products_along_axes_are_the_sums_of_their_equation() {
    for (equation, first, second, constant) in [
        ("mk,nk->mn", &[4, 3][..], &[5, 3][..], 1),
        ("mk,kn->mn", &[4, 3], &[3, 5], 1),
        ("amk,kn->amn", &[2, 4, 3], &[3, 5], 1),
        ("mk,akn->amn", &[4, 3], &[2, 3, 5], 0),
        ("abk,kcd->dabc", &[2, 3, 4], &[4, 5, 2], 1),
        ("gmk,gkn->gmn", &[3, 2, 4], &[3, 4, 5], 1),
        ("gkn,ngka->agn", &[3, 4, 2], &[2, 3, 4, 5], 0),
        ("abmn,an->abm", &[1, 2, 3, 4], &[1, 4], 0),
        ("k,kn->n", &[3], &[3, 5], 1),
        ("mk,k->m", &[4, 3], &[3], 0),
        ("k,k->", &[3], &[3], 1),
    ] {
        let shapes = [first, second];
        let arrays = [numbers(first, 0.2), numbers(second, 0.9)];
        let axes: AxesMapping = equation.parse().unwrap();
        let input = 1 - constant;
        let fact = ShapeFact::from_dims(shapes[input].iter().map(|length| length.to_dim()));
        let weight = Tensor::from(arrays[constant].clone());
        let (mut form, groups) = Product::of(&axes, input, &fact, &weight).unwrap().unwrap();
        let axis = form.axis_of_outputs();
        let bias = numbers(&[groups[0].nrows()], 0.5);
        if axis.is_some() {
            form.add(bias.clone().into());
        }
        let got = through(&Form::Product(form), &groups, &arrays[input]);
        // Every index takes every value.
        let (left, output) = equation.split_once("->").unwrap();
        let letters: Vec<&str> = left.split(',').collect();
        let mut lengths = BTreeMap::new();
        for (letters, shape) in letters.iter().zip(shapes) {
            lengths.extend(letters.chars().zip(shape.iter().copied()));
        }
        let all: Vec<usize> = lengths.values().copied().collect();
        let of = |letters: &str, index: &IxDyn| -> Vec<usize> {
            let place = |letter| lengths.keys().position(|known| *known == letter).unwrap();
            letters.chars().map(|letter| index[place(letter)]).collect()
        };
        let shape: Vec<usize> = output.chars().map(|letter| lengths[&letter]).collect();
        let mut expected = ArrayD::zeros(IxDyn(&shape));
        for index in ndarray::indices(IxDyn(&all)) {
            let factors = [0, 1].map(|side| arrays[side][&*of(letters[side], &index)]);
            expected[&*of(output, &index)] += factors[0] * factors[1];
        }
        for (place, y) in expected.indexed_iter_mut() {
            *y += axis.map_or(0.0, |axis| bias[place[axis]]);
        }
        assert_close(equation, &got, &expected);
    }
}
