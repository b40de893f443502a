//! What we write into npm's files, before the eyes of the real npm and its registry.

use crate::world::program::{Program, Ran, skip};
use crate::world::real::{Addresses, environment, heal, npm_registry};
use crate::world::repository::GitRepository;
use agents::environment::advisories::AdvisorySource;
use pipeline::case::{Case, Status};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Everything may be healed without asking, breaking changes and overrides too.
const LOOSE: &str = r#"
policies:
  - name: "loose"
    event_type: "vulnerability.dependency"
    auto_heal_severities: ["unknown", "low", "medium", "high", "critical"]
    confidence_threshold: 0.8
    actions:
      - type: "update_dependency"
        allow_overrides: true
      - type: "create_pr"
"#;

/// A project whose lockfile the real npm wrote when its packages were old.
struct Shop {
    npm: Npm,
    manifests: Vec<(&'static str, Value)>,
    /// What the lockfile shall have: name and version, or a whole specifier.
    old: Value,
    policies: Option<&'static str>,
    installs: bool,
}

/// The real npm, asked to write lockfiles of one kind.
#[derive(Clone)]
struct Npm {
    lockfile_version: u8,
    with_resolved: bool,
}

impl Npm {
    fn run(&self, folder: &Path, arguments: &[&str]) -> Ran {
        let version = format!("--lockfile-version={}", self.lockfile_version);
        let resolved = format!("--omit-lockfile-registry-resolved={}", !self.with_resolved);
        let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
        let all = arguments.iter().copied().chain(quiet).chain([version.as_str(), resolved.as_str()]);
        Program::new("npm", folder).run(all).expect("npm answered before")
    }

    fn lock(&self, folder: &Path) {
        self.run(folder, &["install", "--package-lock-only"]).expect(0);
    }
}

impl Shop {
    fn new(lockfile_version: u8, manifest: Value, old: Value) -> Self {
        let npm = Npm { lockfile_version, with_resolved: false };
        Self { npm, manifests: vec![("package.json", manifest)], old, policies: None, installs: false }
    }

    fn with_resolved(mut self) -> Self {
        self.npm.with_resolved = true;
        self
    }

    fn loose(mut self) -> Self {
        self.policies = Some(LOOSE);
        self
    }

    fn installed(mut self) -> Self {
        self.installs = true;
        self
    }

    fn and(mut self, path: &'static str, manifest: Value) -> Self {
        self.manifests.push((path, manifest));
        self
    }

    /// Lets npm lock the old versions, then puts back the ranges that let newer ones in.
    fn generate(&self, folder: &Path) {
        for (path, manifest) in &self.manifests {
            write(&folder.join(path), &pinned(manifest, &self.old, *path == "package.json"));
        }
        self.npm.lock(folder);
        for (path, manifest) in &self.manifests {
            write(&folder.join(path), manifest);
        }
        self.npm.lock(folder);
    }

    /// Heals it, and holds what came out against npm. `None`: there is no npm, or no registry.
    async fn heal(&self, test: &str) -> Option<Healed> {
        let folder = tempfile::tempdir().unwrap();
        let Some(registry) = npm_registry(folder.path()) else {
            skip(test, "npm is not installed, or its registry does not answer");
            return None;
        };
        let made = folder.path().join("made");
        self.generate(&made);
        self.npm.run(&made, &["ci", "--dry-run"]).expect(0);
        let paths: Vec<&str> = self.manifests.iter().map(|(path, _)| *path).chain(["package-lock.json"]).collect();
        let texts: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(made.join(path)).unwrap()).collect();
        let files: Vec<(&str, &str)> = paths.into_iter().zip(texts.iter().map(String::as_str)).collect();
        let repository = GitRepository::with_files(&folder.path().join("repository"), &files);
        let addresses = Addresses { npm: Some(registry), ..Addresses::default() };
        let env = environment(&repository, &addresses, AdvisorySource::Starter, self.policies);
        let mut cases = heal(&env).await;
        assert_eq!(cases.len(), 1, "{cases:#?}");
        let case = cases.remove(0);
        assert!(matches!(case.status, Status::Completed | Status::Proposed), "{case:#?}");
        assert!(case.steps.iter().all(|step| step.ok), "{case:#?}");
        let healed = folder.path().join("healed");
        repository.export(&case.case.branch(), &healed);
        self.accepted(&healed);
        Some(Healed { case, healed, made, _folder: folder })
    }

    fn accepted(&self, healed: &Path) {
        let ours = lockfile(healed);
        let dry_run: &[&str] = if self.installs { &[] } else { &["--dry-run"] };
        self.npm.run(healed, &[&["ci"], dry_run].concat()).expect(0);
        self.npm.lock(healed);
        let npms = lockfile(healed);
        for section in ["packages", "dependencies"] {
            for (name, entry) in members(&ours, section).chain(members(&npms, section)) {
                assert_eq!(ours[section].get(name), npms[section].get(name), "{name}: {entry}");
            }
        }
        assert_eq!(ours, npms);
    }
}

/// What came out.
struct Healed {
    case: Case,
    healed: PathBuf,
    made: PathBuf,
    _folder: TempDir,
}

impl Healed {
    /// Versions by place, before and after.
    fn versions(&self, place: &str) -> [Option<String>; 2] {
        [&self.made, &self.healed].map(|folder| {
            let lockfile = lockfile(folder);
            let entry = match lockfile.get("packages") {
                Some(packages) => packages.get(place),
                None => place
                    .split("node_modules/")
                    .filter(|name| !name.is_empty())
                    .try_fold(&lockfile, |at, name| at.get("dependencies")?.get(name.trim_end_matches('/'))),
            };
            Some(entry?["version"].as_str()?.to_owned())
        })
    }

    #[track_caller]
    fn expect_updated(&self, place: &str, from: &str) {
        let [before, after] = self.versions(place);
        assert_eq!(before.as_deref(), Some(from), "{place}");
        assert!(after.as_ref().is_some_and(|after| after != from), "{place} stays at {after:?}: {:#?}", self.case);
    }
}

fn members<'a>(lockfile: &'a Value, section: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    lockfile.get(section).and_then(Value::as_object).into_iter().flatten()
}

fn lockfile(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("package-lock.json")).unwrap()).unwrap()
}

fn write(path: &Path, manifest: &Value) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, serde_json::to_string_pretty(manifest).unwrap() + "\n").unwrap();
}

/// `manifest` with the `old` versions: its own needs by their ranges, all others by overrides.
fn pinned(manifest: &Value, old: &Value, is_root: bool) -> Value {
    let mut manifest = manifest.clone();
    let mut others: Map<String, Value> = old.as_object().unwrap().clone();
    for section in ["dependencies", "devDependencies", "optionalDependencies"] {
        for (name, range) in manifest.get_mut(section).and_then(Value::as_object_mut).into_iter().flatten() {
            if let Some(version) = others.remove(name) {
                *range = version;
            }
        }
    }
    if is_root && !others.is_empty() {
        manifest["overrides"] = Value::Object(others);
    }
    manifest
}

/// A web shop of 2018, with a transitive hole, a nested one, one in the tools, and one whose fix brings new packages.
fn shop(lockfile_version: u8) -> Shop {
    let manifest = json!({
        "name": "shop",
        "version": "1.0.0",
        "dependencies": { "debug": "^2.6.0", "lodash": "^4.17.0", "mkdirp": "^0.5.0", "node-fetch": "^2.6.0" },
        "devDependencies": { "minimatch": "^3.0.0" },
    });
    let old =
        json!({ "debug": "2.6.8", "lodash": "4.17.4", "mkdirp": "0.5.1", "minimatch": "3.0.0", "node-fetch": "2.6.0" });
    Shop::new(lockfile_version, manifest, old)
}

async fn check_shop(shop: Shop, test: &str) {
    let Some(healed) = shop.heal(test).await else { return };
    healed.expect_updated("node_modules/debug", "2.6.8");
    healed.expect_updated("node_modules/lodash", "4.17.4");
    healed.expect_updated("node_modules/minimist", "0.0.8");
    healed.expect_updated("node_modules/minimatch", "3.0.0");
    healed.expect_updated("node_modules/node-fetch", "2.6.0");
    assert!(healed.case.left.is_empty(), "{:#?}", healed.case.left);
    let manifest = |folder: &Path| std::fs::read_to_string(folder.join("package.json")).unwrap();
    assert_eq!(manifest(&healed.made), manifest(&healed.healed));
    let [before, after] = healed.versions("node_modules/whatwg-url");
    assert!(before.is_none() && after.is_some(), "the fixed node-fetch needs whatwg-url");
}

#[tokio::test]
async fn npm_installs_a_healed_lockfile_of_version_3() {
    check_shop(shop(3).installed(), "lockfile version 3").await;
}

#[tokio::test]
async fn npm_accepts_a_healed_lockfile_of_version_3_with_addresses() {
    check_shop(shop(3).with_resolved(), "lockfile version 3 with addresses").await;
}

#[tokio::test]
async fn npm_accepts_a_healed_lockfile_of_version_2() {
    check_shop(shop(2), "lockfile version 2").await;
}

#[tokio::test]
async fn npm_installs_a_healed_lockfile_of_version_2_with_addresses() {
    check_shop(shop(2).with_resolved().installed(), "lockfile version 2 with addresses").await;
}

#[tokio::test]
async fn npm_accepts_a_healed_lockfile_of_version_1() {
    check_shop(shop(1), "lockfile version 1").await;
}

#[tokio::test]
async fn npm_installs_a_healed_lockfile_of_version_1_with_addresses() {
    check_shop(shop(1).with_resolved().installed(), "lockfile version 1 with addresses").await;
}

#[tokio::test]
async fn npm_accepts_healed_workspaces() {
    let manifest = json!({ "name": "shop", "version": "1.0.0", "workspaces": ["packages/*"], "dependencies": { "minimatch": "^5.1.0" } });
    let one = json!({
        "name": "one",
        "version": "1.0.0",
        "dependencies": { "lodash": "^3.10.0", "minimist": "1.2.0", "minimatch": "3.0.4" },
    });
    let two = json!({ "name": "two", "version": "1.0.0", "dependencies": { "debug": "^2.6.0", "lodash": "^4.17.0", "one": "1.0.0" } });
    let old = json!({ "debug": "2.6.8" });
    for version in [2, 3] {
        let shop = Shop::new(version, manifest.clone(), old.clone());
        let shop = shop.and("packages/one/package.json", one.clone()).and("packages/two/package.json", two.clone());
        let Some(healed) = shop.heal("workspaces").await else { return };
        healed.expect_updated("node_modules/debug", "2.6.8");
        healed.expect_updated("node_modules/minimist", "1.2.0");
        healed.expect_updated("packages/one/node_modules/minimatch", "3.0.4");
        assert!(!healed.case.left.is_empty(), "lodash 3 has no fix that does not break");
    }
}

#[tokio::test]
async fn npm_accepts_healed_aliases_and_optional_dependencies() {
    let manifest = json!({
        "name": "shop",
        "version": "1.0.0",
        "dependencies": { "left": "npm:minimist@1.2.0", "under": "npm:lodash@^4.17.0" },
        "optionalDependencies": { "debug": "^2.6.0" },
        "devDependencies": { "mkdirp": "^0.5.0" },
    });
    let old = json!({ "debug": "2.6.8", "mkdirp": "0.5.1", "under": "npm:lodash@4.17.4" });
    for version in [1, 3] {
        let shop = Shop::new(version, manifest.clone(), old.clone()).with_resolved();
        let Some(healed) = shop.heal("aliases").await else { return };
        for (place, from) in [("node_modules/debug", "2.6.8"), ("node_modules/minimist", "0.0.8")] {
            healed.expect_updated(place, from);
        }
        let by_alias = |name: &str, version: &str| {
            if shop.npm.lockfile_version == 1 { format!("npm:{name}@{version}") } else { version.to_owned() }
        };
        healed.expect_updated("node_modules/left", &by_alias("minimist", "1.2.0"));
        healed.expect_updated("node_modules/under", &by_alias("lodash", "4.17.4"));
    }
}

#[tokio::test]
async fn npm_accepts_an_override() {
    let manifest = json!({
        "name": "shop",
        "version": "1.0.0",
        "dependencies": { "mkdirp": "0.5.1" },
        "devDependencies": { "optimist": "^0.6.1" },
    });
    for version in [1, 2, 3] {
        let shop = Shop::new(version, manifest.clone(), json!({ "optimist": "0.6.1" })).loose();
        let Some(healed) = shop.heal("override").await else { return };
        healed.expect_updated("node_modules/minimist", "0.0.8");
        let manifest: Value =
            serde_json::from_slice(&std::fs::read(healed.healed.join("package.json")).unwrap()).unwrap();
        assert!(manifest["overrides"]["minimist"].is_string(), "{manifest:#}");
    }
}

#[tokio::test]
async fn npm_accepts_a_bump_that_adds_and_removes_packages() {
    let manifest = json!({ "name": "shop", "version": "1.0.0", "dependencies": { "tar": "2.2.1" } });
    for version in [1, 2, 3] {
        let shop = Shop::new(version, manifest.clone(), json!({})).loose().with_resolved();
        let Some(healed) = shop.heal("bump").await else { return };
        healed.expect_updated("node_modules/tar", "2.2.1");
        let [before, after] = healed.versions("node_modules/fstream");
        assert!(before.is_some() && after.is_none(), "{after:?}");
        let [before, after] = healed.versions("node_modules/minipass");
        assert!(before.is_none() && after.is_some(), "{before:?}");
    }
}
