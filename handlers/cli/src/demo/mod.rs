//! `suture demo`: a vulnerable repository, and recorded registries to heal it with.

pub mod registry;
pub mod repository;

use crate::arguments::Demo;
use crate::terminal::{Terminal, coloured};
use crate::{Failure, Outcome, block_on, heal, open, present};
use agents::environment::git::LocalRepository;
use agents::environment::{Environment, effects::Effects};
use agents::examine::examine;
use pipeline::payload::Mode;
use pipeline::wording::plain;
use registry::RecordedRegistry;
use std::path::{Path, PathBuf};

/// Lines of a diff that are shown; the rest is counted.
const DIFF_LINES_MAX: usize = 60;

/// Makes the repository where it is not there yet, heals it, and tells what to try next.
pub fn run(arguments: &Demo, terminal: &Terminal) -> Result<Outcome, Failure> {
    let folder = match &arguments.dir {
        Some(folder) => folder.clone(),
        None => new_folder()?,
    };
    let repository = prepare(&folder)?;
    terminal.explain(&format!("the repository is in {}\n", plain(&folder.display().to_string())));
    heal::warn(&repository, &folder, terminal)?;
    block_on(heal_before_your_eyes(repository, terminal))?;
    terminal.explain(&next(&folder));
    Ok(Outcome::Clean)
}

fn new_folder() -> Result<PathBuf, Failure> {
    // It is kept: one is to look into it.
    Ok(tempfile::Builder::new().prefix("suture-demo-").tempdir().map_err(Failure::new)?.keep())
}

fn prepare(folder: &Path) -> Result<LocalRepository, Failure> {
    let failure = |error: std::io::Error| Failure(format!("{}: {error}", folder.display()));
    let is_new = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(failure(error)),
    };
    if is_new {
        repository::write_to(folder).map_err(failure)?;
        let now = agents::environment::clock::Clock::System.now();
        return LocalRepository::begin(folder, "A repository with old dependencies", now, Effects::default())
            .map_err(Failure::new);
    }
    let foreign =
        || Failure(format!("{} holds something else; name a folder that is empty or not there yet", folder.display()));
    let repository = LocalRepository::discover(folder, Effects::default()).map_err(|_| foreign())?;
    // A folder inside of some other repository must not have that one healed.
    let is_its_own = repository.place_of(folder) == Path::new("");
    if !is_its_own || !folder.join("api/package-lock.json").is_file() {
        return Err(foreign());
    }
    Ok(repository)
}

async fn heal_before_your_eyes(repository: LocalRepository, terminal: &Terminal) -> Result<(), Failure> {
    let registry = RecordedRegistry::start().await.map_err(Failure::new)?;
    let env = open::demo(repository, &registry.npm(), &registry.pip_index())?;
    show_findings(&env, terminal).await?;
    let healed = heal::heal(&env, Mode::Heal, terminal.progress()).await?;
    for (case, diff) in &healed.cases {
        terminal.result(&format!("\n{}", present::case_in_full(case, terminal.columns())));
        if let Some(diff) = diff {
            terminal.result(&beginning(diff, terminal.columns()));
        }
    }
    if !healed.cases.is_empty() {
        terminal.result(&format!("\n{}", present::case_summary(healed.cases.iter().map(|(case, _)| case))));
    }
    healed.outcome(true).map(|_| ())
}

async fn show_findings(env: &Environment, terminal: &Terminal) -> Result<(), Failure> {
    let [repository] = env.repositories.as_slice() else { return Err(Failure("there is no repository".to_owned())) };
    let head = repository.head().map_err(Failure::new)?;
    let tree = repository.tree(&head.commit, &env.tree_limits).map_err(Failure::new)?;
    let mut examination = examine(env, &tree).await.map_err(Failure::new)?;
    // That the demo knows the bundled advisories only is its purpose, not news.
    examination.errors.retain(|error| !error.path.is_empty());
    terminal.result(&present::scan_table("what is wrong", &examination, terminal.columns()));
    Ok(())
}

fn beginning(diff: &str, columns: Option<u16>) -> String {
    let width = columns.map_or(usize::MAX, |columns| usize::from(columns).saturating_sub(5));
    let lines: Vec<&str> = diff.lines().collect();
    let mut text = String::new();
    for line in lines.iter().take(DIFF_LINES_MAX) {
        let clipped = match line.char_indices().nth(width) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => (*line).to_owned(),
        };
        text.push_str(&format!("    {}", coloured(&clipped)));
    }
    if lines.len() > DIFF_LINES_MAX {
        text.push_str(&format!("    … and {} more lines\n", lines.len() - DIFF_LINES_MAX));
    }
    text
}

fn next(folder: &Path) -> String {
    let folder = plain(&folder.display().to_string()).into_owned();
    let folder = if folder.contains(' ') { format!("'{folder}'") } else { folder };
    format!(
        "\nNothing outside of {folder} was touched; its work tree neither. Try next:\n  \
         git -C {folder} log --all --oneline        the fixes, one commit each\n  \
         git -C {folder} merge suture/<case>        take one\n  \
         suture demo --dir {folder}                 again: nothing new\n\
         Or change a version in a lockfile there, commit it, and run the last command:\n\
         the patch changes."
    )
}
