//! A GitHub App, made by the manifest flow.

use super::arguments::SetupGitHub;
use super::manifest::{NAME_CHARS_MAX, manifest};
use super::page::{Content, Page};
use super::tell_what_follows;
use crate::Failure;
use crate::terminal::Terminal;
use agents::environment::github::{NewApp, Registration};
use agents::environment::ids::Ids;
use agents::environment::reach;
use agents::environment::settings_file::NewSettingsFile;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Where the browser is sent with --print: nobody listens there, and the code stands in the address.
const BACK_TO_NOBODY: &str = "http://127.0.0.1/suture";
/// The setting that names a GitHub Enterprise Server.
const URL: &str = "SUTURE_GITHUB_URL";

/// Makes an App, or says how.
pub async fn run(
    arguments: &SetupGitHub,
    variables: &BTreeMap<String, String>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let server = variables.get(URL).map(String::as_str).filter(|url| !url.is_empty());
    let registration = Registration::at(server)?;
    let state = Ids::System.run(agents::environment::clock::Clock::System.now()).to_string();
    if arguments.print {
        return print(arguments, &registration, &state, terminal);
    }
    let Some(out) = &arguments.out else { return Err(Failure("--out FILE is missing".to_owned())) };
    // Before anything is made at GitHub: a key that can't be kept is lost.
    let mut file = NewSettingsFile::make(out)?;
    let code = match &arguments.code {
        Some(code) => code.clone(),
        None => ask_for_code(arguments, &registration, state, terminal).await?,
    };
    let app = registration.convert(&code).await.map_err(Failure::new)?;
    keep(&app, server, &mut file)?;
    file.keep();
    tell(&app, out, terminal);
    Ok(())
}

fn print(
    arguments: &SetupGitHub,
    registration: &Registration,
    state: &str,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let manifest = manifest(&name(arguments, state)?, &webhook(arguments)?, BACK_TO_NOBODY);
    let page = registration.page(arguments.organization.as_deref(), state);
    terminal.document(&crate::present::json(&serde_json::json!({ "url": page.as_str(), "manifest": manifest }))?);
    terminal.note(
        "post `manifest` to `url` as a form, with the JSON in its field `manifest`, from a browser that is signed in",
    );
    terminal.note("GitHub sends the browser to an address where nobody answers, with `code=` in it; within an hour:");
    terminal.note("  suture setup github --code CODE --out FILE");
    Ok(())
}

async fn ask_for_code(
    arguments: &SetupGitHub,
    registration: &Registration,
    state: String,
    terminal: &Terminal,
) -> Result<String, Failure> {
    let page = Page::at(arguments.port).await?;
    let manifest = manifest(&name(arguments, &state)?, &webhook(arguments)?, &page.back());
    let target = registration.page(arguments.organization.as_deref(), &state);
    terminal.result(&format!("open {} in a browser", page.address()));
    let content = Content { target: target.into(), manifest: manifest.to_string(), state };
    page.code(content, Duration::from_secs(arguments.wait_s)).await
}

fn webhook(arguments: &SetupGitHub) -> Result<String, Failure> {
    let url = arguments.url.as_deref().unwrap_or_default();
    Ok(reach::webhook(url).map_err(Failure)?.into())
}

/// What the App is to be called. Of `chance` the end, where nothing is the same.
fn name(arguments: &SetupGitHub, chance: &str) -> Result<String, Failure> {
    let Some(name) = &arguments.name else {
        return Ok(format!("suture-{}", &chance[chance.len().saturating_sub(6)..]));
    };
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Failure(format!("--name has to have 1 to {NAME_CHARS_MAX} characters")));
    }
    Ok(name.clone())
}

fn keep(app: &NewApp, server: Option<&str>, file: &mut NewSettingsFile) -> Result<(), Failure> {
    let mut settings =
        vec![("SUTURE_GITHUB_APP_ID", app.id.to_string().into()), ("SUTURE_GITHUB_APP_KEY", app.pem.clone())];
    settings.extend(server.map(|url| (URL, url.to_owned().into())));
    settings.extend(app.webhook_secret.clone().map(|secret| ("SUTURE_GITHUB_WEBHOOK_SECRET", secret)));
    Ok(file.write(&settings)?)
}

fn tell(app: &NewApp, out: &Path, terminal: &Terminal) {
    terminal.result(&format!("the App {} is made, number {}", pipeline::wording::plain(&app.slug), app.id));
    if app.webhook_secret.is_none() {
        terminal.warning("GitHub gave no secret for its webhook: set one there, and as SUTURE_GITHUB_WEBHOOK_SECRET");
    }
    terminal.note(&format!("install it on repositories: {}/installations/new", app.html_url));
    tell_what_follows(out, terminal);
}
