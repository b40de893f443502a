//! The folder of an app: which files are read, and what their functions have to agree on.

use super::faults::Report;
use super::function::{self, Function, Trigger};
use super::host_json::{self, HostJson};
use super::json::{Node, Page};
use super::settings::Known;
use serde_json::Value;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

const HOST_JSON: &str = "host.json";
const FUNCTION_JSON: &str = "function.json";
/// A file above is not read: no configuration is as large.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads all of it; `None`, with faults, where there is no app.
pub fn read(root: &Path, settings: Known<'_>, report: &RefCell<Report>) -> Option<(PathBuf, HostJson, Vec<Function>)> {
    let page = Page { name: HOST_JSON, report };
    let root = match std::path::absolute(root) {
        Ok(root) if root.is_dir() => root,
        _ => {
            page.fault(
                "",
                format!("{} is no folder", root.display()),
                "Name the folder of the app, which holds host.json",
            );
            return None;
        }
    };
    let host = read_json(&root.join(HOST_JSON), &page).and_then(|mut json| {
        if let Known::These(settings) = settings {
            settings.override_host_json(&mut json);
        }
        host_json::read(&root, &Node::root(&page, &json), settings)
    });
    let functions = read_functions(&root, settings, &page);
    check_routes(&functions, report);
    Some((root, host?, functions))
}

fn read_functions(root: &Path, settings: Known<'_>, host: &Page<'_>) -> Vec<Function> {
    let mut functions = Vec::new();
    let mut found = 0;
    for name in folders(root, host) {
        let folder = root.join(&name);
        if !folder.join(FUNCTION_JSON).is_file() {
            for deeper in
                folders(&folder, host).iter().filter(|deeper| folder.join(deeper).join(FUNCTION_JSON).is_file())
            {
                let file = format!("{name}/{deeper}/{FUNCTION_JSON}");
                let page = Page { name: &file, report: host.report };
                page.warning("", "lies too deep for the host to see", "Put the function's folder beside host.json");
            }
            continue;
        }
        found += 1;
        let file = format!("{name}/{FUNCTION_JSON}");
        let page = Page { name: &file, report: host.report };
        if let Some(json) = read_json(&folder.join(FUNCTION_JSON), &page) {
            functions.extend(function::read(&folder, &name, &Node::root(&page, &json), settings));
        }
    }
    if found == 0 {
        host.fault("", "there is no function beside it", "Put a folder with a function.json there");
    }
    functions
}

/// Names of the folders in `folder`, in order.
fn folders(folder: &Path, page: &Page<'_>) -> Vec<String> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            page.fault("", format!("{}: {error}", folder.display()), "See to it that the folder can be read");
            return Vec::new();
        }
    };
    let entries = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn read_json(path: &Path, page: &Page<'_>) -> Option<Value> {
    let length = std::fs::metadata(path).map(|file| file.len());
    if length.is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
        page.fault("", format!("is larger than {FILE_BYTES_MAX} bytes"), "See whether it is the right file");
        return None;
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            page.fault("", format!("can't be read: {error}"), "See to it that it is there and holds text in UTF-8");
            return None;
        }
    };
    match serde_json::from_str::<Value>(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(value) if value.is_object() => Some(value),
        Ok(_) => {
            page.fault("", "is no JSON object", "Write {…}");
            None
        }
        Err(error) => {
            page.fault("", format!("is no JSON: {error}"), "Correct it; comments have no place in it");
            None
        }
    }
}

/// No two functions may answer the same request, nor differ in the case of their names alone.
fn check_routes(functions: &[Function], report: &RefCell<Report>) {
    for (index, function) in functions.iter().enumerate() {
        for earlier in &functions[..index] {
            let file = format!("{}/{FUNCTION_JSON}", function.name);
            let page = Page { name: &file, report };
            if earlier.name.eq_ignore_ascii_case(&function.name) {
                page.fault(
                    "",
                    format!("differs from {} in the case of its name alone", earlier.name),
                    "Rename one of them",
                );
            }
            if let (Trigger::Http { methods, route, .. }, Trigger::Http { methods: others, route: other, .. }) =
                (&function.trigger, &earlier.trigger)
                && route.eq_ignore_ascii_case(other)
                && (methods.is_empty() || others.is_empty() || methods.iter().any(|method| others.contains(method)))
            {
                page.fault(
                    "",
                    format!("has the route \"{route}\", which {} answers too", earlier.name),
                    "Give one of them another route, or other methods",
                );
            }
        }
    }
}
