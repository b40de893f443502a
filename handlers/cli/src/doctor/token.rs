//! What a token may do, and the webhooks of the repositories that it is for.

use super::app::events;
use super::hook::{self, answered};
use super::report::Report;
use super::tell;
use agents::environment::github::{GitHub, GitHubError, GitHubRepository, Reach, RepositoryHook};
use agents::environment::reach;
use pipeline::github::repository_events;
use pipeline::ids::RepoName;

/// Scopes of a classic token that let commits be put on branches.
const TO_DELIVER: [&str; 2] = ["repo", "public_repo"];

/// Looks at the repositories `names`; without any, at how many the token reaches.
pub async fn look(github: &GitHub, names: &[String], report: &mut Report) {
    for name in names {
        let known = format!("{}/{name}", github.host()).parse::<RepoName>().ok();
        match known.and_then(|name| github.repository(&name)) {
            Some(repository) => look_at(&repository, name, report).await,
            None => {
                report.wrong("repository", format!("{name} is not the name of a repository"), "give it as OWNER/NAME")
            }
        }
    }
    if names.is_empty() {
        reached(github, report).await;
    }
}

/// Looks at the scopes of a classic token.
pub fn scopes(scopes: &[String], report: &mut Report) {
    let is_enough = scopes.iter().any(|scope| TO_DELIVER.contains(&scope.as_str()));
    let said = if scopes.is_empty() { "no scope".to_owned() } else { format!("the scopes {}", scopes.join(", ")) };
    if is_enough {
        report.right("scopes", format!("the token has {said}"));
    } else {
        let mend = "make a token with the scope repo, or a fine-grained one for single repositories";
        report.wrong("scopes", format!("the token has {said}, and may not change a repository"), mend);
    }
}

async fn reached(github: &GitHub, report: &mut Report) {
    const CHECK: &str = "reach";
    let mend = "give the token Contents and Pull requests to write, for the repositories that it is for";
    match github.reachable_repositories().await {
        Ok(listed) => {
            let writable = listed.items.iter().filter(|one| one.may_push).count();
            let at_least = if listed.is_cut { "at least " } else { "" };
            let all = listed.items.len();
            let what = format!("repositories that the token reaches: {at_least}{all}; that it may change: {writable}");
            if writable == 0 {
                report.wrong(CHECK, what, mend)
            } else {
                report.right(CHECK, what)
            }
            report.note("webhook", "--repository OWNER/NAME looks at the webhook of a repository");
        }
        Err(error) => tell(CHECK, &error, mend, report),
    }
}

async fn look_at(repository: &GitHubRepository, name: &str, report: &mut Report) {
    const CHECK: &str = "repository";
    match repository.reach().await {
        Ok(Reach { may_push: true, may_administer, .. }) => {
            report.right(CHECK, format!("the token may change {name}"));
            webhooks(repository, name, may_administer, report).await;
        }
        Ok(_) => {
            let mend = "give the token's user write access, and the token Contents and Pull requests to write";
            report.wrong(CHECK, format!("the token may only read {name}"), mend);
        }
        Err(GitHubError::Absent { .. }) => {
            let mend = "choose the repository where the token is made, or let its user see it";
            report.wrong(CHECK, format!("the token does not reach {name}, or there is no such repository"), mend);
        }
        Err(error) => tell(CHECK, &error, "see what the token may do where it was made", report),
    }
}

async fn webhooks(repository: &GitHubRepository, name: &str, may_administer: bool, report: &mut Report) {
    const CHECK: &str = "webhook";
    if !may_administer {
        return report.note(CHECK, format!("the token may not see the webhooks of {name}"));
    }
    let hooks = match repository.hooks().await {
        Ok(hooks) => hooks.items,
        Err(GitHubError::Absent { .. } | GitHubError::Denied { .. }) => {
            return report.note(CHECK, format!("the token may not see the webhooks of {name}"));
        }
        Err(error) => return tell(CHECK, &error, "see the settings of the repository", report),
    };
    let ours: Vec<_> = hooks.iter().filter(|hook| is_ours(hook)).collect();
    if ours.is_empty() {
        let mend = format!("suture setup github --url https://APP/api/github/webhook --repository {name} --out FILE");
        report.wrong(CHECK, format!("{name} has no webhook that delivers to Suture"), mend);
    }
    for hook in ours {
        look_at_hook(hook, name, report).await;
    }
}

fn is_ours(hook: &RepositoryHook) -> bool {
    hook.config.url.as_deref().is_some_and(|url| reach::webhook(url).is_ok())
}

async fn look_at_hook(hook: &RepositoryHook, name: &str, report: &mut Report) {
    if !hook.is_active {
        let mend = "tick Active where it is set, in the settings of the repository";
        report.wrong("webhook", format!("webhook {} of {name} is switched off", hook.id), mend);
    }
    events(name, &repository_events(), &hook.events, report);
    hook::address(&hook.config, name, "set https://APP/api/github/webhook as its address", report).await;
    match hook.last_response.code {
        Some(code) if (200..300).contains(&code) => {
            report.right("deliveries", format!("the last one of {name} was taken"))
        }
        Some(code) => {
            let what = format!("the last one of {name} failed with {}", answered(code));
            report.wrong("deliveries", what, hook::mend(code));
        }
        None => report.note("deliveries", format!("nothing is known of any of {name}")),
    }
}
