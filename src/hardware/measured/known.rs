//! What of a chip corrections may use.

use toml::Spanned;
use toml::de::DeValue;

use crate::error::{Error, Result};
use crate::hardware::setting::show;

/// What of a chip corrections know: of everything else they take what its hardware says of all, as if it did not err.
///
/// By default they know its couplers, losses, offsets and crosstalk, and do not know how heaters answer to a voltage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of the quantities.
pub struct Known {
    pub splitting_error_rad: bool,
    pub loss_db: bool,
    pub offset_rad: bool,
    /// Every heater's own V_π.
    pub v_pi_v: bool,
    /// Tables of phase against voltage.
    pub response: bool,
    pub crosstalk: bool,
}

impl Default for Known {
    fn default() -> Self {
        let mut known = Self::ALL;
        (known.v_pi_v, known.response) = (false, false);
        known
    }
}

impl Known {
    /// Everything.
    pub const ALL: Self = Self {
        splitting_error_rad: true,
        loss_db: true,
        offset_rad: true,
        v_pi_v: true,
        response: true,
        crosstalk: true,
    };

    /// Nothing.
    pub const NONE: Self = Self {
        splitting_error_rad: false,
        loss_db: false,
        offset_rad: false,
        v_pi_v: false,
        response: false,
        crosstalk: false,
    };

    /// What can be known, by the names that files use.
    pub const NAMES: [&'static str; 6] = [
        "splitting_error_rad",
        "loss_db",
        "offset_rad",
        "v_pi_v",
        "response",
        "crosstalk",
    ];

    fn parts(&mut self) -> [&mut bool; 6] {
        [
            &mut self.splitting_error_rad,
            &mut self.loss_db,
            &mut self.offset_rad,
            &mut self.v_pi_v,
            &mut self.response,
            &mut self.crosstalk,
        ]
    }

    /// Exactly what these names say.
    ///
    /// # Errors
    /// [`Error::Value`] for a name of nothing that can be known.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut known = Self::NONE;
        for name in names {
            let Some(index) = Self::NAMES.iter().position(|other| *other == name) else {
                return Err(Error::unknown("known", name, &Self::NAMES));
            };
            *known.parts()[index] = true;
        }
        Ok(known)
    }

    /// The names of what is known.
    pub fn names(mut self) -> Vec<&'static str> {
        let parts = self.parts();
        let names = Self::NAMES.iter().zip(parts);
        names.filter_map(|(name, is)| is.then_some(*name)).collect()
    }

    /// What `known = …` says: `true`, `false` or a list of names.
    pub(super) fn of_toml(value: &Spanned<DeValue<'_>>) -> Result<Self> {
        let limit = "true, false or a list of names";
        match value.get_ref() {
            DeValue::Boolean(true) => Ok(Self::ALL),
            DeValue::Boolean(false) => Ok(Self::NONE),
            DeValue::Array(names) => {
                let texts = names.iter().map(|name| match name.get_ref() {
                    DeValue::String(text) => Ok(&**text),
                    other => Err(Error::value("known", show(other), limit)),
                });
                Self::of_names(texts.collect::<Result<Vec<&str>>>()?)
            }
            other => Err(Error::value("known", show(other), limit)),
        }
    }
}
