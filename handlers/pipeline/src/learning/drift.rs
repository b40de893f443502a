//! Whether a remedy fares worse of late than all that came before lets expect.

use super::reliability::Reliability;
use statrs::function::beta::ln_beta;
use statrs::function::factorial::ln_binomial;

/// So unlikely has it to be, if nothing changed.
pub const DRIFT_CHANCE: f64 = 0.01;

/// The chance that at least `failures` of `fixes` fail, if they are like what `before` is known of: the upper tail of a Beta-binomial
/// distribution.
pub fn chance(before: &Reliability, failures: u64, fixes: u64) -> f64 {
    if failures == 0 {
        return 1.0;
    }
    let (wrong, right) = (before.failures, before.successes);
    let exactly = |failed: u64| {
        let held = (fixes - failed) as f64;
        (ln_binomial(fixes, failed) + ln_beta(failed as f64 + wrong, held + right) - ln_beta(wrong, right)).exp()
    };
    (failures..=fixes).map(exactly).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(successes: f64, failures: f64) -> Reliability {
        Reliability { successes, failures, telling: 0 }
    }

    #[test]
    fn tail_is_that_of_the_distribution() {
        // With one success and one failure, every number of failures is as likely as any other.
        for failures in 0..=10 {
            let expect = f64::from(11 - u32::try_from(failures).unwrap()) / 11.0;
            assert!((chance(&before(1.0, 1.0), failures, 10) - expect).abs() < 1e-9, "{failures}");
        }
        // A fair coin, as good as certain: 56 of 1024.
        assert!((chance(&before(1e9, 1e9), 8, 10) - 56.0 / 1024.0).abs() < 1e-6);
        assert_eq!(chance(&before(98.0, 2.0), 0, 0), 1.0);
    }

    #[test]
    fn more_failures_are_less_likely_and_more_experience_is_surprised_sooner() {
        let known = before(980.0, 20.0);
        assert!(chance(&known, 1, 30) > DRIFT_CHANCE);
        assert!(chance(&known, 5, 30) < DRIFT_CHANCE);
        assert!(chance(&before(8.0, 2.0), 5, 30) > DRIFT_CHANCE, "next to nothing is known");
    }
}
