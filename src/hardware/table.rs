//! The keys of a hardware description: one row each, and nothing about them anywhere else.
//!
//! A row is `name: type = default, words, row;`. From it follow the field of [`Hardware`], its TOML and JSON, checks,
//! `--set`, axes of experiments, labels and units of figures, which end is perfect, and the table of `docs/hardware.md`.
//! CONTRIBUTING shows how an effect is added.

mod row;

use std::f64::consts::FRAC_PI_4;
use std::sync::Arc;

use serde::{Serialize, Serializer};

pub use row::{HardwareKey, Row};

use super::setting::Place::{
    Coupler as Couplers, Die, Drive, Input as Inputs, Loss, Phase, Readout as Readouts, Weight,
};
use super::setting::When::{Fixed, PerChip, PerCompile, PerLoad, PerShot, Recorded};
use super::setting::{Perfect, Range, Setting};
use super::{AdcRange, CodeNoise, Correlation, Detection, Law, MeasuredChip, NumberFormat, Supply};
use crate::mesh::CellKind;
use crate::units::{hz_from_ghz, power_from_db};

macro_rules! hardware {
    ($(
        $(#[$about:meta])*
        $section:ident: $Section:ident {
            $( $key:ident: $kind:ty = $default:expr, $words:literal, $row:expr; )*
        }
    )*) => {
        /// A kind of chip: how its parts deviate from the ideal, and what stands at its inputs and outputs.
        ///
        /// One that exists is checked: it is made of the ideal one, [`Hardware::default`], by setting keys
        /// ([`with`](Self::with)), from TOML ([`from_toml`](Self::from_toml)) or from a preset or a file
        /// ([`open`](Self::open)). The TOML form has the same names; a key that is left out is ideal, an unknown key is
        /// refused. Every random value is a standard deviation.
        ///
        /// ```
        /// use lightloom::Hardware;
        ///
        /// let hardware = Hardware::from_toml("[coupler]\nsplitting_error_rad = 0.02")?;
        /// assert_eq!(hardware.coupler().splitting_error_rad, 0.02);
        /// assert!(Hardware::from_toml("[coupler]\nspliting_error_rad = 0.02").is_err());
        /// # Ok::<(), lightloom::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Default, Serialize)]
        pub struct Hardware {
            $( pub(super) $section: $Section, )*
            /// What was measured of the one chip that this is, where it is one.
            #[serde(skip_serializing_if = "is_drawn", serialize_with = "by_value")]
            pub(super) measured: Arc<MeasuredChip>,
        }

        impl Hardware {
            $(
                $(#[$about])*
                pub fn $section(&self) -> &$Section {
                    &self.$section
                }
            )*
        }

        $(
            $(#[$about])*
            #[derive(Debug, Clone, PartialEq, Serialize)]
            pub struct $Section {
                $( #[doc = $words] pub $key: $kind, )*
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $key: $default, )* }
                }
            }
        )*

        /// Every key of the hardware, in the order of `docs/hardware.md`.
        pub(super) const KEYS: &[HardwareKey] = &[
            $( $(
                HardwareKey {
                    name: concat!(stringify!($section), ".", stringify!($key)),
                    words: $words,
                    kind: <$kind as Setting>::KIND,
                    optional: <$kind as Setting>::OPTIONAL,
                    row: $row,
                    get: |hardware| hardware.$section.$key.cell(),
                    set: |hardware, cell| {
                        let value = <$kind as Setting>::of(cell);
                        hardware.$section.$key = value.expect("a cell of the key's kind");
                    },
                },
            )* )*
        ];
    };
}

fn is_drawn(measured: &Arc<MeasuredChip>) -> bool {
    measured.is_empty()
}

fn by_value<S: Serializer>(measured: &Arc<MeasuredChip>, serializer: S) -> Result<S::Ok, S::Error> {
    measured.serialize(serializer)
}

const QUARTER: Range = Range::new("from 0 to π/4", |x| (0.0..=FRAC_PI_4).contains(&x));
const QUARTER_EACH_WAY: Range = Range::new("from -π/4 to π/4", |x| x.abs() <= FRAC_PI_4);
// Beyond this the heat of all neighbours together outweighs a heater's own: I + C may not be solved.
const CROSSTALK: Range = Range::new("from 0 to 0.1", |x| (0.0..=0.1).contains(&x));
const PERCENTILE: Range = Range::new("\"max\" or a percentile in (0, 100]", |x| {
    x > 0.0 && x <= 100.0
});
const SHARE: Range = Range::new("from 0 to 1", |x| (0.0..=1.0).contains(&x));
const ABOVE_TWO: Range = Range::new("more than 2", |x| x > 2.0);

/// A row of a key that says how the elements of a die share what is drawn for the key `of`.
const fn shared(label: &'static str, short: &'static str, of: &'static str) -> Row {
    Row::new(label, short, Fixed, Die)
        .perfect(Perfect::Neither)
        .range(SHARE)
        .needs(of)
}

/// Fails where the shares of a family leave less than nothing to each element alone.
fn shares(die: f64, field: f64) -> Result<(), String> {
    // Ten tenths are one.
    if die + field <= 1.0 + 1e-12 {
        return Ok(());
    }
    Err(format!(
        "such that die_share ({die}) and field_share ({field}) are at most 1 together"
    ))
}

/// A row of a key that is a shift over the wafer, of the place where its quantity acts.
const fn over_wafer(label: &'static str, short: &'static str, place: super::Place) -> Row {
    Row::new(label, short, Fixed, place)
        .range(Range::ANY)
        .needs("fabrication.wafer_mm")
}

/// Fails for a law of powers where there are none.
fn angles_alone(law: Law) -> Result<(), String> {
    match law {
        Law::UniformPower => Err("another law: only couplers split power".to_owned()),
        _ => Ok(()),
    }
}

/// A row of a key that is the law of what is drawn for the key `of`.
const fn law(label: &'static str, short: &'static str, of: &'static str) -> Row {
    Row::new(label, short, Fixed, Die)
        .perfect(Perfect::Neither)
        .range(Range::ANY)
        .needs(of)
}

hardware! {
    /// The couplers of every MZI.
    coupler: Coupler {
        splitting_error_rad: f64 = 0.0,
            "Spread of every coupler's angle around π/4, rad.",
            Row::new("σ of the coupler angle", "σ coupler", PerChip, Couplers).range(QUARTER).symbol("σ_α");
        splitting_bias_rad: f64 = 0.0,
            "The same deviation of every coupler's angle from π/4 (a wavelength or etch offset), rad.",
            Row::new("bias of the coupler angle", "coupler bias", Fixed, Couplers).range(QUARTER_EACH_WAY);
    }

    /// The phase shifters: heaters, their supply, their neighbours.
    phase_shifter: PhaseShifter {
        phase_error_rad: f64 = 0.0,
            "Programming error of every phase (theta, phi, screen, free shifter, attenuator), rad; no correction knows it.",
            Row::new("σ of the programmed phase", "σ phase", PerLoad, Phase).symbol("σ_φ");
        offset_rad: f64 = 0.0,
            "Spread of the phase of every shifter with its heater off, rad.",
            Row::new("σ of the phase offset", "σ offset", PerChip, Phase);
        dac_bits: Option<u32> = None,
            "Resolution of the heater supply, bits in voltage from 0 to `v_max_v`.",
            Row::new("resolution of the heater supply", "heater supply", PerLoad, Drive)
                .perfect(Perfect::Most).range(Range::BITS).none("no quantization");
        v_pi_v: f64 = 4.36,
            "Voltage for a phase of π, V: φ = π V²/V_π². The default is the thermo-optic heater of pytorch-onn.",
            Row::new("V_π of a heater", "V_π", Fixed, Drive)
                .perfect(Perfect::Neither).range(Range::POSITIVE).needs("phase_shifter.dac_bits");
        v_max_v: Option<f64> = None,
            "Largest voltage of the supply, V; 2π must be in reach. Left out, it is that of the weakest heater, or what a \
             correction asks beyond 2π; `export --dac-bits` has the same rule.",
            Row::new("largest heater voltage", "V_max", Fixed, Drive)
                .perfect(Perfect::Neither).range(Range::POSITIVE).none("√2 V_π, which reaches a phase of 2π")
                .needs("phase_shifter.dac_bits")
                .relation(|hardware| {
                    let PhaseShifter { v_pi_v, v_max_v, .. } = hardware.phase_shifter;
                    let least = Supply::default_v_max_v(v_pi_v, 0.0);
                    match v_max_v {
                        Some(v_max_v) if v_max_v < least => {
                            Err(format!("at least √2 · v_pi_v = {least} so that 2π is reached"))
                        }
                        _ => Ok(()),
                    }
                });
        v_pi_error: f64 = 0.0,
            "Relative error of each heater's calibrated V_π: every heater's own V_π is known, up to this. It is the same at \
             every load, and no correction knows it.",
            Row::new("relative σ of the calibrated V_π", "σ V_π", PerChip, Drive);
        crosstalk: f64 = 0.0,
            "Share κ of a heater's phase that reaches a neighbour at one pitch; κ^d at distance d, up to 3 pitches. Two modes \
             are one pitch: the arms of a symmetric cell, both heated, are half a pitch apart and share κ^½.",
            Row::new("thermal crosstalk at one pitch", "crosstalk", Fixed, Drive).range(CROSSTALK);
        drift_rad_per_sqrt_s: f64 = 0.0,
            "Random walk of every phase, rad/√s, over `drift_time_s`; it takes both. No correction knows it.",
            Row::new("phase drift", "drift", PerLoad, Phase).needs("phase_shifter.drift_time_s");
        drift_time_s: f64 = 0.0,
            "Time between programming and inference, s. Setting a chip anew starts it anew.",
            Row::new("time since programming", "drift time", Fixed, Phase);
    }

    /// The cells of the mesh and their loss.
    mesh: CellDesign {
        cell: CellKind = CellKind::Mzi,
            "What stands at every node of a mesh; see [`meshes/README.md`](../meshes/README.md). Attenuators are plain MZIs.",
            Row::new("kind of cell", "cell", Fixed, Drive).perfect(Perfect::Neither).range(Range::ANY);
        insertion_loss_db: f64 = 0.0,
            "Loss of both arms of every cell and attenuator, dB.",
            Row::new("insertion loss of a cell", "cell loss", Fixed, Loss);
        insertion_loss_spread_db: f64 = 0.0,
            "Spread of that loss from cell to cell, dB; a draw below 0 dB counts as 0 dB.",
            Row::new("σ of the cells’ insertion loss", "σ cell loss", PerChip, Loss);
        arm_imbalance_db: f64 = 0.0,
            "What an arm with a heater on it loses more than a bare one, dB: the top arm of every cell at θ and again at φ, \
             both arms of a symmetric cell, an attenuator's at θ. Below 0.01 dB for TiN above a strip, 0.3 dB where it is \
             undercut (Micromachines 13, 1509). Screens and free shifters lose nothing.",
            Row::new("loss imbalance of a cell’s arms", "arm imbalance", Fixed, Loss);
    }

    /// Laser, modulators and the way onto the chip.
    input: Input {
        laser_power_mw: f64 = 1.0,
            "Laser power, mW, split evenly over the modes of a tile.",
            Row::new("laser power", "laser", Fixed, Inputs).perfect(Perfect::Neither).range(Range::POSITIVE);
        wavelength_nm: f64 = 1550.0,
            "Wavelength, nm; nothing depends on it.",
            Row::new("wavelength", "wavelength", Recorded, Inputs).perfect(Perfect::Neither).range(Range::POSITIVE);
        facet_loss_db: f64 = 0.0,
            "Loss of one facet or grating coupler, dB; light crosses two.",
            Row::new("loss of a facet", "facet loss", Fixed, Inputs);
        modulator_loss_db: f64 = 0.0,
            "Loss of an input modulator, dB.",
            Row::new("loss of a modulator", "modulator loss", Fixed, Inputs);
        dac_bits: Option<u32> = None,
            "Resolution of the modulators, bits over [−1, 1] in amplitude.",
            Row::new("resolution of the modulators", "modulator DAC", PerShot, Inputs)
                .perfect(Perfect::Most).range(Range::BITS).none("no quantization");
        extinction_ratio_db: Option<f64> = None,
            "Extinction ratio of the modulators, dB: no amplitude is below 10^(−ER/20) of full scale.",
            Row::new("extinction ratio of the modulators", "extinction", PerShot, Inputs)
                .perfect(Perfect::Most).none("all light blocked");
        rin_dbc_hz: Option<f64> = None,
            "Relative intensity noise of the laser, dBc/Hz, over the readout's bandwidth.",
            Row::new("relative intensity noise of the laser", "RIN", PerShot, Inputs)
                .perfect(Perfect::Least).range(Range::ANY).none("no intensity noise")
                .needs("readout.bandwidth_ghz")
                .relation(|hardware| {
                    let bandwidth_hz = hz_from_ghz(hardware.readout.bandwidth_ghz);
                    let spread = |rin| (power_from_db(rin) * bandwidth_hz).sqrt();
                    match hardware.input.rin_dbc_hz.map(spread) {
                        Some(spread) if spread > 0.3 => {
                            Err("such that the power spread √(RIN · B) is at most 0.3".to_owned())
                        }
                        _ => Ok(()),
                    }
                });
    }

    /// Detectors and what digitizes them.
    readout: Readout {
        detection: Detection = Detection::Coherent,
            "What a detector measures: `coherent` (balanced homodyne: the signed field) or `intensity` (one photodiode: the \
             power).",
            Row::new("detection", "detection", Fixed, Readouts).perfect(Perfect::Neither).range(Range::ANY);
        lo_power_mw: f64 = 1.0,
            "Power of the local oscillator at each coherent detector, mW.",
            Row::new("local oscillator power", "LO", Fixed, Readouts)
                .perfect(Perfect::Neither).range(Range::POSITIVE);
        responsivity_a_w: f64 = 1.0,
            "Responsivity of a photodiode, A/W.",
            Row::new("responsivity of a photodiode", "responsivity", Fixed, Readouts)
                .perfect(Perfect::Neither).range(Range::POSITIVE);
        dark_current_na: f64 = 0.0,
            "Dark current of a photodiode, nA; its noise counts over the bandwidth.",
            Row::new("dark current of a photodiode", "dark current", PerShot, Readouts)
                .needs("readout.bandwidth_ghz");
        bandwidth_ghz: f64 = 0.0,
            "Noise bandwidth of the readout, GHz; 0 switches shot, thermal, dark and laser noise off. Receivers of \
             `matrix --correct self-configure` have the shot, thermal and dark noise of a complex reading.",
            Row::new("noise bandwidth of the readout", "bandwidth", PerShot, Readouts);
        thermal_noise_pa_sqrt_hz: f64 = 0.0,
            "Input-referred current noise of the amplifier, pA/√Hz.",
            Row::new("current noise of the amplifier", "amplifier noise", PerShot, Readouts)
                .needs("readout.bandwidth_ghz");
        gain_spread: f64 = 0.0,
            "Relative spread of the detectors' gain; no correction makes up for it.",
            Row::new("relative σ of the detectors’ gain", "σ gain", PerChip, Readouts);
        lo_phase_error_rad: f64 = 0.0,
            "Spread of the phase δ of the local oscillator at every coherent detector, which reads Re(a e^{iδ}), rad; no \
             correction makes up for it. Intensities and light that is not detected have none.",
            Row::new("σ of the local oscillator’s phase", "σ LO phase", PerChip, Readouts);
        lo_phase_drift_rad_per_sqrt_s: f64 = 0.0,
            "Random walk of δ, rad/√s, over `phase_shifter.drift_time_s`; it takes both.",
            Row::new("drift of the local oscillator’s phase", "LO drift", PerLoad, Readouts)
                .needs("phase_shifter.drift_time_s");
        adc_bits: Option<u32> = None,
            "Resolution of the converters, bits; with one bit each tells only the sign, which of a dark row is that of \
             rounding.",
            Row::new("resolution of the detectors’ converters", "ADC", PerShot, Readouts)
                .perfect(Perfect::Most).range(Range::BITS).none("no quantization");
        adc_range: AdcRange = AdcRange::Max,
            "Full scale of the converters from a calibration batch, the first 512 samples: its largest value, `\"max\"`, or a \
             percentile.",
            Row::new("full scale of the converters, percentile", "ADC range", Fixed, Readouts)
                .perfect(Perfect::Neither).range(PERCENTILE).needs("readout.adc_bits");
    }

    /// How numbers are held, in light and in front of it.
    numbers: Numbers {
        format: NumberFormat = NumberFormat::Float,
            "How numbers are held: `float` (weights exact, converters within the ranges of a calibration batch), `fixed` (and \
             weights rounded over one scale a tile) or `abfp` (a scale for every vector of a tile's inputs and every row of its \
             weights). Bits of inputs and outputs are `input.dac_bits` and `readout.adc_bits`; see \
             [`numbers.md`](numbers.md).",
            Row::new("format of numbers", "format", PerCompile, Weight).perfect(Perfect::Neither).range(Range::ANY);
        weight_bits: Option<u32> = None,
            "Resolution of the weights, bits over [−1, 1] of their scale, before phases are chosen for them; of `fixed` and \
             `abfp`.",
            Row::new("resolution of the weights", "weights", PerCompile, Weight)
                .perfect(Perfect::Most).range(Range::WEIGHT_BITS).none("no quantization").needs("numbers.format");
        gain: f64 = 1.0,
            "Gain G in front of the converters of `abfp`, whose full scale is n/G sums of full-scale products, n the inputs of \
             a tile: it trades clipping for resolution.",
            Row::new("gain in front of the converters", "gain", Fixed, Readouts)
                .perfect(Perfect::Neither).range(Range::POSITIVE).needs("numbers.format");
        noise_codes: f64 = 0.0,
            "Standard deviation of every reading in front of its converter, in codes: steps between two levels.",
            Row::new("σ of a reading, codes", "σ code", PerShot, Readouts).needs("readout.adc_bits");
        noise: CodeNoise = CodeNoise::Normal,
            "Its distribution: `normal` or `logistic`, as Lightmatter measured (arXiv:2205.06287).",
            Row::new("distribution of the codes’ noise", "code noise", Fixed, Readouts)
                .perfect(Perfect::Neither).range(Range::ANY).needs("numbers.noise_codes");
    }

    /// The wafer, the die and how far errors look alike on it.
    fabrication: Fabrication {
        correlation: Correlation = Correlation::Gaussian,
            "Correlation of two elements at a distance r of what `field_share` says: `gaussian`, exp(−(r/ℓ)²), or \
             `exponential`, exp(−r/ℓ).",
            Row::new("correlation over the die", "correlation", Fixed, Die).perfect(Perfect::Neither).range(Range::ANY);
        correlation_length_um: f64 = 1000.0,
            "Its length ℓ, µm: several hundred µm to some mm (Bogaerts et al., JSTQE 25, 6100413, 2019; Jhoja, UBC thesis, \
             2019).",
            Row::new("correlation length", "ℓ", Fixed, Die).perfect(Perfect::Neither).range(Range::POSITIVE);
        step_um: f64 = 100.0,
            "A step of the layout along the light, µm: an MZI is four steps long, a symmetric cell two.",
            Row::new("step of the layout", "step", Fixed, Die).perfect(Perfect::Neither).range(Range::POSITIVE);
        mode_um: f64 = 50.0,
            "Distance of two modes, µm.",
            Row::new("distance of two modes", "mode pitch", Fixed, Die).perfect(Perfect::Neither).range(Range::POSITIVE);
        wafer_mm: Option<f64> = None,
            "Diameter of the wafer, mm: trial t is its die number t, row by row, of the dies that lie on it whole; after the \
             last one the next wafer begins.",
            Row::new("diameter of the wafer", "wafer", Fixed, Die)
                .perfect(Perfect::Neither).range(Range::POSITIVE).none("no wafer, all dies are of one kind")
                .relation(|hardware| {
                    let Fabrication { wafer_mm, die_x_mm, die_y_mm, .. } = hardware.fabrication;
                    match wafer_mm {
                        Some(wafer_mm) if wafer_mm < die_x_mm.hypot(die_y_mm) => Err(format!(
                            "at least the diagonal of a die, {:.1} mm", die_x_mm.hypot(die_y_mm)
                        )),
                        Some(wafer_mm) if wafer_mm * wafer_mm > 1e6 * die_x_mm * die_y_mm => {
                            Err("such that a wafer has fewer than a million dies".to_owned())
                        }
                        _ => Ok(()),
                    }
                });
        die_x_mm: f64 = 20.0,
            "Width of a die, mm.",
            Row::new("width of a die", "die width", Fixed, Die).perfect(Perfect::Neither).range(Range::POSITIVE);
        die_y_mm: f64 = 20.0,
            "Height of a die, mm.",
            Row::new("height of a die", "die height", Fixed, Die).perfect(Perfect::Neither).range(Range::POSITIVE);
    }

    /// Share of each variance that all elements of a die have in common.
    die_share: DieShare {
        coupler: f64 = 0.0,
            "Share of the variance of the couplers’ angles that all elements of a die have in common.",
            shared("die’s share of the coupler angle", "die coupler", "coupler.splitting_error_rad");
        loss: f64 = 0.0,
            "Share of the variance of the cells’ losses that all elements of a die have in common.",
            shared("die’s share of the cells’ loss", "die loss", "mesh.insertion_loss_spread_db");
        offset: f64 = 0.0,
            "Share of the variance of the phase offsets that all elements of a die have in common.",
            shared("die’s share of the phase offset", "die offset", "phase_shifter.offset_rad");
        v_pi: f64 = 0.0,
            "Share of the variance of the errors of V_π that all elements of a die have in common.",
            shared("die’s share of the calibrated V_π", "die V_π", "phase_shifter.v_pi_error");
        gain: f64 = 0.0,
            "Share of the variance of the detectors’ gains that all elements of a die have in common.",
            shared("die’s share of the detectors’ gain", "die gain", "readout.gain_spread");
        oscillator: f64 = 0.0,
            "Share of the variance of the local oscillators’ phases that all elements of a die have in common.",
            shared("die’s share of the local oscillator’s phase", "die LO", "readout.lo_phase_error_rad");
    }

    /// Share of each variance that varies smoothly over the die; what the two shares leave is each element's own.
    field_share: FieldShare {
        coupler: f64 = 0.0,
            "Share of the variance of the couplers’ angles that varies smoothly over the die, as `fabrication` says.",
            shared("field’s share of the coupler angle", "field coupler", "coupler.splitting_error_rad")
                .relation(|hardware| shares(hardware.die_share.coupler, hardware.field_share.coupler));
        loss: f64 = 0.0,
            "Share of the variance of the cells’ losses that varies smoothly over the die, as `fabrication` says.",
            shared("field’s share of the cells’ loss", "field loss", "mesh.insertion_loss_spread_db")
                .relation(|hardware| shares(hardware.die_share.loss, hardware.field_share.loss));
        offset: f64 = 0.0,
            "Share of the variance of the phase offsets that varies smoothly over the die, as `fabrication` says.",
            shared("field’s share of the phase offset", "field offset", "phase_shifter.offset_rad")
                .relation(|hardware| shares(hardware.die_share.offset, hardware.field_share.offset));
        v_pi: f64 = 0.0,
            "Share of the variance of the errors of V_π that varies smoothly over the die, as `fabrication` says.",
            shared("field’s share of the calibrated V_π", "field V_π", "phase_shifter.v_pi_error")
                .relation(|hardware| shares(hardware.die_share.v_pi, hardware.field_share.v_pi));
        gain: f64 = 0.0,
            "Share of the variance of the detectors’ gains that varies smoothly over the die, as `fabrication` says.",
            shared("field’s share of the detectors’ gain", "field gain", "readout.gain_spread")
                .relation(|hardware| shares(hardware.die_share.gain, hardware.field_share.gain));
        oscillator: f64 = 0.0,
            "Share of the variance of the local oscillators’ phases that varies smoothly over the die, as `fabrication` says.",
            shared("field’s share of the local oscillator’s phase", "field LO", "readout.lo_phase_error_rad")
                .relation(|hardware| shares(hardware.die_share.oscillator, hardware.field_share.oscillator));
    }

    /// Shift of each mean that grows with the distance from the middle of the wafer.
    wafer_linear: WaferLinear {
        coupler_rad: f64 = 0.0,
            "Shift of the couplers’ angles at the edge of the wafer, in proportion to r/R at a die whose middle is r from that of the \
             wafer, of radius R, rad.",
            over_wafer("linear trend of the coupler angle", "trend coupler", Couplers);
        loss_db: f64 = 0.0,
            "Shift of the cells’ losses at the edge of the wafer, in proportion to r/R at a die whose middle is r from that of the \
             wafer, of radius R, dB.",
            over_wafer("linear trend of the cells’ loss", "trend loss", Loss);
        offset_rad: f64 = 0.0,
            "Shift of the phase offsets at the edge of the wafer, in proportion to r/R at a die whose middle is r from that of the \
             wafer, of radius R, rad.",
            over_wafer("linear trend of the phase offset", "trend offset", Phase);
        v_pi: f64 = 0.0,
            "Shift of the errors of V_π at the edge of the wafer, in proportion to r/R at a die whose middle is r from that of the \
             wafer, of radius R.",
            over_wafer("linear trend of the calibrated V_π", "trend V_π", Drive);
        gain: f64 = 0.0,
            "Shift of the detectors’ gains at the edge of the wafer, in proportion to r/R at a die whose middle is r from that of the \
             wafer, of radius R.",
            over_wafer("linear trend of the detectors’ gain", "trend gain", Readouts);
        oscillator_rad: f64 = 0.0,
            "Shift of the local oscillators’ phases at the edge of the wafer, in proportion to r/R at a die whose middle is r from that of the \
             wafer, of radius R, rad.",
            over_wafer("linear trend of the local oscillator’s phase", "trend LO", Readouts);
    }

    /// The same with the square of the distance.
    wafer_bowl: WaferBowl {
        coupler_rad: f64 = 0.0,
            "The same in proportion to (r/R)², of the couplers’ angles, rad.",
            over_wafer("bowl of the coupler angle", "bowl coupler", Couplers);
        loss_db: f64 = 0.0,
            "The same in proportion to (r/R)², of the cells’ losses, dB.",
            over_wafer("bowl of the cells’ loss", "bowl loss", Loss);
        offset_rad: f64 = 0.0,
            "The same in proportion to (r/R)², of the phase offsets, rad.",
            over_wafer("bowl of the phase offset", "bowl offset", Phase);
        v_pi: f64 = 0.0,
            "The same in proportion to (r/R)², of the errors of V_π.",
            over_wafer("bowl of the calibrated V_π", "bowl V_π", Drive);
        gain: f64 = 0.0,
            "The same in proportion to (r/R)², of the detectors’ gains.",
            over_wafer("bowl of the detectors’ gain", "bowl gain", Readouts);
        oscillator_rad: f64 = 0.0,
            "The same in proportion to (r/R)², of the local oscillators’ phases, rad.",
            over_wafer("bowl of the local oscillator’s phase", "bowl LO", Readouts);
    }

    /// The law of each quantity about its mean.
    distribution: Distribution {
        coupler: Law = Law::Normal,
            "Law of the couplers’ angles; its standard deviation is that of their key.",
            law("law of the coupler angle", "law coupler", "coupler.splitting_error_rad")
                .relation(|hardware| {
                    let (law, sigma) = (hardware.distribution.coupler, hardware.coupler.splitting_error_rad);
                    match law {
                        Law::UniformPower if sigma > Law::MOST_UNIFORM_POWER_RAD => Err(format!(
                            "another law, or coupler.splitting_error_rad at most {}: beyond it no power is left",
                            Law::MOST_UNIFORM_POWER_RAD
                        )),
                        _ => Ok(()),
                    }
                });
        loss: Law = Law::Normal,
            "Law of the cells’ losses; its standard deviation is that of their key.",
            law("law of the cells’ loss", "law loss", "mesh.insertion_loss_spread_db")
                .relation(|hardware| angles_alone(hardware.distribution.loss));
        offset: Law = Law::Normal,
            "Law of the phase offsets; its standard deviation is that of their key.",
            law("law of the phase offset", "law offset", "phase_shifter.offset_rad")
                .relation(|hardware| angles_alone(hardware.distribution.offset));
        v_pi: Law = Law::Normal,
            "Law of the errors of V_π; its standard deviation is that of their key.",
            law("law of the calibrated V_π", "law V_π", "phase_shifter.v_pi_error")
                .relation(|hardware| angles_alone(hardware.distribution.v_pi));
        gain: Law = Law::Normal,
            "Law of the detectors’ gains; its standard deviation is that of their key.",
            law("law of the detectors’ gain", "law gain", "readout.gain_spread")
                .relation(|hardware| angles_alone(hardware.distribution.gain));
        oscillator: Law = Law::Normal,
            "Law of the local oscillators’ phases; its standard deviation is that of their key.",
            law("law of the local oscillator’s phase", "law LO", "readout.lo_phase_error_rad")
                .relation(|hardware| angles_alone(hardware.distribution.oscillator));
        degrees_of_freedom: f64 = 5.0,
            "Degrees of freedom of the laws that are `student`, whose tails fall as |x|^−(ν+1).",
            Row::new("degrees of freedom of heavy tails", "ν", Fixed, Die)
                .perfect(Perfect::Neither).range(ABOVE_TWO);
    }
}
