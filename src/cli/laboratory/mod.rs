//! Commands for a chip on a bench: its numbers, its measurements, its twin, and what its heaters are set to.

pub(super) mod correct;
pub(super) mod export;
pub(super) mod twin;
