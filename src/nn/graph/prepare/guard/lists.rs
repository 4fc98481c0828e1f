//! MatMul of two lists, for which tract has no product: a sum over the only axis of both.

use tract_onnx::Onnx;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::matmul::MatMulInference;

/// tract's MatMul, of two lists too.
#[derive(Debug, Clone, Default, Hash, PartialEq, Eq)]
struct Product(MatMulInference);

/// Puts the MatMul that also takes two lists in place of that of `onnx`.
pub(super) fn register(onnx: &mut Onnx) {
    onnx.op_register
        .insert("MatMul", |_, _| Ok((expand(Product::default()), vec![])));
}

impl Expansion for Product {
    fn name(&self) -> StaticName {
        "MatMul".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.0.rules(solver, inputs, outputs)
    }

    fn wire(
        &self,
        prefix: &str,
        target: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        for input in inputs {
            if target.outlet_fact(*input)?.rank() != 1 {
                return self.0.wire(prefix, target, inputs);
            }
        }
        let sum = EinSum {
            axes: "k,k->".parse()?,
            operating_dt: target.outlet_fact(inputs[0])?.datum_type,
            q_params: None,
        };
        target.wire_node(prefix, sum, inputs)
    }
}
