//! The starter set: facts of well-known npm and PyPI advisories, restated, so that there is something to find without a
//! network and without an index. It is no substitute for either, and every answer says so.

use super::{AdvisoryAnswer, Package};
use pipeline::advisory::merge::{Merged, Merger};
use pipeline::advisory::normalised_name;
use pipeline::advisory::osv::OsvRecord;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// OSV records in a JSON list.
const RECORDS: &str = include_str!("starter.json");

static MERGED: LazyLock<Vec<Merged>> = LazyLock::new(|| {
    let mut merger = Merger::default();
    records().for_each(|record| merger.add(&record));
    merger.finish()
});

/// The records of the set. A test holds that each of them can be read.
pub fn records() -> impl Iterator<Item = OsvRecord> {
    let raw: Vec<&RawValue> = serde_json::from_str(RECORDS).unwrap_or_default();
    raw.into_iter().filter_map(|record| OsvRecord::parse(record.get().as_bytes()).ok())
}

pub(super) fn advisories_of(packages: &[Package<'_>], answer: &mut AdvisoryAnswer) {
    let mut by_name: BTreeMap<(_, &str), Vec<_>> = BTreeMap::new();
    for merged in MERGED.iter() {
        by_name.entry((merged.ecosystem, merged.name.as_str())).or_default().push(&merged.advisory);
    }
    for (ecosystem, name, _) in packages {
        if answer.is_asked(*ecosystem, name) {
            continue;
        }
        answer.asked(*ecosystem, name);
        for advisory in by_name.get(&(*ecosystem, &*normalised_name(*ecosystem, name))).into_iter().flatten() {
            answer.add(*ecosystem, name, (*advisory).clone());
        }
    }
    answer.complete = false;
    answer.notes.push(format!(
        "only the {} advisories that Suture brings along were looked at; use `--advisories` or a network for all",
        records().count()
    ));
}

#[cfg(test)]
mod tests;
