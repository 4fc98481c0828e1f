//! Names in files.

use crate::error::{Error, Result};

/// Fails if `name`, of a `what` such as a tensor, holds control characters: a terminal obeys them, and no page may hold them.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    match name.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(control) => {
            let what = format!("{what} `{}`", name.escape_debug());
            let reason = format!(
                "has the control character {} in its name: must be printable text",
                control.escape_debug()
            );
            Err(Error::format(what, reason))
        }
    }
}
