//! Manifests of real projects, held against real advisories.

use crate::world::program::skip;
use crate::world::real::{Addresses, environment, npm_registry, pip_index};
use crate::world::repository::GitRepository;
use crate::world::shared;
use agents::environment::Environment;
use agents::environment::folder;
use agents::environment::registries::ProjectAddresses;
use agents::environment::tree_limits::TreeLimits;
use agents::examine::{Examination, examine};
use agents::facts::{self, Determined};
use agents::prove::{Seen, failures, prove};
use detectors::dependency::index_urls;
use detectors::source_tree::SourceTree;
use pipeline::dependency::Source;
use pipeline::facts::Facts;
use pipeline::finding::Severity;
use pipeline::patch::{Change, Plan};
use remedies::update_dependency::{self, Rules};
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

/// Steps that the search of a plan may take here: what it finds by then has to prove.
const STEPS_MAX: u64 = 4_000;

/// A project of the shared folder, and the agents before it.
struct Project {
    env: Environment,
    tree: SourceTree,
    seen: Examination,
    _folder: TempDir,
}

impl Project {
    /// The project `name`. `None`: this machine has no shared folder.
    async fn read(name: &str, addresses: &Addresses) -> Option<Self> {
        let Some(shared) = shared::folder() else {
            skip(name, "there is no shared folder; say where it is in SUTURE_TEST_SHARED");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let repository = GitRepository::with_files(folder.path(), &[("README.md", "\n")]);
        let env = environment(&repository, addresses, shared::advisories(&shared), None);
        let tree = folder::tree(&shared.join("repositories").join(name), &TreeLimits::default()).unwrap();
        let seen = examine(&env, &tree).await.unwrap();
        assert_eq!(seen.limits_hit, Vec::<String>::new());
        Some(Self { env, tree, seen, _folder: folder })
    }

    /// Errors of the project, without what is said of the advisories' age.
    fn errors(&self) -> Vec<String> {
        let of_project = self.seen.errors.iter().filter(|error| !error.path.is_empty());
        of_project.map(|error| format!("{}: {}", error.path, error.message)).collect()
    }

    #[track_caller]
    fn expect_finding(&self, purl: &str, advisory: &str, severity: Severity, fixed: &str) {
        let findings = self.seen.matched.iter().map(|matched| &matched.finding);
        let mut of_package =
            findings.filter(|finding| finding.package.as_ref().is_some_and(|package| package.purl == purl));
        let found = of_package.find(|finding| finding.advisories.iter().any(|id| id == advisory));
        let found = found.unwrap_or_else(|| panic!("{advisory} was not found in {purl}"));
        assert_eq!(
            (found.severity, found.fixed_versions.first().map(String::as_str)),
            (severity, Some(fixed)),
            "{advisory}"
        );
    }

    /// The only graph with findings.
    fn graph(&self) -> usize {
        let graphs: BTreeSet<usize> = self.seen.matched.iter().map(|matched| matched.graph).collect();
        assert_eq!(graphs.len(), 1, "{graphs:?}");
        graphs.into_iter().next().unwrap()
    }

    /// A plan for the only graph with findings, whatever it breaks, and what it rests on.
    async fn plan(&self) -> (Plan, Facts) {
        let graph = &self.seen.graphs[self.graph()];
        let rules = Rules { steps_max: STEPS_MAX, allow_breaking: true, ..Rules::new(self.env.clock.now()) };
        let matched: Vec<_> = self.seen.of_graph(self.graph()).collect();
        let addresses = ProjectAddresses::of(graph, None, index_urls(&self.tree, graph));
        let Determined { plan, facts, .. } = facts::plan(&self.env, graph, &addresses, &matched, &rules).await.unwrap();
        (plan, facts)
    }

    /// What is wrong with `plan`, once it is carried out.
    async fn faults(&self, plan: &Plan, facts: &Facts) -> Vec<String> {
        match update_dependency::apply(&self.seen.graphs[self.graph()], plan, facts, &self.tree) {
            Err(error) => vec![error.to_string()],
            Ok(patch) => {
                let before = Seen { tree: &self.tree, examination: &self.seen };
                failures(&prove(&self.env, before, &plan.heals, &self.tree.patched(&patch)).await.unwrap())
            }
        }
    }

    fn is_bundled(&self, change: &Change) -> bool {
        let Change::Remove { place, .. } = change else { return false };
        let package = self.seen.graphs[self.graph()].packages.iter().find(|package| package.place == *place);
        package.is_some_and(|package| package.source == Source::Bundled)
    }

    /// The plan heals, every finding is healed or left with a reason, and no change can be taken back.
    async fn check_plan(&self, heals_min: usize) {
        let (plan, facts) = self.plan().await;
        assert!(plan.heals.len() >= heals_min, "{} of {}: {plan:#?}", plan.heals.len(), self.seen.matched.len());
        let healed = plan.heals.iter().cloned();
        let told: BTreeSet<_> = healed.chain(plan.left.iter().map(|left| left.fingerprint.clone())).collect();
        let all: BTreeSet<_> = self.seen.matched.iter().map(|matched| matched.finding.fingerprint.clone()).collect();
        assert_eq!(told, all);
        assert!(plan.left.iter().all(|left| !left.reason.is_empty()));
        assert_eq!(self.faults(&plan, &facts).await, Vec::<String>::new());
        for index in 0..plan.changes.len() {
            let mut less = plan.clone();
            let change = less.changes.remove(index);
            if self.is_bundled(&change) {
                // What came inside an archive that changes is gone with it; nothing else could tell that its entry stayed.
                continue;
            }
            assert!(!self.faults(&less, &facts).await.is_empty(), "it heals as well without {change:?}");
        }
    }
}

/// Packages that the lockfile at `path` names, counted without Suture's reader: links and the project's own folders are none.
fn packages_in(path: &Path) -> usize {
    let lockfile: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let packages = lockfile["packages"].as_object().unwrap();
    packages.iter().filter(|(place, entry)| place.contains("node_modules/") && entry.get("link").is_none()).count()
}

#[tokio::test]
async fn nodegoat_is_read_whole_and_its_known_holes_are_found() {
    let Some(project) = Project::read("nodegoat", &Addresses::default()).await else { return };
    assert_eq!(project.errors(), Vec::<String>::new());
    let [graph] = project.seen.graphs.as_slice() else { panic!("one graph was expected") };
    let packages = graph.packages.iter().filter(|package| !matches!(package.source, Source::Link(_))).count();
    assert_eq!(packages, packages_in(&shared::folder().unwrap().join("repositories/nodegoat/package-lock.json")));
    assert!(packages > 1_000, "{packages}");
    project.expect_finding("pkg:npm/adm-zip@0.4.4", "CVE-2018-1002204", Severity::High, "0.4.9");
    project.expect_finding("pkg:npm/qs@0.6.6", "CVE-2014-7191", Severity::High, "1.0.0");
    let files: BTreeSet<&str> = project.seen.matched.iter().map(|matched| matched.finding.path.as_str()).collect();
    assert_eq!(files, BTreeSet::from(["package-lock.json"]));
}

#[tokio::test]
async fn cabot_is_read_whole_and_its_known_holes_are_found() {
    let Some(project) = Project::read("cabot", &Addresses::default()).await else { return };
    let errors = project.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("ipdb"), "the only requirement without a version: {errors:?}");
    let written: usize = ["requirements.txt", "requirements-dev.txt"]
        .map(|file| shared::folder().unwrap().join("repositories/cabot").join(file))
        .map(|path| std::fs::read_to_string(path).unwrap().lines().filter(|line| line.contains("==")).count())
        .iter()
        .sum();
    let pinned: BTreeSet<&str> = project
        .seen
        .graphs
        .iter()
        .flat_map(|graph| graph.packages.iter().filter(|package| !package.version.is_empty()))
        .map(|package| package.place.as_str())
        .collect();
    assert_eq!(pinned.len(), written);
    project.expect_finding("pkg:pypi/urllib3@1.24.1", "CVE-2023-43804", Severity::High, "1.26.17");
    project.expect_finding("pkg:pypi/urllib3@1.24.1", "CVE-2018-25091", Severity::Medium, "1.24.2");
    project.expect_finding("pkg:pypi/django@1.11.29", "CVE-2021-33203", Severity::Unknown, "2.2.24");
}

#[tokio::test]
async fn projects_of_other_ecosystems_are_scanned_without_errors() {
    for name in ["crackmapexec", "dropshot", "railsgoat", "trivy-db"] {
        let Some(project) = Project::read(name, &Addresses::default()).await else { return };
        assert!(!project.tree.is_empty(), "{name}");
        assert_eq!(project.errors(), Vec::<String>::new(), "{name}");
        assert!(
            project.seen.graphs.is_empty() && project.seen.matched.is_empty(),
            "{name}: say what is found there now"
        );
    }
}

#[tokio::test]
async fn plan_of_nodegoat_proves_and_is_irreducible() {
    let folder = tempfile::tempdir().unwrap();
    let Some(npm) = npm_registry(folder.path()) else {
        return skip("plan of nodegoat", "npm is not installed, or its registry does not answer");
    };
    let addresses = Addresses { npm: Some(npm), ..Addresses::default() };
    let Some(project) = Project::read("nodegoat", &addresses).await else { return };
    project.check_plan(1).await;
}

#[tokio::test]
async fn plan_of_cabot_proves_and_is_irreducible() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pip) = pip_index(folder.path()) else {
        return skip("plan of cabot", "pip is not installed, or its index does not answer");
    };
    let addresses = Addresses { pip: Some(pip), ..Addresses::default() };
    let Some(project) = Project::read("cabot", &addresses).await else { return };
    project.check_plan(1).await;
}
