use super::*;
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

#[test]
fn every_case_gives_what_the_whole_graph_gives() {
    for folder in ["../shared/models", "../shared/cases/networks"] {
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for path in files.iter().filter(|path| path.extension().is_some_and(|e| e == "onnx")) {
            let name = path.file_name().unwrap().to_string_lossy();
            let source = Source::open(path).unwrap();
            let graph = match Graph::read(&source, &Choice::default(), &Chosen::default()) {
                Ok(loaded) => loaded,
                Err(error) => {
                    println!("{name}: {error:#}");
                    continue;
                }
            };
            let model = prepare(&source, &Choice::default()).unwrap().model;
            for left in graph.left() {
                println!("{name}: {} stays digital: {} ({})", left.name, left.why, left.products);
            }
            for linear in graph.linears() {
                println!("{name}: {}: {} {} [{}, {}] x {}", linear.name, graph.kind(LinearId(graph.linears().iter().position(|l| l == linear).unwrap())), linear.groups.len(), linear.groups[0].outputs(), linear.groups[0].inputs(), linear.columns);
            }
            let arrays: Vec<ArrayD<f32>> = graph.inputs().iter().map(|port| {
                let shape: Vec<usize> = port.shape.iter().enumerate().map(|(at, x)| x.unwrap_or([3, 5][at.min(1)])).collect();
                let mut k = 0.0f32;
                ArrayD::from_shape_simple_fn(shape, || { k += 1.0; if port.element == Element::Float { (k * 0.7).sin() } else { (k * 7.0) % 11.0 } })
            }).collect();
            let tensors = model.inputs.iter().zip(&arrays).map(|(outlet, x)| Tensor::from(x.clone()).cast_to_dt(model.outlet_fact(*outlet).unwrap().datum_type).unwrap().into_owned().into_tvalue()).collect();
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
