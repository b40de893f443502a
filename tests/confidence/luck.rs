//! What is drawn by chance that can be had again.

use crate::world::chance::Chance;

/// Chance is cut into so many parts.
const PARTS: usize = 1 << 32;

/// A source of chance.
pub struct Luck(Chance);

impl Luck {
    /// Of a seed, always the same.
    pub fn of(seed: u64) -> Self {
        Self(Chance(seed))
    }

    /// From 0 to under 1.
    pub fn share(&mut self) -> f64 {
        self.0.below(PARTS) as f64 / PARTS as f64
    }

    /// Whether what happens with the chance `chance` happens.
    pub fn happens(&mut self, chance: f64) -> bool {
        self.share() < chance
    }

    /// From `least` to under `most`.
    pub fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.share()
    }

    /// Log-normal, with a heavy tail where `spread` is over one.
    pub fn long(&mut self, median: f64, spread: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.share()).cos();
        median * (spread * normal).exp()
    }

    /// The index of one of `weights`, by its weight.
    pub fn one_of(&mut self, weights: &[f64]) -> usize {
        let mut left = self.share() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }
}
