//! A storm: requests meet faults by chance, until each repository had its share.

use super::service::Fault;
use crate::world::chance::Chance;
use std::collections::BTreeMap;

/// Faults that the requests of one repository meet, and those that are of none. Together they are fewer than what puts a message off for
/// good: that it is poison then is another rule.
const OF_A_REPOSITORY: usize = 5;
const OF_NONE: usize = 2;

/// One request in so many meets a fault, while its repository has not had its share.
const ONE_IN: usize = 6;

pub(super) struct Storm {
    chance: Chance,
    met: BTreeMap<String, usize>,
}

impl Storm {
    pub fn new(seed: u64) -> Self {
        Self { chance: Chance(seed), met: BTreeMap::new() }
    }

    /// How many requests met a fault.
    pub fn met(&self) -> usize {
        self.met.values().sum()
    }

    /// What the request `line` (`METHOD /path`) meets.
    pub fn fault_of(&mut self, line: &str) -> Option<Fault> {
        let repository = line.split_once("/repos/").map(|(_, rest)| rest.splitn(3, '/').take(2).collect::<Vec<_>>());
        let repository = repository.map_or_else(String::new, |parts| parts.join("/"));
        let share = if repository.is_empty() { OF_NONE } else { OF_A_REPOSITORY };
        let met = self.met.entry(repository).or_default();
        if *met == share || self.chance.below(ONE_IN) > 0 {
            return None;
        }
        *met += 1;
        let any = [
            Fault::PrimaryLimit(60),
            Fault::SecondaryLimit(Some(5)),
            Fault::SecondaryLimit(None),
            Fault::Error(429),
            Fault::Error(500),
            Fault::Error(503),
            Fault::CutOff,
        ];
        let (is_write, last) = (!line.starts_with("GET "), any.len());
        Some(match self.chance.below(last + 3) {
            at if at < last => any[at],
            _ if is_write => Fault::ErrorAfterWrite,
            _ => Fault::Lag,
        })
    }
}
