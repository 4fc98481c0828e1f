//! Which part of a data set.

use std::str::FromStr;

use crate::error::{Error, Result};

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// What a network is judged by.
    #[default]
    Test,
    /// What a network learns from.
    Train,
}

impl Split {
    /// Both parts.
    pub const ALL: [Self; 2] = [Self::Test, Self::Train];

    /// Its name: `test` or `train`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
        }
    }

    /// The other part.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Test => Self::Train,
            Self::Train => Self::Test,
        }
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "test" => Ok(Self::Test),
            "train" => Ok(Self::Train),
            other => Err(Error::unknown("split", other, &["test", "train"])),
        }
    }
}
