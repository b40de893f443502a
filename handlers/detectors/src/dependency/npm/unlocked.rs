//! The graph of a manifest without a lockfile: what is written there, and no more.

use super::manifest::Manifest;
use super::purl::purl;
use super::request::Request;
use pipeline::dependency::{Dependency, DependencyGraph, DependencyKind, Package, Source, Written};
use pipeline::finding::Scope;
use pipeline::version::Ecosystem;

/// The graph of `manifest`. Each need is a package at the place `package.json:LINE`; its version is the one that is
/// asked for exactly, or empty where the registry would choose.
pub(super) fn graph(manifest: &Manifest<'_>) -> DependencyGraph {
    let mut direct = Vec::with_capacity(manifest.needs.len());
    let mut packages = Vec::with_capacity(manifest.needs.len());
    for (index, (need, &line)) in manifest.needs.iter().zip(&manifest.lines).enumerate() {
        let request = Request::of(&need.text);
        let name = match request {
            Request::Alias(name, _) => name,
            Request::Registry(_) | Request::Elsewhere(_) => need.name.as_ref(),
        };
        let version = request.exact().unwrap_or_default();
        let source = match request {
            Request::Elsewhere(address) => Source::Other(address.to_owned()),
            Request::Registry(_) | Request::Alias(..) => Source::Registry(None),
        };
        direct.push(Dependency {
            name: need.name.as_ref().to_owned(),
            requirement: need.text.as_ref().to_owned(),
            kind: need.kind,
            to: Some(index),
            written: Some(Written { path: manifest.path.clone(), line }),
        });
        packages.push(Package {
            place: format!("{}:{line}", manifest.path),
            name: name.to_owned(),
            version: version.to_owned(),
            purl: match source {
                Source::Registry(_) => purl(name, version),
                _ => String::new(),
            },
            path: manifest.path.clone(),
            line,
            scope: scope(need.kind),
            direct: true,
            via: vec![name.to_owned()],
            source,
            hashes: Vec::new(),
            dependencies: Vec::new(),
        });
    }
    make_places_unique(&mut packages);
    DependencyGraph {
        ecosystem: Ecosystem::Npm,
        manifest: manifest.path.clone(),
        lockfile: None,
        name: manifest.name.as_deref().map(str::to_owned),
        version: manifest.version.as_deref().map(str::to_owned),
        direct,
        packages,
        read_only: None,
    }
}

/// A manifest on one line has all its needs there: those after the first get their name in the place.
fn make_places_unique(packages: &mut [Package]) {
    let mut seen = std::collections::HashSet::new();
    for package in packages {
        if !seen.insert(package.line) {
            package.place = format!("{}:{}", package.place, package.name);
        }
    }
}

fn scope(kind: DependencyKind) -> Scope {
    match kind {
        DependencyKind::Prod | DependencyKind::Peer => Scope::Prod,
        DependencyKind::Optional | DependencyKind::PeerOptional => Scope::Optional,
        DependencyKind::Dev => Scope::Dev,
    }
}
