//! The files that a sweep reads: their hashes, programs and data.

use std::path::{Path, PathBuf};

use super::notes::Notes;
use crate::compile::{Layout, Program, load_network};
use crate::error::{Context, Error, Result};
use crate::experiment::rows::InputFile;
use crate::experiment::sweep::{Key, Source, Sweep};
use crate::io::hash::sha256_of_file;
use crate::io::record::Cell;
use crate::io::{Source as Bytes, safetensors};
use crate::nn::{Dataset, Intake, Network, Selection, Split};

/// How a program is made of a network.
pub(crate) type MakeProgram<'a> = &'a dyn Fn(&Network, Layout) -> Result<Program>;

impl Sweep {
    /// The values of `key`, whether it varies or not.
    fn all_values(&self, key: &Key) -> Vec<&str> {
        let fixed = self.base.values.iter().filter(|(other, _)| other == key);
        let varied = self
            .axes
            .iter()
            .flat_map(|axis| axis.keys.iter().zip(&axis.values));
        let varied = varied.filter(|(other, _)| *other == key);
        let cells = fixed
            .map(|(_, cell)| cell)
            .chain(varied.flat_map(|(_, cells)| cells));
        let mut texts: Vec<&str> = Vec::new();
        for cell in cells {
            if let Cell::Text(text) = cell
                && !texts.contains(&&**text)
            {
                texts.push(text);
            }
        }
        texts
    }

    fn split(&self) -> Option<Split> {
        let split = self.base.split.as_ref();
        split.map(|name| name.parse().expect("it was checked when it was read"))
    }

    fn labels(&self, folder: &Path) -> Option<PathBuf> {
        self.base.labels.as_ref().map(|path| folder.join(path))
    }

    /// Hashes of all files that trials depend on; paths are relative to `folder`.
    pub(crate) fn inputs(&self, folder: &Path) -> Result<Vec<InputFile>> {
        let mut inputs = Vec::new();
        let mut add = |key: &str, named: &str, file: &Path| -> Result<()> {
            let (bytes, sha256) = sha256_of_file(file)?;
            let whole = folder.join(named);
            let path = if whole == *file {
                named.to_owned()
            } else {
                let name = file.file_name().unwrap_or(file.as_os_str());
                format!("{named}: {}", name.to_string_lossy())
            };
            inputs.push(InputFile {
                key: key.to_owned(),
                path,
                bytes,
                sha256,
            });
            Ok(())
        };
        for path in self.all_values(&Key::Network) {
            for file in Network::files(folder.join(path))? {
                add("network", path, &file)?;
            }
        }
        for (key, path) in self.base.remarks.files() {
            add(key, path, &folder.join(path))?;
        }
        for path in self.all_values(&Key::Program) {
            add("program", path, &folder.join(path))?;
        }
        let labels = self.labels(folder);
        for path in self.all_values(&Key::Data) {
            for file in Dataset::files(folder.join(path), self.split(), labels.as_deref())? {
                add("data", path, &file)?;
            }
        }
        if let Some(path) = &self.base.hardware_file {
            add("hardware", path, &folder.join(path))?;
        }
        Ok(inputs)
    }

    /// The program of `source`, which `make` makes of a network; what was assumed of that is added to `notes`.
    pub(crate) fn program(
        &self,
        source: &Source,
        folder: &Path,
        notes: &Notes<'_>,
        make: MakeProgram<'_>,
    ) -> Result<Program> {
        match source {
            Source::Program(name) => {
                let path = folder.join(name);
                let source = Bytes::open(&path)?;
                if let Some(kind) = source.format().of_network() {
                    let what = format!("is a network (.{kind}): write network = \"{name}\"");
                    return Err(Error::format(source.name(), what));
                }
                source.parse(|bytes| Program::from_bundle(safetensors::parse(bytes)?))
            }
            Source::Network(name, layout) => {
                let path = folder.join(name);
                let file = Bytes::open(&path)?;
                if Program::is_in(&file) {
                    let what = format!("is a program: write program = \"{name}\"");
                    return Err(Error::format(file.name(), what));
                }
                let hints = self.base.remarks.hints(folder)?;
                let loaded = load_network(&file, &hints)?;
                for assumed in loaded
                    .entry_words()
                    .into_iter()
                    .chain(loaded.words("activation = …"))
                {
                    notes.add(format!("{name}: {assumed}"));
                }
                make(&loaded.network, *layout).within(path.display())
            }
        }
    }

    /// The data set called `name`, for a network that takes `intake`.
    pub(crate) fn data(&self, name: &str, folder: &Path, intake: &Intake) -> Result<Dataset> {
        let labels = self.labels(folder);
        let selection = Selection {
            split: self.split(),
            labels: labels.as_deref(),
            label: self.base.label.as_deref(),
            intake: Some(intake),
        };
        let data = Dataset::open(folder.join(name), selection)?;
        Ok(match self.base.limit {
            Some(limit) => data.limit(limit),
            None => data,
        })
    }
}
