//! CycloneDX 1.6 as JSON.

use super::Document;
use super::address::legal;
use super::hashes::Hash;
use super::inventory::{Component, Inventory};
use pipeline::dependency::DependencyGraph;
use pipeline::finding::Scope;
use serde_json::{Map, Value, json};

/// What the schema allows. A longer version is a property.
const VERSION_CHARS_MAX: usize = 1024;

/// The bill of `graphs`, indented, with a final newline.
///
/// Development dependencies have the scope `excluded`: the specification's word for what no running program reaches.
/// Several hashes of one algorithm are those of the several files of a release: each is a `distribution` reference of
/// its own, since the component as such has one archive.
pub fn write(document: &Document<'_>, graphs: &[DependencyGraph]) -> String {
    let inventory = Inventory::of(document, graphs);
    let subject = inventory.components.get(&inventory.subject).map(|shown| component(&inventory.subject, shown));
    let components: Vec<_> = inventory
        .components
        .iter()
        .filter(|(id, _)| **id != inventory.subject)
        .map(|(id, shown)| component(id, shown))
        .collect();
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", document.uuid),
        "version": 1,
        "metadata": {
            "timestamp": document.created(),
            "lifecycles": [{ "phase": "pre-build" }],
            "tools": { "components": [{ "type": "application", "name": "suture", "version": document.tool_version }] },
            "component": subject,
        },
        "components": components,
        "dependencies": dependencies(&inventory),
    });
    format!("{bill:#}\n")
}

fn component(id: &str, shown: &Component) -> Value {
    let mut json = Map::new();
    let mut set = |key: &str, value: Value| _ = json.insert(key.to_owned(), value);
    set("type", json!(if shown.is_project { "application" } else { "library" }));
    set("bom-ref", json!(id));
    set("name", json!(shown.name));
    if (1..=VERSION_CHARS_MAX).contains(&shown.version.chars().count()) {
        set("version", json!(shown.version));
    }
    if let Some(scope) = shown.scope {
        set("scope", json!(scope_name(scope)));
    }
    let one_archive = shown.hashes_of_one_archive();
    if let Some(hashes) = one_archive.filter(|hashes| !hashes.is_empty()) {
        set("hashes", hashes.iter().map(hash).collect());
    }
    if !shown.purl.is_empty() {
        set("purl", json!(shown.purl));
    }
    let mut references: Vec<_> = shown.addresses.iter().map(|address| address_reference(address)).collect();
    if one_archive.is_none() && !shown.purl.is_empty() {
        references.extend(shown.hashes.iter().map(
            |of| json!({ "type": "distribution", "url": legal(&shown.purl), "comment": "one file of the release", "hashes": [hash(of)] }),
        ));
    }
    if !references.is_empty() {
        set("externalReferences", Value::Array(references));
    }
    let properties = properties(shown);
    if !properties.is_empty() {
        set("properties", Value::Array(properties));
    }
    if !shown.occurrences.is_empty() {
        set("evidence", json!({ "occurrences": occurrences(shown) }));
    }
    Value::Object(json)
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Prod => "required",
        Scope::Optional => "optional",
        Scope::Dev => "excluded",
    }
}

fn hash(of: &Hash) -> Value {
    json!({ "alg": of.algorithm.cyclonedx(), "content": of.hex })
}

fn address_reference(address: &str) -> Value {
    let kind = if address.starts_with("git") || address.starts_with("ssh") { "vcs" } else { "distribution" };
    json!({ "type": kind, "url": address })
}

/// Names under `cdx:` are those of the CycloneDX property taxonomy; the rest has none there.
fn properties(shown: &Component) -> Vec<Value> {
    let mut properties = Vec::new();
    let mut add = |name: &str, value: &str| properties.push(json!({ "name": name, "value": value }));
    if shown.is_npm && !shown.is_project {
        if shown.scope == Some(Scope::Dev) {
            add("cdx:npm:package:development", "true");
        }
        if shown.is_bundled {
            add("cdx:npm:package:bundled", "true");
        }
        let mut places: Vec<_> =
            shown.occurrences.iter().map(|(_, _, place)| place).filter(|at| !at.is_empty()).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().for_each(|place| add("cdx:npm:package:path", place));
    }
    if shown.version.chars().count() > VERSION_CHARS_MAX {
        add("suture:version", &shown.version);
    }
    shown.requirements.iter().for_each(|text| add("suture:requirement", text));
    shown.other_sources.iter().for_each(|text| add("suture:source", text));
    shown.other_integrity.iter().for_each(|text| add("suture:integrity", text));
    if shown.purl.is_empty() && shown.hashes_of_one_archive().is_none() {
        for of in &shown.hashes {
            add("suture:integrity", &format!("{}:{}", of.algorithm.cyclonedx(), of.hex));
        }
    }
    properties
}

fn occurrences(shown: &Component) -> Vec<Value> {
    let occurrence = |(path, line, _): &(String, u32, String)| match line {
        0 => json!({ "location": path }),
        _ => json!({ "location": path, "line": line }),
    };
    let mut occurrences: Vec<_> = shown.occurrences.iter().map(occurrence).collect();
    occurrences.dedup();
    occurrences
}

/// Every component has its line, those without needs too: an absent one would mean "not known". How strong a need is has
/// no place here; it shows in the scope of what is needed.
fn dependencies(inventory: &Inventory) -> Vec<Value> {
    let line = |id: &String| {
        let needs: Vec<&String> = inventory.needs.get(id).into_iter().flat_map(|needs| needs.keys()).collect();
        json!({ "ref": id, "dependsOn": needs })
    };
    inventory.components.keys().map(line).collect()
}
