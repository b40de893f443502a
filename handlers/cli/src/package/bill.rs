//! The bill of materials of the app itself: what the handler is built of.
//!
//! It is made of the lockfile that this very `suture` was built with, so that an installed one needs no sources: the handler of the same
//! release was built with the same. It may list more than is linked, since a lockfile does not tell what is for other systems only.

use super::lockfile::{Locked, Lockfile};
use detectors::sbom::{self, Document};
use jiff::Timestamp;
use pipeline::dependency::{Dependency, DependencyGraph, DependencyKind, Package, Source};
use pipeline::finding::Scope;
use pipeline::ids::hash_of;
use pipeline::version::Ecosystem;
use std::collections::{BTreeSet, HashMap, VecDeque};

const LOCKFILE: &str = include_str!("../../../../Cargo.lock");
/// The crate of the handler.
const ROOT: &str = "custom-handler";
/// Manifests of the crates of this workspace that the handler is built of: a lockfile does not tell which needs are those of tests.
const MANIFESTS: [(&str, &str); 5] = [
    ("agents", include_str!("../../../agents/Cargo.toml")),
    ("custom-handler", include_str!("../../../custom-handler/Cargo.toml")),
    ("detectors", include_str!("../../../detectors/Cargo.toml")),
    ("pipeline", include_str!("../../../pipeline/Cargo.toml")),
    ("remedies", include_str!("../../../remedies/Cargo.toml")),
];

/// Whether `lockfile` is the one that the bill is made of.
pub fn is_of(lockfile: &str) -> bool {
    lockfile == LOCKFILE
}

/// CycloneDX 1.6 of the app named `app`, and how many packages are in it. The same lockfile gives the same bytes: the document is dated as
/// the files of the zip are.
pub fn write(app: &str) -> Result<(String, usize), String> {
    let graph = graph(&Lockfile::read(LOCKFILE)?)?;
    let hash = hash_of(&[app, LOCKFILE]);
    let uuid = format!("{}-{}-8{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32]);
    let timestamp: Timestamp = "1980-01-01T00:00:00Z".parse().map_err(|error: jiff::Error| error.to_string())?;
    let document = Document {
        name: app,
        namespace: &format!("urn:uuid:{uuid}"),
        uuid: &uuid,
        timestamp,
        tool_version: env!("CARGO_PKG_VERSION"),
    };
    let packages = graph.packages.len();
    Ok((sbom::cyclonedx::write(&document, &[graph]), packages))
}

/// Everything that the handler's crate needs, directly or not.
fn graph(lockfile: &Lockfile<'_>) -> Result<DependencyGraph, String> {
    let root = lockfile.find(ROOT)?;
    let mut order = vec![root];
    let mut via: HashMap<usize, Vec<String>> = HashMap::from([(root, Vec::new())]);
    let mut open = VecDeque::from([root]);
    while let Some(at) = open.pop_front() {
        for need in needs(lockfile, at)? {
            if !via.contains_key(&need) {
                let mut names = via.get(&at).cloned().unwrap_or_default();
                names.push(lockfile.packages[need].name.to_owned());
                via.insert(need, names);
                order.push(need);
                open.push_back(need);
            }
        }
    }
    order.retain(|at| *at != root);
    order.sort_unstable();
    let places: HashMap<usize, usize> = order.iter().enumerate().map(|(place, at)| (*at, place)).collect();
    let asked = |at: usize| -> Result<Vec<Dependency>, String> {
        let dependency = |need: usize| Dependency {
            name: lockfile.packages[need].name.to_owned(),
            requirement: format!("={}", lockfile.packages[need].version),
            kind: DependencyKind::Prod,
            to: places.get(&need).copied(),
            written: None,
        };
        Ok(needs(lockfile, at)?.into_iter().map(dependency).collect())
    };
    let direct = asked(root)?;
    let mut packages = Vec::with_capacity(order.len());
    for at in &order {
        let is_direct = direct.iter().any(|need| need.to == places.get(at).copied());
        packages.push(package(&lockfile.packages[*at], via.remove(at).unwrap_or_default(), is_direct, asked(*at)?));
    }
    Ok(DependencyGraph {
        ecosystem: Ecosystem::CratesIo,
        manifest: "handlers/custom-handler/Cargo.toml".to_owned(),
        lockfile: Some("Cargo.lock".to_owned()),
        name: Some(ROOT.to_owned()),
        version: Some(lockfile.packages[root].version.to_owned()),
        direct,
        packages,
        read_only: None,
    })
}

fn package(locked: &Locked<'_>, via: Vec<String>, direct: bool, dependencies: Vec<Dependency>) -> Package {
    let source = match locked.source {
        None => Source::Link(format!("handlers/{}", locked.name)),
        Some(source) if source.starts_with("registry+") || source.starts_with("sparse+") => Source::Registry(None),
        Some(source) => Source::Other(source.to_owned()),
    };
    let purl = match source {
        Source::Registry(_) => format!("pkg:cargo/{}@{}", locked.name, locked.version.replace('+', "%2B")),
        _ => String::new(),
    };
    Package {
        place: format!("{} {}", locked.name, locked.version),
        name: locked.name.to_owned(),
        version: locked.version.to_owned(),
        purl,
        path: "Cargo.lock".to_owned(),
        line: locked.line,
        scope: Scope::Prod,
        direct,
        via,
        source,
        hashes: locked.checksum.iter().map(|checksum| format!("sha256:{checksum}")).collect(),
        dependencies,
    }
}

/// What the package needs, without what only its tests need.
fn needs(lockfile: &Lockfile<'_>, at: usize) -> Result<Vec<usize>, String> {
    let package = &lockfile.packages[at];
    let manifest = MANIFESTS.iter().find(|(name, _)| package.source.is_none() && *name == package.name);
    if manifest.is_none() && package.source.is_none() {
        return Err(format!("the manifest of {} is not among those that the bill is made of", package.name));
    }
    let of_tests = manifest.map_or_else(BTreeSet::new, |(_, manifest)| {
        let needs = section(manifest, "[dependencies]");
        section(manifest, "[dev-dependencies]").into_iter().filter(|name| !needs.contains(name)).collect()
    });
    let mut found = Vec::new();
    for need in &package.dependencies {
        let index = lockfile.find(need)?;
        if !of_tests.contains(lockfile.packages[index].name) {
            found.push(index);
        }
    }
    Ok(found)
}

/// Names in a section of a manifest.
fn section<'a>(manifest: &'a str, header: &str) -> BTreeSet<&'a str> {
    let lines = manifest.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_bill_lists_what_the_handler_is_built_of() {
        let (bill, packages) = write("agents").unwrap();
        let bill: Value = serde_json::from_str(&bill).unwrap();
        let components = bill["components"].as_array().unwrap();
        assert_eq!(components.len(), packages);
        let named = |name: &str| components.iter().find(|component| component["name"] == name);
        let serde = named("serde").unwrap();
        assert!(serde["purl"].as_str().unwrap().starts_with("pkg:cargo/serde@1."));
        assert_eq!(serde["hashes"][0]["alg"], "SHA-256");
        assert!(named("agents").is_some() && named("axum").is_some());
        // What only tests need is not in the app, nor is the command line.
        for name in ["criterion", "proptest", "insta", "clap"] {
            assert!(named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_same_lockfile_gives_the_same_bill() {
        assert_eq!(write("agents"), write("agents"));
        assert_ne!(write("agents"), write("rotation"));
    }
}
