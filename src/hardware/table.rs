//! The keys of a hardware description: one row each, and nothing about them anywhere else.
//!
//! A row is `name: type = default, words, row;`. From it follow the field of [`Hardware`], its TOML and JSON, checks,
//! `--set`, axes of experiments, labels and units of figures, which end is perfect, and the table of `docs/hardware.md`.
//! CONTRIBUTING shows how an effect is added.

use std::f64::consts::FRAC_PI_4;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::setting::Place::{
    Coupler as Couplers, Drive, Input as Inputs, Loss, Phase, Readout as Readouts, Weight,
};
use super::setting::When::{Fixed, PerChip, PerCompile, PerLoad, PerShot, Recorded};
use super::setting::{Perfect, Place, Range, Setting, ValueKind, When};
use super::{AdcRange, CodeNoise, Detection, MeasuredChip, NumberFormat, Supply};
use crate::io::record::Cell;
use crate::mesh::CellKind;
use crate::units::{hz_from_ghz, power_from_db};

/// One key of a hardware description: everything that is known of it.
#[derive(Debug, Clone, Copy)]
pub struct HardwareKey {
    /// Its dotted name, such as `coupler.splitting_error_rad`.
    pub name: &'static str,
    /// What it is, in sentences.
    pub words: &'static str,
    /// What its values are.
    pub kind: ValueKind,
    /// Whether it may be left out and then has no value, not even a default one.
    pub optional: bool,
    /// How it acts and is spoken of.
    pub row: Row,
    pub(super) get: fn(&Hardware) -> Cell,
    pub(super) set: fn(&mut Hardware, &Cell),
}

/// How a key acts and is spoken of.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As on an axis of a figure: `σ of the coupler angle`.
    pub label: &'static str,
    /// As in a legend: `σ coupler`.
    pub short: &'static str,
    /// What stands for the σ of the label on an axis, `_` before what is lowered: `σ_φ`; empty where there is none.
    pub symbol: &'static str,
    /// When it is drawn.
    pub when: When,
    /// Where along the way from a phase that is asked for to a number that is read it acts.
    pub place: Place,
    /// Which of its values is a perfect chip's.
    pub perfect: Perfect,
    /// What its numbers may be.
    pub range: Range,
    /// What is modelled where it has no value; empty where it always has one.
    pub none: &'static str,
    /// The key without which it does nothing.
    pub needs: Option<&'static str>,
    /// What it must hold to beside the values of other keys; the limit in words where it does not.
    pub(super) relation: fn(&Hardware) -> Result<(), String>,
}

impl Row {
    /// A row of a key that is 0 on a perfect chip and else 0 or more.
    pub(super) const fn new(
        label: &'static str,
        short: &'static str,
        when: When,
        place: Place,
    ) -> Self {
        Self {
            label,
            short,
            symbol: "",
            when,
            place,
            perfect: Perfect::Zero,
            range: Range::NOT_NEGATIVE,
            none: "",
            needs: None,
            relation: |_| Ok(()),
        }
    }

    pub(super) const fn symbol(self, symbol: &'static str) -> Self {
        Self { symbol, ..self }
    }

    pub(super) const fn perfect(self, perfect: Perfect) -> Self {
        Self { perfect, ..self }
    }

    pub(super) const fn range(self, range: Range) -> Self {
        Self { range, ..self }
    }

    pub(super) const fn none(self, none: &'static str) -> Self {
        Self { none, ..self }
    }

    pub(super) const fn needs(self, key: &'static str) -> Self {
        Self {
            needs: Some(key),
            ..self
        }
    }

    pub(super) const fn relation(self, relation: fn(&Hardware) -> Result<(), String>) -> Self {
        Self { relation, ..self }
    }
}

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
}
