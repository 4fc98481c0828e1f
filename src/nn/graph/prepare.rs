//! SHIM until the preparation pass is merged.
use prost::Message;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, TDim};
use tract_onnx::tract_hir::internal::Factoid;
use crate::error::{Error, Result};
use crate::io::Source;
pub const BATCH: &str = "N";
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice { pub inputs: Vec<String>, pub outputs: Vec<String>, pub shapes: Vec<GivenShape> }
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenShape { pub name: String, pub axes: Vec<Option<usize>> }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element { Float, Integer, Boolean }
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port { pub name: String, pub element: Element, pub shape: Vec<Option<usize>> }
#[derive(Debug, Clone)]
pub struct Prepared { pub proto: ModelProto, pub model: TypedModel, pub inputs: Vec<Port>, pub outputs: Vec<Port>, pub notes: Vec<String> }
pub fn prepare(source: &Source, _: &Choice) -> Result<Prepared> {
    let bad = |e: TractError| Error::format("graph", format!("{e:#}"));
    let proto = ModelProto::decode(source.bytes()).map_err(|e| Error::format("graph", e.to_string()))?;
    let mut model = tract_onnx::onnx().model_for_proto_model(&proto).map_err(bad)?;
    let build = |model: &mut InferenceModel| -> TractResult<TypedModel> {
        for index in 0..model.inputs.len() {
            let mut fact = model.input_fact(index)?.clone();
            if fact.shape.dim(0).is_some_and(|dim| dim.concretize().is_none_or(|dim| dim.to_usize().is_err())) {
                let batch = model.symbols.sym("batch");
                fact.shape.set_dim(0, TDim::from(batch.clone()));
            }
            model.set_input_fact(index, fact)?;
        }
        let mut model = model.clone().into_typed()?;
        model.prop_consts()?;
        Ok(model)
    };
    let model = build(&mut model).map_err(bad)?;
    let port = |outlet: &OutletId| -> Port {
        let fact = model.outlet_fact(*outlet).unwrap();
        let element = if fact.datum_type.is_float() { Element::Float } else { Element::Integer };
        Port { name: model.node(outlet.node).name.clone(), element, shape: fact.shape.iter().map(|d| d.to_usize().ok()).collect() }
    };
    let inputs = model.inputs.iter().map(port).collect();
    let outputs = model.outputs.iter().map(port).collect();
    Ok(Prepared { proto, inputs, outputs, notes: vec![], model })
}

impl std::str::FromStr for GivenShape {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::value("--shape", text, "NAME=N,… such as x=N,3,32,32");
        let (name, axes) = text.split_once('=').ok_or_else(refused)?;
        let axis = |text: &str| match text.trim() {
            "N" | "?" => Ok(None),
            number => number.parse().map(Some).map_err(|_| refused()),
        };
        Ok(Self { name: name.trim().to_owned(), axes: axes.split(',').map(axis).collect::<Result<_>>()? })
    }
}
