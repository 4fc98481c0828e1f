//! Networks, programs and other named tensors.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::Said;
#[cfg(feature = "onnx")]
use super::graph;
use super::mesh::ASKED;
use crate::compile::{Aim, Arrangement, EDGE_RAD, Layout, Multiplier, Program, Tile, Weights};
use crate::error::Error;
use crate::files::TensorShape;
use crate::nn::{Layer, Linear, LinearId, Loaded, Network};

pub(super) fn describe_compiled(out: &mut Said, program: &Program) -> Result<()> {
    match program.layout().multiplier {
        Multiplier::Crossbar => writeln!(out, "program: a network as crossbars")?,
        _ => writeln!(out, "program: a network as phases of meshes")?,
    }
    let layout = program.layout();
    out.put("tile", layout.tile);
    out.put("geometry", layout.multiplier.to_string());
    out.put("weights", layout.weights.to_string());
    // A crossbar leaves nothing free and has no MZI.
    let is_free = layout.multiplier != Multiplier::Crossbar;
    out.put("for", is_free.then(|| layout.aim.name()));
    out.put("arrange", is_free.then(|| layout.arrangement.name()));
    out.put("seed", is_free.then_some(layout.seed.0));
    out.put("share_at_edges", is_free.then(|| program.share_at_edges()));
    let layers = program.maps().map(|map| {
        let mut record = map_record(program.network(), map.id, map.linear);
        record["tiles"] = map.tiles.len().into();
        record["mzis"] = map.mzis().into();
        let shifters = map.tiles.iter().map(Tile::phase_shifters);
        record["phase_shifters"] = shifters.sum::<usize>().into();
        record
    });
    out.put("layers", layers.collect::<Vec<_>>());
    #[cfg(feature = "onnx")]
    if let Some(graph) = program.network().graph() {
        out.put("graph", graph::record(graph));
        out.notes.extend(graph.dark_words());
    }
    let input = &program.network().input;
    out.put("input", serde_json::to_value(input)?);
    writeln!(out, "data: {}", program.network().input_words())?;
    describe_program(out, program)
}

/// Layout, layers and sizes of a program.
pub fn describe_program(out: &mut dyn Write, program: &Program) -> Result<()> {
    let layout = program.layout();
    let size = match layout.tile {
        Some(modes) => format!("tiles of {modes} modes"),
        None => "one tile per layer".to_owned(),
    };
    let weights = layout.weights;
    let Multiplier::Meshes(geometry) = layout.multiplier else {
        writeln!(
            out,
            "layout: {size}, crossbars: arrays of {weights} weights without MZIs"
        )?;
        for map in program.maps() {
            let words = map_words(program.network(), map.id, map.linear);
            writeln!(out, "{words}; {} tile(s)", map.tiles.len())?;
        }
        return describe_rest(out, program);
    };
    let held = match weights {
        Weights::Exact => String::new(),
        weights => format!(" of {weights} weights"),
    };
    writeln!(out, "layout: {size}, {geometry} meshes{held}")?;
    let Layout {
        arrangement,
        aim,
        seed,
        ..
    } = layout;
    let seed = match (aim, arrangement) {
        (Aim::Perfect, Arrangement::Shuffled) | (Aim::Uncorrected | Aim::Corrected, _) => {
            format!(", seed {}", seed.0)
        }
        (Aim::Perfect, _) => String::new(),
    };
    writeln!(
        out,
        "compiled for {aim} chips, singular values {arrangement}{seed}; {:.1} % of the MZIs within {EDGE_RAD} rad of bar or cross",
        100.0 * program.share_at_edges()
    )?;
    if program.is_asked() {
        writeln!(out, "{ASKED}")?;
    } else if program.has_trained_phases() {
        writeln!(
            out,
            "trained phases: they are not those that the weights of its network decompose into"
        )?;
    }
    let (mut mzis, mut shifters) = (0, 0);
    for map in program.maps() {
        let (tiles, of_layer) = (map.tiles, map.mzis());
        mzis += of_layer;
        shifters += tiles.iter().map(Tile::phase_shifters).sum::<usize>();
        writeln!(
            out,
            "{}; {} tile(s), {of_layer} MZIs, {:.0} MZIs on a path",
            map_words(program.network(), map.id, map.linear),
            tiles.len(),
            tiles.first().map_or(0.0, |tile| tile.mean_depth()),
        )?;
    }
    writeln!(out, "in all: {mzis} MZIs, {shifters} phase shifters")?;
    describe_rest(out, program)
}

/// What a graph leaves to a computer; of a chain its layers say it.
#[cfg(feature = "onnx")]
fn describe_rest(out: &mut dyn Write, program: &Program) -> Result<()> {
    match program.network().graph() {
        Some(graph) => Ok(graph::describe(out, graph)?),
        None => Ok(()),
    }
}

#[cfg(not(feature = "onnx"))]
fn describe_rest(_: &mut dyn Write, _: &Program) -> Result<()> {
    Ok(())
}

/// A map of a network in words.
fn map_words(network: &Network, id: LinearId, linear: &Linear) -> String {
    match network.layers().get(id.0) {
        Some(layer) => format!("{}, then {}", describe_layer(layer), layer.activation),
        #[cfg(feature = "onnx")]
        None => graph::map_words(network, id, linear),
        #[cfg(not(feature = "onnx"))]
        None => unreachable!("map {} of a chain has a layer: {}", id.0, linear.name),
    }
}

/// A map of a network as a record.
fn map_record(network: &Network, id: LinearId, linear: &Linear) -> Value {
    match network.layers().get(id.0) {
        Some(layer) => {
            let mut record = layer_record(layer);
            record["activation"] = layer.activation.to_string().into();
            record
        }
        #[cfg(feature = "onnx")]
        None => graph::map_record(network, id, linear),
        #[cfg(not(feature = "onnx"))]
        None => unreachable!("map {} of a chain has a layer: {}", id.0, linear.name),
    }
}

/// A network, and the tensors of its file if it holds named ones.
pub(super) fn describe_network(
    out: &mut Said,
    loaded: &Loaded,
    tensors: &[TensorShape],
) -> Result<()> {
    if !tensors.is_empty() {
        describe_tensors(out, tensors)?;
    }
    if !tensors.is_empty() || loaded.assumed.is_some() {
        return Ok(describe_unstated(out, loaded)?);
    }
    writeln!(out, "network:")?;
    let network = &loaded.network;
    let records = network
        .linears()
        .map(|(id, linear)| map_record(network, id, linear));
    out.put("layers", records.collect::<Vec<_>>());
    for (id, linear) in network.linears() {
        writeln!(out, "  {}", map_words(network, id, linear))?;
    }
    #[cfg(feature = "onnx")]
    if let Some(graph) = network.graph() {
        out.put("graph", graph::record(graph));
        out.notes.extend(graph.notes().iter().cloned());
        out.notes.extend(graph.dark_words());
        graph::describe(out, graph)?;
    }
    Ok(())
}

/// Named tensors that are neither a network nor a data set.
pub(super) fn describe_others(
    out: &mut Said,
    tensors: &[TensorShape],
    no_network: &Error,
) -> Result<()> {
    describe_tensors(out, tensors)?;
    writeln!(out, "neither a network nor a data set as it stands")?;
    Ok(writeln!(out, "  as a network: {no_network}")?)
}

/// Layers whose file does not say what is between them.
fn describe_unstated(out: &mut Said, loaded: &Loaded) -> std::io::Result<()> {
    writeln!(
        out,
        "layers of a network; its activations are not in the file:"
    )?;
    let layers = loaded.network.layers();
    let records = layers.iter().map(layer_record);
    out.put("layers", records.collect::<Vec<_>>());
    out.put("order", loaded.assumed.map(|assumed| assumed.order.name()));
    out.notes.extend(loaded.entry_words());
    out.notes.extend(loaded.order_words());
    for layer in layers {
        writeln!(out, "  {}", describe_layer(layer))?;
    }
    Ok(())
}

fn layer_record(layer: &Layer) -> Value {
    json!({
        "name": layer.name(),
        "inputs": layer.linear.inputs(),
        "outputs": layer.linear.outputs(),
        "complex": layer.linear.is_complex(),
        "bias": layer.bias.is_some(),
    })
}

fn describe_layer(layer: &Layer) -> String {
    format!(
        "layer {}: {} → {} {}{}",
        layer.name(),
        layer.linear.inputs(),
        layer.linear.outputs(),
        if layer.linear.is_complex() {
            "complex"
        } else {
            "real"
        },
        if layer.bias.is_some() {
            " with bias"
        } else {
            ""
        },
    )
}

pub(super) fn describe_tensors(out: &mut Said, tensors: &[TensorShape]) -> Result<()> {
    writeln!(out, "{} tensor(s):", tensors.len())?;
    let records = tensors
        .iter()
        .map(|tensor| json!({ "name": tensor.name, "shape": tensor.shape, "dtype": tensor.dtype }));
    out.put("tensors", records.collect::<Vec<_>>());
    for tensor in tensors {
        writeln!(
            out,
            "  {}: {:?} {}",
            tensor.name, tensor.shape, tensor.dtype
        )?;
    }
    Ok(())
}
