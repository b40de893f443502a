//! `suture package`: a function app as Azure runs it, in a folder and in a zip, checked before anybody deploys it.

mod apps;
mod archive;
mod bill;
mod elf;
mod ignore;
mod leftovers;
mod lockfile;
mod stage;

use crate::arguments::{Format, Package};
use crate::terminal::{Progress, Terminal};
use crate::{Failure, Outcome};
use elf::Needs;
use ignore::Rules;
use serde::Serialize;
use stage::{HANDLER, Staged};
use std::fs;
use std::path::{Path, PathBuf};

/// What was made.
#[derive(Debug, Serialize)]
struct Made<'a> {
    format: &'static str,
    app: &'a str,
    functions: &'a [String],
    folder: &'a Path,
    zip: &'a Path,
    zip_bytes: u64,
    bill: &'a Path,
    bill_packages: usize,
    handler: &'a Needs,
}

/// Stages the app, zips it and writes its bill; all or nothing of each.
pub fn run(arguments: &Package, terminal: &Terminal) -> Result<Outcome, Failure> {
    let progress = terminal.progress();
    let functions = apps::functions(&arguments.project.join("functions"), &arguments.app)?;
    progress.stage("Checking the handler", "");
    let (handler, needs) = handler(arguments, terminal)?;
    let output = &arguments.output;
    fs::create_dir_all(output).map_err(|error| Failure(format!("{}: {error}", output.display())))?;

    let _at_work = leftovers::clear(output);
    progress.stage("Staging the app", "");
    let rules = rules(&arguments.project)?;
    let staged = stage::stage(&arguments.project, &functions, &handler, output, &rules)?;
    drop(handler);
    check(&staged, &functions, terminal)?;

    let place = |ending: &str| output.join(format!("{}{ending}", arguments.app));
    let (folder, zip, bill) = (place(""), place(".zip"), place(".cdx.json"));
    let (text, bill_packages) = bill::write(&arguments.app).map_err(Failure)?;
    warn_of_another_lockfile(&arguments.project, terminal);
    let zip_bytes = put(staged, &progress, [&folder, &zip, &bill], &text)?;
    drop(progress);
    let made = Made {
        format: "suture.package/1",
        app: &arguments.app,
        functions: &functions,
        folder: &folder,
        zip: &zip,
        zip_bytes,
        bill: &bill,
        bill_packages,
        handler: &needs,
    };
    tell(&made, arguments.format, terminal)?;
    Ok(Outcome::Clean)
}

/// Writes zip and bill beside the staged app, then puts all three at their places; the zip's length.
fn put(staged: Staged, progress: &Progress, [folder, zip, bill]: [&Path; 3], bill_text: &str) -> Result<u64, Failure> {
    let output = folder.parent().unwrap_or(Path::new("."));
    let temporary = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix(leftovers::PREFIX);
        // Others read what is made here: a temporary file would be for its owner alone.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        builder.tempfile_in(output).map_err(|error| Failure(format!("{}: {error}", output.display())))
    };
    progress.stage("Packing the zip", "");
    let mut packed = temporary()?;
    archive::write(&staged, packed.as_file_mut())?;
    let bytes = packed.as_file().metadata().map_err(Failure::new)?.len();
    let written = temporary()?;
    fs::write(written.path(), bill_text).map_err(|error| Failure(format!("{}: {error}", bill.display())))?;

    staged.put(folder)?;
    packed.persist(zip).map_err(|error| Failure(format!("{}: {error}", zip.display())))?;
    written.persist(bill).map_err(|error| Failure(format!("{}: {error}", bill.display())))?;
    Ok(bytes)
}

fn tell(made: &Made<'_>, format: Format, terminal: &Terminal) -> Result<(), Failure> {
    match format {
        Format::Json => terminal.document(&serde_json::to_string_pretty(made).map_err(Failure::new)?),
        Format::Table => terminal.result(&format!(
            "{} with {} functions: {}\nfolder   {}\nzip      {} ({} KiB)\nbill     {} ({} packages)\nhandler  {}",
            made.app,
            made.functions.len(),
            made.functions.join(", "),
            made.folder.display(),
            made.zip.display(),
            made.zip_bytes.div_ceil(1024),
            made.bill.display(),
            made.bill_packages,
            made.handler,
        )),
    }
    Ok(())
}

/// The program, and what it needs.
fn handler(arguments: &Package, terminal: &Terminal) -> Result<(Vec<u8>, Needs), Failure> {
    let path = match &arguments.handler {
        Some(path) => path.clone(),
        None => beside_this_program(&arguments.app)?,
    };
    let program = fs::read(&path).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    let needs = Needs::of(&program).map_err(|problem| Failure(format!("{}: {problem}", path.display())))?;
    let faults = needs.faults();
    if faults.is_empty() {
        return Ok((program, needs));
    }
    let faults = faults.join("; ");
    if arguments.for_this_machine {
        terminal.warning(&format!("{}: would not start in Azure: {faults}", path.display()));
        return Ok((program, needs));
    }
    Err(Failure(format!(
        "{}: would not start in Azure: {faults}. Build it for older systems:\n{}\nor package it for this machine alone: \
         --for-this-machine",
        path.display(),
        build(&arguments.app)
    )))
}

/// How a handler for Azure is built and packaged.
fn build(app: &str) -> String {
    format!(
        "  pip install ziglang cargo-zigbuild\n  \
           cargo zigbuild --release --target x86_64-unknown-linux-gnu.2.28 -p custom-handler\n  \
           suture package --app {app} --handler target/x86_64-unknown-linux-gnu/release/handler"
    )
}

fn beside_this_program(app: &str) -> Result<PathBuf, Failure> {
    let this = std::env::current_exe().map_err(Failure::new)?;
    let path = this.with_file_name(HANDLER);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure(format!(
        "there is no handler at {}. Build one, and name it by --handler:\n{}",
        path.display(),
        build(app)
    )))
}

fn rules(project: &Path) -> Result<Rules, Failure> {
    let file = project.join(".funcignore");
    match fs::read_to_string(&file) {
        Ok(text) => Rules::read(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Rules::default()),
        Err(error) => Err(Failure(format!("{}: {error}", file.display()))),
    }
}

/// Reads the staged app as the functions host will.
fn check(staged: &Staged, functions: &[String], terminal: &Terminal) -> Result<(), Failure> {
    let root = staged.folder.path();
    let checked = local_host::app::check(root)
        .map_err(|faults| Failure(format!("the functions host would not take this app:\n{faults}")))?;
    for warning in &checked.warnings {
        terminal.warning(&warning.to_string());
    }
    if checked.functions != functions {
        let found = checked.functions.join(", ");
        return Err(Failure(format!("the functions host would find {found} instead of {}", functions.join(", "))));
    }
    if checked.executable != root.join(HANDLER) {
        return Err(Failure(format!(
            "host.json at customHandler.description.defaultExecutablePath: starts {}, but the app has its program as {HANDLER}. Write \
             \"{HANDLER}\"",
            checked.executable.display()
        )));
    }
    Ok(())
}

fn warn_of_another_lockfile(project: &Path, terminal: &Terminal) {
    if fs::read_to_string(project.join("Cargo.lock")).is_ok_and(|lockfile| !bill::is_of(&lockfile)) {
        terminal.warning(
            "the project's Cargo.lock is not the one that this suture was built with: the bill tells of the handler that was built with \
             suture",
        );
    }
}
