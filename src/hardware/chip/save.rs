//! A chip as what would be measured of it, and as files that describe it.

use std::path::{Path, PathBuf};

use super::seat::Parts;
use super::{Chip, Silicon};
use crate::error::{Error, Result};
use crate::hardware::read::MEASURED;
use crate::hardware::{Built, Hardware, MeasuredChip, MeasuredQuantity, Quantity, Section, Site};
use crate::io::write_atomic;
use crate::mesh::{CellKind, ComponentKind, Mesh};

impl Hardware {
    /// Writes the hardware as a TOML file to `path` and what was measured as CSV tables beside it: `chip.csv` beside
    /// `chip.toml`, with `chip-response.csv` and `chip-crosstalk.csv` where there are such. Where one cannot be written, new
    /// files are removed again and `path` is as it was.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut text = self.annotated_keys();
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        if !self.measured.is_empty() {
            text += &format!("\n[{MEASURED}]\n");
            for table in self.measured.tables() {
                let name = format!("{stem}{}.csv", table.ending);
                text += &format!("{} = {}\n", table.file_key, toml::Value::from(&*name));
                files.push((path.with_file_name(name), table.csv));
            }
            let known = toml::Value::from(self.measured.known().names());
            text += &format!("known = {known}\n");
        }
        // Last, so that what it names is there.
        files.push((path.to_owned(), text));
        let mut new = Vec::new();
        for (path, text) in &files {
            let is_new = !path.exists();
            let written = write_atomic(path, |file| {
                let written = file.write_all(text.as_bytes());
                written.map_err(|source| Error::io(path, source))
            });
            if let Err(error) = written {
                new.iter()
                    .for_each(|path: &&PathBuf| drop(std::fs::remove_file(path)));
                return Err(error);
            }
            if is_new {
                new.push(path);
            }
        }
        Ok(())
    }
}

impl Chip {
    /// What would be measured of this chip and `mesh` on it, alone, by instruments that do not err: every number that was
    /// drawn, or that was measured. Hardware [with it](Hardware::with_measured) makes no other chips.
    ///
    /// # Errors
    /// Those of [`on_mesh`](Self::on_mesh).
    ///
    /// ```
    /// use lightloom::hardware::Placed;
    /// use lightloom::mesh::{Geometry, Mesh};
    /// use lightloom::{Hardware, Seed};
    ///
    /// let hardware = Hardware::open("mit-pnp")?;
    /// let mesh = Mesh::bar(Geometry::Clements, 4)?;
    /// let drawn = hardware.fabricate(Seed(0), 3);
    /// let measured = hardware.clone().with_measured(drawn.measured(&mesh)?).fabricate(Seed(1), 0);
    /// let measured = measured.on_mesh(&mesh)?;
    /// let [a, b] = [&measured, &drawn].map(|chip| chip.cells(Placed::MESH, 6).drawn());
    /// assert_eq!([a.alpha, a.beta], [b.alpha, b.beta]);
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn measured(&self, mesh: &Mesh) -> Result<MeasuredChip> {
        self.on_mesh(mesh)?.measured_of(&[Silicon::mesh(mesh)])
    }

    /// What would be measured of these sections, on which the chip was put.
    pub(crate) fn measured_of(&self, all: &[Silicon<'_>]) -> Result<MeasuredChip> {
        let mut measured = (*self.hardware.measured).clone();
        for silicon in all {
            let chip = self.on_site(&self.built(all, silicon.at.site));
            measured = chip.measured_section(measured, silicon)?;
        }
        Ok(measured)
    }

    /// What those of `silicon` that are on `site` make of it.
    fn built<'a>(&self, silicon: &[Silicon<'a>], site: Site) -> Built<'a> {
        let mut built = Built {
            kind: self.cell_kind(),
            input: None,
            attenuators: 0,
            output: None,
            rows: 0,
        };
        for silicon in silicon.iter().filter(|silicon| silicon.at.site == site) {
            match silicon.parts {
                Parts::Mesh(mesh) if silicon.at.part.section == Section::Output => {
                    built.output = Some(mesh);
                }
                Parts::Mesh(mesh) => built.input = Some(mesh),
                Parts::Attenuators(count) => built.attenuators = count,
                Parts::Detectors(rows) => built.rows = rows,
            }
        }
        // As on a chip that is loaded: a row on every mode.
        let last = built.output.or(built.input);
        built.rows = last.map_or(built.rows, Mesh::modes);
        built
    }

    fn measured_section(
        &self,
        mut measured: MeasuredChip,
        silicon: &Silicon<'_>,
    ) -> Result<MeasuredChip> {
        let at = silicon.at;
        let kind = self.cell_kind();
        let plan = silicon.floorplan(kind);
        let mut put = |quantity: MeasuredQuantity, of: &[ComponentKind], numbers: &[f64]| {
            for component in plan
                .components
                .iter()
                .filter(|part| of.contains(&part.kind))
            {
                let id = component.id(&silicon.path);
                if measured.number(&id, quantity).is_none() {
                    let new = std::mem::take(&mut measured);
                    measured = new.with(&id, quantity, numbers[component.number])?;
                }
            }
            Ok::<(), Error>(())
        };
        let shifter = &self.hardware.phase_shifter;
        match silicon.parts {
            Parts::Detectors(rows) => {
                let quantity = Quantity::OscillatorPhaseRad;
                if self.errs(quantity, 0.0) {
                    let phases = self.numbers(quantity, at, 0..rows).all(rows);
                    put(
                        MeasuredQuantity::LoPhaseRad,
                        &[ComponentKind::Detector],
                        &phases,
                    )?;
                }
                if self.has_gain_errors() {
                    let gains = self.detector_gains(at, 2 * rows);
                    for (detector, pair) in plan.components.iter().zip(gains.chunks_exact(2)) {
                        measured = gains_of(measured, &detector.id(&silicon.path), pair)?;
                    }
                }
                return Ok(measured);
            }
            Parts::Mesh(_) | Parts::Attenuators(_) => {}
        }
        let count = match silicon.parts {
            Parts::Mesh(mesh) => mesh.nodes().len(),
            Parts::Attenuators(count) | Parts::Detectors(count) => count,
        };
        let cells = match at.part.section {
            Section::Attenuators => self.attenuators(at, count),
            _ => self.cells(at, count),
        };
        let couplers = [
            Quantity::FirstCouplerRad,
            Quantity::SecondCouplerRad,
            Quantity::ThirdCouplerRad,
        ];
        let has_couplers = couplers
            .into_iter()
            .any(|quantity| self.errs(quantity, 0.0));
        if has_couplers {
            let couplers = [
                (ComponentKind::Alpha, cells.alpha),
                (ComponentKind::Beta, cells.beta),
                (ComponentKind::Gamma, cells.gamma),
            ];
            let own = match at.part.section {
                Section::Attenuators => CellKind::Mzi.couplers(),
                _ => kind.couplers(),
            };
            for (kind, errors) in couplers.into_iter().take(own) {
                let errors = errors.all(count);
                put(MeasuredQuantity::SplittingErrorRad, &[kind], &errors)?;
            }
        }
        if self.errs(Quantity::LossDb, 0.0) {
            let losses = self.numbers(Quantity::LossDb, at, 0..count).all(count);
            let losses: Vec<f64> = losses.iter().map(|db| db.max(0.0)).collect();
            let cells = [ComponentKind::Theta, ComponentKind::Attenuator];
            put(MeasuredQuantity::LossDb, &cells, &losses)?;
        }
        let is_shifter = |kind: &ComponentKind| kind.is_shifter();
        let shifters = ComponentKind::ALL.into_iter().filter(is_shifter);
        let shifters: Vec<ComponentKind> = shifters.collect();
        let phases = plan.shifters().count();
        if self.errs(Quantity::OffsetRad, 0.0) {
            let offsets = self.numbers(Quantity::OffsetRad, at, 0..phases).all(phases);
            put(MeasuredQuantity::OffsetRad, &shifters, &offsets)?;
        }
        if self.has_v_pi_errors() {
            let errors = self.numbers(Quantity::VPiError, at, 0..phases).all(phases);
            // What answers in its own way has no V_π.
            let own = self.given.responses(at.site, at.part.section);
            let own = |number| own.is_some_and(|own| own.contains_key(&number));
            for component in plan.shifters().filter(|part| !own(part.number)) {
                let id = component.id(&silicon.path);
                if measured.number(&id, MeasuredQuantity::VPiV).is_none() {
                    let v_pi_v = shifter.v_pi_v * (1.0 + errors[component.number]);
                    measured = measured.with(&id, MeasuredQuantity::VPiV, v_pi_v)?;
                }
            }
        }
        Ok(measured)
    }
}

/// `measured` with the gains of a row's two detectors, where neither they nor their death were measured.
fn gains_of(measured: MeasuredChip, id: &str, gains: &[f64]) -> Result<MeasuredChip> {
    let there = |quantity| measured.number(id, quantity);
    // A gain stands for both where the other has none.
    if there(MeasuredQuantity::Gain).is_some() || there(MeasuredQuantity::Dead) == Some(1.0) {
        return Ok(measured);
    }
    let has_imaginary = there(MeasuredQuantity::ImaginaryGain).is_some();
    let measured = measured.with(id, MeasuredQuantity::Gain, gains[0])?;
    match has_imaginary {
        true => Ok(measured),
        false => measured.with(id, MeasuredQuantity::ImaginaryGain, gains[1]),
    }
}
