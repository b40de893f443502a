//! Where the App is installed, and what its owners granted there.

use super::app::permissions;
use super::report::Report;
use super::tell;
use agents::environment::github::{GitHub, Installation};
use pipeline::wording::count;

/// Installations of which each is told; the others are only counted.
const TOLD_MAX: usize = 20;

/// Looks at every installation.
pub async fn look(github: &GitHub, report: &mut Report) {
    const CHECK: &str = "installations";
    let installations = match github.installations().await {
        Ok(installations) => installations.items,
        Err(error) => return tell(CHECK, &error, "see the settings of the App", report),
    };
    if installations.is_empty() {
        return report.wrong(CHECK, "the App is installed nowhere", "install it, from its page at GitHub");
    }
    let suspended: Vec<_> = installations.iter().filter(|one| one.suspended_at.is_some()).map(account).collect();
    if suspended.is_empty() {
        report.right(CHECK, format!("installed on {}", count(installations.len(), "account")));
    } else {
        let what = format!("suspended on {}", suspended.join(", "));
        report.wrong(CHECK, what, "its owner unsuspends it in the settings of the installation");
    }
    for one in installations.iter().filter(|one| one.suspended_at.is_none()).take(TOLD_MAX) {
        let place = one.html_url.as_ref().map_or_else(
            || "in the settings of the installation".to_owned(),
            |url| format!("where its owner accepts what the App asks for: {url}"),
        );
        permissions("granted", &account(one), &one.permissions, &place, report);
    }
    if installations.len() > TOLD_MAX {
        report.note(CHECK, format!("only the first {TOLD_MAX} were looked at"));
    }
}

fn account(installation: &Installation) -> String {
    let login = installation.account.as_ref().and_then(|account| account.login.clone());
    login.unwrap_or_else(|| format!("installation {}", installation.id))
}
