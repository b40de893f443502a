//! What Suture asks GitHub for, and why: the one table that an App is made by, and that `suture doctor` holds it against.

use super::KNOWN;
use std::collections::BTreeMap;
use std::fmt;

/// How much of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// To look.
    Read,
    /// To change.
    Write,
    /// To change, and to let others. A level that is not known counts as this one.
    Admin,
}

/// A permission that Suture needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// As GitHub's API names it.
    pub name: &'static str,
    /// How much of it.
    pub access: Access,
    /// What it is for.
    pub why: &'static str,
}

/// What Suture needs, and no more. Nothing in it lets Suture change settings, workflows, secrets or who may do what.
pub const PERMISSIONS: [Permission; 9] = [
    needed(
        "contents",
        Access::Write,
        "read commits, put fixes on branches suture/<case>, merge them where a policy says so",
    ),
    needed("pull_requests", Access::Write, "offer fixes, and follow what becomes of them"),
    needed("checks", Access::Write, "say of a pull request what it brings in, and hear of other checks"),
    needed("issues", Access::Write, "keep one issue per repository as its dashboard, and hear of comments"),
    needed("metadata", Access::Read, "part of every App"),
    needed("statuses", Access::Read, "hear of checks that are commit statuses"),
    needed("vulnerability_alerts", Access::Read, "know the alerts of Dependabot"),
    needed("security_events", Access::Read, "know the alerts of code scanning"),
    needed("secret_scanning_alerts", Access::Read, "know the alerts of secret scanning"),
];

/// What Suture makes use of where it is granted, and does without otherwise. Whoever may run jobs of Actions again may cancel them, too, so that an
/// App is not made with it.
pub const OPTIONAL: [Permission; 1] =
    [needed("actions", Access::Write, "run a job of Actions again that fails since a fix was merged")];

/// Events that an App subscribes to, each with the permission that GitHub wants for it: it refuses the whole App if one is missing.
///
/// Not among them: `installation` and `installation_repositories`, which come by themselves and can't be subscribed to; `workflow_run`, which
/// takes a permission to see all of Actions and says nothing that `check_suite` does not; `repository_advisory`, which takes another permission
/// for what `security_advisory` brings as well.
pub const EVENTS: [(&str, &str); 11] = [
    ("push", "contents"),
    ("pull_request", "pull_requests"),
    ("pull_request_review", "pull_requests"),
    ("issue_comment", "issues"),
    ("check_run", "checks"),
    ("check_suite", "checks"),
    ("dependabot_alert", "vulnerability_alerts"),
    ("code_scanning_alert", "security_events"),
    ("secret_scanning_alert", "secret_scanning_alerts"),
    ("security_advisory", "metadata"),
    ("repository", "metadata"),
];

/// Of [`EVENTS`] what only an App is told.
const ONLY_APPS: [&str; 1] = ["security_advisory"];

/// How what was granted differs from what is needed. Entries read `contents=write`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What is needed and was not granted.
    pub missing: Vec<String>,
    /// What was granted and is not needed, to look at.
    pub more_to_read: Vec<String>,
    /// What was granted and is not needed, to change.
    pub more_to_write: Vec<String>,
}

const fn needed(name: &'static str, access: Access, why: &'static str) -> Permission {
    Permission { name, access, why }
}

impl Access {
    fn of(text: &str) -> Self {
        match text {
            "read" => Self::Read,
            "write" => Self::Write,
            _ => Self::Admin,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        })
    }
}

impl Difference {
    /// Holds `granted` (`contents` → `write`) against [`PERMISSIONS`].
    pub fn of(granted: &BTreeMap<String, String>) -> Self {
        let mut difference = Self::default();
        let has = |name: &str| granted.get(name).map(|access| Access::of(access));
        let missing = PERMISSIONS.iter().filter(|needed| has(needed.name) < Some(needed.access));
        difference.missing.extend(missing.map(|needed| format!("{}={}", needed.name, needed.access)));
        for (name, access) in granted {
            let needed =
                PERMISSIONS.iter().chain(&OPTIONAL).find(|needed| needed.name == name).map(|needed| needed.access);
            if Some(Access::of(access)) > needed {
                let is_read = Access::of(access) == Access::Read;
                let more = if is_read { &mut difference.more_to_read } else { &mut difference.more_to_write };
                more.push(format!("{name}={access}"));
            }
        }
        difference
    }
}

/// Events that the webhook of one repository subscribes to.
pub fn repository_events() -> Vec<&'static str> {
    EVENTS.iter().map(|(event, _)| *event).filter(|event| !ONLY_APPS.contains(event)).collect()
}

/// What of `wanted` is not among `subscribed`.
pub fn missing_events<'w>(wanted: &[&'w str], subscribed: &[String]) -> Vec<&'w str> {
    let is_missing = |event: &&&str| !subscribed.iter().any(|one| one == **event || one == "*");
    wanted.iter().filter(is_missing).copied().collect()
}

/// Events among `subscribed` that Suture knows nothing of: each is a delivery for nothing.
pub fn needless_events(subscribed: &[String]) -> Vec<&str> {
    let is_known = |event: &str| KNOWN.iter().any(|(known, _)| *known == event);
    subscribed.iter().map(String::as_str).filter(|event| !is_known(event)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, access)| ((*name).to_owned(), (*access).to_owned())).collect()
    }

    fn all() -> BTreeMap<String, String> {
        PERMISSIONS.iter().map(|needed| (needed.name.to_owned(), needed.access.to_string())).collect()
    }

    #[test]
    fn every_event_is_known_and_has_its_permission() {
        for (event, permission) in EVENTS {
            assert!(KNOWN.iter().any(|(known, _)| *known == event), "{event}");
            assert!(PERMISSIONS.iter().any(|needed| needed.name == permission), "{event} needs {permission}");
        }
        let left: Vec<_> = KNOWN
            .iter()
            .map(|(known, _)| *known)
            .filter(|known| EVENTS.iter().all(|(event, _)| event != known))
            .collect();
        let by_themselves = ["ping", "installation", "installation_repositories", "installation_target"];
        let on_purpose = ["workflow_run", "repository_advisory"];
        assert!(left.iter().all(|event| by_themselves.contains(event) || on_purpose.contains(event)), "{left:?}");
    }

    #[test]
    fn what_is_needed_is_no_difference() {
        assert_eq!(Difference::of(&all()), Difference::default());
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_told() {
        let mut have = all();
        have.remove("checks");
        have.extend(granted(&[
            ("contents", "read"),
            ("members", "read"),
            ("administration", "write"),
            ("statuses", "write"),
        ]));
        let difference = Difference::of(&have);
        assert_eq!(difference.missing, ["contents=write", "checks=write"]);
        assert_eq!(difference.more_to_read, ["members=read"]);
        assert_eq!(difference.more_to_write, ["administration=write", "statuses=write"]);
    }

    #[test]
    fn level_that_is_not_known_is_the_highest() {
        let mut have = all();
        have.extend(granted(&[("contents", "everything")]));
        assert_eq!(Difference::of(&have).more_to_write, ["contents=everything"]);
    }

    #[test]
    fn events_are_compared_by_name() {
        let own = |events: &[&str]| events.iter().map(|event| (*event).to_owned()).collect::<Vec<_>>();
        let wanted = repository_events();
        assert!(!wanted.contains(&"security_advisory"));
        assert_eq!(missing_events(&wanted, &own(&wanted)), Vec::<&str>::new());
        assert_eq!(missing_events(&wanted, &own(&["*"])), Vec::<&str>::new());
        assert_eq!(missing_events(&["push", "check_run"], &own(&["push"])), ["check_run"]);
        assert_eq!(needless_events(&own(&["push", "workflow_run", "watch"])), ["watch"]);
    }
}
