//! `customHandler`, and `httpWorker` before it.

use super::Description;
use crate::app::command_line;
use crate::app::json::Node;
use crate::app::settings::Known;
use std::path::{Path, PathBuf};

const INITIALIZATION_TIMEOUT_MS: u64 = 30_000;
const REMEDY: &str = "Write \"customHandler\": { \"description\": { \"defaultExecutablePath\": \"handler\" } }";

/// The section.
pub struct Handler {
    pub description: Description,
    pub forwards_http: bool,
    pub proxies_http: bool,
    pub is_legacy: bool,
    pub initialization_timeout_ms: u64,
    pub port: Option<u16>,
}

/// Reads the section; `None`, with a fault, where it does not say what to start.
pub fn read(root: &Path, host_json: &Node<'_>, settings: Known<'_>) -> Option<Handler> {
    let (section, is_legacy) = section(host_json)?;
    let timeout = section.time_span("initializationTimeout");
    let timeout = timeout.map(|(span, node)| {
        u64::try_from(span.ms).ok().filter(|ms| *ms > 0).unwrap_or_else(|| {
            node.fault("gives the handler no time at all", "Write \"00:00:30\", or take it out");
            INITIALIZATION_TIMEOUT_MS
        })
    });
    let routes = section.get("http").and_then(|http| http.get("routes"));
    if let Some(routes) = routes.filter(|routes| !routes.elements().is_empty()) {
        routes.fault("can't stand beside function.json files: the host refuses both together", "Take it out");
    }
    let port = section.number("port", 1, i64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok());
    let Some(description) = section.get("description") else {
        section.fault("has no description", REMEDY);
        return None;
    };
    Some(Handler {
        forwards_http: section.flag("enableForwardingHttpRequest", false) || is_legacy,
        proxies_http: section.flag("enableProxyingHttpRequest", false),
        is_legacy,
        initialization_timeout_ms: timeout.unwrap_or(INITIALIZATION_TIMEOUT_MS),
        port,
        description: read_description(root, &description, settings)?,
    })
}

fn section<'a>(host_json: &Node<'a>) -> Option<(Node<'a>, bool)> {
    let (custom, legacy) = (host_json.get("customHandler"), host_json.get("httpWorker"));
    if let Some(legacy) = &legacy {
        let instead = if custom.is_some() { ", and is passed over beside customHandler" } else { "" };
        legacy.warning(format!("httpWorker is the older name{instead}"), "Write customHandler");
    }
    match (custom, legacy) {
        (Some(custom), _) => Some((custom, false)),
        (None, Some(legacy)) => Some((legacy, true)),
        (None, None) => {
            host_json.fault("has no customHandler", REMEDY);
            None
        }
    }
}

fn read_description(root: &Path, description: &Node<'_>, settings: Known<'_>) -> Option<Description> {
    let folder = |name: &str| {
        let folder = description.get(name).and_then(|folder| folder.text()).filter(|folder| !folder.is_empty())?;
        Some(root.join(folder))
    };
    let working_directory = folder("workingDirectory").unwrap_or_else(|| root.to_owned());
    let worker_directory = folder("workerDirectory").unwrap_or_else(|| root.to_owned());
    for (name, folder) in [("workingDirectory", &working_directory), ("workerDirectory", &worker_directory)] {
        if !folder.is_dir() {
            description
                .fault(format!("{name} is no folder of the app: {}", folder.display()), "Correct it, or take it out");
        }
    }
    let mut arguments = texts(description, "arguments");
    arguments.extend(worker_path(description, &worker_directory));
    arguments.extend(texts(description, "workerArguments"));
    let arguments = arguments.iter().map(|text| settings.resolve_or_empty(text).unwrap_or_else(|| text.clone()));
    let arguments = command_line::split(&arguments.collect::<Vec<_>>().join(" "));
    Some(Description {
        executable: executable(description, &worker_directory, settings)?,
        arguments,
        working_directory,
        stderr_is_errors: description.flag("useStdErrorStreamForErrorsOnly", true),
    })
}

/// Resolved as the host does: names of settings first, then absolute only where the file exists.
fn executable(description: &Node<'_>, worker_directory: &Path, settings: Known<'_>) -> Option<PathBuf> {
    let Some(path) = description.get("defaultExecutablePath") else {
        description.fault("has no defaultExecutablePath", REMEDY);
        return None;
    };
    let written = path.text()?;
    let resolved = match settings.resolve(written) {
        Ok(Some(resolved)) => resolved,
        // What can't be known before the deployment is not checked.
        Ok(None) => return Some(PathBuf::from(written)),
        Err(name) => {
            path.fault(format!("names the app setting {name}, which has no value"), "Set it, or write the path");
            return None;
        }
    };
    if resolved.trim().is_empty() {
        path.fault("is empty", REMEDY);
        return None;
    }
    if resolved.starts_with("./") {
        path.fault(
            "begins with \"./\": packing tools make only the file executable whose name in the zip is the very same",
            "Write it without \"./\"",
        );
    }
    let inside = worker_directory.join(&resolved);
    Some(if inside.exists() { inside } else { PathBuf::from(resolved) })
}

fn worker_path(description: &Node<'_>, worker_directory: &Path) -> Option<String> {
    let path = description.get("defaultWorkerPath")?.text().filter(|path| !path.is_empty())?;
    let inside = worker_directory.join(path);
    let path = if inside.exists() { inside.display().to_string() } else { path.to_owned() };
    Some(format!("\"{path}\""))
}

/// A list of texts; from an app setting it comes as the JSON of one.
fn texts(description: &Node<'_>, name: &str) -> Vec<String> {
    let Some(list) = description.get(name) else { return Vec::new() };
    match list.text_if_any().map(serde_json::from_str::<Vec<String>>) {
        Some(Ok(texts)) => texts,
        Some(Err(_)) => {
            list.fault("is no list of texts", "Write [\"--option\", \"value\"], in an app setting too");
            Vec::new()
        }
        None => list.elements().iter().filter_map(|element| element.text()).map(str::to_owned).collect(),
    }
}
