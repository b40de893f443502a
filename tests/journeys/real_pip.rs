//! What we write into requirements files, before the eyes of the real pip and its index.

use crate::world::program::{Program, Ran, skip};
use crate::world::real::{Addresses, environment, heal, pip_index};
use crate::world::repository::GitRepository;
use agents::environment::advisories::AdvisorySource;
use pipeline::case::{Case, Status};
use std::path::Path;

/// Breaking changes may be healed too.
const BREAKING: &str = r#"
policies:
  - name: "breaking"
    event_type: "vulnerability.dependency"
    auto_heal_severities: ["unknown", "low", "medium", "high", "critical"]
    confidence_threshold: 0.8
    actions:
      - type: "update_dependency"
      - type: "create_pr"
"#;

fn pip(folder: &Path, arguments: &[&str]) -> Ran {
    let all = ["-m", "pip"].iter().chain(arguments).chain(&["--disable-pip-version-check"]);
    Program::new("python3", folder).run(all).expect("pip answered before")
}

fn accepted(folder: &Path, with_hashes: bool) {
    let hashes: &[&str] = if with_hashes { &["--require-hashes"] } else { &[] };
    let arguments = ["install", "--dry-run", "--ignore-installed", "--only-binary=:all:", "-r", "requirements.txt"];
    pip(folder, &[&arguments, hashes].concat()).expect(0);
}

/// `name==version` with the hash of what pip downloads for it.
fn with_hash(folder: &Path, pin: &str) -> String {
    let (name, version) = pin.split_once("==").unwrap();
    let wheels = format!("wheels/{name}");
    pip(folder, &["download", "--no-deps", "--only-binary=:all:", "--dest", &wheels, pin]).expect(0);
    let wheel = std::fs::read_dir(folder.join(&wheels)).unwrap().next().unwrap().unwrap();
    let told = pip(folder, &["hash", wheel.path().to_str().unwrap()]).expect(0).to_owned();
    let hash = told.lines().find_map(|line| line.trim().strip_prefix("--hash=")).unwrap().to_owned();
    format!("{name}=={version} \\\n    --hash={hash}\n")
}

struct Healed {
    case: Case,
    text: String,
}

impl Healed {
    fn version(&self, name: &str) -> Option<&str> {
        let line = self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("=="))?;
        Some(line.split([' ', ';', '\\']).next().unwrap_or_default())
    }

    #[track_caller]
    fn expect_updated(&self, name: &str, from: &str) {
        let version = self.version(name);
        assert!(version.is_some_and(|version| version != from), "{name} stays at {version:?}: {:#?}", self.case);
    }
}

/// Heals `files`, which pip accepts, and holds what came out against pip.
async fn healed(folder: &Path, index: String, files: &[(&str, &str)], policies: Option<&str>) -> Healed {
    let with_hashes = files[0].1.contains("--hash");
    let repository = GitRepository::with_files(&folder.join("repository"), files);
    accepted(repository.folder(), with_hashes);
    let addresses = Addresses { pip: Some(index), ..Addresses::default() };
    let env = environment(&repository, &addresses, AdvisorySource::Starter, policies);
    let mut cases = heal(&env).await;
    assert_eq!(cases.len(), 1, "{cases:#?}");
    let case = cases.remove(0);
    assert!(matches!(case.status, Status::Completed | Status::Proposed), "{case:#?}");
    assert!(case.steps.iter().all(|step| step.ok), "{case:#?}");
    let out = folder.join("healed");
    repository.export(&case.case.branch(), &out);
    accepted(&out, with_hashes);
    Healed { case, text: std::fs::read_to_string(out.join("requirements.txt")).unwrap() }
}

#[tokio::test]
async fn pip_accepts_healed_pins_with_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(index) = pip_index(folder.path()) else {
        return skip("pins with hashes", "pip is not installed, or its index does not answer");
    };
    let pins = ["certifi==2018.11.29", "chardet==3.0.4", "idna==2.7", "requests==2.19.1", "urllib3==1.23"];
    let text: String = pins.iter().map(|pin| with_hash(folder.path(), pin)).collect();
    let text = format!("# What the shop speaks HTTP with.\n{text}");
    let healed = healed(folder.path(), index, &[("requirements.txt", &text)], Some(BREAKING)).await;
    healed.expect_updated("certifi", "2018.11.29");
    healed.expect_updated("requests", "2.19.1");
    healed.expect_updated("urllib3", "1.23");
    assert!(healed.text.starts_with("# What the shop speaks HTTP with.\n"), "{}", healed.text);
    let pins = healed.text.lines().filter(|line| line.contains("==")).count();
    assert!(healed.text.matches("--hash=sha256:").count() >= pins, "{}", healed.text);
}

#[tokio::test]
async fn pip_accepts_healed_pins_without_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(index) = pip_index(folder.path()) else {
        return skip("pins without hashes", "pip is not installed, or its index does not answer");
    };
    let text = "\
# The web.
django==2.2.1  # the last that the old server runs
jinja2==2.10
pytz==2019.1; python_version >= '3'
sqlparse==0.3.0

--only-binary :all:
-r tools.txt
";
    let tools = "idna==2.8\n";
    let healed = healed(folder.path(), index, &[("requirements.txt", text), ("tools.txt", tools)], None).await;
    healed.expect_updated("django", "2.2.1");
    let breaking = |name: &str| {
        healed.case.left.iter().any(|left| left.reason.starts_with(name) && left.reason.contains("breaking"))
    };
    assert!(breaking("jinja2"), "{:#?}", healed.case.left);
    assert_eq!(healed.version("pytz"), Some("2019.1"));
    for line in text.lines().filter(|line| !line.contains("==")) {
        assert!(healed.text.contains(line), "{line} is gone:\n{}", healed.text);
    }
    assert!(healed.text.contains("  # the last that the old server runs"), "{}", healed.text);
}
