//! npm: the full packument of a package, read entry by entry.
//!
//! The full document is asked for, not the abbreviated one: only it has `time`.

mod lockfile_members;

use super::timestamp::read_timestamp;
use base64::Engine;
use lockfile_members::lockfile_members;
use pipeline::dependency::DependencyKind;
use pipeline::facts::{Need, PackageFacts, Release};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufReader, Read};

/// What is asked for.
pub(super) const ACCEPT: &str = "application/json";

/// The address of a package's document below that of its registry: `lodash`, `@babel%2fcore`.
pub(super) fn document_path(name: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
    // npm writes the slash of a scoped name in lower case, and some registries compare.
    utf8_percent_encode(name, KEPT).to_string().replace("%2F", "%2f")
}

/// Reads a packument without holding it in memory: one version at a time, members that nobody needs are skipped.
///
/// An odd version entry is left out, the rest stays. An error means that the document is not JSON or not an object.
pub(super) fn read_packument(from: impl Read) -> Result<PackageFacts, String> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(from));
    let document = Packument::deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    let Packument { mut releases, times } = document;
    for (version, release) in &mut releases {
        release.published = times.get(version).copied();
    }
    Ok(PackageFacts { releases: releases.into_values().collect(), ..PackageFacts::default() })
}

#[derive(Default)]
struct Packument {
    releases: BTreeMap<String, Release>,
    times: BTreeMap<String, jiff::Timestamp>,
}

impl<'de> Deserialize<'de> for Packument {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(PackumentVisitor)
    }
}

struct PackumentVisitor;

impl<'de> Visitor<'de> for PackumentVisitor {
    type Value = Packument;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a package document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Packument, A::Error> {
        let mut document = Packument::default();
        while let Some(member) = members.next_key::<String>()? {
            match member.as_str() {
                "versions" => members.next_value_seed(Versions(&mut document.releases))?,
                "time" => {
                    let times: BTreeMap<String, Value> = members.next_value()?;
                    let read = times.into_iter().filter_map(|(version, time)| Some((version, read_timestamp(time.as_str()?)?)));
                    document.times.extend(read);
                }
                "error" if document.releases.is_empty() => {
                    let said: Value = members.next_value()?;
                    return Err(A::Error::custom(format!("the registry says: {said}")));
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(document)
    }
}

/// The member `versions`: each entry is read and dropped before the next one comes.
struct Versions<'a>(&'a mut BTreeMap<String, Release>);

impl<'de> DeserializeSeed<'de> for Versions<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("versions by number")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some((version, entry)) = entries.next_entry::<String, Box<RawValue>>()? {
            if let Ok(entry) = serde_json::from_str::<VersionEntry>(entry.get()) {
                let release = entry.into_release(version.clone());
                self.0.insert(version, release);
            }
        }
        Ok(())
    }
}

/// The members of a version that matter. All are values of any kind: what is not of the expected kind counts as absent.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VersionEntry {
    pub(super) name: Value,
    pub(super) dependencies: Value,
    pub(super) optional_dependencies: Value,
    pub(super) peer_dependencies: Value,
    pub(super) peer_dependencies_meta: Value,
    pub(super) bundle_dependencies: Value,
    pub(super) bundled_dependencies: Value,
    pub(super) accept_dependencies: Value,
    pub(super) engines: Value,
    pub(super) bin: Value,
    pub(super) os: Value,
    pub(super) cpu: Value,
    pub(super) libc: Value,
    pub(super) license: Value,
    pub(super) funding: Value,
    pub(super) scripts: Value,
    pub(super) gypfile: Value,
    pub(super) has_install_script: Value,
    #[serde(rename = "_hasShrinkwrap")]
    pub(super) has_shrinkwrap: Value,
    pub(super) deprecated: Value,
    dist: Value,
}

impl VersionEntry {
    fn into_release(self, version: String) -> Release {
        let text = |member: &str| self.dist.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        let integrity = text("integrity").map(str::to_owned).or_else(|| text("shasum").and_then(sri_of_sha1));
        Release {
            published: None,
            yanked: false,
            deprecated: is_truthy(&self.deprecated),
            dependencies: needs(&self),
            hashes: integrity.into_iter().collect(),
            archive: text("tarball").map(str::to_owned),
            engines: pairs(&self.engines).map(|(name, range)| (name.to_owned(), range.to_owned())).collect(),
            lockfile_members: lockfile_members(&self),
            version,
        }
    }
}

/// What a release needs, in the registry's order. A name that is also optional is optional, as npm has it.
///
/// A name may be both a peer and another need: both are given, since a lockfile entry lists both.
fn needs(entry: &VersionEntry) -> Vec<Need> {
    let need = |kind, (name, range): (&str, &str)| Need {
        name: name.to_owned(),
        requirement: range.to_owned(),
        kind,
        marker: None,
    };
    let optional = entry.optional_dependencies.as_object();
    let is_optional = |name: &str| optional.is_some_and(|optional| optional.contains_key(name));
    let may_miss = |name: &str| entry.peer_dependencies_meta.get(name).and_then(|meta| meta.get("optional")) == Some(&Value::Bool(true));
    let prod = pairs(&entry.dependencies).filter(|(name, _)| !is_optional(name)).map(|pair| need(DependencyKind::Prod, pair));
    let optional = pairs(&entry.optional_dependencies).map(|pair| need(DependencyKind::Optional, pair));
    let peers = pairs(&entry.peer_dependencies).map(|pair| {
        need(if may_miss(pair.0) { DependencyKind::PeerOptional } else { DependencyKind::Peer }, pair)
    });
    prod.chain(optional).chain(peers).collect()
}

/// The members of an object whose values are texts.
fn pairs(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    value.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// Whether JavaScript takes a value for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// The integrity that npm writes for a release that has only the hex SHA-1 of old.
fn sri_of_sha1(shasum: &str) -> Option<String> {
    let bytes = hex::decode(shasum).ok().filter(|bytes| bytes.len() == 20)?;
    Some(format!("sha1-{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests;
