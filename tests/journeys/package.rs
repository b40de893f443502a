//! A function app is packaged from the real `functions/`, and what comes of it runs.

use crate::world::program::{User, command, ran, run};
use local_host::app::App;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A program for this machine that is there everywhere, and smaller than a handler.
const SMALL_PROGRAM: &str = "/bin/true";

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Folders and files that make an app, in a project of their own.
fn project(user: &User) -> PathBuf {
    let project = user.home().join("project");
    let functions = project.join("functions");
    fs::create_dir_all(&functions).unwrap();
    for name in ["host.json", "functions/apps.json", ".funcignore"] {
        fs::copy(workspace().join(name), project.join(name)).unwrap();
    }
    for entry in fs::read_dir(workspace().join("functions")).unwrap() {
        let from = entry.unwrap().path();
        if from.is_dir() {
            let into = functions.join(from.file_name().unwrap());
            fs::create_dir(&into).unwrap();
            fs::copy(from.join("function.json"), into.join("function.json")).unwrap();
        }
    }
    project
}

fn package<'a>(project: &'a Path, output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["package", "--app", "agents", "--output", output, "--for-this-machine", "--project"];
    [&fixed[..], &[project.to_str().unwrap()], more].concat()
}

fn small<'a>(project: &'a Path, output: &'a str) -> Vec<&'a str> {
    package(project, output, &["--format", "json", "--handler", SMALL_PROGRAM])
}

/// The functions of the app, as the project says.
fn functions() -> Value {
    let apps: Value =
        serde_json::from_str(&fs::read_to_string(workspace().join("functions/apps.json")).unwrap()).unwrap();
    apps["agents"].clone()
}

#[test]
fn same_input_gives_the_same_bytes() {
    let user = User::new();
    let project = project(&user);
    fs::write(project.join("functions/scan/local.settings.json"), "{\"Values\":{\"KEY\":\"secret\"}}").unwrap();
    fs::write(project.join("functions/scan/notes.md"), "for nobody but us").unwrap();
    fs::create_dir(project.join("functions/scan/.git")).unwrap();
    fs::write(project.join("functions/scan/.git/config"), "").unwrap();
    fs::write(project.join("functions/scan/extra.txt"), "belongs to it").unwrap();
    let made = user.suture(&small(&project, "first")).json(0);
    assert_eq!((&made["functions"], &made["format"]), (&functions(), &json!("suture.package/1")));
    // Times and places of the files are others; their bytes are not.
    fs::write(project.join("functions/scan/extra.txt"), "belongs to it").unwrap();
    user.suture(&small(&project, "second")).expect(0);
    for name in ["agents.zip", "agents.cdx.json"] {
        let read = |output: &str| fs::read(user.home().join(output).join(name)).unwrap();
        assert_eq!(read("first"), read("second"), "{name}");
    }

    let file = File::open(user.home().join("first/agents.zip")).unwrap();
    assert_eq!(made["zip_bytes"], file.metadata().unwrap().len());
    let mut zip = zip::ZipArchive::new(file).unwrap();
    let mut names = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mode = if name == "handler" { 0o100_755 } else { 0o100_644 };
        assert_eq!(entry.unix_mode(), Some(mode), "{name}");
        assert_eq!(entry.last_modified(), Some(zip::DateTime::DEFAULT));
        names.push(name);
    }
    assert!(names.is_sorted());
    let mut expect: Vec<_> = functions()
        .as_array()
        .unwrap()
        .iter()
        .map(|name| format!("{}/function.json", name.as_str().unwrap()))
        .collect();
    expect.extend(["handler", "host.json", "scan/extra.txt"].map(str::to_owned));
    expect.sort();
    assert_eq!(names, expect);
}

#[test]
fn the_staged_app_is_what_the_host_reads_and_takes_the_place_of_an_older_one() {
    let user = User::new();
    let project = project(&user);
    fs::create_dir_all(user.home().join("out/agents/old-function")).unwrap();
    fs::write(user.home().join("out/agents/old-function/function.json"), "{}").unwrap();
    user.suture(&small(&project, "out")).expect(0);
    let root = user.home().join("out/agents");
    let app = App::read(&root).unwrap();
    assert_eq!(app.name, "agents");
    assert_eq!(json!(app.functions.iter().map(|function| &function.name).collect::<Vec<_>>()), functions());
    assert_eq!(app.host.description.executable, root.join("handler"));
    assert_eq!(command(&root.join("handler"), &root).status().unwrap().code(), Some(0));
    let mut left: Vec<_> =
        fs::read_dir(user.home().join("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["agents", "agents.cdx.json", "agents.zip"]);
}

/// Paths of the files and folders below `folder`.
fn tree(folder: &Path, below: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.push(format!("{name}/"));
            tree(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}

#[test]
fn folder_and_zip_are_the_same_and_no_secret_is_in_them_whatever_is_ignored() {
    let user = User::new();
    let project = project(&user);
    fs::write(project.join(".funcignore"), "notes/\nscan/kept/*.md\n!.env*\n!local.settings.json\n").unwrap();
    let scan = project.join("functions/scan");
    for folder in ["notes", "kept", "bare", "deep/notes"] {
        fs::create_dir_all(scan.join(folder)).unwrap();
    }
    for path in
        ["notes/a.txt", "kept/a.md", "deep/notes/a", "deep/b.txt", ".env", ".ENV.production", "local.settings.json"]
    {
        fs::write(scan.join(path), "a secret").unwrap();
    }
    // What a run that was killed left.
    let staged = user.home().join("out/.staging-abc123");
    fs::create_dir_all(&staged).unwrap();
    fs::write(staged.join("host.json"), "{}").unwrap();
    user.suture(&small(&project, "out")).expect(0);
    let mut found = Vec::new();
    tree(&user.home().join("out/agents"), "", &mut found);
    let mut files: Vec<String> = found.iter().filter(|name| !name.ends_with('/')).cloned().collect();
    files.sort();
    let zip = zip::ZipArchive::new(File::open(user.home().join("out/agents.zip")).unwrap()).unwrap();
    assert_eq!(zip.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>(), files);
    let of_scan: Vec<&String> = files.iter().filter(|name| name.starts_with("scan/")).collect();
    assert_eq!(of_scan, ["scan/deep/b.txt", "scan/function.json"]);
    for folder in found.iter().filter(|name| name.ends_with('/')) {
        assert!(files.iter().any(|name| name.starts_with(folder.as_str())), "{folder} has no file");
    }
    assert!(!staged.exists());
}

#[test]
fn what_the_host_would_refuse_is_refused_and_the_older_app_stays() {
    let user = User::new();
    let project = project(&user);
    user.suture(&small(&project, "out")).expect(0);
    let zip = fs::read(user.home().join("out/agents.zip")).unwrap();
    let refused = |arguments: &[&str], expect: &[&str]| {
        let ran = user.suture(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
        for words in expect {
            assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
        }
        assert_eq!(fs::read(user.home().join("out/agents.zip")).unwrap(), zip);
        assert_eq!(fs::read_dir(user.home().join("out")).unwrap().count(), 3);
        assert!(user.home().join("out/agents/handler").is_file());
    };

    let scan = project.join("functions/scan/function.json");
    let written = fs::read_to_string(&scan).unwrap();
    fs::write(
        &scan,
        written.replace("\"dataType\": \"binary\"", "\"dataType\": \"json\"").replace("\"events\"", "\"my_events\""),
    )
    .unwrap();
    fs::write(project.join("host.json"), "{}").unwrap();
    refused(
        &small(&project, "out"),
        &[
            "scan/function.json at bindings[0].dataType: \"json\" is no type of data. Write \"binary\" or \"string\".",
            "scan/function.json at bindings[5].name: \"my_events\" is no name of a binding",
            "host.json: has no version",
            "host.json: has no customHandler",
        ],
    );
    fs::write(&scan, written).unwrap();
    let host_json = fs::read_to_string(workspace().join("host.json")).unwrap();
    fs::write(project.join("host.json"), host_json.replace("\"handler\"", "\"other\"")).unwrap();
    refused(&small(&project, "out"), &["defaultExecutablePath: starts other, but the app has its program as handler"]);
    fs::write(project.join("host.json"), host_json).unwrap();

    fs::rename(project.join("functions/scan"), project.join("functions/scam")).unwrap();
    refused(&small(&project, "out"), &["scan of agents has no folder with a function.json; scam is in no app"]);
    fs::rename(project.join("functions/scam"), project.join("functions/scan")).unwrap();

    let script = project.join("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    refused(
        &package(&project, "out", &["--handler", script.to_str().unwrap()]),
        &["script: is no ELF file of 64 bits, as Linux runs it"],
    );
    let other = ["package", "--app", "other", "--project", project.to_str().unwrap(), "--output", "out"];
    refused(&other, &["there is no app other: ", " has agents"]);
    let nowhere = ["package", "--app", "agents", "--project", "nowhere", "--output", "out"];
    refused(&nowhere, &["nowhere/functions/apps.json: ", "or name it by --project"]);
}

#[test]
fn without_a_handler_the_command_that_builds_one_is_told() {
    let user = User::new();
    let suture = user.home().join("suture");
    fs::copy(crate::world::program::binary(), &suture).unwrap();
    let arguments = ["package", "--app", "agents", "--project", workspace().to_str().unwrap()];
    let told = ran(command(&suture, user.home()).args(arguments).output().unwrap());
    assert_eq!(told.code, Some(2));
    assert!(
        told.stderr.contains(&format!("there is no handler at {}", user.home().join("handler").display())),
        "{}",
        told.stderr
    );
    assert!(
        told.stderr.contains("cargo zigbuild --release --target x86_64-unknown-linux-gnu.2.28 -p custom-handler"),
        "{}",
        told.stderr
    );
    assert!(!user.home().join("target").exists());
}

/// Where the loader looks on this machine.
fn library(name: &str) -> PathBuf {
    if name.starts_with('/') {
        return PathBuf::from(name);
    }
    let folders = ["/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib", "/lib"];
    let places = folders.iter().map(|folder| Path::new(folder).join(name));
    places.into_iter().find(|place| place.exists()).unwrap_or_else(|| panic!("{name} is nowhere"))
}

/// How a program gets a root of its own here, if that can be had.
fn change_root() -> Option<Vec<&'static str>> {
    let is_root = run("id", &["-u"], Path::new("/")).stdout.trim() == "0";
    if is_root {
        return Some(vec!["chroot"]);
    }
    let unshare = command(Path::new("unshare"), Path::new("/")).args(["--user", "--map-root-user", "true"]).output();
    unshare
        .is_ok_and(|output| ran(output).code == Some(0))
        .then(|| vec!["unshare", "--user", "--map-root-user", "chroot"])
}

#[tokio::test]
async fn the_package_in_a_root_with_nothing_but_what_it_claims_to_need_starts_and_answers() {
    let Some(change_root) = change_root() else {
        eprintln!("the package in a root of its own: skipped, this user can't change the root");
        return;
    };
    let user = User::new();
    // The handler beside the program, which is the one of this build.
    let made = user.suture(&package(workspace(), "out", &["--format", "json"])).json(0);
    let root = user.home().join("root");
    let app = root.join("app");
    fs::create_dir_all(root.join("tmp")).unwrap();
    fs::rename(user.home().join("out/agents"), &app).unwrap();
    let needs = [&made["handler"]["loader"], &made["handler"]["libraries"]];
    let needs = needs.into_iter().flat_map(|need| need.as_array().cloned().unwrap_or_else(|| vec![need.clone()]));
    for need in needs.filter_map(|need| need.as_str().map(library)) {
        let into = root.join(need.strip_prefix("/").unwrap());
        fs::create_dir_all(into.parent().unwrap()).unwrap();
        fs::copy(&need, &into).unwrap();
    }

    let port = crate::world::handler::free_port().to_string();
    let mut start = command(Path::new(change_root[0]), user.home());
    start.args(&change_root[1..]).arg(&root).arg("/app/handler").env_clear();
    start
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("SUTURE_STORE", "memory")
        .env("SUTURE_ADVISORIES", "starter");
    start.env("FUNCTIONS_CUSTOMHANDLER_PORT", &port).stdout(std::process::Stdio::null());
    let mut child = Killed(start.spawn().unwrap());
    let address = format!("http://127.0.0.1:{port}");
    for _ in 0..1_200 {
        if reqwest::get(&address).await.is_ok() {
            break;
        }
        assert_eq!(child.0.try_wait().unwrap(), None, "it ended");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let call = json!({ "Data": { "req": { "Url": "http://localhost/api/health", "Method": "GET", "Query": {}, "Headers": {} } }, "Metadata": {} });
    let answer = reqwest::Client::new().post(format!("{address}/health")).json(&call).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["Outputs"]["res"]["statusCode"], 200, "{answer}");
    assert_eq!(answer["Outputs"]["res"]["body"]["functions"], functions());
}

struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
