//! Shards of one sweep, put together.

use std::io::Write;

use anyhow::Result;

use super::args::MergeArgs;
use crate::experiment::sweep::merge;

pub fn run(args: &MergeArgs) -> Result<()> {
    let rows = merge(&args.folders, &args.out)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "rows      {rows}")?;
    writeln!(out, "folder    {}", args.out.display())?;
    if !args.common.quiet {
        eprintln!("next: lightloom report {}", args.out.display());
    }
    Ok(())
}
