//! Running what is missing of a sweep.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::loaded::Loaded;
use super::notes::Notes;
use super::parcel::Parcel;
use crate::compile::{compile_watched, outline};
use crate::error::{Error, Result};
use crate::experiment::sweep::files::difference::check_continues;
use crate::experiment::sweep::files::journal::{Entry, Head, Journal, Writer};
use crate::experiment::sweep::files::output;
use crate::experiment::sweep::{Point, Reference, Shard, Source, Sweep};
use crate::experiment::trial::confusion;
use crate::experiment::{Trial, Workload};
use crate::field::{InstructionSet, Precision, Real};
use crate::nn::{Dataset, Judged, Network};
use crate::processor::check_layout;
use crate::watch::Watch;

/// A sweep and the folder in which its trials gather.
#[derive(Debug)]
pub struct Session {
    sweep: Sweep,
    /// The folder that paths of the experiment are relative to.
    folder: PathBuf,
    out: PathBuf,
    shard: Shard,
    /// Numbers of lines of its journal that are damaged.
    damaged: Vec<usize>,
    writer: Mutex<Writer>,
}

/// Where the trials of a session run.
enum Place<'a> {
    /// On threads of this process.
    Here,
    /// Where the parcels are sent to.
    Elsewhere(&'a dyn Fn(Parcel) -> Result<()>),
}

/// Rows whose trials send the same data through the same program.
pub(super) struct Group {
    pub point: Point,
    pub rows: Vec<usize>,
}

impl Group {
    /// The points of its rows; one of them where there are none any more.
    ///
    /// # Errors
    /// As [`Sweep::point`].
    pub(super) fn points(&self, sweep: &Sweep) -> Result<Vec<Point>> {
        let mut points: Vec<usize> = self.rows.iter().map(|row| row / sweep.trials).collect();
        points.dedup();
        if points.is_empty() {
            return Ok(vec![self.point.clone()]);
        }
        points.into_iter().map(|point| sweep.point(point)).collect()
    }
}

impl Session {
    /// Opens `out` for trials of `sweep`, whose paths are relative to `folder`: a new folder, or one that holds some of
    /// them. The same experiment with fewer trials is one that is given more; another one without a trial gives way.
    ///
    /// # Errors
    /// [`Error::Io`] if the inputs cannot be read or `out` not be written; [`Error::Format`] if `out` holds trials of
    /// another experiment, with what differs, or of another shard, or another process writes there; before a new folder is
    /// made, those of a point that cannot be run, as far as its files, its layout and its hardware tell.
    pub fn open(sweep: Sweep, folder: &Path, out: &Path, shard: Shard) -> Result<Self> {
        let head = Head::new(sweep.resolved(), sweep.inputs(folder)?, shard.in_head());
        // A folder with trials first says whose they are.
        let is_new = !Journal::stands_in(out);
        if is_new {
            check_points(&sweep, folder)?;
        }
        std::fs::create_dir_all(out).map_err(|source| Error::io(out, source))?;
        let place = out.display().to_string();
        output::check_own(out)?;
        let rows = [sweep.points(), sweep.trials];
        let mut writer = Writer::open(out, &head, rows)?;
        if *writer.journal.head() != head && writer.journal.is_empty() {
            // Another experiment failed before its first trial: nothing of it is worth keeping.
            writer.begin(&head, rows)?;
        }
        check_continues(&place, writer.journal.head(), &head)?;
        if !is_new {
            check_points(&sweep, folder)?;
        }
        writer.truncate()?;
        output::begin(out, &head.experiment)?;
        if *writer.journal.head() != head {
            writer.append(Entry::Head(head))?;
            writer.sync()?;
        }
        let damaged = writer.journal.damaged().to_vec();
        if !damaged.is_empty() {
            writer.append(Entry::Told(()))?;
        }
        Ok(Self {
            sweep,
            folder: folder.to_owned(),
            out: out.to_owned(),
            shard,
            damaged,
            writer: Mutex::new(writer),
        })
    }

    /// The sweep.
    pub fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// Number of trials of this shard.
    pub fn total(&self) -> usize {
        self.shard.missing(&self.sweep, None).count()
    }

    /// Number of trials of this shard that are not finished.
    pub fn missing(&self) -> usize {
        let writer = self.writer.lock().expect("no writer panics");
        self.shard
            .missing(&self.sweep, Some(&writer.journal))
            .count()
    }

    /// Numbers, from 1, of lines of the journal that were found damaged and are left out. They are told once: the next
    /// session in this folder has none of them.
    pub fn damaged(&self) -> &[usize] {
        &self.damaged
    }

    /// Data sets that hold fewer samples than the experiment's `limit`, and their numbers of samples; those of trials that
    /// have run.
    pub fn short_data(&self) -> Vec<(String, usize)> {
        let writer = self.writer.lock().expect("no writer panics");
        let mut short = Vec::new();
        for reference in writer.journal.references() {
            let found = (reference.data.clone(), reference.samples);
            if self.sweep.base.limit.is_some_and(|limit| limit > found.1) && !short.contains(&found)
            {
                short.push(found);
            }
        }
        short
    }

    /// Other kinds of CPU that earlier trials ran on: on those the last bits of results may differ.
    pub fn other_cpus(&self) -> Vec<String> {
        let writer = self.writer.lock().expect("no writer panics");
        let cpus = writer.journal.cpus().iter();
        cpus.filter(|cpu| *cpu != InstructionSet::best().name())
            .cloned()
            .collect()
    }

    /// Runs what is missing on as many threads as rayon's current pool has; `watch` is told what was assumed of networks
    /// and data, which digital accuracies are near chance, and of every trial.
    ///
    /// At most as many chips as threads are held at a time. A trial that is finished is in the journal, also where `watch`
    /// stops the work.
    ///
    /// # Errors
    /// Those of inputs that do not fit together and of chips that cannot run the program, with the point's settings;
    /// trials that were finished before remain.
    pub fn run(&self, watch: &impl Watch) -> Result<()> {
        self.run_where(&Place::Here, watch)
    }

    /// Runs what is missing as [`run`](Self::run) does, but for the trials themselves: of every program and data set
    /// `send` gets a parcel, for which it has all trials run by [`Worker`](super::Worker)s, in this process or in others,
    /// and puts what they return [into the journal](Self::take).
    ///
    /// # Errors
    /// As [`run`](Self::run), and those of `send`.
    pub fn run_elsewhere(
        &self,
        send: &dyn Fn(Parcel) -> Result<()>,
        watch: &impl Watch,
    ) -> Result<()> {
        self.run_where(&Place::Elsewhere(send), watch)
    }

    /// Puts trials of `parcel`, as a [`Worker`](super::Worker) returned them, into the journal.
    ///
    /// # Errors
    /// [`Error::Format`] if they are none, or not of this parcel; [`Error::Io`].
    pub fn take(&self, parcel: &mut Parcel, trials: &[u8]) -> Result<()> {
        for trial in parcel.received(trials)? {
            let mut writer = self.writer.lock().expect("no writer panics");
            writer.append(Entry::Trial(trial))?;
        }
        Ok(())
    }

    /// Forces what is in the journal to the disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<()> {
        self.writer.lock().expect("no writer panics").sync()
    }

    fn run_where(&self, place: &Place<'_>, watch: &impl Watch) -> Result<()> {
        let groups = {
            let writer = self.writer.lock().expect("no writer panics");
            self.groups(&writer.journal)?
        };
        {
            let mut writer = self.writer.lock().expect("no writer panics");
            let is_lost = writer.journal.cpus().is_empty();
            if (is_lost || !groups.is_empty())
                && !writer
                    .journal
                    .cpus()
                    .contains(InstructionSet::best().name())
            {
                writer.append(Entry::Cpu(InstructionSet::best().name().to_owned()))?;
            }
        }
        let note = |text: &str| watch.note(text);
        let notes = Notes::new(&note);
        let make = |network: &Network, layout| compile_watched(network, layout, watch);
        let mut loaded = Loaded::new(&notes, &make);
        for group in &groups {
            if watch.stops() {
                break;
            }
            watch.doing(Some(group.point.source.path()));
            let (program, data) = match loaded.get(&self.sweep, &self.folder, &group.point) {
                Err(Error::Stopped) => break,
                loaded => loaded?,
            };
            let score = self.sweep.base.score;
            let run = match group.point.precision {
                Precision::F32 => {
                    let workload = Workload::<f32>::new(program, data, score)?;
                    self.run_group(group, (&workload, data), place, &notes, watch)
                }
                Precision::F64 => {
                    let workload = Workload::<f64>::new(program, data, score)?;
                    self.run_group(group, (&workload, data), place, &notes, watch)
                }
            };
            match run {
                Err(Error::Stopped) => break,
                run => run?,
            }
        }
        self.sync()
    }

    /// What is missing: trials, and digital results whose line in the journal was damaged.
    fn groups(&self, journal: &Journal) -> Result<Vec<Group>> {
        let (sweep, shard) = (&self.sweep, self.shard);
        let mut is_compared = Vec::with_capacity(sweep.points());
        for number in 0..sweep.points() {
            let point = sweep.point(number)?;
            is_compared.push(journal.references().iter().any(|r| r.is_of(&point)));
        }
        let is_lacking = |row: &usize| !journal.has(*row) || !is_compared[*row / sweep.trials];
        let mut groups = groups(sweep, shard.missing(sweep, None).filter(is_lacking))?;
        for group in &mut groups {
            group.rows.retain(|row| !journal.has(*row));
        }
        Ok(groups)
    }

    fn run_group<T: Real>(
        &self,
        group: &Group,
        (workload, data): (&Workload<'_, T>, &Dataset),
        place: &Place<'_>,
        notes: &Notes<'_>,
        watch: &impl Watch,
    ) -> Result<()> {
        let names = data.class_names.as_deref();
        let (reference, digital) =
            Reference::new(&group.point, workload, names, self.sweep.seed, watch)?;
        watch.doing(None);
        notes.add_points(&group.points(&self.sweep)?, workload, &digital);
        self.note_reference(reference)?;
        match place {
            Place::Here => self.run_here(group, workload, &digital, watch),
            Place::Elsewhere(_) if group.rows.is_empty() => Ok(()),
            Place::Elsewhere(send) => {
                let rows = &group.rows;
                let parcel = Parcel::pack(&self.sweep, rows, workload.program(), data, &digital);
                send(parcel?)
            }
        }
    }

    /// The trials of `group` on as many threads as rayon's current pool has.
    fn run_here<T: Real>(
        &self,
        group: &Group,
        workload: &Workload<'_, T>,
        digital: &Judged<T>,
        watch: &impl Watch,
    ) -> Result<()> {
        let next = AtomicUsize::new(0);
        let is_over = AtomicBool::new(false);
        // The failure of the first row, whichever thread met one first.
        let failure: Mutex<Option<(usize, Error)>> = Mutex::new(None);
        let work = |pool: &rayon::ThreadPool| {
            while !is_over.load(Ordering::Relaxed) && !watch.stops() {
                let Some(&row) = group.rows.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    return;
                };
                let finished = pool
                    .install(|| run_trial(&self.sweep, row, workload, digital, watch))
                    .and_then(|record| {
                        let mut writer = self.writer.lock().expect("no writer panics");
                        writer.append(Entry::Trial(record))
                    });
                match finished {
                    Ok(()) => watch.step(),
                    Err(Error::Stopped) => return,
                    Err(error) => {
                        is_over.store(true, Ordering::Relaxed);
                        let mut first = failure.lock().expect("no thread panics here");
                        if first.as_ref().is_none_or(|(other, _)| row < *other) {
                            *first = Some((row, error));
                        }
                    }
                }
            }
        };
        // Each worker has threads of its own: work that waits inside a trial never picks up another chip.
        let threads = rayon::current_num_threads().max(1);
        let workers = threads.min(group.rows.len()).max(1);
        std::thread::scope(|scope| {
            for worker in 0..workers {
                let share = threads / workers + usize::from(worker < threads % workers);
                let pool = rayon::ThreadPoolBuilder::new().num_threads(share).build();
                let pool = pool.expect("threads can be started");
                let work = &work;
                scope.spawn(move || work(&pool));
            }
        });
        let failure = failure.into_inner().expect("no thread panics here");
        failure.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Puts `reference` into the journal if it is not there; fails if what is there for the same CPU differs.
    fn note_reference(&self, reference: Reference) -> Result<()> {
        let mut writer = self.writer.lock().expect("no writer panics");
        let journal = &writer.journal;
        let mut references = journal.references().iter();
        match references.find(|other| other.has_settings_of(&reference)) {
            None => writer.append(Entry::Reference(Box::new(reference))),
            Some(old) if *old != reference && journal.cpus().len() == 1 => {
                let what = format!(
                    "holds trials of a lightloom that computes otherwise (digital {} {} → {}, ideal {} → {}): give another --out",
                    reference.score_name.words(),
                    old.digital.value(),
                    reference.digital.value(),
                    old.ideal.value(),
                    reference.ideal.value()
                );
                Err(Error::format(self.out.display().to_string(), what))
            }
            Some(_) => Ok(()),
        }
    }

    /// Writes the files of rows from what is finished, each whole.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(&self) -> Result<()> {
        let writer = self.writer.lock().expect("no writer panics");
        output::write(&self.sweep, &writer.journal, &self.out)
    }
}

/// `rows` by what their trials share, those that share a program one after the other.
pub(super) fn groups(sweep: &Sweep, rows: impl Iterator<Item = usize>) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    for row in rows {
        let number = row / sweep.trials;
        let group = match last {
            Some((point, group)) if point == number => group,
            _ => {
                let point = sweep.point(number)?;
                let known = groups
                    .iter()
                    .position(|group| group.point.shares_workload(&point));
                known.unwrap_or_else(|| {
                    groups.push(Group {
                        point,
                        rows: Vec::new(),
                    });
                    groups.len() - 1
                })
            }
        };
        last = Some((number, group));
        groups[group].rows.push(row);
    }
    let firsts: Vec<Source> = groups.iter().map(|g| g.point.source.clone()).collect();
    let data: Vec<String> = groups.iter().map(|g| g.point.data.clone()).collect();
    groups.sort_by_key(|group| {
        (
            firsts
                .iter()
                .position(|source| *source == group.point.source),
            data.iter().position(|name| *name == group.point.data),
        )
    });
    Ok(groups)
}

/// Point `number` and its settings, for errors.
fn place(sweep: &Sweep, number: usize) -> String {
    let keys = sweep.keys().zip(sweep.values(number));
    let settings = keys.map(|(key, cell)| format!("{} = {}", key.name(), cell.shown()));
    let settings: Vec<String> = settings.collect();
    match settings.is_empty() {
        true => format!("point {number}"),
        false => format!("point {number} ({})", settings.join(", ")),
    }
}

/// Fails if a point of `sweep`, whose paths are relative to `folder`, cannot be run, as far as its files, its layout and its
/// hardware tell: no network is compiled.
pub(super) fn check_points(sweep: &Sweep, folder: &Path) -> Result<()> {
    let say = |_: &str| {};
    let silent = Notes::new(&say);
    let mut loaded = Loaded::new(&silent, &outline);
    // The first chip of every point.
    let rows = (0..sweep.points()).map(|number| number * sweep.trials);
    for group in groups(sweep, rows)? {
        let (program, _) = loaded.get(sweep, folder, &group.point)?;
        for row in group.rows {
            let number = row / sweep.trials;
            let fits = check_layout(program, &sweep.point(number)?.hardware);
            fits.map_err(|error| error.within(place(sweep, number)))?;
        }
    }
    Ok(())
}

/// One chip, which `watch` may stop while its phases are fitted.
pub(super) fn run_trial<T: Real>(
    sweep: &Sweep,
    row: usize,
    workload: &Workload<'_, T>,
    digital: &Judged<T>,
    watch: &dyn Watch,
) -> Result<Trial> {
    let (number, trial) = (row / sweep.trials, row % sweep.trials);
    let point = sweep.point(number)?;
    let clock = Instant::now();
    let chip = point.hardware.fabricate(sweep.seed, trial as u64);
    let found = workload.trial(chip, point.correction, digital, watch);
    let (trial, judged) = found.map_err(|error| error.within(place(sweep, number)))?;
    let scorer = workload.scorer();
    let classes = scorer.labels().zip(judged.classes.as_ref());
    let classes = classes.filter(|_| sweep.records_confusion);
    let count = scorer.class_count();
    Ok(Trial {
        point: number,
        seconds: clock.elapsed().as_secs_f64(),
        confusion: classes.map_or(Vec::new(), |(labels, classes)| {
            confusion(labels, classes, count)
        }),
        ..trial
    })
}
