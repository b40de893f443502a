//! The members that npm copies from a package into its lockfile entry, as npm normalises them.

use super::{VersionEntry, is_truthy, pairs};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The members of a lockfile entry besides version, address, integrity, needs and `engines`.
///
/// `engines` is among them only where it is not an object of texts (npm writes an old list as it is). Members of
/// objects stand in the registry's order: whoever writes a lockfile sorts them.
pub(super) fn lockfile_members(entry: &VersionEntry) -> BTreeMap<String, Value> {
    let mut members = BTreeMap::new();
    let mut put = |name: &str, value: Value| {
        // npm leaves out what is false or empty; an empty list counts as an empty object.
        let is_empty = match &value {
            Value::Array(items) => items.is_empty(),
            Value::Object(items) => items.is_empty(),
            other => !is_truthy(other),
        };
        if !is_empty {
            members.insert(name.to_owned(), value);
        }
    };
    put("bin", bin(entry));
    put("os", entry.os.clone());
    put("cpu", entry.cpu.clone());
    put("libc", entry.libc.clone());
    put("license", license(&entry.license));
    put("funding", funding(&entry.funding));
    put("deprecated", entry.deprecated.clone());
    put("peerDependenciesMeta", entry.peer_dependencies_meta.clone());
    put("acceptDependencies", entry.accept_dependencies.clone());
    put("bundleDependencies", bundled(entry));
    put("hasInstallScript", Value::Bool(has_install_script(entry)));
    put("hasShrinkwrap", Value::Bool(is_truthy(&entry.has_shrinkwrap)));
    if !is_object_of_texts(&entry.engines) {
        put("engines", entry.engines.clone());
    }
    members
}

fn is_object_of_texts(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.values().all(Value::is_string))
}

/// `bin` as an object of clean relative paths: a text is the program of the package's own name, a list goes by file names.
fn bin(entry: &VersionEntry) -> Value {
    let listed: Vec<(String, &str)> = match &entry.bin {
        Value::String(path) => entry.name.as_str().map(|name| (name.to_owned(), path.as_str())).into_iter().collect(),
        Value::Array(paths) => paths.iter().filter_map(Value::as_str).map(|path| (base_name(path), path)).collect(),
        object => pairs(object).map(|(name, path)| (name.to_owned(), path)).collect(),
    };
    let mut clean = Map::new();
    for (name, path) in listed {
        let (name, path) = (base_name(&clean_path(&name)), clean_path(path));
        if !name.is_empty() && !path.is_empty() {
            clean.insert(name, Value::String(path));
        }
    }
    Value::Object(clean)
}

/// A path with `/` between the parts, without `.`, and with `..` stopping at the package's own folder.
fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let ends_in_slash = path.ends_with(['/', '\\', ':']);
    for part in path.split(['/', '\\', ':']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut clean = parts.join("/");
    if ends_in_slash && !clean.is_empty() {
        clean.push('/');
    }
    clean
}

fn base_name(path: &str) -> String {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

/// Of the old form `{type, url}` the type alone.
fn license(value: &Value) -> Value {
    match value.get("type") {
        Some(kind) if is_truthy(kind) => kind.clone(),
        _ => value.clone(),
    }
}

fn funding(value: &Value) -> Value {
    match value {
        Value::String(url) if !url.is_empty() => json!({ "url": url }),
        other => other.clone(),
    }
}

/// Names inside the package's own archive. `true` means all of its dependencies.
fn bundled(entry: &VersionEntry) -> Value {
    let names = |value: &Value| {
        Value::Array(value.as_object().into_iter().flatten().map(|(name, _)| Value::String(name.clone())).collect())
    };
    let written =
        if entry.bundle_dependencies.is_null() { &entry.bundled_dependencies } else { &entry.bundle_dependencies };
    match written {
        Value::Bool(true) => names(&entry.dependencies),
        Value::Object(_) => names(written),
        Value::Array(_) => written.clone(),
        _ => Value::Null,
    }
}

/// Whether installing it runs a script. The registry says so, or scripts say so, or a native build is implied.
fn has_install_script(entry: &VersionEntry) -> bool {
    let script = |name: &str| entry.scripts.get(name).is_some_and(is_truthy);
    is_truthy(&entry.has_install_script)
        || script("install")
        || script("preinstall")
        || script("postinstall")
        || is_truthy(&entry.gypfile)
}
