//! The normal and the Student t distribution.

/// The quantile of the standard normal distribution: Φ⁻¹(`share`); ∓∞ at 0 and 1.
///
/// # Panics
/// If `share` is not in [0, 1].
pub fn normal_quantile(share: f64) -> f64 {
    quantile_of(share, |x| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2))
}

/// The distribution function of Student's t with `freedom` > 0 degrees of freedom.
pub fn student_t(x: f64, freedom: f64) -> f64 {
    let tail = 0.5 * beta_share(0.5 * freedom, 0.5, freedom / (freedom + x * x));
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// The quantile of Student's t with `freedom` > 0 degrees of freedom; ∓∞ at 0 and 1.
///
/// # Panics
/// If `share` is not in [0, 1].
pub fn student_t_quantile(share: f64, freedom: f64) -> f64 {
    quantile_of(share, |x| student_t(x, freedom))
}

/// Where the symmetric distribution function `below` reaches `share`, by bisection to the last bit.
fn quantile_of(share: f64, below: impl Fn(f64) -> f64) -> f64 {
    assert!((0.0..=1.0).contains(&share), "{share} is no probability");
    if share == 0.5 {
        return 0.0;
    }
    // In the lower half, where the function has no rounding of 1 − p.
    let tail = share.min(1.0 - share);
    if tail == 0.0 {
        return if share == 0.0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    let (mut low, mut high) = (-1.0, 0.0);
    while below(low) > tail {
        (low, high) = (2.0 * low, low);
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return if share < 0.5 { low } else { -low };
        }
        if below(middle) < tail {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The regularized incomplete beta function I_x(a, b), for x in [0, 1].
///
/// The continued fraction of DLMF 8.17.22, by Lentz's method.
pub fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // It converges fast on one side of the mean only; I_x(a, b) = 1 − I_{1−x}(b, a).
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(b, a, 1.0 - x);
    }
    let ln_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta).exp() / a;
    let away_from_0 = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away_from_0(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..10_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_0(1.0 + term * d);
            c = away_from_0(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// scipy 1.17: `norm.ppf`.
    #[test]
    fn normal_quantiles_agree_with_scipy() {
        for (share, value) in [
            (0.5, 0.0),
            (0.9, 1.2815515655446004),
            (0.975, 1.959963984540054),
            (0.995, 2.5758293035489004),
            (1e-6, -4.753424308822899),
        ] {
            assert_relative_eq!(normal_quantile(share), value, max_relative = 1e-13);
        }
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }

    /// scipy 1.17: `special.betainc(a, b, x)`.
    #[test]
    fn incomplete_beta_agrees_with_scipy() {
        for (a, b, x, value) in [
            (0.5, 9.5, 0.3, 0.9898374278793095),
            (2.0, 3.0, 0.4, 0.5248),
            (50.0, 0.5, 0.97, 0.08169933372182264),
            (1.5, 200.0, 0.01, 0.7412388483060051),
        ] {
            assert_relative_eq!(beta_share(a, b, x), value, max_relative = 1e-12);
        }
        assert_eq!(
            (beta_share(2.0, 3.0, 0.0), beta_share(2.0, 3.0, 1.0)),
            (0.0, 1.0)
        );
    }

    /// scipy 1.17: `t.cdf(x, df)` and `t.ppf(p, df)`.
    #[test]
    fn student_t_agrees_with_scipy() {
        for (x, freedom, value) in [
            (0.0, 5.0, 0.5),
            (1.5, 1.0, 0.8128329581890011),
            (-2.2, 9.0, 0.027670286399305823),
            (3.0, 19.0, 0.9963191379080657),
            (1.0, 1000.0, 0.8412237909576638),
            (40.0, 3.0, 0.9999828096596054),
        ] {
            assert_relative_eq!(student_t(x, freedom), value, max_relative = 1e-12);
        }
        for (share, freedom, value) in [
            (0.975, 1.0, 12.706204736174694),
            (0.975, 9.0, 2.262157162798205),
            (0.95, 19.0, 1.7291328115213682),
            (0.995, 4.0, 4.604094871349992),
            (0.025, 99.0, -1.9842169515864176),
        ] {
            assert_relative_eq!(
                student_t_quantile(share, freedom),
                value,
                max_relative = 1e-12
            );
        }
    }
}
