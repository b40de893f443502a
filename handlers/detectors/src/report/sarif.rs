//! SARIF 2.1.0, as code scanning services read it.

use pipeline::finding::{Finding, ScanError, Severity};
use pipeline::suppress::Suppression;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What one scan found, and what became of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run<'a> {
    /// Version of Suture.
    pub tool_version: &'a str,
    /// What is reported.
    pub findings: &'a [Finding],
    /// What is not, with the reason: listed as suppressed results.
    pub suppressed: &'a [(Finding, Suppression)],
    /// What could not be read.
    pub errors: &'a [ScanError],
    /// What was left out because a limit was reached, in words.
    pub limits_hit: &'a [String],
    /// What people should know of their own settings, in words.
    pub notes: &'a [String],
}

/// The log of one run, indented, with a final newline.
///
/// The run counts as not successful if an error concerns the whole scan; errors of single files are notifications.
pub fn write(run: &Run<'_>) -> String {
    let rules = Rules::of(run.findings.iter().chain(run.suppressed.iter().map(|(finding, _)| finding)));
    let reported = run.findings.iter().map(|finding| result(finding, None, &rules));
    let suppressed = run.suppressed.iter().map(|(finding, why)| result(finding, Some(why), &rules));
    let results: Vec<_> = reported.chain(suppressed).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "suture", "version": run.tool_version, "rules": rules.descriptors } },
            "invocations": [invocation(run)],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// One descriptor a rule, in the order of the ids.
struct Rules<'a> {
    indexes: BTreeMap<&'a str, usize>,
    descriptors: Vec<Value>,
}

impl<'a> Rules<'a> {
    fn of(findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut by_rule: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            by_rule.entry(finding.rule.as_str()).or_default().push(finding);
        }
        let indexes = by_rule.keys().enumerate().map(|(at, rule)| (*rule, at)).collect();
        Self { indexes, descriptors: by_rule.iter().map(|(rule, findings)| descriptor(rule, findings)).collect() }
    }
}

fn descriptor(rule: &str, findings: &[&Finding]) -> Value {
    let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Unknown);
    let confidence = findings.iter().map(|finding| finding.confidence).fold(1.0, f64::min);
    // The first by text, so that the order of findings does not matter.
    let first = findings.iter().min_by_key(|finding| (&finding.title, &finding.fingerprint));
    let mut descriptor = Map::new();
    let mut set = |key: &str, value: Value| _ = descriptor.insert(key.to_owned(), value);
    set("id", json!(rule));
    if let Some(first) = first {
        set("shortDescription", json!({ "text": text_of(first) }));
        if let Some(address) = help_uri(first) {
            set("helpUri", json!(address));
        }
    }
    set("defaultConfiguration", json!({ "level": level(severity) }));
    let mut properties = Map::new();
    let kinds: BTreeSet<_> = findings.iter().map(|finding| finding.event_type.as_str()).collect();
    let tags: Vec<_> = std::iter::once("security").chain(kinds).collect();
    properties.insert("tags".to_owned(), json!(tags));
    properties.insert("precision".to_owned(), json!(precision(confidence)));
    if let Some(score) = security_severity(severity) {
        properties.insert("security-severity".to_owned(), json!(score));
    }
    set("properties", Value::Object(properties));
    Value::Object(descriptor)
}

fn result(finding: &Finding, suppression: Option<&Suppression>, rules: &Rules<'_>) -> Value {
    let mut result = Map::new();
    let mut set = |key: &str, value: Value| _ = result.insert(key.to_owned(), value);
    set("ruleId", json!(finding.rule));
    if let Some(index) = rules.indexes.get(finding.rule.as_str()) {
        set("ruleIndex", json!(index));
    }
    set("level", json!(level(finding.severity)));
    set("message", json!({ "text": text_of(finding) }));
    set("locations", locations(&finding.path, finding.line));
    set("partialFingerprints", json!({ "sutureFingerprint/v1": finding.fingerprint }));
    if let Some(suppression) = suppression {
        let mut said = json!({
            "kind": "external",
            "status": "accepted",
            "justification": suppression.reason,
            "properties": { "by": suppression.by.to_string() },
        });
        if let Some(until) = suppression.until {
            said["properties"]["until"] = json!(until);
        }
        set("suppressions", json!([said]));
    }
    set("properties", properties(finding));
    Value::Object(result)
}

fn properties(finding: &Finding) -> Value {
    let mut properties = json!({
        "severity": finding.severity,
        "confidence": finding.confidence,
        "advisories": finding.advisories,
        "fixedVersions": finding.fixed_versions,
        "fix": finding.fix,
    });
    if let Some(package) = &finding.package {
        properties["package"] = json!(package);
    }
    if !finding.risk.is_unknown() {
        properties["risk"] = json!(finding.risk);
        properties["urgency"] = json!(finding.risk.urgency());
    }
    properties
}

/// The title, or the rule where there is none: SARIF wants text.
fn text_of(finding: &Finding) -> String {
    plain(if finding.title.is_empty() { &finding.rule } else { &finding.title })
}

/// Text that stays what it is: SARIF takes `{0}` for a placeholder and `[text](target)` for a link (§3.11.5, §3.11.6).
fn plain(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "] (")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        // Nobody said how bad it is: no reason to hide it.
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low => "note",
    }
}

/// A score within the band of the severity, as text: what code scanning services sort by.
fn security_severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Unknown => None,
    }
}

fn precision(confidence: f64) -> &'static str {
    match confidence {
        c if c >= 0.95 => "very-high",
        c if c >= 0.8 => "high",
        c if c >= 0.5 => "medium",
        _ => "low",
    }
}

/// Where people read more of an advisory. Other rules have no page.
fn help_uri(finding: &Finding) -> Option<String> {
    let id = &finding.rule;
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_plain && finding.advisories.contains(id)).then(|| format!("https://osv.dev/vulnerability/{id}"))
}

/// No location for what concerns no file.
fn locations(path: &str, line: Option<u32>) -> Value {
    if path.is_empty() {
        return json!([]);
    }
    let mut place = json!({ "artifactLocation": { "uri": relative_uri(path), "uriBaseId": "%SRCROOT%" } });
    if let Some(line) = line.filter(|line| *line > 0) {
        place["region"] = json!({ "startLine": line });
    }
    json!([{ "physicalLocation": place }])
}

/// The path as a relative reference: all but letters, digits and a few signs is percent-encoded.
fn relative_uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@+".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn invocation(run: &Run<'_>) -> Value {
    let of_errors = run.errors.iter().map(|error| {
        let mut notification = json!({ "level": "error", "message": { "text": plain(&error.message) } });
        if !error.path.is_empty() {
            notification["locations"] = locations(&error.path, error.line);
        }
        notification
    });
    let notification =
        |level: &'static str| move |text: &String| json!({ "level": level, "message": { "text": plain(text) } });
    let of_limits = run.limits_hit.iter().map(notification("warning"));
    let mut invocation = json!({
        "executionSuccessful": run.errors.iter().all(|error| !error.path.is_empty()),
        "toolExecutionNotifications": of_errors.chain(of_limits).collect::<Vec<_>>(),
    });
    if !run.notes.is_empty() {
        let notes: Vec<_> = run.notes.iter().map(notification("note")).collect();
        invocation["toolConfigurationNotifications"] = json!(notes);
    }
    invocation
}

#[cfg(test)]
#[path = "sarif_tests.rs"]
mod tests;
