//! What chips are compared with.

use serde::{Deserialize, Serialize};

use super::{Point, Source};
use crate::compile::{Program, Weights};
use crate::error::Result;
use crate::experiment::Workload;
use crate::experiment::trial::{Counts, confusion};
use crate::field::Real;
use crate::nn::{Judged, Score, Worth};
use crate::rng::Seed;
use crate::watch::Watch;

/// One layer of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerShape {
    /// Its name in the network.
    pub name: String,
    /// Number of tiles.
    pub tiles: usize,
    /// Number of MZIs, attenuators included.
    pub mzis: usize,
}

/// What chips of one program are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Path of the network, if it was compiled here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network: Option<String>,
    /// Path of the program, if it was compiled before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub program: Option<String>,
    /// Path of the data.
    pub data: String,
    /// Modes of a tile; null for one tile a layer.
    pub tile: Option<usize>,
    /// Layout of the meshes.
    pub geometry: String,
    /// Order of the singular values.
    pub arrange: String,
    /// The chips that the phases which the weights leave free were chosen for.
    #[serde(rename = "for")]
    pub aim: String,
    /// How weights are held; exact where it is not said.
    #[serde(default, skip_serializing_if = "Weights::is_exact")]
    pub weights: Weights,
    /// Precision of the arithmetic.
    pub precision: String,
    /// Number of samples.
    pub samples: usize,
    /// Number of classes; 0 where outputs are none.
    pub classes: usize,
    /// The names of the classes, by number, where the data state them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_names: Option<Vec<String>>,
    /// What outputs are scored by.
    pub score_name: Score,
    /// The network as it was trained.
    pub digital: Worth,
    /// The program on a perfect chip.
    pub ideal: Worth,
    /// Confusion matrix of the network as it was trained; empty without classes.
    pub digital_confusion: Counts,
    /// Confusion matrix of the perfect chip; empty without classes.
    pub ideal_confusion: Counts,
    /// The layers.
    pub layers: Vec<LayerShape>,
}

impl Reference {
    /// Digital and ideal inference of `workload`, which is that of `point` and whose data have these `class_names`, and which
    /// `watch` may stop; and the digital outputs.
    pub(super) fn new<T: Real>(
        point: &Point,
        workload: &Workload<'_, T>,
        class_names: Option<&[String]>,
        seed: Seed,
        watch: &dyn Watch,
    ) -> Result<(Self, Judged<T>)> {
        let program: &Program = workload.program();
        let scorer = workload.scorer();
        let digital = workload.digital(watch)?;
        let ideal = workload.ideal(seed, &digital, watch)?;
        let counts = |judged: &Judged<T>| {
            let pairs = scorer.labels().zip(judged.classes.as_ref());
            pairs.map_or(Counts::new(), |(labels, classes)| {
                confusion(labels, classes, scorer.class_count())
            })
        };
        let (network, compiled) = match &point.source {
            Source::Network(path, _) => (Some(path.clone()), None),
            Source::Program(path) => (None, Some(path.clone())),
        };
        let reference = Self {
            network,
            program: compiled,
            data: point.data.clone(),
            tile: program.layout().tile,
            geometry: program.layout().multiplier.to_string(),
            arrange: program.layout().arrangement.to_string(),
            aim: program.layout().aim.to_string(),
            weights: program.layout().weights,
            precision: point.precision.name().to_owned(),
            samples: workload.samples(),
            classes: scorer.class_count(),
            class_names: class_names
                .filter(|_| scorer.class_count() > 0)
                .map(<[String]>::to_vec),
            score_name: scorer.score(),
            digital: digital.worth,
            ideal: ideal.worth,
            digital_confusion: counts(&digital),
            ideal_confusion: counts(&ideal),
            layers: program
                .maps()
                .map(|map| LayerShape {
                    name: map.linear.name.clone(),
                    tiles: map.tiles.len(),
                    mzis: map.mzis(),
                })
                .collect(),
        };
        Ok((reference, digital))
    }

    /// Whether `other` is of the same network or program, laid out alike, with the same data and precision.
    pub(super) fn has_settings_of(&self, other: &Self) -> bool {
        self.network == other.network
            && self.program == other.program
            && self.data == other.data
            && self.tile == other.tile
            && self.geometry == other.geometry
            && self.arrange == other.arrange
            && self.aim == other.aim
            && self.weights == other.weights
            && self.precision == other.precision
    }

    /// Whether chips at `point` are compared with this.
    pub fn is_of(&self, point: &Point) -> bool {
        let same = match &point.source {
            Source::Network(path, layout) => {
                self.network.as_ref() == Some(path)
                    && self.tile == layout.tile
                    && self.geometry == layout.multiplier.to_string()
                    && self.arrange == layout.arrangement.name()
                    && self.aim == layout.aim.name()
                    && self.weights == layout.weights
            }
            Source::Program(path) => self.program.as_ref() == Some(path),
        };
        same && self.data == point.data && self.precision == point.precision.name()
    }
}
