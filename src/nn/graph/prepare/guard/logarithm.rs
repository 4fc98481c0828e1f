//! LogSoftmax as x − max − ln Σ e^(x − max): that of tract is the logarithm of a softmax, which single precision rounds to 0
//! from e⁻¹⁰³ on.

use tract_onnx::Onnx;
use tract_onnx::tract_core::ops::nn::{Softmax, SoftmaxKind};
use tract_onnx::tract_hir::internal::*;

use crate::nn::graph::prepare::view;

/// The logarithm of the softmax along `axis`, from the end where it is below 0.
#[derive(Debug, Clone, Hash)]
struct LogSoftmax {
    axis: i64,
    /// Whether it is over all axes from that one on, as before version 13.
    is_over_rest: bool,
}

/// Puts the own LogSoftmax in place of that of `onnx`.
pub(super) fn register(onnx: &mut Onnx) {
    onnx.op_register.insert("LogSoftmax", |context, node| {
        let is_over_rest = context.onnx_operator_set_version < 13;
        let axis = view::int(node, "axis").unwrap_or(if is_over_rest { 1 } else { -1 });
        let own = LogSoftmax { axis, is_over_rest };
        Ok((expand(own), vec![]))
    });
}

impl Expansion for LogSoftmax {
    fn name(&self) -> StaticName {
        "LogSoftmax".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&outputs[0].datum_type, &inputs[0].datum_type)?;
        solver.equals(&outputs[0].rank, &inputs[0].rank)?;
        solver.equals(&outputs[0].shape, &inputs[0].shape)
    }

    fn wire(
        &self,
        prefix: &str,
        target: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let rank = target.outlet_fact(inputs[0])?.rank();
        let axis = match self.axis < 0 {
            true => self.axis + rank as i64,
            false => self.axis,
        };
        let axis = usize::try_from(axis).ok().filter(|axis| *axis < rank);
        let Some(axis) = axis else {
            bail!("\"{prefix}\" has axis {} of {rank} axes", self.axis);
        };
        let axes = match self.is_over_rest {
            true => (axis..rank).collect(),
            false => tvec!(axis),
        };
        let kind = SoftmaxKind::LogSoftmax;
        target.wire_node(prefix, Softmax::new(axes, None, kind), inputs)
    }
}
