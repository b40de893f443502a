//! Results as people read them, and as programs do.

use crate::Failure;
use crate::terminal::style_of;
use agents::examine::Examination;
use comfy_table::{ContentArrangement, Table, presets};
use pipeline::case::{Case, Status};
use pipeline::finding::{Finding, Severity};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// `value` as JSON, ended by a newline.
pub fn json(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value).map_err(Failure::new)? + "\n")
}

/// The contract `suture.scan/1`.
pub fn scan_json(target: &str, examination: &Examination) -> Result<String, Failure> {
    let findings: Vec<&Finding> = examination.matched.iter().map(|matched| &matched.finding).collect();
    let summary: BTreeMap<String, usize> = Severity::WORST_FIRST
        .iter()
        .map(|severity| (severity.to_string(), findings.iter().filter(|finding| finding.severity == *severity).count()))
        .collect();
    json(&json!({
        "schema": "suture.scan/1",
        "target": target,
        "findings": findings,
        "summary": summary,
        "errors": examination.errors,
        "limits_hit": examination.limits_hit,
    }))
}

/// A scan for people: worst first, and what could not be read.
pub fn scan_table(target: &str, examination: &Examination) -> String {
    let mut text = String::new();
    if !examination.matched.is_empty() {
        let mut table = table(&["severity", "package", "version", "advisory", "fixed in", "brought in by"]);
        for matched in &examination.matched {
            let finding = &matched.finding;
            let style = style_of(finding.severity);
            let (name, version) = finding.package.as_ref().map_or(("", ""), |package| (&package.name, &package.version));
            let fixed = if finding.fixed_versions.is_empty() { "-".to_owned() } else { finding.fixed_versions.join(", ") };
            table.add_row([
                format!("{style}{}{style:#}", finding.severity),
                name.to_owned(),
                version.to_owned(),
                finding.rule.clone(),
                fixed,
                format!("{} ({})", matched.via.join(" > "), finding.path),
            ]);
        }
        let _ = writeln!(text, "{table}");
    }
    for error in &examination.errors {
        let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = if error.path.is_empty() { String::new() } else { format!("{}{line}: ", error.path) };
        let _ = writeln!(text, "note: {place}{}", error.message);
    }
    for limit in &examination.limits_hit {
        let _ = writeln!(text, "limit: {limit}");
    }
    let counted: Vec<String> = Severity::WORST_FIRST
        .iter()
        .filter_map(|severity| examination.summary().get(&severity.to_string()).map(|count| format!("{count} {severity}")))
        .collect();
    let suppressed = match examination.suppressed.len() {
        0 => String::new(),
        count => format!("; {count} suppressed"),
    };
    let found = if counted.is_empty() { "nothing found".to_owned() } else { counted.join(", ") };
    let (projects, packages) = (examination.projects_seen, examination.packages_seen);
    let _ = writeln!(text, "{target}: {found}{suppressed} ({packages} packages of {projects} projects)");
    text
}

/// The contract `suture.heal/1`.
pub fn heal_json(cases: &[(Case, Option<String>)], errors: &impl Serialize) -> Result<String, Failure> {
    let mut summary: BTreeMap<String, usize> = BTreeMap::new();
    for (case, _) in cases {
        *summary.entry(case.status.to_string()).or_default() += 1;
    }
    let cases: Vec<_> = cases.iter().map(|(case, _)| case_json(case)).collect();
    json(&json!({ "schema": "suture.heal/1", "cases": cases, "summary": summary, "errors": errors }))
}

fn case_json(case: &Case) -> serde_json::Value {
    let wound = case.wound.as_ref();
    let delivery = case.delivery.as_ref();
    json!({
        "case": case.case,
        "event_type": wound.map(|wound| &wound.event_type),
        "rule": wound.map(|wound| &wound.rule),
        "severity": wound.map(|wound| wound.severity),
        "decision": case.decision,
        "reasons": case.reasons,
        "status": case.status,
        "findings": wound.map(|wound| wound.findings.as_slice()).unwrap_or_default(),
        "left": case.left,
        "steps": case.steps,
        "branch": delivery.and_then(|delivery| delivery.branch.as_ref()),
        "commit": delivery.and_then(|delivery| delivery.commit.as_ref()),
        "files": delivery.map(|delivery| delivery.files.as_slice()).unwrap_or_default(),
    })
}

/// All cases, a line each.
pub fn case_list(cases: &[Case]) -> String {
    if cases.is_empty() {
        return "no cases yet; `suture heal PATH` opens them\n".to_owned();
    }
    let mut table = table(&["case", "status", "severity", "what", "where", "updated"]);
    for case in cases {
        let (severity, path, repository) = case.wound.as_ref().map_or((String::new(), "", ""), |wound| {
            let style = style_of(wound.severity);
            (format!("{style}{}{style:#}", wound.severity), wound.path.as_str(), wound.repository.as_str())
        });
        table.add_row([
            case.case.to_string(),
            case.status.to_string(),
            severity,
            path.to_owned(),
            repository.to_owned(),
            case.updated.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        ]);
    }
    format!("{table}\n")
}

/// One case with everything that is known of it.
pub fn case_in_full(case: &Case) -> String {
    let mut text = String::new();
    let path = case.wound.as_ref().map_or("", |wound| &wound.path);
    let severity = case.wound.as_ref().map_or(Severity::Unknown, |wound| wound.severity);
    let style = style_of(severity);
    let _ = writeln!(text, "{}  {path}  {style}{severity}{style:#}  {}", case.case, sentence(case));
    for reason in &case.reasons {
        let _ = writeln!(text, "  because  {reason}");
    }
    for step in &case.steps {
        let mark = if step.ok { "ok" } else { "no" };
        let _ = writeln!(text, "  {mark:7}  {}: {}", step.name, step.detail);
    }
    for left in &case.left {
        let _ = writeln!(text, "  left     {}", left.reason);
    }
    if let Some(delivery) = &case.delivery {
        if let (Some(branch), Some(commit)) = (&delivery.branch, &delivery.commit) {
            let _ = writeln!(text, "  branch   {branch} ({})", commit.short());
            let _ = writeln!(text, "  look     git show {branch}");
            let _ = writeln!(text, "  take     git merge {branch}");
        }
    }
    text
}

fn sentence(case: &Case) -> &'static str {
    match case.status {
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

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    table
}
