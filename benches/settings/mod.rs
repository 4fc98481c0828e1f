//! What chips of trials that are timed err by.

use lightloom::Hardware;

/// Errors of a chip.
pub const CHIP: [(&str, &str); 2] = [
    ("coupler.splitting_error_rad", "0.01"),
    ("phase_shifter.phase_error_rad", "0.005"),
];
/// What comes with every shot.
pub const SHOTS: [(&str, &str); 7] = [
    ("input.dac_bits", "8"),
    ("input.extinction_ratio_db", "30"),
    ("input.rin_dbc_hz", "-140"),
    ("readout.bandwidth_ghz", "1"),
    ("readout.thermal_noise_pa_sqrt_hz", "1"),
    ("readout.dark_current_na", "10"),
    ("readout.adc_bits", "8"),
];

/// Hardware with these settings.
pub fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let with = |hardware: Hardware, (key, value): &(&str, &str)| {
        hardware.with(key, value).expect("the setting is valid")
    };
    settings.iter().fold(Hardware::default(), with)
}
