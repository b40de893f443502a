//! What a case went through, and what its last decision rests on.

use super::{INDENT, wrapped};
use pipeline::case::{Case, CaseRecord};
use pipeline::wording::{count, plain};
use std::fmt::Write;

/// What the last decision rests on besides its reasons: policy, confidence, evidence, urgency. Empty where nothing was weighed.
pub fn grounds(case: &Case, columns: Option<u16>) -> String {
    let Some(grounds) = &case.grounds else { return String::new() };
    let mut text = String::new();
    let mut line = |name: &str, said: &str| {
        let _ = writeln!(text, "  {name:7}  {}", wrapped(&plain(said), columns, INDENT));
    };
    if let Some(policy) = &grounds.policy {
        line("policy", policy);
    }
    line("sure", &format!("{:.2}, the product of", grounds.confidence));
    for evidence in &grounds.evidence {
        line("", &format!("{:.2}  {}: {}", evidence.weight, evidence.name, evidence.detail));
    }
    if let Some(until) = grounds.held_until {
        line("held", &format!("until {until}"));
    }
    text
}

/// The records of a case, a line each, under a heading for each run; `older` of them were left out.
pub fn timeline(records: &[CaseRecord], older: usize, columns: Option<u16>) -> String {
    let mut text = String::new();
    if older > 0 {
        let _ = writeln!(text, "  {} left out", count(older, "older record"));
    }
    let mut run = None;
    for record in records {
        if run.replace(record.run).is_none_or(|before| before != record.run) {
            let _ = writeln!(text, "  run {}  (suture trace {})", record.run, record.run);
        }
        let at = record.at.strftime("%Y-%m-%d %H:%M:%SZ");
        let said = wrapped(&plain(&said(record)), columns, 4 + 20 + 2 + 10 + 2);
        let _ = writeln!(text, "    {at}  {:10}  {said}", plain(&record.agent));
    }
    text
}

/// What one step did, in one line.
fn said(record: &CaseRecord) -> String {
    let mut parts = Vec::new();
    if let Some(wound) = &record.wound {
        let found = count(wound.findings.len(), "finding");
        parts.push(format!("{found} in {} at {} on {}", wound.path, wound.commit.short(), wound.base_branch));
    }
    if let Some((decision, reasons)) = &record.decision {
        let sure = record.grounds.as_ref().map(|grounds| format!(" ({:.2} sure)", grounds.confidence));
        parts.push(format!("{decision}{}", sure.unwrap_or_default()));
        // Those that say why it went no further are the last.
        parts.extend(reasons.last().filter(|_| record.status.is_some()).cloned());
    }
    parts.extend(record.steps.iter().filter(|step| !step.ok).map(|step| format!("{}: {}", step.name, step.detail)));
    let passed = record.steps.iter().filter(|step| step.ok).count();
    if passed > 0 {
        parts.push(format!("{} passed", count(passed, "step")));
    }
    if let Some(pull) = record.delivery.as_ref().and_then(|delivery| delivery.pull_request.as_ref()) {
        parts.push(pull.url.clone());
    }
    if let Some(status) = record.status {
        parts.push(status.to_string());
    }
    if parts.is_empty() { "nothing to tell".to_owned() } else { parts.join("; ") }
}
