//! `suture setup`: what Suture needs outside, made.

mod app;
pub mod arguments;
mod manifest;
mod page;
mod webhook;

use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on};
use agents::environment::settings;
use arguments::{Setup, SetupCommand};
use std::path::Path;

/// Sets up what is asked for.
pub fn run(arguments: &Setup, terminal: &Terminal) -> Result<Outcome, Failure> {
    let SetupCommand::Github(github) = &arguments.command;
    let variables = settings::variables();
    match &github.repository {
        Some(repository) => block_on(webhook::run(github, repository, variables, terminal))?,
        None => block_on(app::run(github, &variables, terminal))?,
    }
    Ok(Outcome::Clean)
}

/// Says what to do with the settings in `file`.
fn tell_what_follows(file: &Path, terminal: &Terminal) {
    let file = file.display();
    terminal.note(&format!("the settings are in {file}; whoever can read it can act as Suture"));
    terminal.note("in Azure, with the names of your function app and its group:");
    terminal
        .note(&format!("  az functionapp config appsettings set --name APP --resource-group GROUP --settings @{file}"));
    terminal.note(
        "better: put the key and the secret in a Key Vault, and set @Microsoft.KeyVault(SecretUri=…) in their place",
    );
    terminal.note(&format!("then see whether all is well: suture doctor --settings {file}"));
}
