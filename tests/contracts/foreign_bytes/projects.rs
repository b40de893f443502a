//! Files of a repository: what is read of them, and what is written into them.

use super::{check, text};
use crate::world::program::skip;
use crate::world::project::Project;
use crate::world::shared;
use agents::environment::registries::{Configuration, ProjectAddresses, RegistrySettings, UserFiles};
use detectors::dependency::{graphs, index_urls, problems, unread};
use detectors::sbom::{self, Document};
use detectors::source_tree::SourceTree;
use pipeline::dependency::{Dependency, DependencyGraph};
use pipeline::facts::{Facts, Need, PackageFacts, Release};
use pipeline::ids::Fingerprint;
use remedies::update_dependency::{self, Planned, Rules, Wound};

const VERSION_1: &str = r#"{"name":"shop","version":"1.0.0","lockfileVersion":1,"requires":true,"dependencies":{"gate":{"version":"2.1.0",
"resolved":"https://registry.example/gate/-/gate-2.1.0.tgz","integrity":"sha512-YQ==","requires":{"latch":"^1.0.0"},"dependencies":{"latch":
{"version":"1.0.3","dev":true,"bundled":true}}},"own":{"version":"file:own"},"odd":{"version":"git+ssh://git@git.example/a/b.git#0123"}}}"#;

const MANIFEST: &str = r#"{"name":"shop","version":"1.0.0","workspaces":["packages/*"],"dependencies":{"gate":"^2.0.0","under":"npm:latch@^1","own":"file:own"},
"devDependencies":{"tool":"~1.0"},"optionalDependencies":{"maybe":"1.x"},"peerDependencies":{"peer":">=1"},"overrides":{"latch":"$gate","a@^1":{".":"1.0.0","b":"2"}}}"#;

const REQUIREMENTS: &str = "\
--index-url https://registry.example/simple
-c constraints.txt
requests[security]==2.19.1 ; python_version < '3.8' \\
    --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
-e git+https://git.example/a/b.git@0123#egg=b
urllib3 @ https://files.example/urllib3-1.23.tar.gz  # by hand
-r more.txt
";

const NPMRC: &str = "registry=https://registry.example/\n@team:registry=https://team.example/npm/\n//team.example/npm/:_authToken=${TEAM}\ncafile=/absent\n";

const PIP_CONF: &str = "[global]\nindex-url = https://user:word@registry.example/simple\ncert = /absent\n[install]\nextra-index-url =\n    https://a.example\n";

/// Reads a tree with `bytes` at `path` among well-behaved neighbours, and all that is made of it.
fn read(path: &str, bytes: &[u8]) {
    let project = Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks(
        "latch",
        "1.0.3",
        &[],
    );
    let mut tree = SourceTree::default();
    for (name, text) in [("package.json", project.manifest()), ("package-lock.json", project.lockfile())] {
        tree.insert(name, text.into_bytes());
    }
    tree.insert("more.txt", &b"idna==2.7\n"[..]);
    tree.insert(path, bytes);
    unread(&tree);
    let (graphs, _) = graphs(&tree);
    for graph in &graphs {
        problems(&tree, graph);
        index_urls(&tree, graph);
        heal(&tree, graph);
    }
    let document = Document {
        name: "shop",
        namespace: "urn:x",
        uuid: "00000000-0000-8000-8000-000000000000",
        timestamp: jiff::Timestamp::UNIX_EPOCH,
        tool_version: "1",
    };
    sbom::cyclonedx::write(&document, &graphs);
    sbom::spdx::write(&document, &graphs);
}

/// Plans and writes a fix of the first few packages, in a registry that has a later release of everything.
fn heal(tree: &SourceTree, graph: &DependencyGraph) {
    let rules =
        Rules { steps_max: 200, ..Rules::new(jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 30)) };
    let wounded: Vec<_> = graph.packages.iter().filter(|package| package.is_judged()).take(3).collect();
    let fingerprints: Vec<_> = wounded.iter().map(|package| Fingerprint::of("T", &package.place, 0)).collect();
    let wounds = wounded.iter().zip(&fingerprints);
    let wounds: Vec<Wound<'_>> =
        wounds.map(|(package, fingerprint)| Wound { fingerprint, places: vec![package.place.clone()] }).collect();
    let release = |version: &str, needs: &[Dependency]| Release {
        version: version.to_owned(),
        published: Some(jiff::Timestamp::UNIX_EPOCH),
        hashes: vec!["sha256:ab".to_owned()],
        dependencies: needs
            .iter()
            .map(|need| Need {
                name: need.name.clone(),
                requirement: need.requirement.clone(),
                kind: need.kind,
                marker: None,
            })
            .collect(),
        ..Release::default()
    };
    let mut facts = Facts::default();
    for _ in 0..4 {
        match update_dependency::plan(graph, &wounds, &facts, &rules) {
            Planned::Plan(plan) => return drop(update_dependency::apply(graph, &plan, &facts, tree)),
            Planned::NeedFacts(names) => {
                for name in names {
                    let known = graph.packages.iter().filter(|package| package.name == name);
                    let mut releases: Vec<_> =
                        known.map(|package| release(&package.version, &package.dependencies)).collect();
                    releases.push(release("999.0.0", &[]));
                    facts.packages.insert(name, PackageFacts { releases, ..PackageFacts::default() });
                }
            }
        }
    }
}

/// The beginning of a real file, where this machine has it: mutations of it still get far.
fn real(path: &str, bytes_max: usize) -> Vec<u8> {
    let Some(shared) = shared::folder() else {
        skip(path, "there is no shared folder; say where it is in SUTURE_TEST_SHARED");
        return Vec::new();
    };
    let mut bytes = std::fs::read(shared.join("repositories").join(path)).unwrap();
    bytes.truncate(bytes_max);
    bytes
}

#[test]
fn manifests() {
    check(&[MANIFEST.as_bytes(), &real("nodegoat/package.json", 20_000)], |bytes| read("package.json", bytes));
}

#[test]
fn lockfiles() {
    let newest = Project::new()
        .needs("gate", "^2.0.0")
        .locks("gate", "2.1.0", &[("latch", "^1.0.0")])
        .locks("latch", "1.0.3", &[])
        .lockfile();
    let both = newest.replace(
        "\"lockfileVersion\": 3",
        "\"lockfileVersion\": 2, \"dependencies\": {\"gate\": {\"version\": \"2.1.0\"}}",
    );
    check(&[newest.as_bytes(), both.as_bytes(), VERSION_1.as_bytes()], |bytes| read("package-lock.json", bytes));
    check(&[VERSION_1.as_bytes(), &real("nodegoat/package-lock.json", 30_000)], |bytes| {
        read("npm-shrinkwrap.json", bytes)
    });
}

#[test]
fn requirements() {
    check(&[REQUIREMENTS.as_bytes(), &real("cabot/requirements.txt", 20_000)], |bytes| read("requirements.txt", bytes));
}

#[test]
fn configuration_of_the_project() {
    let project = Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[]);
    let mut tree = SourceTree::default();
    tree.insert("package.json", project.manifest().into_bytes());
    tree.insert("package-lock.json", project.lockfile().into_bytes());
    let (graphs, _) = graphs(&tree);
    check(&[NPMRC.as_bytes()], |bytes| {
        let addresses = ProjectAddresses::of(&graphs[0], Some(&text(bytes)), vec![text(bytes)]);
        let configuration = Configuration::default();
        drop(configuration.npm_address("@team/gate", &addresses));
        drop(configuration.pip_address(&addresses));
    });
}

#[test]
fn configuration_of_the_user() {
    let settings = RegistrySettings::default();
    check(&[NPMRC.as_bytes(), PIP_CONF.as_bytes(), b"machine registry.example login a password b\n"], |bytes| {
        let file = |name: &str| vec![(name.to_owned(), text(bytes).into())];
        let files = UserFiles { npmrc: file("npmrc"), pip_conf: file("pip.conf"), netrc: Some(text(bytes).into()) };
        let configuration = Configuration::of(&settings, &files);
        drop(configuration.npm_address("@team/gate", &ProjectAddresses::default()));
        drop(configuration.pip_address(&ProjectAddresses::default()));
    });
}
