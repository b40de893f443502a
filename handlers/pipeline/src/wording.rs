//! All prose that Suture writes to people: commits, notices, reasons.

use crate::case::{Step, Wound};
use crate::decision::{Decision, Verdict};
use crate::finding::Finding;
use crate::ids::CaseId;
use crate::message::RunId;
use crate::patch::{Change, Left, Patch, Plan};
use crate::payload::Notification;
use std::fmt::Write;

/// Longest subject of a commit, in characters.
const SUBJECT_CHARS_MAX: usize = 72;

/// Findings named in full; more are counted.
const NAMED_MAX: usize = 30;

/// What a change does, in one line.
pub fn change(change: &Change) -> String {
    match change {
        Change::Update { place, from, to, .. } => format!("{place}: {from} -> {to}"),
        Change::Add { place, version, .. } => format!("{place}: new, {version}"),
        Change::Remove { place, version, .. } => format!("{place}: {version} is no longer needed"),
        Change::Require { path, name, from, to } => format!("{path}: {name} {from} -> {to}"),
        Change::Override { name, version } => format!("overrides: {name} {version}"),
    }
}

/// The commit message of a fix: what, why, proof, how to undo.
pub fn commit_message(case: &CaseId, run: RunId, wound: &Wound, plan: &Plan, heals: &[&Finding], proof: &[Step], verdict: &Verdict) -> String {
    let mut text = format!("{}\n\nWhat\n", subject(plan, &wound.path));
    for made in &plan.changes {
        let _ = writeln!(text, "  {}", change(made));
    }
    text.push_str("\nWhy\n");
    for finding in heals.iter().take(NAMED_MAX) {
        let _ = writeln!(text, "  {} ({}): {}", finding.rule, finding.severity, finding.title);
    }
    if heals.len() > NAMED_MAX {
        let _ = writeln!(text, "  and {} more", heals.len() - NAMED_MAX);
    }
    text.push_str("\nProof\n");
    for step in proof {
        let _ = writeln!(text, "  {}: {}", step.name, step.detail);
    }
    let smallest = if plan.smallest { "every smaller set of changes was ruled out" } else { "no change in it can be taken back" };
    let _ = writeln!(text, "  smallest: {smallest}");
    if !plan.left.is_empty() {
        text.push_str("\nLeft\n");
        for left in plan.left.iter().take(NAMED_MAX) {
            let _ = writeln!(text, "  {}", left.reason);
        }
        if plan.left.len() > NAMED_MAX {
            let _ = writeln!(text, "  and {} more", plan.left.len() - NAMED_MAX);
        }
    }
    let _ = write!(
        text,
        "\nDecision: {} (confidence {:.2})\n\nUndo\n  before the merge: git branch -D {branch}\n  after the merge:  git revert -m 1 <merge commit>\n\nSuture-Case: {case}\nSuture-Run: {run}\n",
        verdict.decision,
        verdict.confidence,
        branch = case.branch(),
    );
    text
}

fn subject(plan: &Plan, path: &str) -> String {
    let updated: Vec<(&str, &str)> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Update { name, to, .. } => Some((name.as_str(), to.as_str())),
            Change::Override { name, version } => Some((name.as_str(), version.as_str())),
            _ => None,
        })
        .collect();
    let text = match updated.as_slice() {
        [(name, to)] => format!("Update {name} to {to}"),
        [(name, _), others @ ..] => format!("Update {name} and {} more", others.len()),
        [] => format!("Mend {path}"),
    };
    if text.chars().count() > SUBJECT_CHARS_MAX { "Update a vulnerable dependency".to_owned() } else { text }
}

/// Told when a fix was delivered and seen to hold.
pub fn healed(case: &CaseId, wound: &Wound, verdict: &Verdict, heals: usize, left: &[Left]) -> Notification {
    let branch = case.branch();
    let subject = match verdict.decision {
        Decision::Heal => format!("{}: {} healed on branch {branch}", wound.path, findings(heals)),
        _ => format!("{}: a fix for {} waits for approval on branch {branch}", wound.path, findings(heals)),
    };
    let mut body = verdict.reasons.clone();
    body.extend(left.iter().map(|left| format!("left: {}", left.reason)));
    Notification { case: Some(case.clone()), subject, body }
}

/// Told when nothing can be done without people.
pub fn escalated(case: &CaseId, wound: &Wound, reasons: &[String], left: &[Left]) -> Notification {
    let mut body = reasons.to_vec();
    body.extend(left.iter().map(|left| format!("left: {}", left.reason)));
    Notification {
        case: Some(case.clone()),
        subject: format!("{}: {} of {} severity and no fix that may be made unasked", wound.path, findings(wound.findings.len()), wound.severity),
        body,
    }
}

/// Told when a delivered fix was taken back.
pub fn rolled_back(case: &CaseId, wound: &Wound, seen: &[Step]) -> Notification {
    Notification {
        case: Some(case.clone()),
        subject: format!("{}: the fix on branch {} did not hold and was taken back", wound.path, case.branch()),
        body: seen.iter().filter(|step| !step.ok).map(|step| format!("{}: {}", step.name, step.detail)).collect(),
    }
}

/// Told when a message could not be handled.
pub fn poisoned(case: Option<&CaseId>, function: &str, reason: &str) -> Notification {
    Notification {
        case: case.cloned(),
        subject: format!("{function} could not do its work"),
        body: vec![reason.to_owned(), "mend the cause and run it again".to_owned()],
    }
}

/// The patch as a unified diff that `git apply` takes.
pub fn diff(patch: &Patch) -> String {
    let mut text = String::new();
    for file in &patch.files {
        let made = diffy::DiffOptions::new()
            .set_original_filename(format!("a/{}", file.path))
            .set_modified_filename(format!("b/{}", file.path))
            .create_patch(&file.before, &file.after);
        let _ = write!(text, "{made}");
    }
    text
}

/// `1 finding`, `2 findings`.
pub fn findings(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}
