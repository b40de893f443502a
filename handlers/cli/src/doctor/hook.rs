//! Where deliveries go, whether anybody is there, and what became of the last ones.

use super::report::Report;
use super::tell;
use agents::environment::clock::Clock;
use agents::environment::github::{FailedDelivery, GitHub, GitHubError, Hook};
use agents::environment::reach;
use jiff::SignedDuration;
use std::collections::BTreeMap;

/// GitHub keeps deliveries for three days.
const DELIVERY_HOURS: i64 = 72;

const CHECK: &str = "webhook";
const DELIVERIES: &str = "deliveries";

/// Looks at the App's webhook.
pub async fn look(github: &GitHub, report: &mut Report) {
    let mend = "in the settings of the App, under Webhook, tick Active and set https://APP/api/github/webhook";
    match github.hook().await {
        Ok(hook) => address(&hook, "the App", mend, report).await,
        // So it is told of an App whose webhook is not active.
        Err(GitHubError::Absent { .. }) => {
            report.wrong(CHECK, "the App's webhook is switched off, or was never set", mend)
        }
        Err(error) => tell(CHECK, &error, mend, report),
    }
    deliveries(github, report).await;
}

/// Looks at where `hook` of `who` delivers to.
pub async fn address(hook: &Hook, who: &str, mend: &str, report: &mut Report) {
    if !hook.has_secret() {
        let mend = "set a secret at GitHub, and the same as SUTURE_GITHUB_WEBHOOK_SECRET";
        report.wrong("secret", format!("the webhook of {who} has no secret, so its deliveries are not signed"), mend);
    }
    if !hook.checks_certificate() {
        let mend = "switch SSL verification on where the webhook is set";
        report.wrong(CHECK, format!("the webhook of {who} delivers to whoever says that he is the host"), mend);
    }
    let Some(url) = hook.url.as_deref().filter(|url| !url.is_empty()) else {
        return report.wrong(CHECK, format!("the webhook of {who} has no address"), mend);
    };
    let webhook = match reach::webhook(url) {
        Ok(webhook) => webhook,
        Err(error) => return report.wrong(CHECK, error, mend),
    };
    let Some(health) = reach::health_beside(&webhook) else { return };
    let other = "see whether an app runs there, and what its logs say";
    match reach::health(&health).await {
        Ok(reach::Health { status: 200, version: Some(version) }) => {
            report.right(CHECK, format!("{url} is Suture {version}"));
        }
        Ok(reach::Health { status: 503, version: Some(_) }) => {
            let mend = "its log says why: `the store can't be read`";
            report.wrong(CHECK, format!("{url} answers, but its store can't be read"), mend);
        }
        Ok(reach::Health { status, .. }) => {
            report.wrong(CHECK, format!("{health} answers {status}, and is not Suture"), other);
        }
        Err(error) => {
            let mend = "start the app; if only GitHub may reach it, the deliveries tell whether it does";
            report.wrong(CHECK, format!("{health} does not answer from here: {error}"), mend);
        }
    }
}

async fn deliveries(github: &GitHub, report: &mut Report) {
    let since = Clock::System.now() - SignedDuration::from_hours(DELIVERY_HOURS);
    let failed = match github.failed_deliveries(since).await {
        Ok(failed) => failed.items,
        Err(error) => return tell(DELIVERIES, &error, "see Advanced in the settings of the App", report),
    };
    if failed.is_empty() {
        return report.right(DELIVERIES, "none failed in the last three days");
    }
    let mut by_status: BTreeMap<u16, Vec<&FailedDelivery>> = BTreeMap::new();
    for one in &failed {
        by_status.entry(one.status_code).or_default().push(one);
    }
    for (status, failed) in by_status {
        let newest =
            failed.iter().map(|one| one.delivered_at).max().map_or_else(String::new, |at| format!(", last at {at}"));
        let what = format!("{} failed in the last three days with {}{newest}", failed.len(), answered(status));
        report.wrong(DELIVERIES, what, mend(status));
    }
}

/// What a delivery was answered, in words.
pub fn answered(status: u16) -> String {
    if status == 0 { "no answer".to_owned() } else { format!("status {status}") }
}

/// What helps where deliveries were answered with `status`.
pub fn mend(status: u16) -> &'static str {
    match status {
        0 => "the address can't be reached by GitHub, or answers too late",
        401 => "SUTURE_GITHUB_WEBHOOK_SECRET is not the secret that the webhook has at GitHub: set the same at both",
        404 => "nothing is at the address: it ends with /api/github/webhook",
        503 => "no secret is set for the app, or its store can't be opened",
        _ => "the app's log says why; sweep has GitHub deliver again what was lost",
    }
}
