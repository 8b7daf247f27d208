//! The chi-square distribution's upper tail, through the regularised incomplete gamma function
//! (series and continued fraction, Numerical Recipes §6.2; NIST DLMF 8.11.4, 8.9.2).

/// Enough for every argument that the series and the fraction are given here.
const STEPS: u32 = 10_000;

/// The probability that a chi-square variable with `dof` degrees of freedom is at least `chi2`.
///
/// 1 for `chi2 <= 0` and for no degree of freedom: nothing can deviate. Accurate to about 1e-12, relative.
pub fn chi_square_tail(chi2: f64, dof: u32) -> f64 {
    if dof == 0 || chi2.is_nan() || chi2 <= 0.0 {
        return 1.0;
    }
    if chi2.is_infinite() {
        return 0.0;
    }
    let (a, x) = (f64::from(dof) / 2.0, chi2 / 2.0);
    let tail = if x < a + 1.0 { 1.0 - lower_series(a, x) } else { upper_fraction(a, x) };
    tail.clamp(0.0, 1.0)
}

/// P(a, x) by its power series; converges fast for x < a + 1.
fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut n) = (1.0 / a, a);
    let mut sum = term;
    for _ in 0..STEPS {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum * scale(a, x)
}

/// Q(a, x) by its continued fraction (modified Lentz); converges fast for x > a + 1.
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for step in 1..STEPS {
        let step = f64::from(step);
        let an = -step * (step - a);
        b += 2.0;
        d = an.mul_add(d, b);
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + an / c;
        if c.abs() < TINY {
            c = TINY;
        }
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction * scale(a, x)
}

/// x^a e^-x / Γ(a), by logarithms: the parts alone overflow.
fn scale(a: f64, x: f64) -> f64 {
    (a.mul_add(x.ln(), -x) - ln_gamma(a)).exp()
}

/// ln Γ(z) for z > 0, Lanczos with g = 7 and nine terms.
fn ln_gamma(z: f64) -> f64 {
    const G: f64 = 7.0;
    const FIRST: f64 = 0.999_999_999_999_809_9;
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if z < 0.5 {
        let pi = std::f64::consts::PI;
        return (pi / (pi * z).sin()).ln() - ln_gamma(1.0 - z);
    }
    let z = z - 1.0;
    let mut sum = FIRST;
    let mut n = 0.0;
    for term in TERMS {
        n += 1.0;
        sum += term / (z + n);
    }
    let t = z + G + 0.5;
    0.5f64.mul_add((2.0 * std::f64::consts::PI).ln(), (z + 0.5) * t.ln()) - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) -> bool {
        (got - expected).abs() <= 1e-10 * expected.abs().max(1e-300)
    }

    #[test]
    fn tails_agree_with_the_printed_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/vectors/srm_chi_square.json")).unwrap();
        let rows = vectors["survival"].as_array().unwrap();
        assert_eq!(rows.len(), 6);
        for row in rows {
            let dof = u32::try_from(row["dof"].as_u64().unwrap()).unwrap();
            let got = chi_square_tail(row["chi2"].as_f64().unwrap(), dof);
            let expected = row["p"].as_f64().unwrap();
            // Twelve digits are printed of the statistic, too.
            assert!((got - expected).abs() <= 1e-9 * expected, "{row}: {got}");
        }
    }

    #[test]
    fn tails_with_closed_forms_are_met_in_both_branches() {
        // Two degrees of freedom: e^(-x/2). Four: e^(-x/2) (1 + x/2).
        for x in [0.001, 0.5, 1.0, 2.0, 3.9, 4.1, 10.0, 60.0, 600.0] {
            let half = x / 2.0;
            assert!(close(chi_square_tail(x, 2), (-half).exp()), "{x}");
            assert!(close(chi_square_tail(x, 4), (-half).exp() * (1.0 + half)), "{x}");
        }
    }

    #[test]
    fn the_ends_are_certain() {
        assert!(close(chi_square_tail(0.0, 3), 1.0));
        assert!(close(chi_square_tail(-1.0, 3), 1.0));
        assert!(close(chi_square_tail(5.0, 0), 1.0));
        assert!(chi_square_tail(f64::INFINITY, 1).abs() < f64::MIN_POSITIVE);
        assert!(chi_square_tail(1e6, 1).abs() < f64::MIN_POSITIVE);
        assert!(close(chi_square_tail(f64::NAN, 1), 1.0));
    }
}
