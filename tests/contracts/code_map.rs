//! Code maps drift: the maps are tested.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// What stands in backticks and looks like a path of this repository.
fn paths_in(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| {
        let known =
            ["functions/", "handlers/", "tests/", "docs/", ".ci/", "Cargo.toml", "clippy.toml", "deny.toml", "LICENSE"];
        known.iter().any(|start| text.starts_with(start)) && !text.contains(['*', '<', ' ', '{'])
    };
    quoted.filter(is_path).map(str::to_owned).collect()
}

#[test]
fn every_path_in_the_maps_exists() {
    for map in [
        "README.md",
        "handlers/README.md",
        "docs/performance.md",
        "docs/advisories.md",
        "docs/github.md",
        "docs/policies.md",
        "docs/heal.md",
        "docs/scan.md",
        "docs/handler.md",
        "docs/local.md",
        "docs/state.md",
        "docs/function-app.md",
        "docs/webhook.md",
    ] {
        let text = std::fs::read_to_string(root().join(map)).unwrap();
        for path in paths_in(&text) {
            assert!(root().join(&path).exists(), "{map} names {path}, which is not there");
        }
    }
}

#[test]
fn the_map_names_every_crate_and_every_agent() {
    let map = std::fs::read_to_string(root().join("handlers/README.md")).unwrap();
    for folder in std::fs::read_dir(root().join("handlers")).unwrap() {
        let folder = folder.unwrap();
        if folder.file_type().unwrap().is_dir() {
            let name = folder.file_name().into_string().unwrap();
            assert!(map.contains(&format!("`handlers/{name}")), "handlers/README.md says nothing of handlers/{name}");
        }
    }
    for (agent, _) in agents::topology::FUNCTIONS {
        assert!(map.contains(&format!("`{agent}`")), "handlers/README.md says nothing of {agent}");
    }
}

#[test]
fn the_page_on_github_says_what_every_permission_is_for() {
    let page = std::fs::read_to_string(root().join("docs/github.md")).unwrap().replace('`', "");
    let asked_for = || pipeline::github::PERMISSIONS.iter().chain(&pipeline::github::OPTIONAL);
    for needed in asked_for() {
        let row = format!("| {} | {} | {} |", needed.name, needed.access, needed.why);
        assert!(page.contains(&row), "docs/github.md has no row {row}");
    }
    let rows =
        page.lines().filter(|line| line.ends_with(" |") && (line.contains("| write |") || line.contains("| read |")));
    assert_eq!(rows.count(), asked_for().count(), "docs/github.md names permissions that nobody asks for");
}
