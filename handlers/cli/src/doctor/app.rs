//! What the App asks for, and the repositories that it is to reach.

use super::report::Report;
use super::tell;
use agents::environment::github::{GitHub, GitHubError};
use pipeline::github::{Difference, EVENTS, missing_events, needless_events};
use pipeline::ids::RepoName;
use std::collections::BTreeMap;

/// Holds the App against what Suture needs.
pub async fn look(github: &GitHub, report: &mut Report) {
    let app = match github.app().await {
        Ok(app) => app,
        Err(error) => return tell("permissions", &error, "see the settings of the App", report),
    };
    let place = "in the settings of the App, under Permissions & events";
    permissions("permissions", "the App", &app.permissions, place, report);
    events("the App", &EVENTS.map(|(event, _)| event), &app.events, report);
}

/// Holds permissions that `who` has against what Suture needs.
pub fn permissions(
    check: &'static str,
    who: &str,
    granted: &BTreeMap<String, String>,
    place: &str,
    report: &mut Report,
) {
    let Difference { missing, more_to_read, more_to_write } = Difference::of(granted);
    if missing.is_empty() && more_to_write.is_empty() {
        report.right(check, format!("{who} has every permission that Suture needs"));
    }
    if !missing.is_empty() {
        report.wrong(check, format!("{who} lacks {}", missing.join(", ")), format!("add them {place}"));
    }
    if !more_to_write.is_empty() {
        let what = format!("{who} may change more than Suture needs: {}", more_to_write.join(", "));
        report.wrong(check, what, format!("take it away {place}"));
    }
    if !more_to_read.is_empty() {
        report.note(check, format!("{who} may read more than Suture needs: {}", more_to_read.join(", ")));
    }
}

/// Holds events that `who` subscribes to against what Suture hears of.
pub fn events(who: &str, wanted: &[&str], subscribed: &[String], report: &mut Report) {
    const CHECK: &str = "events";
    let missing = missing_events(wanted, subscribed);
    if missing.is_empty() {
        report.right(CHECK, format!("{who} hears of everything that Suture acts on"));
    } else {
        let what = format!("{who} does not hear of {}", missing.join(", "));
        report.wrong(CHECK, what, "subscribe to them where its webhook is set");
    }
    let needless = needless_events(subscribed);
    if !needless.is_empty() {
        report.note(CHECK, format!("{who} hears of what Suture has no use for: {}", needless.join(", ")));
    }
}

/// Asks for each of the repositories `names`.
pub async fn look_at_repositories(github: &GitHub, names: &[String], report: &mut Report) {
    const CHECK: &str = "repository";
    for name in names {
        let known = format!("{}/{name}", github.host()).parse::<RepoName>().ok();
        let Some(repository) = known.and_then(|name| github.repository(&name)) else {
            report.wrong(CHECK, format!("{name} is not the name of a repository"), "give it as OWNER/NAME");
            continue;
        };
        match repository.about().await {
            Ok(about) if about.is_archived || about.is_disabled => {
                report.wrong(CHECK, format!("nothing in {name} changes any more"), "a fix can't be offered there");
            }
            Ok(_) => report.right(CHECK, format!("{name} is reached")),
            Err(GitHubError::Absent { .. }) => {
                let mend = "install the App on it, under Repository access in the settings of the installation";
                report.wrong(
                    CHECK,
                    format!("the App is not installed on {name}, or there is no such repository"),
                    mend,
                );
            }
            Err(error) => tell(CHECK, &error, "accept the App's permissions on that account", report),
        }
    }
}
