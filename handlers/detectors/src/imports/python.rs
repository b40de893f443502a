//! What Python loads, and by what names.
//!
//! A distribution and its modules are named independently. Modules of a plausible name prove that one is imported. That it is not can be
//! said only of the few whose names are all known here, which nothing loads unasked, and only where the compiled file says of each package
//! what needs it: a plain list of requirements does not tell what is there for another.

use super::distributions::names_of;
use super::{Package, has_extension};
use crate::dependency::pip::{decode, file::RequirementsFile, is_project, normalised};
use crate::source_tree::SourceTree;
use foldhash::{HashMap, HashMapExt};
use pipeline::dependency::DependencyGraph;
use pipeline::finding::Imported;
use std::collections::BTreeSet;

const CODE_EXTENSIONS: &[&str] = &["ipynb", "py", "pyi", "pyw", "pyx"];

/// Whether there is code in the file at `path` that may import modules of Python.
pub(super) fn is_code(path: &str) -> bool {
    has_extension(path, CODE_EXTENSIONS)
}

/// The packages of `graph`.
pub(super) fn packages(graph: &DependencyGraph, tree: &SourceTree) -> Vec<Package> {
    let needed_by = needed_by(graph, tree);
    let keys: Vec<String> = graph.packages.iter().map(|package| normalised(&package.name)).collect();
    // A name may be pinned in several files: what needs it brings in each.
    let mut of_name: HashMap<&str, Vec<usize>> = HashMap::new();
    keys.iter().enumerate().for_each(|(index, key)| of_name.entry(key).or_default().push(index));
    let mut packages: Vec<Package> = keys.iter().map(|key| package(key)).collect();
    for (index, own) in graph.packages.iter().enumerate() {
        let needed_by = needed_by.get(&(own.path.as_str(), own.line)).map_or(&[][..], Vec::as_slice);
        let mut is_known_why = !needed_by.is_empty();
        for other in needed_by.iter().filter(|source| !source.starts_with('-') && !is_project(source)) {
            let key = normalised(other.split('[').next().unwrap_or_default());
            let others = of_name.get(key.as_str()).map_or(&[][..], Vec::as_slice);
            is_known_why &= !others.is_empty();
            for &other in others {
                packages[other].brings.push(index);
            }
        }
        if !is_known_why {
            packages[index].otherwise = Imported::Unknown;
        }
    }
    packages
}

/// The distribution of this normalised name, of which it is not known yet what needs it.
fn package(key: &str) -> Package {
    let (known, are_all) = names_of(key);
    let mut names = BTreeSet::from([key.to_owned()]);
    names.extend(known.iter().map(|name| (*name).to_owned()));
    if !are_all {
        names.extend(plausible(key));
    }
    Package {
        names: names.into_iter().collect(),
        otherwise: if are_all { Imported::NotSeen } else { Imported::Unknown },
        brings: Vec::new(),
    }
}

/// What needs each requirement, by its file and line, as far as the files say.
fn needed_by<'g>(graph: &'g DependencyGraph, tree: &SourceTree) -> HashMap<(&'g str, u32), Vec<String>> {
    let paths: BTreeSet<&str> = graph.packages.iter().map(|package| package.path.as_str()).collect();
    let mut needed_by = HashMap::new();
    for (path, bytes) in paths.into_iter().filter_map(|path| Some((path, tree.bytes(path)?))) {
        let file = RequirementsFile::parse(&decode::decode(bytes).text);
        needed_by.extend(file.requirements().map(|(line, requirement)| ((path, line), requirement.via.clone())));
    }
    needed_by
}

/// Names that the modules of a distribution of this normalised name are likely to have.
fn plausible(key: &str) -> BTreeSet<String> {
    let mut cores = BTreeSet::from([key]);
    for affix in ["python-", "python", "django-", "py-", "py"] {
        cores.extend(key.strip_prefix(affix));
    }
    for affix in ["-python", "-py", "py", "-binary", "-sdk"] {
        cores.extend(key.strip_suffix(affix));
    }
    let spelled = cores.iter().flat_map(|core| ["_", ".", ""].map(|joint| core.replace('-', joint)));
    let first = key.split('-').next().map(str::to_owned);
    spelled.chain(first).filter(|name| name.len() > 1).collect()
}
