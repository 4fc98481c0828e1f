//! Convolutions as matrices: patches are columns, or products of pixels are patches.

use std::ops::Range;

use ndarray::Array2;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv, KernelFormat, PoolSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;

/// A convolution over the axes of `[sample, channel, …]`: a column holds the patch that a pixel of the output sees, channel
/// by channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pool: PoolSpec,
    /// One number an output channel, added digitally.
    bias: Tensor,
}

/// A transposed convolution over the axes of `[sample, channel, …]`: a column holds the channels of a pixel of the input, its
/// product a patch of the output, channel by channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scatter {
    pool: PoolSpec,
    adjustments: TVec<usize>,
    /// One number an output channel, added digitally.
    bias: Tensor,
}

/// Where the taps of a kernel meet the larger of two planes, along one axis.
#[derive(Debug, Clone, Copy)]
struct Along {
    /// Length of the plane that the taps meet.
    large: usize,
    /// Number of places of the kernel.
    small: usize,
    /// Length of the kernel.
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Length before the plane that the first tap begins at.
    before: usize,
}

impl Along {
    /// The kernel of `pool` along its axis number `axis`, at `small` places of a plane of length `large`.
    fn of(pool: &PoolSpec, axis: usize, small: usize, large: usize, before: usize) -> Self {
        Self {
            large,
            small,
            kernel: pool.kernel_shape[axis],
            stride: pool.stride(axis),
            dilation: pool.dilation(axis),
            before,
        }
    }

    /// The places at which `tap` meets the plane.
    fn places(&self, tap: usize) -> Range<usize> {
        let at = tap * self.dilation;
        let start = self.before.saturating_sub(at).div_ceil(self.stride);
        let end = (self.large + self.before)
            .saturating_sub(at)
            .div_ceil(self.stride)
            .min(self.small);
        start.min(end)..end
    }

    /// Where `tap` meets the plane at `place`, one of its [places](Self::places).
    fn met(&self, tap: usize, place: usize) -> usize {
        place * self.stride + tap * self.dilation - self.before
    }
}

/// A kernel on planes of any number of axes, the last of which is that of pixels; the others are lines of them.
#[derive(Debug, Clone)]
struct Planes {
    samples: usize,
    channels: usize,
    lines: Vec<Along>,
    pixels: Along,
}

/// Where a tap meets a line of pixels.
#[derive(Debug, Clone, Copy, Default)]
struct Met {
    /// The number of the line among the places.
    place: usize,
    /// The number of the line in the plane.
    line: usize,
}

impl Planes {
    /// Planes with the axes `along`, at least one.
    fn of(samples: usize, channels: usize, along: Vec<Along>) -> Self {
        let (pixels, lines) = along.split_last().expect("a plain kernel has an axis");
        Self {
            samples,
            channels,
            lines: lines.to_vec(),
            pixels: *pixels,
        }
    }

    fn axes(&self) -> impl Iterator<Item = &Along> {
        self.lines.iter().chain([&self.pixels])
    }

    /// Number of taps.
    fn taps(&self) -> usize {
        self.axes().map(|along| along.kernel).product()
    }

    /// Number of places in a plane.
    fn places(&self) -> usize {
        self.axes().map(|along| along.small).product()
    }

    /// Number of values in a plane.
    fn values(&self) -> usize {
        self.axes().map(|along| along.large).product()
    }

    /// The lines that the taps of a line of the kernel, number `tap` of them, meet.
    fn met(&self, tap: usize) -> Vec<Met> {
        let mut taps: usize = self.lines.iter().map(|along| along.kernel).product();
        let mut met = vec![Met::default()];
        for along in &self.lines {
            taps /= along.kernel;
            let tap = tap / taps % along.kernel;
            let further = |before: Met| {
                along.places(tap).map(move |place| Met {
                    place: before.place * along.small + place,
                    line: before.line * along.large + along.met(tap, place),
                })
            };
            met = met.into_iter().flat_map(further).collect();
        }
        met
    }

    /// Runs over whatever a tap meets: `run(matrix row, first column, first value of the plane, count)`. Columns stand side by
    /// side, values a stride apart.
    fn each(&self, mut run: impl FnMut(usize, usize, usize, usize)) {
        let line_taps: usize = self.lines.iter().map(|along| along.kernel).product();
        let met: Vec<Vec<Met>> = (0..line_taps).map(|tap| self.met(tap)).collect();
        let (columns, plane) = (self.places(), self.values());
        for channel in 0..self.channels {
            for (line_tap, met) in met.iter().enumerate() {
                for tap in 0..self.pixels.kernel {
                    let pixels = self.pixels.places(tap);
                    if pixels.is_empty() {
                        continue;
                    }
                    let at = (channel * line_taps + line_tap) * self.pixels.kernel + tap;
                    for sample in 0..self.samples {
                        let first = (sample * self.channels + channel) * plane;
                        for met in met {
                            let column = sample * columns + met.place * self.pixels.small;
                            let value = first
                                + met.line * self.pixels.large
                                + self.pixels.met(tap, pixels.start);
                            run(at, column + pixels.start, value, pixels.len());
                        }
                    }
                }
            }
        }
    }
}

/// Whether a kernel in these layouts is one that is computed here.
fn is_plain(pool: &PoolSpec, kernel: KernelFormat) -> bool {
    pool.data_format == DataFormat::NCHW && kernel == KernelFormat::OIHW && pool.rank() > 0
}

/// The kernel of `pool` in words: `5×5`, with steps of two `5×5 / 2`.
fn words(pool: &PoolSpec) -> String {
    let times = |lengths: &[usize]| {
        let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
        lengths.join("×")
    };
    let mut words = times(&pool.kernel_shape);
    let strides = pool.strides();
    if strides.iter().any(|stride| *stride != 1) {
        let same = strides.iter().all(|stride| *stride == strides[0]);
        words += &format!(" / {}", times(if same { &strides[..1] } else { &strides }));
    }
    if pool.dilations().iter().any(|dilation| *dilation != 1) {
        words += ", dilated";
    }
    words
}

/// Lengths behind sample and channel.
fn spatial(shape: &[usize]) -> &[usize] {
    &shape[2..]
}

/// The matrices of a kernel `[out, in, …]` with `outputs` of every group after one another.
fn matrices(kernel: &Tensor, groups: usize) -> TractResult<Vec<Array2<f32>>> {
    let outputs = kernel.shape()[0] / groups;
    let view = kernel.to_plain_array_view::<f32>()?;
    let flat: Vec<f32> = view.iter().copied().collect();
    let inputs = flat.len() / kernel.shape()[0].max(1);
    if flat.is_empty() {
        return Ok(Vec::new());
    }
    flat.chunks_exact(outputs * inputs)
        .map(|group| Ok(Array2::from_shape_vec((outputs, inputs), group.to_vec())?))
        .collect()
}

impl Window {
    pub(super) fn words(&self) -> String {
        words(&self.pool)
    }

    /// The convolution `op` with `kernel` and `bias`, and its groups, `[out, in · taps]` each; nothing where its numbers
    /// are quantized.
    pub(super) fn of(
        op: &Conv,
        kernel: &Tensor,
        bias: &Tensor,
    ) -> TractResult<Option<(Self, Vec<Array2<f32>>)>> {
        if !is_plain(&op.pool_spec, op.kernel_fmt) || op.q_params.is_some() {
            return Ok(None);
        }
        let groups = matrices(kernel, op.group)?;
        let form = Self {
            pool: op.pool_spec.clone(),
            bias: bias.broadcast_to_shape(&[op.pool_spec.output_channels])?,
        };
        Ok((!groups.is_empty()).then_some((form, groups)))
    }

    fn planes(&self, shape: &[usize]) -> Planes {
        let pool = &self.pool;
        let computed = pool.computed_padding(spatial(shape));
        let along = computed.iter().enumerate().map(|(axis, dim)| {
            Along::of(pool, axis, dim.convoluted, shape[2 + axis], dim.pad_before)
        });
        Planes::of(shape[0], shape[1], along.collect())
    }

    /// Number of columns of an input of `shape`.
    pub(super) fn count(&self, shape: &[usize]) -> usize {
        let planes = self.planes(shape);
        planes.samples * planes.places()
    }

    pub(super) fn columns(&self, x: &Tensor) -> TractResult<Array2<f32>> {
        let planes = self.planes(x.shape());
        let x = x.cast_to::<f32>()?;
        let view = x.to_plain_array_view::<f32>()?;
        let x = view.as_slice().context("tensors stand in order")?;
        let columns = planes.samples * planes.places();
        let rows = planes.channels * planes.taps();
        // In the order of memory, so that zeros are written where no tap meets the plane, and only there.
        let mut patches = Vec::with_capacity(rows * columns);
        let stride = planes.pixels.stride;
        planes.each(|row, column, value, count| {
            patches.resize(row * columns + column, 0.0);
            if stride == 1 {
                patches.extend_from_slice(&x[value..value + count]);
            } else {
                patches.extend(x[value..].iter().step_by(stride).take(count));
            }
        });
        patches.resize(rows * columns, 0.0);
        Ok(Array2::from_shape_vec((rows, columns), patches)?)
    }

    pub(super) fn output(&self, products: Array2<f32>, shape: &[usize]) -> TractResult<Tensor> {
        let planes = self.planes(shape);
        let plane = planes.places();
        let outputs = products.nrows();
        let products = products.as_standard_layout();
        let products = products.as_slice().context("it was put in order")?;
        let bias = self.bias.to_plain_array_view::<f32>()?;
        let mut y = Vec::with_capacity(products.len());
        let columns = planes.samples * plane;
        for sample in 0..planes.samples {
            for output in 0..outputs {
                let products = &products[output * columns + sample * plane..][..plane];
                let bias = bias[output];
                y.extend(products.iter().map(|product| product + bias));
            }
        }
        let mut whole = vec![planes.samples, outputs];
        whole.extend(planes.axes().map(|along| along.small));
        Tensor::from_shape(&whole, &y)
    }
}

impl Scatter {
    pub(super) fn words(&self) -> String {
        words(&self.pool)
    }

    /// The transposed convolution `op` with `kernel` and `bias`, and its groups, `[out · taps, in]` each; nothing where it
    /// has no weights.
    pub(super) fn of(
        op: &Deconv,
        kernel: &Tensor,
        bias: &Tensor,
    ) -> TractResult<Option<(Self, Vec<Array2<f32>>)>> {
        if !is_plain(&op.pool_spec, op.kernel_format) {
            return Ok(None);
        }
        let taps: usize = op.pool_spec.kernel_shape.iter().product();
        let groups = matrices(kernel, op.group)?;
        // Of every group [out, in, tap]: taps come to the outputs.
        let groups: Vec<Array2<f32>> = groups
            .into_iter()
            .map(|group| {
                let (outputs, inputs) = (group.nrows(), group.ncols() / taps);
                Array2::from_shape_fn((outputs * taps, inputs), |(row, input)| {
                    group[[row / taps, input * taps + row % taps]]
                })
            })
            .collect();
        let form = Self {
            pool: op.pool_spec.clone(),
            adjustments: op.adjustments.clone(),
            bias: bias.broadcast_to_shape(&[op.pool_spec.output_channels])?,
        };
        Ok((!groups.is_empty()).then_some((form, groups)))
    }

    /// Number of columns of an input of `shape`.
    pub(super) fn count(&self, shape: &[usize]) -> usize {
        shape[0] * spatial(shape).iter().product::<usize>()
    }

    pub(super) fn columns(&self, x: &Tensor) -> TractResult<Array2<f32>> {
        let shape = x.shape();
        let (samples, channels) = (shape[0], shape[1]);
        let plane: usize = spatial(shape).iter().product();
        let x = x.cast_to::<f32>()?;
        let view = x.to_plain_array_view::<f32>()?;
        let x = view.as_slice().context("tensors stand in order")?;
        let mut columns = Array2::zeros((channels, samples * plane));
        for (channel, mut row) in columns.rows_mut().into_iter().enumerate() {
            let row = row.as_slice_mut().context("zeros stand in order")?;
            for (sample, into) in row.chunks_exact_mut(plane.max(1)).enumerate() {
                into.copy_from_slice(&x[(sample * channels + channel) * plane..][..plane]);
            }
        }
        Ok(columns)
    }

    pub(super) fn output(&self, products: Array2<f32>, shape: &[usize]) -> TractResult<Tensor> {
        let pool = &self.pool;
        let computed = pool.padding.compute_for_deconv(
            spatial(shape),
            &pool.kernel_shape,
            &pool.dilations(),
            &pool.strides(),
            &self.adjustments,
        )?;
        let along = computed.iter().enumerate().map(|(axis, dim)| {
            let (small, large) = (shape[2 + axis], dim.deconvoluted);
            Along::of(pool, axis, small, large, dim.pad_before)
        });
        let planes = Planes::of(shape[0], pool.output_channels, along.collect());
        let columns = planes.samples * planes.places();
        let products = products.as_standard_layout();
        let products = products.as_slice().context("it was put in order")?;
        let mut y = vec![0.0; planes.samples * planes.channels * planes.values()];
        planes.each(|row, column, value, count| {
            let from = &products[row * columns + column..][..count];
            let into = y[value..].iter_mut().step_by(planes.pixels.stride);
            into.zip(from).for_each(|(into, y)| *into += *y);
        });
        let bias = self.bias.to_plain_array_view::<f32>()?;
        let bias = bias.iter().cycle();
        for (plane, bias) in y.chunks_exact_mut(planes.values().max(1)).zip(bias) {
            plane.iter_mut().for_each(|y| *y += bias);
        }
        let mut whole = vec![planes.samples, planes.channels];
        whole.extend(planes.axes().map(|along| along.large));
        Tensor::from_shape(&whole, &y)
    }
}
