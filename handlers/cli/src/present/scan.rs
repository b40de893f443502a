//! A scan's result.

use super::{beside, json, lines, table};
use crate::Failure;
use crate::terminal::style_of;
use agents::examine::Examination;
use comfy_table::{ColumnConstraint, Width};
use detectors::dependency::matching::Matched;
use pipeline::decision::priority::Urgency;
use pipeline::finding::{Finding, Imported, Severity};
use pipeline::wording::{NOT_IMPORTED, count, plain};
use serde_json::json;
use std::fmt::Write;

/// The contract `suture.scan/1`. The summary has every severity, also those without findings.
pub fn scan_json(target: &str, examination: &Examination) -> Result<String, Failure> {
    let findings: Vec<&Finding> = examination.matched.iter().map(|matched| &matched.finding).collect();
    let mut summary = serde_json::Map::new();
    for severity in Severity::WORST_FIRST {
        let of_it = findings.iter().filter(|finding| finding.severity == severity).count();
        summary.insert(severity.to_string(), of_it.into());
    }
    json(&json!({
        "schema": "suture.scan/1",
        "target": target,
        "findings": findings,
        "summary": summary,
        "errors": examination.errors,
        "limits_hit": examination.limits_hit,
    }))
}

/// A scan for people: by file, the most urgent first, then what could not be read.
pub fn scan_table(target: &str, examination: &Examination, columns: Option<u16>) -> String {
    let mut text = findings(examination, columns);
    text.push_str(&beside(&examination.errors, &examination.notes, &examination.limits_hit));
    let by_severity = examination.summary();
    let counted: Vec<String> = Severity::WORST_FIRST
        .iter()
        .filter_map(|severity| by_severity.get(&severity.to_string()).map(|count| format!("{count} {severity}")))
        .collect();
    let found = if counted.is_empty() { "nothing found".to_owned() } else { counted.join(", ") };
    let suppressed = match examination.suppressed.len() {
        0 => String::new(),
        count => format!("; {count} suppressed"),
    };
    let looked_at =
        format!("{} of {}", count(examination.packages_seen, "package"), count(examination.projects_seen, "project"));
    let _ = writeln!(text, "{}: {found}{suppressed} ({looked_at})", plain(target));
    text
}

const HEADER: [&str; 6] = ["severity", "mend within", "package", "advisory", "fixed in", "brought in by"];

/// A terminal with fewer columns is told the ends of a path through the graph only.
const WIDE_COLUMNS: u16 = 120;

/// A table for each file, all with the same columns.
fn findings(examination: &Examination, columns: Option<u16>) -> String {
    let mut files: Vec<(&str, Vec<[String; 6]>)> = Vec::new();
    for matched in &examination.matched {
        let path = matched.finding.path.as_str();
        let row = row(matched, columns.is_some_and(|columns| columns < WIDE_COLUMNS));
        match files.iter_mut().find(|(file, _)| *file == path) {
            Some((_, rows)) => rows.push(row),
            None => files.push((path, vec![row])),
        }
    }
    // Foreign names may be long: no column but the last takes more than its share.
    let share = columns.map_or(u16::MAX, |columns| columns / 4);
    let mut widths: [u16; 5] = [8, 11, 7, 8, 8];
    for row in files.iter().flat_map(|(_, rows)| rows) {
        for (width, cell) in widths[1..].iter_mut().zip(&row[1..]) {
            *width = (*width).max(u16::try_from(cell.chars().count()).unwrap_or(u16::MAX).min(share));
        }
    }
    let mut text = String::new();
    for (file, rows) in &files {
        let mut table = table(columns);
        table.set_header(HEADER);
        table.add_rows(rows);
        for (column, width) in table.column_iter_mut().zip(widths) {
            // With a blank on either side.
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width.saturating_add(2))));
        }
        let _ = write!(text, "{}\n{}\n", plain(file), lines(&table));
    }
    text
}

fn row(matched: &Matched, is_narrow: bool) -> [String; 6] {
    let finding = &matched.finding;
    let style = style_of(finding.severity);
    let package =
        finding.package.as_ref().map_or_else(String::new, |package| format!("{} {}", package.name, package.version));
    let brought = matched.via.split_last().map(|(_, by)| match by {
        [first, _, .., last] if is_narrow => format!("{first} > … > {last}"),
        _ => by.join(" > "),
    });
    let by = brought.filter(|by| !by.is_empty()).unwrap_or_else(|| "the project itself".to_owned());
    let by = match finding.imported {
        Imported::NotSeen => format!("{by} ({NOT_IMPORTED})"),
        Imported::Unknown | Imported::Seen => by,
    };
    let fixed = if finding.fixed_versions.is_empty() { "-".to_owned() } else { finding.fixed_versions.join(", ") };
    let cells = [&package, &finding.rule, &fixed, &by].map(|cell| plain(cell).into_owned());
    let [package, rule, fixed, by] = cells;
    let severity = format!("{style}{}{style:#}", finding.severity);
    [severity, mend_within(finding.risk.urgency()).to_owned(), package, rule, fixed, by]
}

/// As short as a column wants it.
fn mend_within(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::ThreeDaysWithForensics => "3 days, look for traces",
        Urgency::ThreeDays => "3 days",
        Urgency::FourteenDays => "14 days",
        Urgency::SixtyDays => "60 days",
        Urgency::NextUpgrade => "next upgrade",
    }
}
