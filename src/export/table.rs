//! Phases as tables and arrays.

use std::collections::BTreeMap;

use ndarray::{Array1, arr0, arr1};

use super::{Digital, Export, Shifter};
use crate::error::{Error, Result};
use crate::io::npy::NpzWriter;

/// Columns that every table of phase shifters begins with.
const COLUMNS: [&str; 5] = ["id", "kind", "column", "mode", "phase_rad"];

impl Export {
    /// Whether a table with `columns` is one of [`csv`](Self::csv).
    pub fn is_table(columns: &[String]) -> bool {
        columns.len() >= COLUMNS.len() && columns.iter().zip(COLUMNS).all(|(a, b)| a == b)
    }

    /// Number of phase shifters in an archive of [`npz`](Self::npz) whose arrays have these `names`, each of its `shape`;
    /// nothing of another archive.
    pub fn shifters_in<'a>(
        names: impl Iterator<Item = &'a str>,
        shape: impl Fn(&str) -> Option<&'a [usize]>,
    ) -> Option<usize> {
        let phases = names.filter_map(|name| name.strip_suffix("_rad"));
        let phases = phases.filter(|path| !path.ends_with("_set"));
        let counts = phases.map(|path| {
            let [count] = *shape(&format!("{path}_rad"))? else {
                return None;
            };
            let is_whole = ["column", "mode"]
                .into_iter()
                .all(|of| shape(&format!("{path}_{of}")) == Some(&[count]));
            is_whole.then_some(count)
        });
        let counts: Vec<usize> = counts.collect::<Option<_>>()?;
        (!counts.is_empty()).then(|| counts.iter().sum())
    }

    /// One line per phase shifter, in the order of light.
    ///
    /// # Errors
    /// [`Error::Io`] if the table cannot be built.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |error: csv::Error| Error::io("table", error.into());
        let mut csv = csv::Writer::from_writer(Vec::new());
        for shifter in self.shifters() {
            csv.serialize(shifter).map_err(failed)?;
        }
        csv.into_inner()
            .map_err(|error| failed(error.into_error().into()))
    }

    /// Arrays `PATH.KIND_rad`, `_column`, `_mode` and, where they were asked for, `_v`, `_code` and `_set_rad`, in the
    /// order of the CSV rows; for a tile also `LAYER.TILE.attenuators.scale` and `.block` (row, col, rows, cols), and
    /// `.row_scales` where its rows have scales of their own.
    ///
    /// # Errors
    /// [`Error::Io`] if the archive cannot be built.
    pub fn npz(&self) -> Result<Vec<u8>> {
        let mut archive = NpzWriter::new();
        for group in &self.groups {
            if let Some(Digital {
                scale,
                row_scales,
                block,
            }) = &group.digital
            {
                let name = &group.path;
                archive.put(&format!("{name}.scale"), arr0(*scale).view())?;
                if let Some(scales) = row_scales {
                    archive.put(&format!("{name}.row_scales"), arr1(scales).view())?;
                }
                let block = arr1(&block.map(|count| count as i64));
                archive.put(&format!("{name}.block"), block.view())?;
            }
            let mut kinds: BTreeMap<&str, Vec<&Shifter>> = BTreeMap::new();
            for row in &group.rows {
                kinds.entry(row.kind).or_default().push(row);
            }
            for (kind, rows) in kinds {
                let mut reals = |suffix: &str, value: fn(&Shifter) -> Option<f64>| {
                    let values: Option<Array1<f64>> = rows.iter().map(|row| value(row)).collect();
                    // What a row does not have, no row has.
                    values.map_or(Ok(()), |values| {
                        archive.put(&format!("{}.{kind}_{suffix}", group.path), values.view())
                    })
                };
                reals("rad", |row| Some(row.phase_rad))?;
                reals("v", |row| row.voltage_v)?;
                reals("set_rad", |row| row.phase_set_rad)?;
                let mut counts = |suffix: &str, value: fn(&Shifter) -> Option<i64>| {
                    let values: Option<Array1<i64>> = rows.iter().map(|row| value(row)).collect();
                    values.map_or(Ok(()), |values| {
                        archive.put(&format!("{}.{kind}_{suffix}", group.path), values.view())
                    })
                };
                counts("column", |row| Some(row.column as i64))?;
                counts("mode", |row| Some(row.mode as i64))?;
                counts("code", |row| row.dac_code.map(i64::from))?;
            }
        }
        archive.finish()
    }
}
