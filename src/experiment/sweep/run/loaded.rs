//! What one group of a sweep's trials after the other needs: its program and its data.

use std::path::Path;

use super::input::MakeProgram;
use super::notes::Notes;
use crate::compile::Program;
use crate::error::{Context, Result};
use crate::experiment::sweep::{Point, Source, Sweep};
use crate::nn::{Dataset, Intake, Scorer};

/// The last program and the last data set that were used: groups that share them follow each other.
pub(super) struct Loaded<'a> {
    program: Option<(Source, Program)>,
    data: Option<Data>,
    notes: &'a Notes<'a>,
    make: MakeProgram<'a>,
}

/// A data set as it was read for networks that take `intake`.
struct Data {
    name: String,
    intake: Intake,
    set: Dataset,
}

impl<'a> Loaded<'a> {
    /// Nothing yet; programs are made by `make`, and what is assumed of networks and data that are loaded is added to
    /// `notes`.
    pub(crate) fn new(notes: &'a Notes<'a>, make: MakeProgram<'a>) -> Self {
        Self {
            program: None,
            data: None,
            notes,
            make,
        }
    }

    /// Program and data of `point`.
    pub(crate) fn get(
        &mut self,
        sweep: &Sweep,
        folder: &Path,
        point: &Point,
    ) -> Result<(&Program, &Dataset)> {
        if self
            .program
            .as_ref()
            .is_none_or(|(source, _)| *source != point.source)
        {
            // Two programs at a time would be one too many.
            self.program = None;
            let program = sweep.program(&point.source, folder, self.notes, self.make)?;
            self.program = Some((point.source.clone(), program));
        }
        let (_, program) = self.program.as_ref().expect("it was just loaded");
        let network = program.network();
        let intake = network.intake();
        let is_other = |data: &Data| data.name != point.data || data.intake != intake;
        if self.data.as_ref().is_none_or(is_other) {
            self.data = None;
            let set = sweep.data(&point.data, folder, &intake)?;
            let name = point.data.clone();
            self.data = Some(Data { name, intake, set });
        }
        let data = &self.data.as_ref().expect("it was just loaded").set;
        let scorer = Scorer::new(network, data, sweep.base.score).within(&point.data)?;
        let words = data.words(network);
        self.notes.add(format!("{}: {words}", point.data));
        if let Some(note) = scorer.note() {
            self.notes.add(format!("{}: {note}", point.data));
        }
        Ok((program, data))
    }
}
