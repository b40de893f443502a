//! `action.yml` and `.pre-commit-hooks.yaml`: valid, and their commands run for real.

use crate::journeys::command_line::{ADVISORY, shop};
use crate::world::osv::OsvApi;
use crate::world::program::{Program, Ran, binary, run, skip};
use crate::world::repository::GitRepository;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Judges actions by their published schema.
const VALIDATOR: [&str; 2] = ["@action-validator/core@0.6.0", "@action-validator/cli@0.6.0"];
/// Runs hooks.
const PRE_COMMIT: &str = "pre-commit==4.7.0";
/// Installing one of them may take this long.
const SETUP_S_MAX: u64 = 300;

#[derive(Deserialize)]
struct Action {
    inputs: BTreeMap<String, Input>,
    runs: Runs,
}

#[derive(Deserialize)]
struct Input {
    description: String,
    default: String,
}

#[derive(Deserialize)]
struct Runs {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    run: String,
}

#[derive(Deserialize)]
struct Hook {
    id: String,
    entry: String,
    language: String,
    files: String,
    pass_filenames: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

fn action() -> Action {
    serde_saphyr::from_str(&text("action.yml")).unwrap()
}

/// A repository on a server, and a folder for what a job leaves.
struct Job {
    folder: tempfile::TempDir,
    server: GitRepository,
    osv: OsvApi,
}

/// What became of a step: how it ended, and what it said to the next ones.
struct Done {
    ran: Ran,
    outputs: String,
}

impl Job {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let osv = OsvApi::start().await;
        osv.advise(ADVISORY, "latch", "1.2.0", "HIGH", "it lets others in");
        osv.advise("GHSA-dddd-eeee-ffff", "lid", "2.0.0", "LOW", "it squeaks");
        let files = [("package.json", &*shop().manifest()), ("package-lock.json", &*shop().lockfile())];
        let server = GitRepository::with_files(&folder.path().join("server"), &files);
        git(server.folder(), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        Self { folder, server, osv }
    }

    /// Somebody offers a change that brings `lid` in; meanwhile `main` moves on. What GitHub makes of both is checked out as its
    /// action does it, one commit deep. Base of the change as the event has it.
    fn pull_request(&self, lockfile: &str) -> String {
        let server = self.server.folder();
        git(server, &["checkout", "--quiet", "-b", "change"]);
        self.server.commit("change", &[("package-lock.json", lockfile)]);
        git(server, &["checkout", "--quiet", "main"]);
        let base = self.server.commit("meanwhile", &[("README.md", "more")]);
        git(server, &["checkout", "--quiet", "-b", "merge"]);
        git(
            server,
            &[
                "-c",
                "user.name=S",
                "-c",
                "user.email=s@localhost",
                "merge",
                "--quiet",
                "--no-ff",
                "-m",
                "merge",
                "change",
            ],
        );
        git(server, &["update-ref", "refs/pull/1/merge", "HEAD"]);
        git(server, &["checkout", "--quiet", "main"]);
        base
    }

    fn check_out(&self, reference: &str, depth: u32) {
        let folder = self.folder.path().join("work");
        std::fs::create_dir(&folder).unwrap();
        git(&folder, &["init", "--quiet"]);
        let server = format!("file://{}", self.server.folder().display());
        git(&folder, &["remote", "add", "origin", &server]);
        git(&folder, &["fetch", "--quiet", &format!("--depth={depth}"), "origin", reference]);
        git(&folder, &["checkout", "--quiet", "FETCH_HEAD"]);
    }

    /// Runs the step `name` with `given` in the place of what GitHub fills in.
    fn run(&self, name: &str, given: &[(&str, &str)]) -> Done {
        let step = action().runs.steps.into_iter().find(|step| step.name == name).unwrap();
        let unknown: Vec<_> =
            given.iter().filter(|(name, _)| !name.starts_with("RUNNER") && !step.env.contains_key(*name)).collect();
        assert!(unknown.iter().all(|(name, _)| name.starts_with("GITHUB") || *name == "PATH"), "{unknown:?}");
        let folder = self.folder.path();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let bin = binary().parent().unwrap().display();
        let mut bash = Program::new("bash", &folder.join("work"))
            .with_nothing_else()
            .with("PATH", format!("{bin}:{}", env_path()))
            .with("HOME", path("home"))
            .with("SUTURE_OSV_API", &*self.osv.address)
            .with("RUNNER_TEMP", path(""))
            .with("GITHUB_OUTPUT", path("output"))
            .with("GITHUB_PATH", path("path"));
        for variable in step.env.keys().filter(|name| !given.iter().any(|(given, _)| given == name)) {
            bash = bash.with(variable, "");
        }
        for (variable, value) in given {
            bash = bash.with(variable, *value);
        }
        let ran = bash.run(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", &step.run]).unwrap();
        Done { ran, outputs: std::fs::read_to_string(folder.join("output")).unwrap_or_default() }
    }

    fn scan(&self, given: &[(&str, &str)]) -> Done {
        self.run("Scan", &[&[("SCAN_PATH", "."), ("FAIL_ON", "unknown")], given].concat())
    }

    /// Rules of the results in the SARIF file.
    fn rules(&self) -> Vec<String> {
        let sarif = std::fs::read_to_string(self.folder.path().join("suture.sarif")).unwrap();
        let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        results.iter().map(|result| result["ruleId"].as_str().unwrap().to_owned()).collect()
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    run("git", arguments, folder).expect(0);
}

fn env_path() -> String {
    agents::environment::settings::variables().remove("PATH").unwrap()
}

/// The shop with `lid` in it, which has a hole of its own.
fn worse() -> String {
    shop().needs("lid", "^1.0.0").locks("lid", "1.0.0", &[]).lockfile()
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_request_is_told_of_what_it_brings_in() {
    let job = Job::new().await;
    let base = job.pull_request(&worse());
    job.check_out("refs/pull/1/merge", 1);
    let done = job.scan(&[("BASE", &base)]);
    done.ran.expect(0);
    assert_eq!(job.rules(), ["GHSA-dddd-eeee-ffff"]);
    assert!(done.outputs.contains("findings=true") && done.outputs.contains("sarif="), "{}", done.outputs);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_request_that_brings_nothing_in_passes() {
    let job = Job::new().await;
    let base = job.pull_request(&shop().locks("lid", "2.0.0", &[]).lockfile());
    job.check_out("refs/pull/1/merge", 1);
    let done = job.scan(&[("BASE", &base)]);
    done.ran.expect(0);
    assert_eq!(job.rules(), Vec::<String>::new());
    assert!(done.outputs.contains("findings=false"), "{}", done.outputs);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_of_the_change_is_held_against_where_it_began() {
    let job = Job::new().await;
    let base = job.pull_request(&worse());
    // Since it began, `main` lost the old hole: that is not the doing of the change.
    let mended = shop().locks("latch", "1.2.0", &[]).lockfile();
    let moved = job.server.commit("mend", &[("package-lock.json", &mended)]);
    assert_ne!(base, moved);
    job.check_out("change", 1);
    job.scan(&[("BASE", &moved)]).ran.expect(0);
    assert_eq!(job.rules(), ["GHSA-dddd-eeee-ffff"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn push_is_told_of_everything() {
    let job = Job::new().await;
    job.check_out("main", 1);
    let done = job.scan(&[]);
    done.ran.expect(0);
    assert_eq!(job.rules(), [ADVISORY]);
    assert!(done.outputs.contains("findings=true"), "{}", done.outputs);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_severe_enough_counts() {
    let job = Job::new().await;
    job.check_out("main", 1);
    assert!(job.scan(&[("FAIL_ON", "critical")]).outputs.contains("findings=false"));
    let done = job.scan(&[("FAIL_ON", "worst")]);
    done.ran.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_asked_is_no_clean_scan() {
    let mut job = Job::new().await;
    job.osv.address = "http://127.0.0.1:9/".to_owned();
    job.check_out("main", 1);
    // `latch` is not in the starter set.
    let done = job.scan(&[]);
    done.ran.expect(2);
    assert!(done.outputs.contains("sarif=") && !done.outputs.contains("findings="), "{}", done.outputs);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_repository_ignores_is_not_shown() {
    let job = Job::new().await;
    if Program::new("jq", job.folder.path()).run(["--version"]).is_none() {
        return skip("what the repository ignores", "jq is not installed");
    }
    let ignore = format!("ignore:\n  - id: {ADVISORY}\n    reason: not reachable\n    expires: 2999-01-01\n");
    job.server.commit("ignore", &[(".suture.yml", &ignore)]);
    job.check_out("main", 1);
    job.scan(&[]).ran.expect(0);
    assert_eq!(job.rules(), Vec::<String>::new());
}

/// A `gh` that has the release `v9.9.9` of `octo/suture`, whose program says `version`.
fn release(job: &Job, checksum: Option<&str>) -> String {
    let folder = job.folder.path();
    let (bin, made) = (folder.join("bin"), folder.join("made"));
    [&bin, &made].into_iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
    let program = made.join("suture");
    std::fs::write(&program, "#!/bin/sh\necho suture 9.9.9\n").unwrap();
    run("chmod", &["+x", "suture"], &made).expect(0);
    run("tar", &["-czf", "suture-x86_64-unknown-linux-gnu.tar.gz", "suture"], &made).expect(0);
    let sums = run("sha256sum", &["suture-x86_64-unknown-linux-gnu.tar.gz"], &made).stdout;
    let sums = checksum.map_or(sums.clone(), |wrong| sums.replace(&sums[..64], wrong));
    std::fs::write(made.join("SHA256SUMS"), sums).unwrap();
    let gh = format!(
        "#!/bin/sh\necho \"$@\" >> '{0}/asked'\n[ \"$1 $2 $3\" = 'release download v9.9.9' ] || exit 1\ncp '{1}'/*.tar.gz '{1}/SHA256SUMS' .\n",
        folder.display(),
        made.display()
    );
    std::fs::write(bin.join("gh"), gh).unwrap();
    run("chmod", &["+x", "gh"], &bin).expect(0);
    format!("{}:{}", bin.display(), env_path())
}

fn install(job: &Job, path: &str, given: &[(&str, &str)]) -> Done {
    std::fs::create_dir_all(job.folder.path().join("work")).unwrap();
    let runner =
        [("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64"), ("GITHUB_SERVER_URL", "https://ghe.example"), ("PATH", path)];
    job.run("Install", &[&runner[..], given].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn release_of_the_action_s_own_ref_is_installed() {
    let job = Job::new().await;
    let path = release(&job, None);
    let done = install(&job, &path, &[("ACTION_REPOSITORY", "octo/suture"), ("ACTION_REF", "v9.9.9")]);
    assert!(done.ran.expect(0).contains("suture 9.9.9"));
    let asked = std::fs::read_to_string(job.folder.path().join("asked")).unwrap();
    assert!(asked.starts_with("release download v9.9.9 --repo ghe.example/octo/suture"), "{asked}");
    let added = std::fs::read_to_string(job.folder.path().join("path")).unwrap();
    assert!(Path::new(added.trim()).join("suture").is_file(), "{added}");
}

#[tokio::test(flavor = "multi_thread")]
async fn release_that_is_not_what_was_published_is_not_run() {
    let job = Job::new().await;
    let path = release(&job, Some(&"0".repeat(64)));
    let done = install(&job, &path, &[("ACTION_REPOSITORY", "octo/suture"), ("VERSION", "v9.9.9")]);
    assert!(!done.ran.is_ok() && !done.ran.stdout.contains("suture 9.9.9"), "{:?}", done.ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn install_says_what_is_missing() {
    let job = Job::new().await;
    let path = release(&job, None);
    let ran = install(&job, &path, &[("GITHUB_REPOSITORY", "octo/suture")]).ran;
    assert!(ran.expect(2).contains("::error::say which release"), "{}", ran.stdout);
    let ran = install(&job, &path, &[("RUNNER_OS", "Windows"), ("VERSION", "v9.9.9")]).ran;
    assert!(ran.expect(2).contains("no release of suture for Windows"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_holds_up_a_commit_that_brings_something_in() {
    let job = Job::new().await;
    let hooks: Vec<Hook> = serde_saphyr::from_str(&text(".pre-commit-hooks.yaml")).unwrap();
    let [hook] = &hooks[..] else { panic!("one hook") };
    assert_eq!((hook.id.as_str(), hook.language.as_str(), hook.pass_filenames), ("suture-scan", "system", false));
    let arguments: Vec<_> = hook.entry.split(' ').collect();
    let scan = || {
        let suture = Program::new(binary(), job.server.folder()).with("SUTURE_OSV_API", &*job.osv.address);
        suture.run(&arguments[1..]).unwrap()
    };
    assert_eq!(arguments[0], "suture");
    assert!(hook.files.contains("package-lock"));
    scan().expect(0);
    std::fs::write(job.server.folder().join("package-lock.json"), worse()).unwrap();
    assert!(scan().expect(1).contains("lid 1.0.0"));
}

/// The real pre-commit. `None`: it can't be had here.
fn pre_commit() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pre-commit");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("venv/bin/pre-commit");
    if program.is_file() && Program::new(&program, &folder).run(["--version"]).as_ref().is_some_and(Ran::is_ok) {
        return Some(program);
    }
    Program::new("python3", &folder).run(["-m", "venv", "--clear", "venv"]).filter(Ran::is_ok)?;
    let pip = Program::new(folder.join("venv/bin/python"), &folder).with_seconds_max(SETUP_S_MAX);
    let installed = pip.run(["-m", "pip", "install", "--quiet", "--retries=0", PRE_COMMIT])?;
    installed.is_ok().then_some(program)
}

#[test]
fn hook_is_valid_to_pre_commit_itself() {
    let Some(program) = pre_commit() else { return skip(".pre-commit-hooks.yaml", "pip can't install pre-commit") };
    let folder = tempfile::tempdir().unwrap();
    let judge = |file: &Path| {
        let file = file.to_str().unwrap();
        Program::new(&program, folder.path()).run(["validate-manifest", file]).unwrap()
    };
    judge(&root().join(".pre-commit-hooks.yaml")).expect(0);
    let broken = folder.path().join("hooks.yaml");
    std::fs::write(&broken, text(".pre-commit-hooks.yaml").replace("language: system", "language: suture")).unwrap();
    assert!(!judge(&broken).is_ok(), "pre-commit finds nothing wrong with anything");
}

#[test]
fn every_input_is_said_and_used() {
    let (action, text) = (action(), text("action.yml"));
    for (name, input) in &action.inputs {
        assert!(!input.description.is_empty(), "{name}");
        assert!(text.contains(&format!("inputs.{name}")), "{name} is not used; its default is {}", input.default);
    }
    // What comes from outside reaches a script as a variable, never as part of it.
    for step in &action.runs.steps {
        assert!(!step.run.contains("${{"), "{}", step.name);
    }
}

#[test]
fn action_is_valid() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("action-validator");
    std::fs::create_dir_all(&folder).unwrap();
    let npm = Program::new("npm", &folder).with_seconds_max(SETUP_S_MAX);
    let install = ["install", "--no-audit", "--no-fund", "--loglevel=error"].into_iter().chain(VALIDATOR);
    if !npm.run(install).as_ref().is_some_and(Ran::is_ok) {
        return skip("action.yml", "npm can't install its validator");
    }
    let judge = |file: &Path| {
        let script = folder.join("node_modules/@action-validator/cli/cli.mjs");
        Program::new("node", &folder).run([&script, file]).unwrap()
    };
    judge(&root().join("action.yml")).expect(0);
    let broken = folder.join("action.yml");
    std::fs::write(&broken, text("action.yml").replace("using: composite", "usin: composite")).unwrap();
    assert!(!judge(&broken).is_ok(), "the validator finds nothing wrong with anything");
}
