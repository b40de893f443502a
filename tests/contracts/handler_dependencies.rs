//! What the deployed handler is built of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Packages of the lockfile with what they may need, by `name` and, where there are several, `name version`.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let lockfile = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("Cargo.lock");
    let text = std::fs::read_to_string(lockfile).unwrap();
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in text.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.unwrap().trim_matches('"').to_owned()
        };
        let quoted = |line: &str| Some(line.trim().strip_prefix('"')?.strip_suffix("\",")?.to_owned());
        let needs: BTreeSet<String> = package.lines().filter_map(quoted).collect();
        for name in [field("name"), format!("{} {}", field("name"), field("version"))] {
            packages.entry(name).or_default().extend(needs.iter().cloned());
        }
    }
    packages
}

/// All that is reached from `root`, whatever the features. Names only.
fn reached(root: &str) -> BTreeSet<String> {
    let packages = packages();
    let mut reached = BTreeSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(package) = open.pop() {
        if reached.insert(package.clone()) {
            open.extend(
                packages.get(&package).unwrap_or_else(|| panic!("{package} is not in Cargo.lock")).iter().cloned(),
            );
        }
    }
    reached.iter().map(|package| package.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn the_client_for_service_bus_is_the_command_lines_alone() {
    let client = ["azure_core", "azure_messaging_servicebus", "http-types"];
    let of_cli = reached("cli");
    let of_handler = reached("custom-handler");
    for package in client {
        assert!(of_cli.contains(package) && !of_handler.contains(package), "{package}");
    }
    assert!(of_handler.contains("agents") && !of_handler.contains("local-host"));
}
