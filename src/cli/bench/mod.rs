//! Throughput on this machine, beside the peak that was measured in the same run.

mod machine;
mod rates;
mod scaling;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::common::args::Common;
use super::common::count::any;
use crate::error::Error;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom bench --modes 64,256 --batch 1,1024 --json -\n  lightloom bench --scaling scaling.svg"
)]
pub(super) struct BenchArgs {
    /// Sizes of the meshes; by default 16,64,256, and with --scaling the powers of two from 16 to 2048
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = any::<usize>())]
    pub modes: Option<Vec<usize>>,
    /// Samples sent at a time; by default 1,1024, and with --scaling the powers of two and 100000
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = any::<usize>())]
    pub batch: Option<Vec<usize>>,
    /// How time grows instead of rates: draw it against modes, and against batch at 64 and 256 modes, on one thread, into this SVG file; - is
    /// stdout. Takes about a minute
    #[arg(long, value_name = "FILE")]
    pub scaling: Option<PathBuf>,
    /// Also write the results as JSON to this file; - is stdout, without the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// Sizes that are measured: a mesh of one mode has no MZI, one of more does not fit a common machine's memory.
const MEASURED: std::ops::RangeInclusive<usize> = 2..=4096;

pub fn run(args: &BenchArgs) -> Result<()> {
    if args.batch.iter().flatten().any(|count| *count == 0) {
        return Err(Error::value("--batch", 0, "1 or more").into());
    }
    let sizes = args.modes.iter().flatten();
    if let Some(modes) = sizes.into_iter().find(|modes| !MEASURED.contains(modes)) {
        let limit = format!("{} to {}", MEASURED.start(), MEASURED.end());
        return Err(Error::value("--modes", modes, limit).into());
    }
    if let Some(picture) = &args.scaling {
        return scaling::run(args, picture);
    }
    rates::run(args)
}
