//! What the keys of an experiment are called in physics, and their units.

use crate::experiment::sweep::Key;

/// The name and the unit of what a key sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quantity {
    /// As on an axis: `σ of the coupler angle`.
    pub name: String,
    /// As in a legend: `σ coupler`.
    pub short: String,
    /// What stands for the σ of the name on an axis; empty where there is none.
    pub symbol: &'static str,
    /// `rad`, `dB`, …; empty for numbers and names.
    pub unit: &'static str,
}

impl Quantity {
    /// The quantity that `key` sets; a key that is not known is its own name.
    pub fn of(key: &str) -> Self {
        let known = Key::parse(key).map(Key::names);
        Self {
            name: known.as_ref().map_or(key, |names| names.label).to_owned(),
            short: known.as_ref().map_or(key, |names| names.short).to_owned(),
            symbol: known.as_ref().map_or("", |names| names.symbol),
            unit: known.map_or("", |names| names.unit),
        }
    }

    /// As an axis is labelled: the name with its symbol, then the unit.
    pub fn label(&self) -> String {
        let name = match self.symbol {
            "" => self.name.clone(),
            symbol => self.name.replacen('σ', symbol, 1),
        };
        match self.unit {
            "" => name,
            unit => format!("{name}, {unit}"),
        }
    }

    /// A value of it: `σ coupler 0.02 rad`.
    pub fn valued(&self, value: &str) -> String {
        match self.unit {
            "" => format!("{} {value}", self.short),
            unit => format!("{} {value} {unit}", self.short),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn an_axis_says_name_and_unit() {
        let sigma = Quantity::of("coupler.splitting_error_rad");
        assert_eq!(sigma.label(), "σ_α of the coupler angle, rad");
        assert_eq!(sigma.valued("0.02"), "σ coupler 0.02 rad");
        assert_eq!(Quantity::of("correct").valued("local"), "correction local");
        assert_eq!(Quantity::of("new.key").label(), "new.key");
    }
}
