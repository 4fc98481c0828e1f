//! Data sets as people have them: folders, tables and arrays, told by what they hold.

use std::path::{Path, PathBuf};

use super::arrange::{Arranged, Raw};
use super::split::Split;
use super::{Dataset, Labels, Samples, arrays, folder};
use crate::error::{Context, Error, Result};
use crate::io::table::{Label, Table};
use crate::io::{self, Format, Source};
use crate::nn::port::Intake;

/// What of a path is a data set, where the path alone does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection<'a> {
    /// Part of a folder of IDX files, or of an `.npz` with arrays of several; the test part if it is not given.
    pub split: Option<Split>,
    /// Labels of an `.npy` file, in another one.
    pub labels: Option<&'a Path>,
    /// The label's column of a table: a name of its header, else a position from 0; see [`io::csv::read`].
    pub label: Option<&'a str>,
    /// What the network takes that they are for ([`Network::intake`](crate::nn::Network::intake)): an `.npz` archive may hold an
    /// array for each of its inputs, pictures are brought into the order of its channels, and integers are checked to be some.
    /// Without it samples stay as they stand in the file.
    pub intake: Option<&'a Intake>,
}

/// What kinds of data sets there are, for [`Selection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Npz,
    Npy,
    Table,
    Saved,
}

impl Selection<'_> {
    /// Fails if something is chosen that a data set of this `kind` cannot have.
    fn check(&self, kind: Kind) -> Result<()> {
        let is_split = matches!(kind, Kind::Folder | Kind::Npz);
        for (what, is_wrong, only) in [
            (
                "split",
                self.split.is_some() && !is_split,
                "is chosen only in a folder of IDX files and in an .npz file",
            ),
            (
                "labels",
                self.labels.is_some() && kind != Kind::Npy,
                "are given apart only for an .npy file",
            ),
            (
                "label",
                self.label.is_some() && kind != Kind::Table,
                "is a column of a table only: .csv, .tsv or .parquet",
            ),
        ] {
            if is_wrong {
                return Err(Error::format(what, only));
            }
        }
        Ok(())
    }
}

impl Dataset {
    /// Reads a data set whose path tells what it is: [`open`](Self::open) without a choice of the label's column.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn load(
        path: impl AsRef<Path>,
        split: Option<Split>,
        labels: Option<&Path>,
    ) -> Result<Self> {
        let selection = Selection {
            split,
            labels,
            ..Selection::default()
        };
        Self::open(path, selection)
    }

    /// Reads the data set at `path`: a folder of IDX files under MNIST's names (`t10k-images-idx3-ubyte`, with `.gz` or
    /// not, also where torchvision puts them, `MNIST/raw`), or a file, see [`read`](Self::read).
    ///
    /// # Errors
    /// [`Error::Format`] for a selection that it cannot have; whatever is wrong with the files, named.
    pub fn open(path: impl AsRef<Path>, selection: Selection<'_>) -> Result<Self> {
        let path = path.as_ref();
        if !path.is_dir() {
            return Self::read(Source::open(path)?, selection);
        }
        let place = path.display();
        selection.check(Kind::Folder).within(&place)?;
        let [images, labels] = folder::find(path, selection.split.unwrap_or_default())?;
        let x = Samples::from(io::idx::read_images(&images)?);
        let y = io::idx::read_labels(labels)?;
        let y: Vec<usize> = y.into_iter().map(usize::from).collect();
        let name = path.file_stem().unwrap_or(path.as_os_str());
        let inner = images.parent().filter(|inner| *inner != path);
        let inner = inner.map(|inner| format!("files of {}", inner.display()));
        let data = Self::new(name.to_string_lossy(), x, y).and_then(|data| {
            Self {
                assumed: inner.into_iter().collect(),
                ..data
            }
            .arranged(selection.intake)
        });
        data.within(place)
    }

    /// Reads the data set of one file: an `.npz` with samples and labels under names that many use (`x` and `y`, `data` and
    /// `target`, `x_test` and `y_test`, …); an `.npy` of samples, with its labels in another or without; a table as CSV or
    /// Parquet, one column of which is the label; each of them packed with gzip or not; or what [`write`](Self::write) wrote.
    /// Numbers stay raw.
    ///
    /// Samples of several axes, such as pictures, are taken row by row. Labels are classes as numbers, names, or rows with
    /// a single 1; other numbers are targets.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another kind of file, [`Error::Format`] for a selection that it cannot have; whatever
    /// is wrong with the file, named.
    pub fn read(source: Source, selection: Selection<'_>) -> Result<Self> {
        let source = source.unpacked()?;
        if source.format() == Format::Safetensors && Self::is_saved(source.bytes()) {
            selection.check(Kind::Saved).within(source.name())?;
            return source.parse(|bytes| {
                Self::from_bundle(io::safetensors::parse(bytes)?, selection.intake)
            });
        }
        let (kind, format) = match source.format() {
            Format::Npz => (Kind::Npz, Format::Npz),
            Format::Npy => (Kind::Npy, Format::Npy),
            format @ (Format::Table | Format::Text | Format::Parquet) => (Kind::Table, format),
            _ => return Err(refused(&source)),
        };
        selection.check(kind).within(source.name())?;
        let name = source.stem();
        match kind {
            Kind::Npz => source
                .parse(|bytes| arrays::from_npz(&name, bytes, selection.split, selection.intake)),
            Kind::Npy => {
                let labels = selection.labels.map(Source::open).transpose()?;
                let labels = labels
                    .map(|labels| labels.parse(|bytes| io::npy::parse_array("labels", bytes)))
                    .transpose()?;
                let read = |bytes: &[u8]| io::npy::parse("array", bytes);
                let x = source.parse(read)?;
                arrays::dataset(&name, x, labels, selection.intake).within(source.name())
            }
            _ => source.parse(|bytes| {
                let table = match format {
                    Format::Parquet => io::parquet::parse(bytes, selection.label)?,
                    _ => io::csv::parse(bytes, selection.label)?,
                };
                Self::of_table(&name, table)?.arranged(selection.intake)
            }),
        }
    }

    /// The data set with samples, which are plain lists, as the inputs of `intake` take them.
    fn arranged(self, intake: Option<&Intake>) -> Result<Self> {
        let raw = Raw {
            what: "data",
            axes: &[self.x.features()],
            samples: self.x,
        };
        let Arranged {
            samples, assumed, ..
        } = raw.arranged(intake)?;
        Ok(Self {
            x: samples,
            assumed: [self.assumed, assumed].concat(),
            ..self
        })
    }

    fn of_table(name: &str, table: Table) -> Result<Self> {
        let Table { x, label, columns } = table;
        let (labels, class_names) = match label {
            Label::Classes(classes, names) => (Labels::Classes(classes), names),
            Label::Numbers(numbers) => {
                let rows = (numbers.len(), 1);
                let targets = ndarray::Array2::from_shape_vec(rows, numbers);
                (Labels::Targets(targets.expect("one number a row")), None)
            }
        };
        Ok(Self {
            class_names,
            columns: Some(columns),
            ..Self::new(name, Samples::from(x), labels)?
        })
    }

    /// The files that [`open`](Self::open) reads: `path` and `labels`, or images and labels of a folder.
    ///
    /// # Errors
    /// [`Error::Format`] if a folder lacks them.
    pub fn files(
        path: impl AsRef<Path>,
        split: Option<Split>,
        labels: Option<&Path>,
    ) -> Result<Vec<PathBuf>> {
        let path = path.as_ref();
        if path.is_dir() {
            return Ok(folder::find(path, split.unwrap_or_default())?.into());
        }
        let files = [Some(path), labels].into_iter().flatten();
        Ok(files.map(Path::to_owned).collect())
    }

    /// Whether the folder at `path` holds a part of a data set.
    pub fn is_folder_of_data(path: impl AsRef<Path>) -> bool {
        folder::holds(path.as_ref())
    }
}

/// The error for a file that is no data set.
fn refused(source: &Source) -> Error {
    let limit = match source.format() {
        Format::Idx => "one file of several: must be the folder that it stands in",
        Format::Safetensors | Format::Onnx | Format::Torch => {
            "a network or a program is no data set: must be a folder of IDX files, .npz, .npy, .csv, .tsv or .parquet"
        }
        _ => "must be a folder of IDX files, .npz, .npy, .csv, .tsv or .parquet",
    };
    Error::unsupported("data", source.name(), limit)
}
