//! How well does a small network read handwritten digits before any light is involved?
//!
//! Trains the 64-32-32-10 network of the demo on the 8×8 digits in `meshes/demo` and prints its accuracy
//! by epoch. Nothing is written unless asked for:
//!
//! ```text
//! cargo run --example train_digits -- --write meshes/demo
//! ```
//!
//! Same version, same CPU type → the same network. It trains in double precision, which the dev profile
//! optimizes, and is stored and scored with its weights rounded to single precision.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use candle_core::{D, DType, Device, Tensor, Var, safetensors};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss};
use lightloom::rng::{Effect, Seed};
use npyz::NpyFile;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const WIDTHS: [usize; 4] = [64, 32, 32, 10];
const EPOCHS: u64 = 40;
const BATCH: usize = 50;
/// Peak learning rate; it falls to zero along half a cosine.
const LEARNING_RATE: f64 = 0.01;
/// Decoupled weight decay: small weights suit the attenuators of a mesh.
const WEIGHT_DECAY: f64 = 0.1;

/// The stored network but for its weights: what is fed in, and in which order the tensors stand.
const NETWORK: &str = include_str!("../meshes/demo/network.toml");

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("meshes/demo");
    let (x, y) = digits(&folder.join("digits-train.npz"))?;
    let (x_test, y_test) = digits(&folder.join("digits-test.npz"))?;
    let vars = (0..WIDTHS.len() - 1)
        .map(layer)
        .collect::<Result<Vec<_>>>()?;
    let config = ParamsAdamW {
        weight_decay: WEIGHT_DECAY,
        ..Default::default()
    };
    let mut optimizer = AdamW::new(vars.concat(), config)?;
    println!("epoch  train accuracy  test accuracy");
    for epoch in 1..=EPOCHS {
        let progress = (epoch - 1) as f64 / EPOCHS as f64;
        let rate = LEARNING_RATE * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        optimizer.set_learning_rate(rate);
        for rows in shuffled(x.dim(0)?, epoch).chunks(BATCH) {
            let rows = Tensor::new(rows, &Device::Cpu)?;
            let logits = forward(&vars, &x.index_select(&rows, 0)?)?;
            optimizer.backward_step(&loss::cross_entropy(&logits, &y.index_select(&rows, 0)?)?)?;
        }
        if epoch == 1 || epoch % 5 == 0 {
            let (train, test) = (accuracy(&vars, &x, &y)?, accuracy(&vars, &x_test, &y_test)?);
            println!("{epoch:>5}  {train:>14.4}  {test:>13.4}");
        }
    }
    for var in vars.iter().flatten() {
        var.set(&var.to_dtype(DType::F32)?.to_dtype(DType::F64)?)?;
    }
    let test = accuracy(&vars, &x_test, &y_test)?;
    println!(
        "in single precision: {test:.4} of {} test samples",
        y_test.dim(0)?
    );
    let mut args = std::env::args().skip(1);
    match (args.next().as_deref(), args.next()) {
        (None, _) => {}
        (Some("--write"), Some(to)) => {
            let mut tensors = HashMap::new();
            for (layer, pair) in vars.iter().enumerate() {
                for (var, name) in pair.iter().zip(["weight", "bias"]) {
                    tensors.insert(format!("{}.{name}", 2 * layer), var.to_dtype(DType::F32)?);
                }
            }
            safetensors::save(&tensors, Path::new(&to).join("digits.safetensors"))?;
            std::fs::write(Path::new(&to).join("network.toml"), NETWORK)?;
        }
        _ => return Err("usage: train_digits [--write DIR]".into()),
    }
    Ok(())
}

/// Samples `[sample, pixel]` in [0, 1] and their labels.
fn digits(path: &Path) -> Result<(Tensor, Tensor)> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    let x: Vec<u8> = NpyFile::new(archive.by_name("x.npy")?)?.into_vec()?;
    let y: Vec<u8> = NpyFile::new(archive.by_name("y.npy")?)?.into_vec()?;
    let x = Tensor::from_vec(x, (y.len(), WIDTHS[0]), &Device::Cpu)?;
    let y = Tensor::from_vec(y, x.dim(0)?, &Device::Cpu)?;
    Ok(((x.to_dtype(DType::F64)? / 16.0)?, y.to_dtype(DType::U32)?))
}

/// Weight `[out, in]` ~ N(0, 2 / in) and bias 0 (He et al., ICCV 2015, 1026).
fn layer(index: usize) -> Result<[Var; 2]> {
    let (inputs, outputs) = (WIDTHS[index], WIDTHS[index + 1]);
    let mut stream = Seed(0).stream(Effect::Haar, 0, index as u64, 0);
    let weight = Tensor::from_vec(
        stream.standard_normals(outputs * inputs),
        (outputs, inputs),
        &Device::Cpu,
    )?;
    let weight = (weight * (2.0 / inputs as f64).sqrt())?;
    let bias = Tensor::zeros(outputs, DType::F64, &Device::Cpu)?;
    Ok([Var::from_tensor(&weight)?, Var::from_tensor(&bias)?])
}

/// Logits `[sample, class]`.
fn forward(vars: &[[Var; 2]], x: &Tensor) -> candle_core::Result<Tensor> {
    let mut x = x.clone();
    for (index, [weight, bias]) in vars.iter().enumerate() {
        x = x.matmul(&weight.t()?)?.broadcast_add(bias)?;
        if index + 1 < vars.len() {
            x = x.relu()?;
        }
    }
    Ok(x)
}

fn accuracy(vars: &[[Var; 2]], x: &Tensor, y: &Tensor) -> Result<f64> {
    let hits = forward(vars, x)?.argmax(D::Minus1)?.eq(y)?;
    Ok(hits.to_dtype(DType::F64)?.mean_all()?.to_scalar()?)
}

/// The numbers below `count`, in an order that depends on the epoch only (Fisher–Yates).
fn shuffled(count: usize, epoch: u64) -> Vec<u32> {
    let mut stream = Seed(0).stream(Effect::Haar, epoch, WIDTHS.len() as u64, 0);
    let mut order: Vec<u32> = (0..count as u32).collect();
    for last in (1..count).rev() {
        order.swap(last, (stream.uniform() * (last + 1) as f64) as usize);
    }
    order
}
