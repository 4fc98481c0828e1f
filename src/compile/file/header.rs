//! The header of a program file, of both versions.

use serde::{Deserialize, Serialize};

use crate::compile::cover::Block;
use crate::compile::{Aim, Arrangement, Multiplier, Weights};
use crate::error::{Error, Result};
use crate::mesh::Geometry;
#[cfg(feature = "onnx")]
use crate::nn::Chosen;
use crate::nn::{Activation, Input, Readout};
use crate::rng::Seed;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) geometry: Multiplier,
    pub(super) tile: Option<usize>,
    /// Exact where the header does not say it.
    #[serde(default, skip_serializing_if = "Weights::is_exact")]
    pub(super) weights: Weights,
    pub(super) freedom: Freedom,
    /// SHA-256 of the phases where they do not make the weights: they were trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trained: Option<String>,
    /// Whether they are what the heaters of one chip are asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) asked: bool,
    pub(super) input: Input,
    pub(super) readout: Readout,
    pub(super) maps: Vec<MapHeader>,
    pub(super) body: BodyHeader,
}

/// The header of a file of version 1: a chain, whose layers are its maps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstHeader {
    #[serde(rename = "version")]
    _version: u32,
    geometry: Geometry,
    tile: Option<usize>,
    /// The earliest files do not say it: [`Freedom::default`].
    #[serde(default)]
    freedom: Freedom,
    input: Input,
    readout: Readout,
    layers: Vec<FirstLayer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLayer {
    name: String,
    activation: Activation,
    complex: bool,
    tiles: Vec<TileHeader>,
}

/// How what the weights leave free was chosen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Freedom {
    pub(super) arrangement: Arrangement,
    pub(super) aim: Aim,
    pub(super) seed: Seed,
}

impl Default for Freedom {
    fn default() -> Self {
        Self {
            arrangement: Arrangement::Descending,
            aim: Aim::Perfect,
            seed: Seed(0),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MapHeader {
    pub(super) name: String,
    pub(super) groups: usize,
    pub(super) columns: usize,
    pub(super) complex: bool,
    /// None where a network stands alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tiles: Vec<TileHeader>,
}

/// What is computed with the maps.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum BodyHeader {
    /// The activation behind each map.
    Chain(Vec<Activation>),
    /// A graph, whose file is a tensor of bytes, and what of it goes to light.
    #[cfg(feature = "onnx")]
    Graph(Chosen),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TileHeader {
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) input_modes: usize,
    pub(super) output_modes: usize,
    pub(super) scale: f64,
}

impl TileHeader {
    /// Where in the map's matrix the tile stands.
    pub(super) fn block(&self) -> Block {
        Block {
            row: self.row,
            col: self.col,
            rows: self.rows,
            cols: self.cols,
        }
    }
}

impl From<FirstHeader> for Header {
    fn from(first: FirstHeader) -> Self {
        let mut activations = Vec::new();
        let maps = first.layers.into_iter().map(|layer| {
            activations.push(layer.activation);
            MapHeader {
                name: layer.name,
                groups: 1,
                columns: 1,
                complex: layer.complex,
                tiles: layer.tiles,
            }
        });
        let maps = maps.collect();
        Self {
            version: 1,
            geometry: first.geometry.into(),
            tile: first.tile,
            weights: Weights::Exact,
            freedom: first.freedom,
            trained: None,
            asked: false,
            input: first.input,
            readout: first.readout,
            maps,
            body: BodyHeader::Chain(activations),
        }
    }
}

impl Header {
    /// The version that is written.
    pub(super) const VERSION: u32 = 2;

    /// The header in `header`, of either version.
    pub(super) fn read(header: &str) -> Result<Self> {
        let malformed = |error| Error::json("program header", header, &error);
        let value: serde_json::Value = serde_json::from_str(header).map_err(malformed)?;
        match value["version"].as_u64() {
            Some(1) => {
                let first: FirstHeader = serde_json::from_str(header).map_err(malformed)?;
                Ok(first.into())
            }
            Some(2) => serde_json::from_str(header).map_err(malformed),
            _ => {
                let got = &value["version"];
                Err(Error::value("program version", got, "1 or 2"))
            }
        }
    }

    /// What the tensors of maps begin with.
    pub(super) fn maps_prefix(&self) -> &'static str {
        match self.version {
            1 => "layers",
            _ => "maps",
        }
    }
}
