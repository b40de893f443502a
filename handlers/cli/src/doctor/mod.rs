//! `suture doctor`: what is right, what is wrong, and how to mend it. It reads the settings of the handler, and changes nothing.

mod app;
pub mod arguments;
mod hook;
mod identity;
mod installations;
mod places;
mod report;
mod token;

use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on};
use agents::environment::effects::Effects;
use agents::environment::github::{GitHub, GitHubError, GitHubSettings, Identity};
use agents::environment::settings::{self, Settings};
use agents::environment::{open, settings_file};
use arguments::Doctor;
use report::Report;
use std::collections::BTreeMap;

/// Looks at everything, and tells it.
pub fn run(arguments: &Doctor, terminal: &Terminal) -> Result<Outcome, Failure> {
    let mut variables = settings::variables();
    for file in &arguments.settings {
        variables.extend(settings_file::read(file)?);
    }
    let progress = terminal.progress();
    progress.stage("looking", "at settings, the store and GitHub");
    let report = block_on(async { Ok(examine(arguments, variables).await) })?;
    drop(progress);
    if arguments.json {
        terminal.document(&report.json()?);
    } else {
        terminal.result(&report.text());
    }
    report.outcome()
}

async fn examine(arguments: &Doctor, mut variables: BTreeMap<String, String>) -> Report {
    let mut report = Report::default();
    let read = |file: &str| open::text(file.as_ref()).map_err(|error| error.to_string());
    let taken = GitHubSettings::take(&mut variables, read);
    let files = places::Files::of(&variables);
    places::look(&Settings::of(variables), &files, &mut report).await;
    match taken {
        Err(errors) => errors.into_iter().for_each(|error| {
            report.wrong("settings", error, "docs/github.md lists the settings");
        }),
        Ok(None) => {
            let mend = "suture setup github --url https://APP/api/github/webhook --out FILE makes one";
            report.wrong("settings", "neither a GitHub App nor a token is set", mend);
        }
        Ok(Some(settings)) => github(arguments, settings, &mut report).await,
    }
    report
}

async fn github(arguments: &Doctor, settings: GitHubSettings, report: &mut Report) {
    let (is_app, host) = (matches!(settings.identity, Identity::App { .. }), settings.host.clone());
    let has_secret = !settings.secrets.0.is_empty();
    let github = match GitHub::new(settings, Effects::default()) {
        Ok(github) => github,
        Err(error) => return report.wrong("settings", error.to_string(), "docs/github.md lists the settings"),
    };
    let kind = if is_app { "an App" } else { "a token" };
    report.right("settings", format!("{kind} on {host}"));
    if has_secret {
        report.right("secret", "SUTURE_GITHUB_WEBHOOK_SECRET is set");
    } else {
        let mend = "set SUTURE_GITHUB_WEBHOOK_SECRET to what the webhook has at GitHub";
        report.wrong("secret", "SUTURE_GITHUB_WEBHOOK_SECRET is not set, so every delivery is refused", mend);
    }
    if !identity::look(&github, is_app, report).await {
        return;
    }
    if is_app {
        app::look(&github, report).await;
        installations::look(&github, report).await;
        hook::look(&github, report).await;
        if !arguments.repository.is_empty() {
            app::look_at_repositories(&github, &arguments.repository, report).await;
        }
    } else {
        token::look(&github, &arguments.repository, report).await;
    }
}

/// Says why `check` has no answer: what GitHub refuses is wrong, what it did not answer is not known.
fn tell(check: &'static str, error: &GitHubError, mend: &str, report: &mut Report) {
    match error {
        GitHubError::TryLater { .. } | GitHubError::Unusable { .. } => report.unknown(check, error.to_string()),
        _ => report.wrong(check, error.to_string(), mend),
    }
}
