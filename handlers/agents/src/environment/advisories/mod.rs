//! Where advisories come from: an index, the OSV API, or the starter set that is built in.
//!
//! An answer says of each package whether it could be asked. "Could not ask" is never "nothing found", and an answer that
//! is partial or stale says so in its notes.

pub mod api;
pub mod exploitation;
pub mod index;
pub mod starter;
pub mod sync;
pub mod zips;

use foldhash::HashMap;
use index::Index;
use jiff::{SignedDuration, Timestamp};
use pipeline::advisory::{Advisory, normalised_name};
use pipeline::version::Ecosystem;
use std::collections::BTreeMap;

/// A package that is asked for: ecosystem, name as it is written, version. An empty version asks for all advisories.
pub type Package<'a> = (Ecosystem, &'a str, &'a str);

/// Days after which the records of an index are called stale. OSV changes every hour.
const STALE_DAYS: i64 = 7;

/// Where advisories are looked up.
#[derive(Debug)]
pub enum AdvisorySource {
    /// An index, built from OSV archives.
    Index(Index),
    /// The OSV API.
    Api(api::OsvApi),
    /// The OSV API, and the starter set for what it could not be asked.
    ApiOrStarter(api::OsvApi),
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

impl Found {
    fn of(advisories: Result<Vec<Advisory>, index::IndexError>) -> Self {
        match advisories {
            Ok(advisories) => Self { advisories, failed: None },
            Err(error) => Self { advisories: Vec::new(), failed: Some(error.to_string()) },
        }
    }
}

impl AdvisorySource {
    /// Whether it asks over a network.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Api(_) | Self::ApiOrStarter(_))
    }

    /// The advisories on `packages`, which may name one more than once.
    ///
    /// An index and the starter set answer with every advisory on a package, the API with those that match its version
    /// (with every one, where the version is empty): `Advisory::affects` has the last word on a version.
    pub async fn advisories_of(&self, packages: &[Package<'_>], now: Timestamp) -> AdvisoryAnswer {
        let mut answer = AdvisoryAnswer { complete: true, ..AdvisoryAnswer::default() };
        match self {
            Self::Index(index) => answer.look_up(index, packages, now),
            Self::Api(api) => api.advisories_of(packages, &mut answer).await,
            Self::ApiOrStarter(api) => {
                api.advisories_of(packages, &mut answer).await;
                answer.fill_from_starter(packages);
            }
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

    /// Packages that could not be asked for, by their normalised names.
    pub fn failed(&self) -> impl Iterator<Item = (Ecosystem, &str)> {
        self.found.iter().flat_map(|(ecosystem, names)| {
            let failed = names.iter().filter(|(_, found)| found.failed.is_some());
            failed.map(|(name, _)| (*ecosystem, name.as_str()))
        })
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

    fn look_up(&mut self, index: &Index, packages: &[Package<'_>], now: Timestamp) {
        for (ecosystem, name, _) in packages {
            let names = self.found.entry(*ecosystem).or_insert_with(|| {
                let mut names = HashMap::default();
                names.reserve(packages.len());
                names
            });
            let name = normalised_name(*ecosystem, name);
            if !names.contains_key(&*name) {
                names.insert(name.clone().into_owned(), Found::of(index.lookup(*ecosystem, &name)));
            }
        }
        // An index that was built without an ecosystem finds nothing in it: that is no answer.
        for (ecosystem, names) in self.found.iter_mut().filter(|(ecosystem, _)| !index.knows(**ecosystem)) {
            let reason = format!("the index has no advisories of {ecosystem}");
            names.values_mut().for_each(|found| found.failed = Some(reason.clone()));
        }
        for ecosystem in self.found.keys() {
            let newest = index.meta().ecosystems.get(&ecosystem.to_string()).and_then(|meta| meta.newest);
            let Some(newest) = newest.filter(|newest| is_stale(*newest, now)) else { continue };
            let days = now.duration_since(newest).as_hours() / 24;
            self.notes.push(format!("advisories of {ecosystem} are {days} days old: what came later is not known"));
        }
        self.notes.extend(index.meta().exploitation.stale(now));
        let skipped = index.meta().skipped;
        if skipped > 0 {
            self.complete = false;
            self.notes.push(format!("{skipped} records could not be read when the index was built"));
        }
    }

    /// What the starter set knows of packages that could not be asked for. They stay marked as such.
    fn fill_from_starter(&mut self, packages: &[Package<'_>]) {
        let unasked: Vec<Package<'_>> =
            packages.iter().filter(|(ecosystem, name, _)| self.of(*ecosystem, name).is_err()).copied().collect();
        if unasked.is_empty() {
            return;
        }
        let mut starter = Self::default();
        starter::advisories_of(&unasked, &mut starter);
        for (ecosystem, name, _) in &unasked {
            let known = starter.known(*ecosystem, name).to_vec();
            let found = self.entry(*ecosystem, name);
            if found.advisories.is_empty() {
                found.advisories = known;
            }
        }
        self.notes.append(&mut starter.notes);
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
