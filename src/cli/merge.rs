//! Shards of one sweep, put together.

use std::io::Write;

use anyhow::Result;

use super::args::MergeArgs;
use super::output;
use crate::experiment::sweep::merge;

pub fn run(args: &MergeArgs) -> Result<()> {
    output::check_folder(&args.out)?;
    let rows = merge(&args.folders, &args.out)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "rows      {rows}")?;
    writeln!(out, "folder    {}", args.out.display())?;
    if !args.common.quiet {
        eprintln!("next: lightloom report {}", args.out.display());
    }
    Ok(())
}
