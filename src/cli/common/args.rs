//! Arguments of several commands.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::count::{any, count};
use crate::error::Error;
use crate::field::Precision;
use crate::hardware::{Chip, Hardware};
use crate::rng::Seed;

/// Flags of every computing command.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Common {
    /// Threads; 0 means one per core. Results do not depend on it
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true, value_parser = count::<u16>(0..=256))]
    pub threads: u16,
    /// No progress and no notes on stderr
    #[arg(long)]
    pub quiet: bool,
}

impl Common {
    /// A progress bar of `length` steps on stderr, hidden where stderr is no terminal.
    pub fn progress(&self, length: usize, what: &'static str) -> indicatif::ProgressBar {
        if self.quiet {
            return indicatif::ProgressBar::hidden();
        }
        let style = indicatif::ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}")
            .expect("the template is valid");
        let bar = indicatif::ProgressBar::new(length as u64).with_style(style);
        bar.set_message(what);
        bar
    }
}

/// Which chips: a kind of hardware and a seed.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct ChipArgs {
    /// A preset (ideal, thermo-optic, mit-pnp, low-noise) or a TOML file
    #[arg(long, default_value = "ideal", value_name = "HW")]
    pub hardware: String,
    /// Set one hardware key, such as coupler.splitting_error_rad=0.02, or phase_shifter.dac_bits=none to leave it without
    /// a value; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of every random number
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = any::<u64>())]
    pub seed: u64,
}

/// The hardware called `name`, with `settings` such as `coupler.splitting_error_rad=0.02`.
pub fn hardware(name: &str, settings: &[String]) -> crate::Result<Hardware> {
    let mut hardware = Hardware::open(name)?;
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(Error::value("--set", setting, "key=value"));
        };
        hardware = hardware.with(key.trim(), value.trim())?;
    }
    Ok(hardware)
}

impl ChipArgs {
    /// Those of a command that is told nothing of chips.
    pub fn ideal() -> Self {
        Self {
            hardware: "ideal".to_owned(),
            ..Self::default()
        }
    }

    /// The hardware that `--hardware` and `--set` describe.
    pub fn hardware(&self) -> crate::Result<Hardware> {
        hardware(&self.hardware, &self.set)
    }
}

/// One chip of a kind.
#[derive(Debug, Clone, PartialEq, Args)]
pub(crate) struct DrawnChipArgs {
    #[command(flatten)]
    pub kind: ChipArgs,
    /// Which of the chips that follow from the seed
    #[arg(
        long,
        default_value_t = 0,
        value_name = "T",
        allow_negative_numbers = true,
        value_parser = any::<u64>()
    )]
    pub trial: u64,
}

impl DrawnChipArgs {
    /// The chip.
    pub fn chip(&self) -> crate::Result<Chip> {
        let hardware = self.kind.hardware()?;
        Ok(hardware.fabricate(Seed(self.kind.seed), self.trial))
    }
}

impl std::fmt::Display for DrawnChipArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}, trial {}", self.kind.seed, self.trial)
    }
}

pub(crate) fn precisions() -> impl clap::builder::TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::NAMES).map(|name| name.parse().expect("it is one of them"))
}
