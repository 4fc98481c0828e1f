//! What drives the heaters: voltages and DAC codes.

use super::{Export, Shifter};
use crate::error::{Error, Result, did_you_mean};
use crate::hardware::{Calibration, Hardware, Heater, MeasuredQuantity, Supply};

impl Export {
    /// The calibrated heater of every phase shifter.
    ///
    /// # Errors
    /// [`Error::Format`] unless the table has all of them and no others.
    pub fn heaters(&self, calibration: &Calibration) -> Result<Vec<Heater>> {
        let rows: Vec<&Shifter> = self.shifters().collect();

        let mut missing = rows
            .iter()
            .filter(|row| !calibration.heaters.contains_key(&row.id));
        let first_missing = missing.next();
        let ids: std::collections::BTreeSet<&str> =
            rows.iter().map(|row| row.id.as_str()).collect();
        let mut unknown = calibration
            .heaters
            .iter()
            .filter(|(id, _)| !ids.contains(id.as_str()));
        if let Some((id, measured)) = unknown.by_ref().min_by_key(|(_, measured)| measured.line) {
            let open = rows
                .iter()
                .filter(|row| !calibration.heaters.contains_key(&row.id))
                .map(|row| row.id.as_str());
            let meant = did_you_mean(id, open);
            return Err(Error::format(
                format!("line {}: id `{id}`", measured.line),
                format!(
                    "is no phase shifter of this export{meant}: its ids are those of lightloom export --format csv, such as `{}`",
                    rows.first().map_or("", |row| row.id.as_str())
                ),
            ));
        }
        if let Some(first) = first_missing {
            let more = match missing.count() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            return Err(Error::format(
                format!("id `{}`{more}", first.id),
                format!(
                    "is missing: every one of the {} phase shifters must have a line",
                    rows.len()
                ),
            ));
        }
        Ok(rows
            .iter()
            .map(|row| calibration.heaters[&row.id].heater)
            .collect())
    }

    /// The heater of every phase shifter as `hardware` has them, with the V_π and offset that were measured of it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a heater that answers otherwise than φ = π V²/V_π²: a table of its response, or dead.
    pub fn measured_heaters(&self, hardware: &Hardware) -> Result<Vec<Heater>> {
        let measured = hardware.measured();
        let heaters = self.shifters().map(|row| {
            let number = |quantity| measured.number(&row.id, quantity);
            let is_dead = number(MeasuredQuantity::Dead) == Some(1.0);
            if is_dead || measured.response(&row.id).is_some() {
                let got = if is_dead { "dead" } else { "response" };
                let limit = "voltages are those of heaters with a V_π; leave --volts out, or give a --calibration";
                return Err(Error::unsupported(format!("heater `{}`", row.id), got, limit));
            }
            let default = Heater::of(hardware);
            Ok(Heater {
                v_pi_v: number(MeasuredQuantity::VPiV).unwrap_or(default.v_pi_v),
                phase_offset_rad: number(MeasuredQuantity::OffsetRad).unwrap_or(0.0),
                ..default
            })
        });
        heaters.collect()
    }

    /// A supply of `bits`, if any, up to `v_max_v`, else to that of `hardware`, else to what brings the weakest of `heaters`
    /// to 2π, or to the largest phase that is asked for.
    ///
    /// # Errors
    /// [`Error::Value`] if `v_max_v` is no number above 0.
    pub fn supply(
        &self,
        hardware: &Hardware,
        heaters: &[Heater],
        bits: Option<u32>,
        v_max_v: Option<f64>,
    ) -> Result<Option<Supply>> {
        let Some(bits) = bits else {
            return Ok(None);
        };
        let weakest = heaters.iter().map(|heater| heater.v_pi_v);
        let most_rad = self.shifters().map(|row| row.phase_rad);
        let most_rad = most_rad.fold(0.0, f64::max);
        let v_max_v = v_max_v
            .or(hardware.phase_shifter().v_max_v)
            .unwrap_or_else(|| Supply::default_v_max_v(weakest.fold(0.0, f64::max), most_rad));
        if !(v_max_v > 0.0 && v_max_v.is_finite()) {
            return Err(Error::value(
                "--dac-max-v",
                v_max_v,
                "a number of V above 0",
            ));
        }
        Ok(Some(Supply::new(bits, v_max_v)))
    }

    /// Fills in the voltage of every phase shifter, whose heaters are `heaters`, and the code of `supply`.
    ///
    /// # Errors
    /// [`Error::Value`] if a voltage is beyond what a heater, the supply or `hardware` allows.
    ///
    /// # Panics
    /// If there is not one heater for every phase shifter.
    pub fn drive(
        &mut self,
        hardware: &Hardware,
        heaters: &[Heater],
        supply: Option<&Supply>,
    ) -> Result<()> {
        let rows = self.groups.iter_mut().flat_map(|group| &mut group.rows);
        let mut rows: Vec<&mut Shifter> = rows.collect();
        assert_eq!(rows.len(), heaters.len(), "one heater for every shifter");
        let mut beyond = Beyond::default();
        for (row, heater) in rows.iter_mut().zip(heaters) {
            let volts = heater.volts(row.phase_rad);
            let limits = [
                (heater.v_max_v, "the heater's v_max_v"),
                (supply.map(Supply::v_max_v), "what the supply reaches"),
                // A supply without a DAC is limited too, where the hardware says so.
                (hardware.phase_shifter().v_max_v, "phase_shifter.v_max_v"),
            ];
            for (limit, name) in limits {
                if let Some(limit) = limit.filter(|limit| volts > *limit) {
                    beyond.note(&row.id, volts, limit, name);
                    break;
                }
            }
            row.voltage_v = Some(volts);
            if let Some(supply) = supply {
                let code = supply.code(volts, heater.v_max_v);
                row.dac_code = Some(code);
                row.phase_set_rad = Some(heater.phase_rad(supply.volts(code)));
            }
        }
        beyond.check(rows.len())
    }
}

/// The first phase shifter that needs more than its limit, and how many do.
#[derive(Default)]
struct Beyond {
    first: Option<Error>,
    count: usize,
}

impl Beyond {
    fn note(&mut self, id: &str, volts: f64, limit: f64, name: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| {
            let limit = format!("at most {limit} V, {name}");
            Error::value(format!("{id}: voltage"), format!("{volts:.4} V"), limit)
        });
    }

    fn check(self, rows: usize) -> Result<()> {
        match self.first {
            None => Ok(()),
            Some(first) => {
                let count = self.count;
                let context = format!("{count} of {rows} phase shifters cannot be set; the first");
                Err(first.within(context))
            }
        }
    }
}
