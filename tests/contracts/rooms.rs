//! What has one room is in no other: IO, HTTP, git, and agents among themselves.

use std::fs;
use std::path::{Path, PathBuf};

fn handlers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("handlers")
}

/// Rust sources under `folder`, with their text up to the tests in them.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!is_test(&path)).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
                found.push((path, code));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with("tests") || name == "brute_force"
}

#[test]
fn pipeline_detectors_and_remedies_do_no_io() {
    for pure in ["pipeline", "detectors", "remedies"] {
        for (path, code) in sources(&handlers().join(pure).join("src")) {
            for io in ["std::fs", "std::net", "std::process", "std::env", "std::io", "std::thread", "tokio", "reqwest", "git2", "object_store"] {
                assert!(!code.contains(&format!("{io}::")), "{} uses {io}", path.display());
            }
        }
        let manifest = fs::read_to_string(handlers().join(pure).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
        for io in ["tokio", "reqwest", "git2", "object_store", "tracing", "agents"] {
            assert!(!dependencies.lines().any(|line| line.starts_with(io)), "{pure} depends on {io}");
        }
    }
}

#[test]
fn only_the_environment_names_http_git_and_the_store() {
    let environment = handlers().join("agents/src/environment");
    for (path, code) in sources(&handlers().join("agents/src")) {
        if path.starts_with(&environment) {
            continue;
        }
        for client in ["reqwest::", "git2::", "object_store::"] {
            assert!(!code.contains(client), "{} names {client}", path.display());
        }
    }
    for (path, code) in sources(&environment) {
        let rooms = [("git2::", "git"), ("object_store::", "store.rs")];
        for (client, room) in rooms {
            assert!(!code.contains(client) || path.starts_with(environment.join(room)), "{} names {client}", path.display());
        }
    }
}

#[test]
fn agents_never_call_each_other() {
    for (agent, _) in agents::topology::FUNCTIONS {
        let code = fs::read_to_string(handlers().join(format!("agents/src/{agent}.rs"))).unwrap();
        for (other, _) in agents::topology::FUNCTIONS {
            assert!(!code.contains(&format!("crate::{other}")), "{agent} calls {other}");
        }
    }
}

#[test]
fn no_agent_runs_a_program() {
    for part in ["pipeline", "detectors", "remedies", "agents", "cli"] {
        for (path, code) in sources(&handlers().join(part).join("src")) {
            let runs = code.contains("process::Command") || code.contains("Command::new");
            assert!(!runs, "{} runs a program", path.display());
        }
    }
}

#[test]
fn queue_names_are_written_in_one_place() {
    for (path, code) in sources(&handlers().join("agents/src")) {
        // Where functions are named, the names are those of functions.
        if path.ends_with("topology.rs") || path.ends_with("functions.rs") {
            continue;
        }
        let literal = code.lines().find(|line| line.contains(".command(") && line.contains('"'));
        assert_eq!(literal, None, "{}: the queue is to be named by its constant", path.display());
    }
}
