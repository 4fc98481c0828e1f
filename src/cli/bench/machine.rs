//! What runs, and what is sent through it.

use serde::Serialize;

use crate::field::{Fields, InstructionSet, Real, peak_gflops_f32, peak_gflops_f64};

#[derive(Serialize)]
pub(super) struct Machine {
    pub cpu: String,
    pub isa: &'static str,
    pub peak_gflops_f32: f64,
    pub peak_gflops_f64: f64,
}

impl Machine {
    /// This machine, its peak measured now.
    pub fn this() -> Self {
        Self {
            cpu: cpu(),
            isa: InstructionSet::best().name(),
            peak_gflops_f32: peak_gflops_f32(InstructionSet::best()),
            peak_gflops_f64: peak_gflops_f64(InstructionSet::best()),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}, {}; one thread's peak: {:.0} GFlop/s f32, {:.0} GFlop/s f64",
            self.cpu, self.isa, self.peak_gflops_f32, self.peak_gflops_f64
        )
    }
}

/// Light of amplitude 1 in every mode of every sample.
pub(super) fn light<T: Real>(modes: usize, batch: usize) -> Fields<T> {
    let mut fields = Fields::zeros(modes, batch);
    fields.re.fill(T::one());
    fields
}

/// The processor's name, where the system tells it.
fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    name.map_or(std::env::consts::ARCH.to_owned(), |name| {
        name.trim_start_matches([' ', '\t', ':']).to_owned()
    })
}
