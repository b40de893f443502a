//! SPDX 2.3 as JSON.

use super::Document;
use super::address::spdx_location;
use super::inventory::{Component, Inventory, Need};
use pipeline::dependency::DependencyGraph;
use pipeline::ids::hash_of;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What nobody looked into: SPDX wants it said.
const NOT_ASSERTED: &str = "NOASSERTION";

/// The bill of `graphs`, indented, with a final newline.
pub fn write(document: &Document<'_>, graphs: &[DependencyGraph]) -> String {
    let inventory = Inventory::of(document, graphs);
    let ids = element_ids(inventory.components.keys());
    let packages: Vec<_> =
        inventory.components.iter().filter_map(|(id, shown)| Some(package(ids.get(id)?, shown))).collect();
    let bill = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": document.name,
        "documentNamespace": document.namespace,
        "creationInfo": {
            "created": document.created(),
            "creators": [format!("Tool: suture-{}", document.tool_version)],
        },
        "packages": packages,
        "relationships": relationships(&inventory, &ids),
    });
    format!("{bill:#}\n")
}

/// Legal element ids (letters, digits, `.` and `-`), by component. Two that would be alike get a hash appended.
fn element_ids<'a>(components: impl Iterator<Item = &'a String>) -> BTreeMap<&'a String, String> {
    let mut taken = BTreeSet::new();
    let mut ids = BTreeMap::new();
    for component in components {
        let legal: String =
            component.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let mut id = format!("SPDXRef-Package-{legal}");
        if !taken.insert(id.clone()) {
            id = format!("{id}-{}", hash_of(&[component]));
            taken.insert(id.clone());
        }
        ids.insert(component, id);
    }
    ids
}

fn package(id: &str, shown: &Component) -> Value {
    let mut json = Map::new();
    let mut set = |key: &str, value: Value| _ = json.insert(key.to_owned(), value);
    set("name", json!(if shown.name.is_empty() { "unnamed" } else { &shown.name }));
    set("SPDXID", json!(id));
    if !shown.version.is_empty() {
        set("versionInfo", json!(shown.version));
    }
    let mut places: Vec<_> = shown.addresses.iter().map(|address| (spdx_location(address), address)).collect();
    let location = places.iter().position(|(location, _)| location.is_some()).and_then(|at| places.remove(at).0);
    set("downloadLocation", json!(location.as_deref().unwrap_or(NOT_ASSERTED)));
    set("filesAnalyzed", json!(false));
    set("supplier", json!(NOT_ASSERTED));
    set("licenseConcluded", json!(NOT_ASSERTED));
    set("licenseDeclared", json!(NOT_ASSERTED));
    set("copyrightText", json!(NOT_ASSERTED));
    set("primaryPackagePurpose", json!(if shown.is_project { "APPLICATION" } else { "LIBRARY" }));
    let info = source_info(shown, places.into_iter().map(|(_, address)| address));
    if !info.is_empty() {
        set("sourceInfo", json!(info));
    }
    if !shown.other_integrity.is_empty() {
        let texts: Vec<_> = shown.other_integrity.iter().map(String::as_str).collect();
        set("comment", json!(format!("integrity: {}", texts.join(" "))));
    }
    if !shown.hashes.is_empty() {
        let checksum = |of: &super::hashes::Hash| json!({ "algorithm": of.algorithm.spdx(), "checksumValue": of.hex });
        set("checksums", shown.hashes.iter().map(checksum).collect());
    }
    if !shown.purl.is_empty() {
        let purl = json!({
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": shown.purl,
        });
        set("externalRefs", json!([purl]));
    }
    Value::Object(json)
}

/// Where it stands, what was asked for, and where it comes from as far as `downloadLocation` can't say it.
fn source_info<'a>(shown: &'a Component, addresses: impl Iterator<Item = &'a String>) -> String {
    let stands = shown.occurrences.iter().map(|(path, line, place)| {
        let mut text = path.clone();
        if *line > 0 {
            text.push_str(&format!(":{line}"));
        }
        if !place.is_empty() && *place != text {
            text.push_str(&format!(" ({place})"));
        }
        text
    });
    let asked = shown.requirements.iter().map(|text| format!("requires {text}"));
    let from = shown.other_sources.iter().chain(addresses).map(|text| format!("from {text}"));
    stands.chain(asked).chain(from).collect::<Vec<_>>().join("; ")
}

fn relationships(inventory: &Inventory, ids: &BTreeMap<&String, String>) -> Vec<Value> {
    let relation = |from: &str, kind: &str, to: &str| json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to });
    let mut all = Vec::new();
    if let Some(subject) = ids.get(&inventory.subject) {
        all.push(relation("SPDXRef-DOCUMENT", "DESCRIBES", subject));
    }
    for (from, needs) in &inventory.needs {
        for (to, need) in needs {
            let (Some(from), Some(to)) = (ids.get(from), ids.get(to)) else { continue };
            all.push(match need {
                Need::Holds => relation(from, "CONTAINS", to),
                Need::Runs => relation(from, "DEPENDS_ON", to),
                Need::Optional => relation(to, "OPTIONAL_DEPENDENCY_OF", from),
                Need::Dev => relation(to, "DEV_DEPENDENCY_OF", from),
            });
        }
    }
    all
}
