//! A webhook on one repository, made with a token.

use super::arguments::SetupGitHub;
use super::tell_what_follows;
use crate::Failure;
use crate::terminal::Terminal;
use agents::environment::effects::Effects;
use agents::environment::github::{GitHub, GitHubError, GitHubRepository, GitHubSettings, Identity, RepositoryHook};
use agents::environment::ids::Ids;
use agents::environment::settings_file::NewSettingsFile;
use agents::environment::{open, reach};
use pipeline::github::repository_events;
use std::collections::BTreeMap;

/// Makes the webhook, unless there is one that delivers to the same address.
pub async fn run(
    arguments: &SetupGitHub,
    repository: &str,
    variables: BTreeMap<String, String>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let url = reach::webhook(arguments.url.as_deref().unwrap_or_default()).map_err(Failure)?;
    let Some(out) = &arguments.out else { return Err(Failure("--out FILE is missing".to_owned())) };
    let (server, token) = (variables.get("SUTURE_GITHUB_URL").cloned(), variables.get("SUTURE_GITHUB_TOKEN").cloned());
    let repository = find(repository, variables)?;
    if let Some(there) = repository.hook_to(url.as_str()).await.map_err(|error| denied(&repository, error))? {
        tell_of(&there, &repository, terminal);
        return Ok(());
    }
    let mut file = NewSettingsFile::make(out)?;
    let secret = Ids::System.secret();
    let mut settings = vec![("SUTURE_GITHUB_WEBHOOK_SECRET", secret.clone())];
    settings.extend(token.map(|token| ("SUTURE_GITHUB_TOKEN", token.into())));
    settings.extend(server.filter(|url| !url.is_empty()).map(|url| ("SUTURE_GITHUB_URL", url.into())));
    // On the disk first: nobody tells the secret again.
    file.write(&settings)?;
    let made = match repository.create_hook(url.as_str(), &secret, &repository_events()).await {
        // It may be made all the same, with this secret.
        Err(GitHubError::TryLater { .. }) => match repository.hook_to(url.as_str()).await {
            Ok(Some(hook)) => Ok(hook),
            Ok(None) => Err(Failure("GitHub did not make the webhook; try it again later".to_owned())),
            Err(error) => {
                file.keep();
                return Err(Failure(format!(
                    "{error}; whether the webhook was made is not known, so {} is kept: if it is there, its secret is in it",
                    out.display()
                )));
            }
        },
        made => made.map_err(|error| denied(&repository, error)),
    }?;
    file.keep();
    terminal.result(&format!("webhook {} is made on {}", made.id, repository.name()));
    tell_what_follows(out, terminal);
    Ok(())
}

fn find(repository: &str, mut variables: BTreeMap<String, String>) -> Result<GitHubRepository, Failure> {
    let read = |file: &str| open::text(file.as_ref()).map_err(|error| error.to_string());
    let settings = GitHubSettings::take(&mut variables, read).map_err(|errors| Failure(errors.join("; ")))?;
    let settings = settings.filter(|settings| matches!(settings.identity, Identity::Token(_)));
    let settings = settings.ok_or_else(|| {
        Failure("set SUTURE_GITHUB_TOKEN: a token that may administer webhooks of the repository".to_owned())
    })?;
    let github = GitHub::new(settings, Effects::default())?;
    let name = format!("{}/{repository}", github.host()).parse().ok().and_then(|name| github.repository(&name));
    name.ok_or_else(|| Failure(format!("{repository} is not the name of a repository, such as OWNER/NAME")))
}

fn tell_of(hook: &RepositoryHook, repository: &GitHubRepository, terminal: &Terminal) {
    terminal.result(&format!("webhook {} is there already on {}; nothing was changed", hook.id, repository.name()));
    terminal.note("nobody tells its secret: if it is lost, delete the webhook at GitHub, and begin again");
    if !hook.is_active {
        terminal.warning("it is switched off: make it active at GitHub, in the settings of the repository");
    }
}

/// GitHub says of what may not be seen that it is not there.
fn denied(repository: &GitHubRepository, error: GitHubError) -> Failure {
    match error {
        GitHubError::Absent { .. } | GitHubError::Denied { .. } => Failure(format!(
            "the token may not administer webhooks of {}: it needs the scope admin:repo_hook, or the permission \
             \"Webhooks\" to write, and its user has to be an administrator there",
            repository.name()
        )),
        error => Failure::new(error),
    }
}
