//! Accuracy over a grid of settings, and its shards put together.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use super::common::args::Common;
use super::common::output;
use super::common::watch::Terminal;
use crate::experiment::sweep::{self, Estimate, Session, Shard, Sweep};
use crate::units::counted;
use crate::watch::Watch;

/// How often progress is told where stderr is no terminal.
const EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
#[command(
    override_usage = "lightloom sweep [OPTIONS] <--out <DIR>|--dry-run> <EXPERIMENT>",
    after_help = "Example: lightloom sweep splitting.toml --out splitting --shard 1/4\n\nA sweep that was stopped goes on when it is started again. docs/experiments.md describes the file and the rows."
)]
pub(super) struct SweepArgs {
    /// The experiment, TOML; - is stdin. Paths in it are relative to it
    pub experiment: PathBuf,
    /// Folder for the rows, new or of the same experiment
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Only a share of the trials, such as 1/4: the first of four. Each share needs a folder of its own
    #[arg(long, value_name = "i/n", default_value_t = Shard::WHOLE)]
    pub shard: Shard,
    /// Say how many trials, how long, how much memory and disk, from one trial of each kind; write nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: lightloom merge part-1 part-2 part-3 part-4 --out splitting")]
pub(super) struct MergeArgs {
    /// Folders of all shards
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Folder for the rows
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

pub fn run(args: &SweepArgs) -> Result<()> {
    if let Some(out) = &args.out {
        output::check_folder(out)?;
    }
    let source = output::source(&args.experiment)?;
    let (sweep, folder) = Sweep::read(&source)?;
    let note = |note: &str| {
        if !args.common.quiet {
            eprintln!("note: {note}");
        }
    };
    if args.dry_run {
        let estimate = Estimate::new(&sweep, folder, args.out.as_deref(), args.shard, note)?;
        sweep.notes()?.iter().for_each(|said| note(said));
        return Ok(print_estimate(&estimate)?);
    }
    let out = args.out.as_deref().expect("clap asks for it");
    conduct(sweep, folder, out, args.shard, &args.common)
}

/// Runs what is missing of `shard` of `sweep`, whose paths are relative to `folder`, in the folder `out`.
pub(super) fn conduct(
    sweep: Sweep,
    folder: &Path,
    out: &Path,
    shard: Shard,
    common: &Common,
) -> Result<()> {
    let note = |note: &str| {
        if !common.quiet {
            eprintln!("note: {note}");
        }
    };
    let notes = sweep.notes()?;
    let session = Session::open(sweep, folder, out, shard)?;
    let (total, missing) = (session.total(), session.missing());
    if let Some(note) = damage(session.damaged(), missing, total) {
        eprintln!("note: {}: {note}", out.join("trials.journal").display());
    }
    if !common.quiet {
        for cpu in session.other_cpus() {
            eprintln!(
                "note: earlier trials ran on {cpu}: the last bits of results may differ from those of this machine"
            );
        }
    }
    let progress = Progress::new(common, total, missing);
    session.run(&progress)?;
    progress.terminal.finish();
    let left = session.missing();
    if left == total {
        eprintln!("note: stopped before the first trial");
        return Ok(());
    }
    session.finish()?;
    if !common.quiet {
        notes.iter().for_each(|said| note(said));
        for (data, samples) in session.short_data() {
            eprintln!("note: limit takes all {samples} samples of {data}");
        }
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "points    {}", session.sweep().points())?;
    writeln!(
        stdout,
        "trials    {}, {} of them now",
        total - left,
        missing - left
    )?;
    writeln!(stdout, "folder    {}", out.display())?;
    if left > 0 {
        eprintln!(
            "note: stopped: {left} of {total} trials are left; the same command goes on with them"
        );
    } else if !common.quiet {
        match shard {
            Shard::WHOLE => eprintln!("next: lightloom report {}", out.display()),
            _ => eprintln!("next: lightloom merge of all shards, then lightloom report"),
        }
    }
    Ok(())
}

/// What is said of damaged lines of a journal.
fn damage(lines: &[usize], missing: usize, total: usize) -> Option<String> {
    let numbers: Vec<String> = lines.iter().take(8).map(ToString::to_string).collect();
    let lines = match lines.len() {
        0 => return None,
        1 => format!("line {} is damaged", numbers[0]),
        2..=8 => format!("lines {} are damaged", numbers.join(", ")),
        count => format!("{count} lines are damaged, the first is {}", numbers[0]),
    };
    Some(format!(
        "{lines} and left out: of {total} trials, {missing} are missing and run now"
    ))
}

/// Shards of one sweep, put together.
pub fn merge(args: &MergeArgs) -> Result<()> {
    output::check_folder(&args.out)?;
    let rows = sweep::merge(&args.folders, &args.out)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "rows      {rows}")?;
    writeln!(out, "folder    {}", args.out.display())?;
    if !args.common.quiet {
        eprintln!("next: lightloom report {}", args.out.display());
    }
    Ok(())
}

fn print_estimate(estimate: &Estimate) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "points    {}", estimate.points)?;
    writeln!(
        out,
        "trials    {}, {} of them not finished",
        estimate.trials, estimate.missing
    )?;
    writeln!(out, "programs  {}", estimate.programs)?;
    writeln!(
        out,
        "time      {} on {}",
        duration(estimate.seconds),
        counted(estimate.threads, "thread")
    )?;
    match estimate.memory_bytes {
        Some(bytes) => writeln!(out, "memory    {}", size(bytes))?,
        None => writeln!(out, "memory    not told by this system")?,
    }
    writeln!(out, "disk      {}", size(estimate.disk_bytes))
}

/// Trials a second, to three digits.
fn rate(per_second: f64) -> String {
    match per_second {
        _ if per_second < 10.0 => format!("{per_second:.2}"),
        _ if per_second < 100.0 => format!("{per_second:.1}"),
        _ => format!("{per_second:.0}"),
    }
}

/// A time in its two largest units.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0).round() as u64;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes < 1e6 => format!("{:.0} kB", (bytes / 1e3).ceil()),
        _ if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        _ => format!("{:.1} GB", bytes / 1e9),
    }
}

/// Done, rate and time left on stderr: a bar on a terminal, else a line from time to time.
struct Progress {
    terminal: Terminal,
    lines: Option<Mutex<Lines>>,
}

struct Lines {
    done: usize,
    total: usize,
    before: usize,
    began: Instant,
    told: Instant,
}

impl Lines {
    /// Whether it is time for another line.
    fn is_due(&mut self) -> bool {
        let is_due = self.told.elapsed() >= EVERY;
        if is_due {
            self.told = Instant::now();
        }
        is_due
    }

    fn step(&mut self) {
        self.done += 1;
        if self.is_due() {
            let seconds = self.began.elapsed().as_secs_f64();
            let per_second = (self.done - self.before) as f64 / seconds;
            let left = (self.total - self.done) as f64 / per_second;
            eprintln!(
                "{}/{} trials, {} per second, {} left",
                self.done,
                self.total,
                rate(per_second),
                duration(left)
            );
        }
    }

    fn doing(&mut self, what: &str) {
        if self.is_due() {
            eprintln!("{}/{} trials, {what}", self.done, self.total);
        }
    }
}

impl Progress {
    fn new(common: &Common, total: usize, missing: usize) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let terminal = Terminal::new(common, total, "trials");
        let bar = terminal.bar().clone();
        if is_terminal {
            let style = indicatif::ProgressStyle::with_template(
                "{msg} {bar:40} {pos}/{len}  {rate}  {eta} left",
            );
            let style = style.expect("the template is valid");
            let show = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{}/s", rate(state.per_sec()));
            };
            bar.set_style(style.with_key("rate", show));
            bar.set_position((total - missing) as u64);
            bar.reset_eta();
        }
        let now = Instant::now();
        let lines = (!is_terminal && !common.quiet).then(|| {
            Mutex::new(Lines {
                done: total - missing,
                total,
                before: total - missing,
                began: now,
                told: now,
            })
        });
        Self { terminal, lines }
    }
}

impl Watch for Progress {
    fn step(&self) {
        self.terminal.step();
        if let Some(lines) = &self.lines {
            lines.lock().expect("nothing panics here").step();
        }
    }

    fn doing(&self, what: Option<&str>) {
        self.terminal.doing(what);
        if let (Some(what), Some(lines)) = (what, &self.lines) {
            lines.lock().expect("nothing panics here").doing(what);
        }
    }

    fn note(&self, text: &str) {
        self.terminal.note(text);
    }

    fn stops(&self) -> bool {
        self.terminal.stops()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rates_have_three_digits() {
        let shown = [2046.3018, 123.4, 12.34, 1.234, 0.012].map(super::rate);
        assert_eq!(shown, ["2046", "123", "12.3", "1.23", "0.01"]);
    }
}
