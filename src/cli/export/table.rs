//! Phases as tables and arrays.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use ndarray::Array1;

use super::{Digital, Group, Row};
use crate::cli::output;

/// One line per phase shifter, in the order of light.
pub fn csv(groups: &[Group]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in groups.iter().flat_map(|group| &group.rows) {
        csv.serialize(row)?;
    }
    Ok(csv.into_inner()?)
}

/// Arrays `PATH.KIND_rad`, `_column`, `_mode` and, where they were asked for, `_v`, `_code` and `_set_rad`, in the
/// order of the CSV rows; for a tile also `LAYER.TILE.attenuators.scale` and `.block` (row, col, rows, cols).
pub fn npz(groups: &[Group]) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut zip = zip::ZipWriter::new(&mut bytes);
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    let mut put = |name: String, npy: Vec<u8>| -> Result<()> {
        zip.start_file(format!("{name}.npy"), options)?;
        Ok(zip.write_all(&npy)?)
    };
    for group in groups {
        if let Some(Digital { scale, block }) = &group.digital {
            let name = &group.path;
            put(
                format!("{name}.scale"),
                output::npy(ndarray::arr0(*scale).view())?,
            )?;
            let block = block.map(|count| count as i64);
            put(
                format!("{name}.block"),
                output::npy(ndarray::arr1(&block).view())?,
            )?;
        }
        let mut kinds: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &group.rows {
            kinds.entry(row.kind).or_default().push(row);
        }
        for (kind, rows) in kinds {
            let name = format!("{}.{kind}", group.path);
            let reals = |value: &dyn Fn(&Row) -> Option<f64>| {
                let values: Option<Array1<f64>> = rows.iter().map(|row| value(row)).collect();
                values.map(|values| output::npy(values.view())).transpose()
            };
            let counts = |value: &dyn Fn(&Row) -> Option<i64>| {
                let values: Option<Array1<i64>> = rows.iter().map(|row| value(row)).collect();
                values.map(|values| output::npy(values.view())).transpose()
            };
            // What a row does not have, no row has.
            for (suffix, array) in [
                ("rad", reals(&|row| Some(row.phase_rad))?),
                ("column", counts(&|row| Some(row.column as i64))?),
                ("mode", counts(&|row| Some(row.mode as i64))?),
                ("v", reals(&|row| row.voltage_v)?),
                ("code", counts(&|row| row.dac_code.map(i64::from))?),
                ("set_rad", reals(&|row| row.phase_set_rad)?),
            ] {
                if let Some(array) = array {
                    put(format!("{name}_{suffix}"), array)?;
                }
            }
        }
    }
    zip.finish()?;
    Ok(bytes.into_inner())
}
