//! Cases, and what became of them.

use super::{INDENT, json, lines, table, wrapped};
use crate::Failure;
use crate::heal::Healed;
use crate::terminal::style_of;
use pipeline::case::{Case, Status, Step};
use pipeline::finding::Severity;
use pipeline::wording::{self, count, findings, plain};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The contract `suture.heal/1`, and beside it what could not be read or done, what people should know, and what was left out.
pub fn heal_json(healed: &Healed) -> Result<String, Failure> {
    let cases = healed.cases.iter().map(|(case, _)| case);
    json(&json!({
        "schema": "suture.heal/1",
        "cases": cases.clone().map(case_json).collect::<Vec<_>>(),
        "summary": by_status(cases),
        "errors": healed.errors,
        "notes": healed.notes,
        "limits_hit": healed.limits_hit,
    }))
}

fn by_status<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeMap<String, usize> {
    let mut summary = BTreeMap::new();
    cases.for_each(|case| *summary.entry(case.status.to_string()).or_default() += 1);
    summary
}

fn case_json(case: &Case) -> Value {
    let wound = case.wound.as_ref();
    let delivery = case.delivery.as_ref();
    json!({
        "case": case.case,
        "event_type": wound.map(|wound| &wound.event_type),
        "rule": wound.map(|wound| &wound.rule),
        "severity": wound.map(|wound| wound.severity),
        "decision": case.decision,
        "reasons": case.reasons,
        "grounds": case.grounds,
        "status": case.status,
        "findings": wound.map(|wound| wound.findings.as_slice()).unwrap_or_default(),
        "left": case.left,
        "steps": case.steps,
        "branch": delivery.and_then(|delivery| delivery.branch.as_ref()),
        "commit": delivery.and_then(|delivery| delivery.commit.as_ref()),
        "files": delivery.map(|delivery| delivery.files.as_slice()).unwrap_or_default(),
        "priority": case.priority(),
    })
}

/// `3 cases: 1 completed, 2 proposed`
pub fn case_summary<'a>(cases: impl Iterator<Item = &'a Case> + Clone) -> String {
    let of_status: Vec<String> =
        by_status(cases.clone()).into_iter().map(|(status, count)| format!("{count} {status}")).collect();
    format!("{}: {}\n", count(cases.count(), "case"), of_status.join(", "))
}

/// All cases, a line each.
pub fn case_list(cases: &[Case], columns: Option<u16>) -> String {
    if cases.is_empty() {
        return "no cases yet; `suture heal PATH` opens them\n".to_owned();
    }
    let mut table = table(columns);
    table.set_header(["case", "status", "severity", "what", "where", "updated"]);
    for case in cases {
        let (severity, path, repository) = case.wound.as_ref().map_or((String::new(), "", ""), |wound| {
            let style = style_of(wound.severity);
            (format!("{style}{}{style:#}", wound.severity), wound.path.as_str(), wound.repository.as_str())
        });
        table.add_row([
            case.case.to_string(),
            case.status.to_string(),
            severity,
            plain(path).into_owned(),
            plain(repository).into_owned(),
            case.updated.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        ]);
    }
    lines(&table)
}

/// One case with everything that is known of it, in lines of `columns` where that is known.
pub fn case_in_full(case: &Case, columns: Option<u16>) -> String {
    let path = case.wound.as_ref().map_or("", |wound| &wound.path);
    let severity = case.wound.as_ref().map_or(Severity::Unknown, |wound| wound.severity);
    let style = style_of(severity);
    let mut text = format!("{}  {}  {style}{severity}{style:#}\n  {}\n", case.case, plain(path), sentence(case.status));
    let mut line = |name: &str, said: &str| {
        let said = wrapped(&plain(said), columns, INDENT);
        let _ = writeln!(text, "  {name:7}  {said}");
    };
    if case.grounds.is_some() {
        line("urgency", &wording::priority(&case.priority()));
    }
    case.reasons.iter().for_each(|reason| line("because", reason));
    let is_told = |step: &Step| !step.ok && case.reasons.contains(&format!("{}: {}", step.name, step.detail));
    for step in case.steps.iter().filter(|step| !is_told(step)) {
        line(if step.ok { "ok" } else { "no" }, &format!("{}: {}", step.name, step.detail));
    }
    for (reason, times) in left(case) {
        let times = if times > 1 { format!(" ({})", findings(times)) } else { String::new() };
        line("left", &format!("{reason}{times}"));
    }
    if let Some(delivery) = &case.delivery
        && let (Some(branch), Some(commit)) = (&delivery.branch, &delivery.commit)
    {
        line("branch", &format!("{branch} ({})", commit.short()));
        line("look", &format!("git show {branch}"));
        line("take", &format!("git merge {branch}"));
    }
    text
}

/// Reasons for which findings stay, in their order, each with the number of findings.
fn left(case: &Case) -> Vec<(&str, usize)> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for left in &case.left {
        match reasons.iter_mut().find(|(reason, _)| *reason == left.reason) {
            Some((_, findings)) => *findings += 1,
            None => reasons.push((&left.reason, 1)),
        }
    }
    reasons
}

fn sentence(status: Status) -> &'static str {
    match status {
        Status::Initiated => "not finished",
        Status::Planned => "planned: nothing was changed",
        Status::Observed => "observed",
        Status::Proposed => "proposed: a proven fix waits for your approval",
        Status::Completed => "completed: healed, proven and verified",
        Status::Failed => "failed: the fix did not prove",
        Status::Error => "error: Suture could not work",
        Status::Escalated => "escalated: it needs you",
        Status::Suppressed => "suppressed",
        Status::Superseded => "superseded",
        Status::FalsePositive => "not true at the head of the branch",
        Status::RolledBack => "rolled back: the fix did not hold",
    }
}
