//! What a file is, of all that lightloom reads or writes.

mod arrays;
mod json;
mod table;

pub use arrays::TensorShape;
pub use json::Record;

use std::path::Path;

use ndarray::Array2;
use serde_json::Value;

use crate::compile::Program;
use crate::error::{Error, Result};
use crate::experiment::Sweep;
use crate::experiment::sweep::Status;
use crate::hardware::{Calibration, Hardware};
use crate::io::{self, Format, Source, Tensor};
use crate::mesh::{Mesh, Notation};
use crate::nn::{Dataset, Hints, Loaded, Network, Selection, Split};
use crate::train::{STATE, Training};

/// A file or folder that lightloom reads or writes, told by what it holds, and read.
///
/// ```
/// use lightloom::files::Known;
///
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/haar-4-reck.mesh.json");
/// match Known::open(file)? {
///     Known::Mesh(mesh) => assert_eq!(mesh.modes(), 4),
///     other => panic!("{file} is read as {}", other.kind()),
/// }
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Known {
    /// A network as tiles.
    Program(Program),
    /// One mesh.
    Mesh(Mesh),
    /// Phases of another package.
    Cells {
        /// The phases as they stand.
        notation: Notation,
        /// The mesh that they make.
        mesh: Mesh,
    },
    /// A trained network.
    Network {
        /// The network, and what its file does not say of it.
        loaded: Loaded,
        /// All tensors of a file of named tensors.
        tensors: Vec<TensorShape>,
    },
    /// Samples and their labels: of a folder or an archive with several parts the test part, else the train part.
    Dataset {
        /// The data.
        data: Dataset,
        /// All arrays of an archive.
        tensors: Vec<TensorShape>,
    },
    /// Named tensors that are neither a network nor a data set as they stand.
    Tensors {
        /// The tensors.
        tensors: Vec<TensorShape>,
        /// Why they are no network.
        no_network: Error,
    },
    /// One array.
    Array(Tensor),
    /// Images of an IDX file, `[sample, pixel]`.
    Images(Array2<u8>),
    /// Labels of an IDX file.
    Labels(Vec<u8>),
    /// What chips are like.
    Hardware(Box<Hardware>),
    /// Heaters as they were measured.
    Calibration(Calibration),
    /// Phase shifters that `export` wrote.
    Phases {
        /// Number of phase shifters.
        shifters: usize,
    },
    /// Netlists for SAX.
    Netlist {
        /// Number of meshes or tiles.
        meshes: usize,
    },
    /// A unitary as real and imaginary parts.
    Unitary {
        /// Rows and columns.
        modes: usize,
    },
    /// What a sweep is to do.
    Experiment(Box<Sweep>),
    /// What is to be trained before a sweep judges it.
    Training(Box<(Training, Sweep)>),
    /// The epochs of a training.
    Epochs {
        /// Number of epochs.
        rows: usize,
    },
    /// Where a training stands.
    TrainingState {
        /// Steps taken.
        step: u64,
    },
    /// The folder of a sweep.
    Sweep(Box<Status>),
    /// The journal of a sweep, with what its folder holds.
    Journal(Box<Status>),
    /// The rows of a sweep.
    Rows {
        /// Names of the columns.
        columns: Vec<String>,
        /// Number of rows.
        rows: usize,
        /// The score of every row, but not of Parquet.
        scores: Vec<f64>,
    },
    /// Confusion matrices of a sweep.
    Confusion {
        /// Number of counts.
        rows: usize,
    },
    /// Wall-clock times of a sweep.
    Times {
        /// Number of trials.
        rows: usize,
    },
    /// Outputs of all chips, which `infer --predictions` wrote.
    Predictions {
        /// Number of chips.
        chips: usize,
        /// Number of samples.
        samples: usize,
        /// Numbers a sample.
        outputs: usize,
    },
    /// What was measured of a chip, or settings that are to be measured.
    Measurements {
        /// Number of settings.
        settings: usize,
        /// Number of heaters.
        heaters: usize,
        /// Measured ports; none where nothing was read yet.
        ports: Option<usize>,
    },
    /// What a command found, as JSON.
    Record {
        /// Whose record.
        of: Record,
        /// The document.
        value: Value,
    },
    /// A drawing or a figure, SVG.
    Drawing,
    /// The page that `report` writes.
    Report,
    /// The page that `validate` writes.
    ValidationPage,
}

impl Known {
    /// What the file or folder at `path` is.
    ///
    /// # Errors
    /// [`Error::Format`] for a folder of neither a sweep nor data; as [`read`](Self::read) for a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !path.is_dir() {
            return Self::read(&Source::open(path)?);
        }
        if let Some(status) = Status::read(path)? {
            return Ok(Self::Sweep(status.into()));
        }
        let state = path.join(STATE);
        if state.exists() {
            return Self::read(&Source::open(state)?);
        }
        if !Dataset::is_folder_of_data(path) {
            let reason = "holds neither a sweep (trials.journal) nor data (t10k-images-idx3-ubyte, \
                          train-images-idx3-ubyte)";
            return Err(Error::format(path.display().to_string(), reason));
        }
        let data = of_any_part(|part| Dataset::load(path, part, None))?;
        let tensors = Vec::new();
        Ok(Self::Dataset { data, tensors })
    }

    /// What the file in `source` is, by its bytes, and by the ending of its name where they do not tell. Data may be packed
    /// with gzip. Files that it names are read beside it: weights, hardware, the folder of a journal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a file whose name says nothing that lightloom knows; else whatever is wrong with what the
    /// file was taken for, named.
    pub fn read(source: &Source) -> Result<Self> {
        match source.format() {
            Format::Npz => arrays::of_archive(source),
            Format::Torch => arrays::of_state_dict(source),
            Format::Safetensors => arrays::of_safetensors(source),
            Format::Npy => {
                let tensor = source.parse(|bytes| io::npy::parse("array", bytes))?;
                Ok(Self::Array(tensor))
            }
            Format::Idx => of_idx(source),
            Format::Onnx | Format::Binary => of_network(source),
            Format::Toml => of_toml(source),
            Format::Table => table::of_table(source),
            Format::Parquet => table::of_parquet(source),
            Format::Gzip => {
                let source = source.clone().unpacked()?;
                match source.format() {
                    Format::Idx => of_idx(&source),
                    _ => table::of_table(&source),
                }
            }
            Format::Json => json::of_json(source),
            Format::JsonLines => table::of_lines(source),
            Format::Text => of_text(source),
            Format::Journal => of_journal(source),
            Format::Svg => page(source, "<svg", Self::Drawing),
            Format::Html => page(source, "<!doctype html", Self::Report),
            Format::Markdown => page(source, "# Validation", Self::ValidationPage),
            Format::Unknown => Err(Error::unsupported(
                source.name(),
                ending(source),
                "must be a file that lightloom reads or writes: .safetensors, .npz, .npy, .pt, .pth, .onnx, .toml, .json, .jsonl, .csv, .tsv, .parquet, .svg, .html, trials.journal, an IDX file, or a folder of a sweep or of IDX files",
            )),
        }
    }

    /// The kind of the file in a word or a few, as `lightloom inspect --json` has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Program(_) => "program",
            Self::Mesh(_) => "mesh",
            Self::Cells { .. } => "cells",
            Self::Network { .. } => "network",
            Self::Dataset { .. } => "data set",
            Self::Tensors { .. } => "tensors",
            Self::Array(_) => "array",
            Self::Images(_) => "images",
            Self::Labels(_) => "labels",
            Self::Hardware(_) => "hardware",
            Self::Calibration(_) => "calibration",
            Self::Phases { .. } => "phases",
            Self::Netlist { .. } => "netlist",
            Self::Unitary { .. } => "unitary",
            Self::Experiment(_) => "experiment",
            Self::Training(_) => "training",
            Self::Epochs { .. } => "epochs",
            Self::TrainingState { .. } => "state of a training",
            Self::Sweep(_) => "sweep",
            Self::Journal(_) => "journal",
            Self::Rows { .. } => "rows",
            Self::Confusion { .. } => "confusion",
            Self::Times { .. } => "times",
            Self::Predictions { .. } => "predictions",
            Self::Measurements { .. } => "measurements",
            Self::Record { of, .. } => of.name(),
            Self::Drawing => "drawing",
            Self::Report => "report of a sweep",
            Self::ValidationPage => "page of validate",
        }
    }
}

/// The ending of a file's name, with its dot.
fn ending(source: &Source) -> String {
    let ending = source.path().map(io::extension);
    format!(".{}", ending.unwrap_or_default())
}

/// A network that states its activations: an ONNX file or a `network.toml`.
fn of_network(source: &Source) -> Result<Known> {
    let loaded = Network::read(source, &Hints::default())?;
    let tensors = Vec::new();
    Ok(Known::Network { loaded, tensors })
}

/// The test part of a data set, else the train part.
fn of_any_part(read: impl Fn(Option<Split>) -> Result<Dataset>) -> Result<Dataset> {
    read(None).or_else(|error| read(Some(Split::Train)).map_err(|_| error))
}

/// The data set in `source`: its test part, else its train part.
fn data_in(source: &Source) -> Result<Dataset> {
    of_any_part(|split| {
        let selection = Selection {
            split,
            ..Selection::default()
        };
        Dataset::read(source.clone(), selection)
    })
}

/// One file of a folder of IDX files.
fn of_idx(source: &Source) -> Result<Known> {
    let images = source.parse(io::idx::parse_images).map(Known::Images);
    images.or_else(|no_images| {
        let labels = source.parse(io::idx::parse_labels).map(Known::Labels);
        labels.map_err(|_| no_images)
    })
}

/// A network if it names weights or layers, an experiment if it has what only that has, else hardware.
fn of_toml(source: &Source) -> Result<Known> {
    let text = source.text("TOML")?;
    let table: toml::Table = text.parse().unwrap_or_default();
    let has = |keys: &[&str]| keys.iter().any(|key| table.contains_key(*key));
    if has(&["weights", "layers"]) {
        return of_network(source);
    }
    if has(&["train"]) {
        let (training, sweep, _) = Training::read(source)?;
        return Ok(Known::Training((training, sweep).into()));
    }
    if has(&["trials", "data", "axes", "zip"]) {
        let (sweep, _) = Sweep::read(source)?;
        return Ok(Known::Experiment(sweep.into()));
    }
    Ok(Known::Hardware(Hardware::read(source)?.into()))
}

/// Text of a stream: JSON, TOML or a table.
fn of_text(source: &Source) -> Result<Known> {
    let text = source.text("JSON, TOML or a table")?;
    let is_toml = text.parse::<toml::Table>().is_ok();
    match is_toml {
        true => of_toml(source),
        false if text.trim_start().starts_with(['{', '[']) => json::of_json(source),
        false => table::of_table(source),
    }
}

/// A journal, told from the folder that it stands in.
fn of_journal(source: &Source) -> Result<Known> {
    let folder = source.path().and_then(Path::parent);
    let status = Status::read(folder.unwrap_or(Path::new("")))?;
    let status = status.ok_or_else(|| {
        let what = "is cut short: not even its first line is whole";
        Error::format(source.name(), what)
    });
    Ok(Known::Journal(status?.into()))
}

/// A `page` of ours, which begins with `start`.
fn page(source: &Source, start: &str, page: Known) -> Result<Known> {
    let text = String::from_utf8_lossy(source.bytes());
    let head: String = text.chars().take(200).collect::<String>().to_lowercase();
    if head.contains(&start.to_lowercase()) {
        return Ok(page);
    }
    let reason = format!("is no {}: must begin with {start}", page.kind());
    Err(Error::format(source.name(), reason))
}
