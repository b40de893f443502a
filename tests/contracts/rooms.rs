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
                found.push((path, without_tests(&text).to_owned()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// `text` up to the tests that are written in it. A `#[cfg(test)] mod tests;` names another file, and code may follow it.
fn without_tests(text: &str) -> &str {
    let is_module = |after: &str| {
        let after = after.trim_start();
        let after = after
            .strip_prefix("pub")
            .map_or(after, |public| public.trim_start_matches("(crate)").trim_start_matches("(super)").trim_start());
        let name = |module: &str| {
            module
                .trim_start()
                .trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_')
                .trim_start()
                .starts_with('{')
        };
        after.strip_prefix("mod ").is_some_and(name)
    };
    let marks = text.match_indices(TEST_MARK);
    let inline = marks.filter(|(at, mark)| is_module(&text[at + mark.len()..])).map(|(at, _)| at).next();
    &text[..inline.unwrap_or(text.len())]
}

const TEST_MARK: &str = "#[cfg(test)]";

/// Whether `code` names the module `other` of the crate's root, by whatever path.
fn names_module(code: &str, other: &str) -> bool {
    let is_word = |text: &str, at: usize| {
        let is_letter = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        !is_letter(text[..at].chars().last()) && !is_letter(text[at + other.len()..].chars().next())
    };
    ["crate::", "super::"].iter().any(|root| {
        code.match_indices(root).any(|(at, root)| {
            let rest = &code[at + root.len()..];
            if !rest.starts_with('{') {
                return rest.starts_with(other) && is_word(rest, 0);
            }
            // The modules of a list are its first words: what stands after `::` or deeper is in one of them.
            let mut depth = 0;
            let mut before = '{';
            for (at, letter) in rest.char_indices() {
                let begins =
                    depth == 1 && matches!(before, '{' | ',') && rest[at..].starts_with(other) && is_word(rest, at);
                if begins {
                    return true;
                }
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 1 => return false,
                    '}' => depth -= 1,
                    _ => {}
                }
                before = if letter.is_whitespace() { before } else { letter };
            }
            false
        })
    })
}

/// The first argument of every call of the method `name` in `code`.
fn first_arguments<'c>(code: &'c str, name: &str) -> Vec<&'c str> {
    let call = format!(".{name}(");
    let arguments = code.match_indices(&call).map(|(at, call)| &code[at + call.len()..]);
    arguments.map(|rest| rest[..rest.find([',', ')']).unwrap_or(rest.len())].trim()).collect()
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with("tests") || name == "brute_force"
}

#[test]
fn pipeline_detectors_and_remedies_do_no_io() {
    for pure in ["pipeline", "detectors", "remedies"] {
        for (path, code) in sources(&handlers().join(pure).join("src")) {
            for io in [
                "std::fs",
                "std::net",
                "std::process",
                "std::env",
                "std::io",
                "std::thread",
                "tokio",
                "reqwest",
                "git2",
                "object_store",
            ] {
                // An expression is computed on a thread of its own, for the room that its recursion takes: that is no IO.
                if io == "std::thread" && path.ends_with("policy/when.rs") {
                    continue;
                }
                let used = if io.starts_with("std::") { io.to_owned() } else { format!("{io}::") };
                assert!(!code.contains(&used), "{} uses {io}", path.display());
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
        for client in ["reqwest::", "git2::", "object_store::", "octocrab::"] {
            assert!(!code.contains(client), "{} names {client}", path.display());
        }
    }
    for (path, code) in sources(&environment) {
        let rooms = [("git2::", "git"), ("object_store::", "store"), ("octocrab::", "github")];
        for (client, room) in rooms {
            assert!(
                !code.contains(client) || path.starts_with(environment.join(room)),
                "{} names {client}",
                path.display()
            );
        }
    }
}

#[test]
fn agents_never_call_each_other() {
    let agents = || agents::topology::FUNCTIONS.iter().map(|(agent, _)| agent.replace('-', "_"));
    for agent in agents() {
        let code = fs::read_to_string(handlers().join(format!("agents/src/{agent}.rs"))).unwrap();
        for other in agents() {
            assert!(!names_module(without_tests(&code), &other), "{agent} calls {other}");
        }
    }
}

#[test]
fn the_ways_of_naming_a_module_are_known() {
    let check = |code: &str, expect: bool| assert_eq!(names_module(code, "scan"), expect, "{code}");
    check("use crate::scan;", true);
    check("super::scan::scan(env)", true);
    check("use crate::{facts, scan};", true);
    check("use crate::{\n    facts::{self, Facts},\n    scan::scan,\n};", true);
    check("use super::{scan as other};", true);
    check("use crate::scanner;", false);
    check("use crate::{facts::scan, examine};", false);
    check("use crate::{facts::{scan}, examine}; fn scan() {}", false);
    check("use detectors::scan;", false);
}

#[test]
fn only_tests_that_are_written_in_a_file_are_cut_off() {
    let check = |text: &str, expect: &str| assert_eq!(without_tests(text), expect);
    check("#[cfg(test)]\nmod tests;\nfn code() {}\n", "#[cfg(test)]\nmod tests;\nfn code() {}\n");
    check("fn code() {}\n#[cfg(test)]\nmod tests {\n}\n", "fn code() {}\n");
    check(
        "#[cfg(test)]\nuse x;\nfn code() {}\n#[cfg(test)]\npub(crate) mod tests {",
        "#[cfg(test)]\nuse x;\nfn code() {}\n",
    );
}

#[test]
fn no_agent_runs_a_program() {
    for part in ["pipeline", "detectors", "remedies", "agents", "custom-handler", "cli"] {
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
        let literal = first_arguments(&code, "command").into_iter().find(|argument| argument.contains('"'));
        assert_eq!(literal, None, "{}: the queue is to be named by its constant", path.display());
    }
}

#[test]
fn the_queue_of_a_call_over_several_lines_is_seen() {
    let code =
        "reply\n    .command(\n        \"notify\",\n        topic::X,\n    )?;\nreply.command(queue::NOTIFY, \"x\")";
    assert_eq!(first_arguments(code, "command"), ["\"notify\"", "queue::NOTIFY"]);
}
