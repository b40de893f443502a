//! Where advisories come from: an index, the OSV API, or the starter set that is built in.
//!
//! An answer says of each package whether it could be asked. "Could not ask" is never "nothing found", and an answer that
//! is partial or stale says so in its notes.

pub mod api;
pub mod index;
pub mod starter;
pub mod zips;

use index::Index;
use jiff::{SignedDuration, Timestamp};
use pipeline::advisory::{Advisory, normalised_name};
use pipeline::version::Ecosystem;
use std::collections::{BTreeMap, HashMap};

/// A package that is asked for: ecosystem, name as it is written, version. An empty version asks for all advisories.
pub type Package = (Ecosystem, String, String);

/// Days after which the records of an index are called stale. OSV changes every hour.
const STALE_DAYS: i64 = 7;

/// Where advisories are looked up.
#[derive(Debug)]
pub enum AdvisorySource {
    /// An index, built from OSV archives.
    Index(Index),
    /// The OSV API.
    Api(api::OsvApi),
    /// The starter set: some well-known advisories, for want of anything better.
    Starter,
}

/// What a source says.
#[derive(Debug, Default)]
pub struct AdvisoryAnswer {
    found: BTreeMap<Ecosystem, HashMap<String, Found>>,
    /// What has to be said beside it: that it is partial, stale, or what could not be asked. One line each.
    pub notes: Vec<String>,
    /// Whether every package could be asked of a source that means to be complete. Old records do not change it.
    pub complete: bool,
}

#[derive(Debug, Default)]
struct Found {
    advisories: Vec<Advisory>,
    failed: Option<String>,
}

impl AdvisorySource {
    /// The advisories on `packages`.
    ///
    /// An index and the starter set answer with every advisory on a package, the API with those that match its version
    /// (with every one, where the version is empty): `Advisory::affects` has the last word on a version.
    pub async fn advisories_of(&self, packages: &[Package], now: Timestamp) -> AdvisoryAnswer {
        let mut answer = AdvisoryAnswer { complete: true, ..AdvisoryAnswer::default() };
        match self {
            Self::Index(index) => answer.look_up(index, packages, now),
            Self::Api(api) => api.advisories_of(packages, &mut answer).await,
            Self::Starter => starter::advisories_of(packages, &mut answer),
        }
        answer.note_failures();
        answer
    }
}

impl AdvisoryAnswer {
    /// The advisories on a package that was asked for. An error says why nothing, or not all, is known of it.
    pub fn of(&self, ecosystem: Ecosystem, name: &str) -> Result<&[Advisory], &str> {
        match self.found(ecosystem, name) {
            None => Err("it was not asked for"),
            Some(Found { failed: Some(reason), .. }) => Err(reason),
            Some(found) => Ok(&found.advisories),
        }
    }

    /// What is known of a package, be it all or not. Empty where nothing is known.
    pub fn known(&self, ecosystem: Ecosystem, name: &str) -> &[Advisory] {
        self.found(ecosystem, name).map_or(&[], |found| &found.advisories)
    }

    fn found(&self, ecosystem: Ecosystem, name: &str) -> Option<&Found> {
        self.found.get(&ecosystem)?.get(&*normalised_name(ecosystem, name))
    }

    fn entry(&mut self, ecosystem: Ecosystem, name: &str) -> &mut Found {
        let names = self.found.entry(ecosystem).or_default();
        names.entry(normalised_name(ecosystem, name).into_owned()).or_default()
    }

    fn asked(&mut self, ecosystem: Ecosystem, name: &str) {
        self.entry(ecosystem, name);
    }

    fn is_asked(&self, ecosystem: Ecosystem, name: &str) -> bool {
        self.found(ecosystem, name).is_some()
    }

    fn add(&mut self, ecosystem: Ecosystem, name: &str, advisory: Advisory) {
        self.entry(ecosystem, name).advisories.push(advisory);
    }

    fn fail(&mut self, ecosystem: Ecosystem, name: &str, reason: &str) {
        self.entry(ecosystem, name).failed.get_or_insert_with(|| reason.to_owned());
    }

    fn look_up(&mut self, index: &Index, packages: &[Package], now: Timestamp) {
        for (ecosystem, name, _) in packages {
            if self.is_asked(*ecosystem, name) {
                continue;
            }
            let found = match index.knows(*ecosystem) {
                true => index.lookup(*ecosystem, name).map_err(|error| error.to_string()),
                false => Err(format!("the index has no advisories of {ecosystem}")),
            };
            match found {
                Ok(advisories) => self.entry(*ecosystem, name).advisories = advisories,
                Err(reason) => self.fail(*ecosystem, name, &reason),
            }
        }
        for ecosystem in self.found.keys() {
            let newest = index.meta().ecosystems.get(&ecosystem.to_string()).and_then(|meta| meta.newest);
            let Some(newest) = newest.filter(|newest| is_stale(*newest, now)) else { continue };
            let days = now.duration_since(newest).as_hours() / 24;
            self.notes.push(format!("advisories of {ecosystem} are {days} days old: what came later is not known"));
        }
        let skipped = index.meta().skipped;
        if skipped > 0 {
            self.complete = false;
            self.notes.push(format!("{skipped} records could not be read when the index was built"));
        }
    }

    /// One note for each reason, with the number of packages.
    fn note_failures(&mut self) {
        let mut reasons: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (ecosystem, names) in &self.found {
            for (name, found) in names {
                let Some(reason) = &found.failed else { continue };
                let (count, example) = reasons.entry(reason.clone()).or_default();
                *count += 1;
                let named = format!("{ecosystem} {name}");
                if example.is_empty() || named < *example {
                    *example = named;
                }
            }
        }
        self.complete &= reasons.is_empty();
        for (reason, (count, example)) in reasons {
            let packages = if count == 1 { example } else { format!("{count} packages ({example}, …)") };
            self.notes.push(format!("{packages}: {reason}"));
        }
    }
}

fn is_stale(newest: Timestamp, now: Timestamp) -> bool {
    now.duration_since(newest) > SignedDuration::from_hours(STALE_DAYS * 24)
}

#[cfg(test)]
mod tests;
