//! Policies in words: what each of them comes to.

use super::wrapped;
use pipeline::finding::Severity;
use pipeline::policy::layers::RepositoryMode;
use pipeline::policy::{Action, HEALING_THRESHOLD_MIN, Policy};
use pipeline::wording::plain;
use std::fmt::Write;

/// Blanks before what is said of a policy.
const INDENT: usize = 16;

/// What `policies` come to in a repository of `mode`, in the order in which they are asked.
pub fn policies(policies: &[Policy], mode: RepositoryMode, columns: Option<u16>) -> String {
    let mut text = match mode {
        RepositoryMode::Auto => String::new(),
        RepositoryMode::Propose => {
            "The repository's mode is propose: every fix is a draft that waits for approval.\n\n".to_owned()
        }
        RepositoryMode::Observe => {
            "The repository's mode is observe: cases are opened, and nothing is done.\n\n".to_owned()
        }
    };
    for policy in policies {
        let _ = writeln!(text, "{}  {}", plain(&policy.name), plain(&policy.event_type));
        for (name, said) in said(policy) {
            let _ = writeln!(text, "  {name:12}  {}", wrapped(&plain(&said), columns, INDENT));
        }
        text.push('\n');
    }
    text.push_str("The first policy that rules a case holds. What none of them rules is told to people.\n");
    text
}

/// What is said of `policy`, each with the name of what it is about.
fn said(policy: &Policy) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    if !policy.repositories.is_empty() {
        said.push(("in", policy.repositories.join(", ")));
    }
    if let Some(when) = &policy.when {
        said.push(("when", when.text().to_owned()));
    }
    let may_only_propose = policy.confidence_threshold < HEALING_THRESHOLD_MIN;
    let (heals, asks): (Vec<Severity>, Vec<Severity>) =
        Severity::WORST_FIRST.into_iter().partition(|severity| policy.may_heal(*severity) && !may_only_propose);
    let list = |severities: Vec<Severity>| match severities[..] {
        [] => "nothing".to_owned(),
        _ => severities.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    said.push(("heals", format!("{}, from confidence {}", list(heals), policy.confidence_threshold)));
    said.push(("proposes", format!("{}, and what is under that confidence", list(asks))));
    said.extend(policy.actions.iter().map(|action| ("action", action_said(action))));
    if policy.test_required {
        said.push(("tests", "the repository's own tests have to pass first".to_owned()));
    }
    let limits = policy.limits.effective();
    said.push((
        "a day",
        format!(
            "{} pull requests in a repository, {} of an owner, {} in all, by the clock of {}",
            limits.pull_requests_per_repository_per_day,
            limits.pull_requests_per_organisation_per_day,
            limits.pull_requests_per_day,
            limits.time_zone
        ),
    ));
    said.push((
        "at a time",
        format!("{} open pull requests in a repository", limits.open_pull_requests_per_repository),
    ));
    said.push(("a patch", format!("{} files and {} lines at most", limits.files_max, limits.lines_max)));
    said.push((
        "a case",
        format!(
            "{} fixes within 30 days, {} hours of rest after one was taken back, people are told when it came back {} times within 14 days",
            limits.attempts_per_case, limits.cool_down_hours, limits.reopenings_max.saturating_add(1)
        ),
    ));
    said.extend(policy.freeze.iter().map(|freeze| ("frozen", freeze.to_string())));
    if !policy.approvers.is_empty() {
        let names = policy.approvers.join(", ");
        said.push(("approve", format!("{names}; this version takes whoever may write to the repository")));
    }
    if let Some(merge) = policy.auto_merge {
        let share = merge.wrong_rate_max * 100.0;
        said.push((
            "merges",
            format!("without people, while no more than {share} % of such merges are to be feared wrong"),
        ));
    }
    let undone = if policy.rollback_enabled { "is taken back" } else { "is told to people" };
    said.push(("if wrong", format!("a fix {undone}")));
    said
}

fn action_said(action: &Action) -> String {
    let mut said = action.action_type.to_string();
    if !action.action_type.has_strategy() {
        said.push_str(" (this version can't: people are told)");
    }
    if action.immediate {
        said.push_str(", at once");
    }
    if action.require_approval {
        said.push_str(", after approval");
    }
    if action.validation.is_some() {
        said.push_str(", after a review");
    }
    for (index, condition) in action.conditions.iter().enumerate() {
        said.push_str(if index == 0 { ", if " } else { " and " });
        said.push_str(condition.word());
    }
    said
}
