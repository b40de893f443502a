//! All prose that Suture writes to people: commits, notices, reasons.

pub mod github;

use crate::case::{Step, Wound};
use crate::decision::priority::Priority;
use crate::decision::{Decision, Verdict};
use crate::finding::Finding;
use crate::ids::CaseId;
use crate::message::RunId;
use crate::patch::{Change, Left, Patch, Plan};
use crate::payload::Notification;
use crate::suppress::Suppression;
use jiff::Timestamp;
use std::borrow::Cow;
use std::fmt::Write;

/// Longest subject of a commit, in characters.
const SUBJECT_CHARS_MAX: usize = 72;

/// Findings named in full; more are counted.
const NAMED_MAX: usize = 30;

/// Longest line of foreign text in a commit message, in characters.
const LINE_CHARS_MAX: usize = 300;

/// Said of a finding whose package no file of the repository imports.
pub const NOT_IMPORTED: &str = "not imported";

/// `text` as one line that does nothing to a terminal: what moves the cursor, colours, hides or reorders is written out.
///
/// Titles, paths and versions come from strangers, who could otherwise draw over what Suture says.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' | '\r' => plain.push(' '),
            active if is_active(active) => plain.extend(active.escape_unicode()),
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// Control characters, and those that change the direction of what follows or can't be seen.
pub fn is_active(character: char) -> bool {
    let hides = |character| matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    character.is_control() || hides(character)
}

/// `text` as one plain line of a commit message, cut where it is too long.
fn line(text: &str) -> String {
    let plain = plain(text);
    match plain.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain.into_owned(),
    }
}

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
pub fn commit_message(
    case: &CaseId,
    run: RunId,
    wound: &Wound,
    plan: &Plan,
    heals: &[&Finding],
    proof: &[Step],
    verdict: &Verdict,
) -> String {
    let mut text = format!("{}\n\nWhat\n", line(&subject(plan, &wound.path)));
    for made in &plan.changes {
        let _ = writeln!(text, "  {}", line(&change(made)));
    }
    text.push_str("\nWhy\n");
    for finding in heals.iter().take(NAMED_MAX) {
        let _ = writeln!(text, "  {}", line(&format!("{} ({}): {}", finding.rule, finding.severity, finding.title)));
    }
    if heals.len() > NAMED_MAX {
        let _ = writeln!(text, "  and {} more", heals.len() - NAMED_MAX);
    }
    text.push_str("\nProof\n");
    for step in proof {
        let _ = writeln!(text, "  {}", line(&format!("{}: {}", step.name, step.detail)));
    }
    let smallest =
        if plan.smallest { "every smaller set of changes was ruled out" } else { "no change in it can be taken back" };
    let _ = writeln!(text, "  smallest: {smallest}");
    if !plan.left.is_empty() {
        text.push_str("\nLeft\n");
        for left in plan.left.iter().take(NAMED_MAX) {
            let _ = writeln!(text, "  {}", line(&left.reason));
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
    let subject = match verdict.is_ready() {
        true => format!("{}: {} healed on branch {branch}", wound.path, findings(heals)),
        false => {
            format!("{}: a fix for {} waits for {} on branch {branch}", wound.path, findings(heals), waits_for(verdict))
        }
    };
    let mut body = verdict.reasons.clone();
    body.extend(left.iter().map(|left| format!("left: {}", left.reason)));
    Notification { case: Some(case.clone()), subject, body }
}

/// Told when a fix is offered in a pull request, and seen to hold.
pub fn offered(case: &CaseId, wound: &Wound, verdict: &Verdict, heals: usize, url: &str) -> Notification {
    Notification {
        case: Some(case.clone()),
        subject: format!("{}: a fix for {} waits for {}: {url}", wound.path, findings(heals), waits_for(verdict)),
        body: verdict.reasons.clone(),
    }
}

/// What a fix of that `verdict` waits for.
fn waits_for(verdict: &Verdict) -> &'static str {
    match (verdict.decision, verdict.awaits_tests) {
        (Decision::Heal, false) => "a review",
        (Decision::Heal, true) => "the tests of the repository",
        _ => "approval",
    }
}

/// Why a fix is not offered again.
pub fn declined(number: u64) -> String {
    format!("this fix was declined: pull request #{number} was closed without being merged")
}

/// Why a fix is only proposed.
pub fn learned_unreadable() -> &'static str {
    "what was learned of such fixes can't be read"
}

/// Why a fix is not merged without people, where the policy would have it.
pub fn no_auto_merge() -> &'static str {
    "the repository asks for no_auto_merge"
}

/// Why nothing is merged without people, where what was merged before is not known.
pub fn merges_unreadable() -> &'static str {
    "what was merged without people before can't be read"
}

/// Told when GitHub still has alerts on what a merged fix healed, long after the merge. Each with its number and what it says.
pub fn alerts_open(case: &CaseId, wound: &Wound, alerts: &[String]) -> Notification {
    Notification {
        case: Some(case.clone()),
        subject: format!(
            "{}: the fix was merged and holds, and GitHub still has {} on it",
            wound.path,
            count(alerts.len(), "open alert")
        ),
        body: alerts.to_vec(),
    }
}

/// Told when checks fail since a fix was merged: `step` says which.
pub fn regressed(case: &CaseId, wound: &Wound, step: &Step) -> Notification {
    Notification {
        case: Some(case.clone()),
        subject: format!("{}: the fix was merged, and checks that passed before fail since", wound.path),
        body: vec![step.detail.clone()],
    }
}

/// Told when nothing can be done without people.
pub fn escalated(case: &CaseId, wound: &Wound, reasons: &[String], left: &[Left]) -> Notification {
    let mut body = reasons.to_vec();
    body.extend(left.iter().map(|left| format!("left: {}", left.reason)));
    Notification {
        case: Some(case.clone()),
        subject: format!(
            "{}: {} of {} severity and no fix that may be made unasked",
            wound.path,
            findings(wound.findings.len()),
            wound.severity
        ),
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

/// Told when an agent did not answer for some rounds, the first of them that of `since`.
pub fn agent_silent(agent: &str, since: Timestamp) -> Notification {
    Notification {
        case: None,
        subject: format!("{agent} has been silent since {since}"),
        body: vec![
            "it was asked how it is, and no answer was kept: look at its queue, its dead letters and the log"
                .to_owned(),
        ],
    }
}

/// Told when no answer of any agent was kept: what that means for them can't be known.
pub fn answers_lost(since: Timestamp) -> Notification {
    Notification {
        case: None,
        subject: format!("no agent has answered since {since}"),
        body: vec![
            "either all of them are silent, or monitor is, which keeps the answers: look at the host, the topic agent-events and the \
log"
                .to_owned(),
        ],
    }
}

/// Told when an agent answers again.
pub fn agent_back(agent: &str, since: Timestamp) -> Notification {
    Notification {
        case: None,
        subject: format!("{agent} answers again"),
        body: vec![format!("it had been silent since {since}")],
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

/// Who keeps a finding from being reported, and why.
pub fn suppression(why: &Suppression) -> String {
    let until = why.until.map_or_else(String::new, |day| format!(", until {day}"));
    format!("{}: {}{until}", why.by, why.reason)
}

/// `1 finding`, `2 findings`.
pub fn findings(number: usize) -> String {
    count(number, "finding")
}

/// `1 case`, `2 cases`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// How soon a case ought to be mended, and how likely its weakness is exploited.
pub fn priority(priority: &Priority) -> String {
    let epss = priority.epss.map_or_else(String::new, |epss| format!(" (EPSS {epss:.2})"));
    format!("{}{epss}", priority.urgency)
}

/// What a plan of so many changes does to so many findings.
pub fn determined(changes: usize, heals: usize) -> String {
    let verb = if changes == 1 { "heals" } else { "heal" };
    format!("{} {verb} {}", count(changes, "change"), findings(heals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_can_do_nothing_to_a_terminal() {
        let rows = [
            (
                "lodash 4.17.20: Prototype Pollution — ünïcode 漢字",
                "lodash 4.17.20: Prototype Pollution — ünïcode 漢字",
            ),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("two\nlines\r\n", "two lines  "),
            ("back\u{8}space", "back\\u{8}space"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ];
        for (text, expect) in rows {
            assert_eq!(plain(text), expect);
        }
    }

    #[test]
    fn what_was_determined_is_said_in_its_number() {
        assert_eq!(determined(1, 1), "1 change heals 1 finding");
        assert_eq!(determined(3, 2), "3 changes heal 2 findings");
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(line(&"漢".repeat(LINE_CHARS_MAX)).chars().count(), LINE_CHARS_MAX);
        assert_eq!(line(&"漢".repeat(LINE_CHARS_MAX * 2)).chars().count(), LINE_CHARS_MAX + 1);
    }
}
