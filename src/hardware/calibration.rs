//! What a laboratory measured of every heater.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Hardware, asked_rad};
use crate::error::{Error, Result};
use crate::io::Source;
use crate::units::{heater_phase_rad, heater_volts};

/// A heater as it was measured: its phase at V volts is `phase_offset_rad + π V²/v_pi_v²`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heater {
    /// Voltage for a phase of π, V.
    pub v_pi_v: f64,
    /// Phase with the heater off, rad.
    pub phase_offset_rad: f64,
    /// The most that the heater bears, V; no limit where it is not given.
    pub v_max_v: Option<f64>,
}

impl Heater {
    /// A heater as `hardware` has them, without an offset.
    pub fn of(hardware: &Hardware) -> Self {
        Self {
            v_pi_v: hardware.phase_shifter.v_pi_v,
            phase_offset_rad: 0.0,
            v_max_v: None,
        }
    }

    /// The smallest voltage that gives `phase_rad` up to whole turns, V. Without an offset, what is [asked](asked_rad) beyond
    /// a turn is given beyond a turn.
    pub fn volts(&self, phase_rad: f64) -> f64 {
        let own = match self.phase_offset_rad {
            0.0 => asked_rad(phase_rad),
            offset_rad => crate::mesh::wrap(phase_rad - offset_rad),
        };
        heater_volts(own, self.v_pi_v)
    }

    /// The phase at `volts`, rad, in [0, 2π).
    pub fn phase_rad(&self, volts: f64) -> f64 {
        crate::mesh::wrap(self.phase_offset_rad + heater_phase_rad(volts, self.v_pi_v))
    }
}

/// The heaters of one chip by the ids that `lightloom export` gives to phase shifters.
///
/// A CSV table with a header: `id` and `v_pi_v`, and where they were measured `phase_offset_rad` and `v_max_v`, in any
/// order. An empty cell of these two says nothing of its heater: offset 0, no limit.
///
/// ```
/// use lightloom::hardware::Calibration;
///
/// let table = "id,v_pi_v,phase_offset_rad\nmesh.theta.0.0,4.31,0.2\nmesh.phi.0.0,4.4,\n";
/// let calibration = Calibration::parse(table.as_bytes())?;
/// let heater = calibration.heaters["mesh.theta.0.0"].heater;
/// assert!((heater.phase_rad(heater.volts(1.0)) - 1.0).abs() < 1e-12);
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calibration {
    /// What was measured, by id.
    pub heaters: BTreeMap<String, Measured>,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The heater.
    pub heater: Heater,
    /// Its line, from 1, for errors.
    pub line: u64,
}

/// No heater sees a megavolt; twice as much must be a number still.
const VOLTAGE_LIMIT_V: f64 = 1e6;

const COLUMNS: [&str; 4] = ["id", "v_pi_v", "phase_offset_rad", "v_max_v"];

impl Calibration {
    /// Reads the table at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, and those of [`parse`](Self::parse), within `path`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Source::open(path)?.parse(Self::parse)
    }

    /// Reads the table from its bytes.
    ///
    /// # Errors
    /// [`Error::Format`] for bytes that are no CSV table, a missing column or an id that comes twice;
    /// [`Error::Value`] for an unknown column or a number out of its range, named by line.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let malformed =
            |error: csv::Error| Error::format("CSV table", crate::io::csv::plain(&error));
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let header = reader.headers().map_err(malformed)?.clone();
        if header.iter().any(|name| name.contains(';')) {
            return Err(Error::format(
                "CSV table",
                "is separated by `;`: must be by `,`",
            ));
        }
        let mut places = [None; COLUMNS.len()];
        for (place, name) in header.iter().enumerate() {
            let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
                return Err(Error::unknown("column", name, &COLUMNS));
            };
            if places[column].replace(place).is_some() {
                return Err(Error::format(format!("column `{name}`"), "is there twice"));
            }
        }
        let [Some(id), Some(v_pi), offset, v_max] = places else {
            let missing = if places[0].is_none() {
                COLUMNS[0]
            } else {
                COLUMNS[1]
            };
            return Err(Error::format(
                format!("column `{missing}`"),
                "is missing: the first line must be a header with id and v_pi_v, and may have phase_offset_rad and v_max_v",
            ));
        };
        let mut heaters = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(malformed)?;
            let line = record.position().map_or(0, |position| position.line());
            let number = |column: usize, place: usize, limit: &str, holds: fn(f64) -> bool| {
                let cell = &record[place];
                match cell.parse::<f64>() {
                    Ok(value) if value.is_finite() && holds(value) => Ok(value),
                    _ => {
                        let what = format!("line {line}, {}", COLUMNS[column]);
                        Err(Error::value(what, format!("`{cell}`"), limit))
                    }
                }
            };
            let given = |place: Option<usize>| place.filter(|place| !record[*place].is_empty());
            let volts = "a number of V above 0, at most 1e6";
            let is_voltage = |value: f64| value > 0.0 && value <= VOLTAGE_LIMIT_V;
            let heater = Heater {
                v_pi_v: number(1, v_pi, volts, is_voltage)?,
                phase_offset_rad: given(offset).map_or(Ok(0.0), |place| {
                    number(2, place, "a number of rad", |_| true)
                })?,
                v_max_v: given(v_max)
                    .map(|place| number(3, place, volts, is_voltage))
                    .transpose()?,
            };
            let id = record[id].to_owned();
            let first = heaters.insert(id.clone(), Measured { heater, line });
            if let Some(Measured { line: first, .. }) = first {
                let reason = format!("stands in line {first} already: must be there once");
                return Err(Error::format(format!("line {line}: id `{id}`"), reason));
            }
        }
        Ok(Self { heaters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, value};
    use crate::io::corruption::survives_any;
    use std::f64::consts::PI;

    fn error(text: &str) -> Error {
        Calibration::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_table_with_semicolons_is_told_its_separator() {
        let table = "id;v_pi_v\nmesh.theta.0.0;4.3\n";
        golden(table, error(table));
    }

    #[test]
    fn columns_stand_in_any_order_and_empty_cells_say_nothing() {
        let text = "v_max_v, id, phase_offset_rad, v_pi_v\n5.5, a, 0.1, 4\n,\"b,c\",, 3\n";
        let read = Calibration::parse(text.as_bytes()).unwrap();
        assert_eq!(
            read.heaters["a"],
            Measured {
                heater: Heater {
                    v_pi_v: 4.0,
                    phase_offset_rad: 0.1,
                    v_max_v: Some(5.5)
                },
                line: 2
            }
        );
        assert_eq!(
            read.heaters["b,c"].heater,
            Heater {
                v_pi_v: 3.0,
                phase_offset_rad: 0.0,
                v_max_v: None
            }
        );
    }

    #[test]
    fn what_a_table_must_not_say_is_named_by_line_and_column() {
        for table in [
            "id,v_pi\na,4\n",
            "id\na\n",
            "v_pi_v\n1\n",
            "",
            "id,id,v_pi_v\na,a,1\n",
            "id,v_pi_v\na,1\nb,1\na,2\n",
            "id,v_pi_v\na\n",
        ] {
            golden(table, error(table));
        }
        for wrong in ["0", "-1", "nan", "inf", "1e308", "x", ""] {
            let error = error(&format!("id,v_pi_v\na,1\nb,{wrong}\n"));
            assert_eq!(
                error.refusal(),
                value("line 3, v_pi_v", &format!("`{wrong}`"))
            );
        }
        let error = |text: &str| error(text).refusal();
        let table = "id,v_pi_v,v_max_v\na,1,0\n";
        assert_eq!(error(table), value("line 2, v_max_v", "`0`"));
        let table = "id,v_pi_v,phase_offset_rad\na,1,inf\n";
        assert_eq!(error(table), value("line 2, phase_offset_rad", "`inf`"));
    }

    #[test]
    fn no_cut_or_flipped_table_makes_the_reader_panic() {
        survives_any(
            b"id,v_pi_v,phase_offset_rad,v_max_v\nmesh.phi.0.0,4.3,-0.1,6\n",
            Calibration::parse,
        );
    }

    /// φ = offset + π V²/V_π², up to whole turns, by the smallest voltage.
    #[test]
    fn a_heater_reaches_every_phase_within_one_turn() {
        for offset in [-7.0, 0.0, 0.3, 40.0] {
            let heater = Heater {
                v_pi_v: 4.0,
                phase_offset_rad: offset,
                v_max_v: None,
            };
            for step in 0..100 {
                let phase = 2.0 * PI * f64::from(step) / 100.0;
                let volts = heater.volts(phase);
                assert!((0.0..4.0 * 2f64.sqrt() + 1e-12).contains(&volts));
                let reached = heater.phase_rad(volts);
                let off = (reached - phase).abs();
                assert!(
                    off.min(2.0 * PI - off) < 1e-12,
                    "{offset} {phase} {reached}"
                );
            }
        }
    }
}
