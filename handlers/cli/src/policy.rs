//! `suture policy`: checks policies, explains them, and tells editors what they may hold.

use crate::arguments::{Format, PolicyCommand};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, present};
use agents::environment::open;
use pipeline::policy;
use pipeline::repository_config::RepositoryConfig;
use pipeline::wording::plain;
use std::path::{Path, PathBuf};

/// Does what is asked for.
pub fn run(command: &PolicyCommand, terminal: &Terminal) -> Result<Outcome, Failure> {
    match command {
        PolicyCommand::Check { files } => check(files, terminal),
        PolicyCommand::Explain { policy, config, format } => {
            explain(policy.as_deref(), config.as_deref(), *format, terminal)
        }
        PolicyCommand::Schema => {
            terminal.document(&present::json(&policy::schema())?);
            Ok(Outcome::Clean)
        }
    }
}

/// Reads every file, and tells what is wrong with each.
fn check(files: &[PathBuf], terminal: &Terminal) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Clean;
    for file in files {
        let name = file.display().to_string();
        let checked = match is_config(file) {
            true => config(file).map(|config| format!("policies made stricter: {}", config.policies.len())),
            false => policies(file).map(|policies| match policies.len() {
                1 => "1 policy".to_owned(),
                number => format!("{number} policies"),
            }),
        };
        match checked {
            Ok(said) => terminal.result(&format!("{}: fine, {said}\n", plain(&name))),
            Err(Failure(error)) => {
                outcome = Outcome::Left;
                terminal.result(&format!("{}\n", plain(&error)));
            }
        }
    }
    Ok(outcome)
}

/// Whether `file` is a repository's own settings.
fn is_config(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == pipeline::repository_config::PATH)
}

fn policies(file: &Path) -> Result<Vec<policy::Policy>, Failure> {
    policy::parse(&file.display().to_string(), &open::text(file)?).map_err(Failure::new)
}

fn config(file: &Path) -> Result<RepositoryConfig, Failure> {
    RepositoryConfig::parse(&file.display().to_string(), &open::text(file)?).map_err(Failure::new)
}

/// Tells what holds: the policies of `file` and the built-in ones, as strict as `settings` asks for.
fn explain(
    file: Option<&Path>,
    settings: Option<&Path>,
    format: Format,
    terminal: &Terminal,
) -> Result<Outcome, Failure> {
    let settings = settings.map(config).transpose()?.unwrap_or_default();
    let policies = open::policies(file)?;
    let policies: Vec<policy::Policy> = policies.iter().map(|policy| settings.tightened(policy)).collect();
    match format {
        Format::Json => terminal.document(&present::json(
            &serde_json::json!({ "schema": "suture.policies/1", "mode": settings.mode, "policies": policies }),
        )?),
        Format::Table => terminal.result(&present::policies(&policies, settings.mode, terminal.columns())),
    }
    Ok(Outcome::Clean)
}
