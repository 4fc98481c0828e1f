//! Keys that do nothing, as another key is what it is.

use super::{AdcRange, Hardware, HardwareKey, NumberFormat, When};

/// A key of the numbers that does nothing beside some values of another one.
pub(super) struct Idle {
    key: &'static str,
    /// Whether it has another value than that of default.
    is_set: fn(&Hardware) -> bool,
    does_nothing: fn(&Hardware) -> bool,
    /// Why it does nothing, behind the format of the numbers if it is that.
    why: &'static str,
    is_by_format: bool,
}

/// All of them.
pub(super) const IDLE: [Idle; 4] = [
    Idle {
        key: "numbers.weight_bits",
        is_set: |hardware| hardware.numbers().weight_bits.is_some(),
        does_nothing: |hardware| hardware.numbers().format == NumberFormat::Float,
        why: "which leaves weights exact: fixed and abfp round them",
        is_by_format: true,
    },
    Idle {
        key: "numbers.gain",
        is_set: |hardware| hardware.numbers().gain != 1.0,
        does_nothing: |hardware| !is_blocks(hardware),
        why: "whose converters have the range that readout.adc_range says",
        is_by_format: true,
    },
    Idle {
        key: "readout.adc_range",
        is_set: |hardware| hardware.readout().adc_range != AdcRange::Max,
        does_nothing: is_blocks,
        why: "whose converters have the range that numbers.gain says",
        is_by_format: true,
    },
    Idle {
        key: "numbers.noise_codes",
        is_set: |hardware| hardware.numbers().noise_codes > 0.0,
        does_nothing: |hardware| hardware.readout().adc_bits.is_none(),
        why: "without readout.adc_bits there are no codes",
        is_by_format: false,
    },
];

fn is_blocks(hardware: &Hardware) -> bool {
    hardware.numbers().format == NumberFormat::Abfp
}

/// The kinds of chips that set a key.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// Formats of the numbers of those where it does nothing.
    formats: Vec<&'static str>,
    /// Whether it does something in any of them.
    acts: bool,
}

impl Set {
    /// Notes a kind of chip, which may not set the key.
    pub(super) fn note(&mut self, hardware: &Hardware, idle: &Idle) {
        if !(idle.is_set)(hardware) {
            return;
        }
        let format = hardware.numbers().format.name();
        if !(idle.does_nothing)(hardware) {
            self.acts = true;
        } else if !self.formats.contains(&format) {
            self.formats.push(format);
        }
    }

    /// What is said of the key, which nothing is unless some set it and none is changed by it.
    pub(super) fn words(&self, idle: &Idle) -> Option<String> {
        if self.acts || self.formats.is_empty() {
            return None;
        }
        let why = match idle.is_by_format {
            true => format!(
                "numbers.format is {}, {}",
                self.formats.join(" or "),
                idle.why
            ),
            false => idle.why.to_owned(),
        };
        Some(format!("{} does nothing: {why}", idle.key))
    }
}

/// A key of an effect that takes another key too, which has no value.
#[derive(Debug)]
pub(super) struct Alone {
    key: &'static HardwareKey,
    needs: &'static str,
    /// Whether a kind of chips sets it.
    pub(super) is_set: bool,
    /// Whether it does something in any of them.
    pub(super) acts: bool,
}

impl Alone {
    /// All keys of effects that take another one, but for those of [`IDLE`].
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let keys = Hardware::keys().iter();
        // What is fixed may have a value that nobody set.
        let ideal = Hardware::default();
        let keys = keys.filter(move |key| key.row.when != When::Fixed || !key.has_value(&ideal));
        let keys = keys.filter(|key| IDLE.iter().all(|idle| idle.key != key.name));
        keys.filter_map(|key| {
            Some(Self {
                key,
                needs: key.row.needs?,
                is_set: false,
                acts: false,
            })
        })
    }

    /// Notes a kind of chip, which may not set the key.
    pub(super) fn note(&mut self, hardware: &Hardware) {
        self.is_set |= self.key.has_value(hardware);
        self.acts |= self.key.acts(hardware);
    }

    pub(super) fn words(&self) -> String {
        format!(
            "{} does nothing: it takes {} too",
            self.key.name, self.needs
        )
    }
}
