//! Colour maps that are even to the eye: straight or round paths in OKLab.

use std::f64::consts::TAU;

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rgb(pub [u8; 3]);

impl Rgb {
    /// `#rrggbb`.
    pub fn hex(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    /// Black or white, whichever is read better on this colour.
    pub fn ink(self) -> &'static str {
        let linear = self.0.map(|channel| (f64::from(channel) / 255.0).powf(2.2));
        let luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        // Equal contrast to both by WCAG's ratio.
        if luminance > 0.18 {
            "#000000"
        } else {
            "#ffffff"
        }
    }
}

/// Lightness, chroma and hue (turns) → sRGB; Ottosson's OKLab, 2020.
fn oklch(lightness: f64, chroma: f64, hue: f64) -> Rgb {
    let (sin, cos) = (TAU * hue).sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
    ];
    Rgb(linear.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let encoded = if value <= 0.003_130_8 {
            12.92 * value
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (255.0 * encoded).round() as u8
    }))
}

/// A quantity that has an end on both sides, `t` in [0, 1]: dark blue over green to yellow.
pub(crate) fn sequential(t: f64) -> Rgb {
    let t = t.clamp(0.0, 1.0);
    oklch(0.30 + 0.62 * t, 0.095 + 0.07 * t.powi(3), 0.79 - 0.52 * t)
}

/// An angle, `turns` in [0, 1): the hues at one lightness, so that no phase stands out.
pub(crate) fn cyclic(turns: f64) -> Rgb {
    oklch(0.74, 0.118, turns.rem_euclid(1.0) + 0.08)
}

/// Light on white paper, `t` in [0, 1]: pale grey where it is dark, deep red where it is bright.
pub(crate) fn light(t: f64) -> Rgb {
    let t = t.clamp(0.0, 1.0);
    oklch(
        0.90 - 0.41 * t,
        0.012 + 0.175 * t.powf(0.8),
        0.17 - 0.10 * t,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness(Rgb(channels): Rgb) -> f64 {
        let weights = [0.2126, 0.7152, 0.0722];
        let linear = channels.map(|c| (f64::from(c) / 255.0).powf(2.2));
        linear.iter().zip(weights).map(|(c, w)| c * w).sum()
    }

    #[test]
    fn oklab_white_is_white_and_black_is_black() {
        assert_eq!(oklch(1.0, 0.0, 0.0).hex(), "#ffffff");
        assert_eq!(oklch(0.0, 0.0, 0.0).hex(), "#000000");
    }

    #[test]
    fn sequential_map_brightens_and_light_map_darkens_all_the_way() {
        for step in 0..50 {
            let (a, b) = (f64::from(step) / 50.0, f64::from(step + 1) / 50.0);
            assert!(lightness(sequential(a)) < lightness(sequential(b)));
            assert!(lightness(light(a)) > lightness(light(b)));
        }
    }

    #[test]
    fn cyclic_map_closes_and_keeps_one_lightness() {
        assert_eq!(cyclic(0.0), cyclic(1.0));
        for step in 0..36 {
            let off = lightness(cyclic(f64::from(step) / 36.0)) - lightness(cyclic(0.0));
            assert!(off.abs() < 0.09, "{step}: {off}");
        }
    }
}
