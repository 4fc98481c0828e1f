use super::*;
use tract_onnx::tract_core::internal::TDim;
use tract_onnx::tract_hir::internal::Factoid;
use crate::error::Result;
use crate::field::Real;
use crate::nn::{At, Batch, Linears};
use ndarray::ArrayD;

/// Multiplies in double precision.
struct Plain<'a>(&'a Graph);

impl<T: Real> Linears<T> for Plain<'_> {
    fn multiply(&self, map: LinearId, columns: Batch<T>, _: At) -> Result<Batch<T>> {
        let Batch::Real(x) = columns else { panic!() };
        let crate::nn::Weight::Real(weight) = self.0.linears()[map.0].whole().into_owned() else {
            panic!()
        };
        let product = weight.dot(&x.mapv(T::double));
        Ok(Batch::Real(product.mapv(T::of)))
    }
}

fn port(model: &TypedModel, outlet: OutletId) -> Port {
    let fact = model.outlet_fact(outlet).unwrap();
    Port {
        name: model.node(outlet.node).name.clone(),
        kind: fact.datum_type,
        shape: fact.shape.iter().map(|dim| dim.to_usize().ok()).collect(),
    }
}

fn load(path: &std::path::Path) -> TractResult<(Graph, TypedModel)> {
    let mut model = tract_onnx::onnx().model_for_path(path)?;
    let batch = model.symbols.sym("N");
    for index in 0..model.inputs.len() {
        let mut fact = model.input_fact(index)?.clone();
        if fact.shape.dim(0).is_some_and(|dim| dim.concretize().is_none_or(|dim| dim.to_usize().is_err())) {
            fact.shape.set_dim(0, TDim::from(batch.clone()));
        }
        model.set_input_fact(index, fact)?;
    }
    let model = model.into_typed()?;
    let mut folded = model.clone();
    folded.prop_consts()?;
    let inputs = model.input_outlets()?.to_vec();
    let inputs = inputs.into_iter().map(|outlet| port(&model, outlet)).collect();
    let outputs = model.output_outlets()?.to_vec();
    let outputs = outputs.into_iter().map(|outlet| port(&model, outlet)).collect();
    let graph = Graph::of(folded, inputs, outputs, |_, _| true, |node| node.name.clone())?;
    Ok((graph, model))
}

#[test]
fn every_case_gives_what_the_whole_graph_gives() {
    for folder in ["../shared/models", "../shared/cases/networks"] {
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for path in files.iter().filter(|path| path.extension().is_some_and(|e| e == "onnx")) {
            let name = path.file_name().unwrap().to_string_lossy();
            let (graph, model) = match load(path) {
                Ok(loaded) => loaded,
                Err(error) => {
                    println!("{name}: {error:#}");
                    continue;
                }
            };
            for linear in graph.linears() {
                println!("{name}: {} {} [{}, {}] x {}", linear.name, linear.groups.len(), linear.groups[0].outputs(), linear.groups[0].inputs(), linear.columns);
            }
            let arrays: Vec<ArrayD<f32>> = graph.inputs().iter().map(|port| {
                let shape: Vec<usize> = port.shape.iter().enumerate().map(|(at, x)| x.unwrap_or([3, 5][at.min(1)])).collect();
                let mut k = 0.0f32;
                ArrayD::from_shape_simple_fn(shape, || { k += 1.0; if port.kind.is_float() { (k * 0.7).sin() } else { (k * 7.0) % 11.0 } })
            }).collect();
            let tensors = graph.inputs().iter().zip(&arrays).map(|(port, x)| Tensor::from(x.clone()).cast_to_dt(port.kind).unwrap().into_owned().into_tvalue()).collect();
            let plain = model.clone().into_optimized().unwrap();
            let plain = TypedSimplePlan::new(plain).unwrap().run(tensors).unwrap();
            let ours = graph.run_on::<f32>(arrays, &Plain(&graph), 0).unwrap();
            let mut most = 0.0f32;
            for (ours, plain) in ours.iter().zip(&plain) {
                let plain = plain.cast_to::<f32>().unwrap().into_owned().into_plain_array::<f32>().unwrap();
                assert_eq!(ours.shape(), plain.shape());
                for (a, b) in ours.iter().zip(&plain) {
                    most = most.max((a - b).abs());
                }
            }
            println!("{name}: {most:e} {}", graph.parts.chunk);
        }
    }
}
