//! What keeps a finding from being reported: with who says so, and why.

pub mod baseline;
pub mod ignore;
pub mod openvex;
pub mod package;
#[cfg(test)]
mod tests;

use crate::finding::Finding;
use baseline::Baseline;
use ignore::Ignore;
use jiff::civil::Date;
use openvex::{OpenVex, Statement};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// All that may keep a finding from being reported.
#[derive(Debug, Clone, Default)]
pub struct Suppressions {
    /// Entries of `.suture.yml`.
    pub ignores: Vec<Ignore>,
    /// Documents of the makers. The latest statement wins, whichever document has it.
    pub vex: Vec<OpenVex>,
    /// Findings of earlier scans.
    pub baselines: Vec<Baseline>,
}

/// Findings, parted. None is lost: each is in one of the two lists, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Suppressed {
    /// What is reported.
    pub kept: Vec<Finding>,
    /// What is not, each with the reason.
    pub suppressed: Vec<(Finding, Suppression)>,
    /// What the people who wrote the suppressions should know: entries that are expired, never expire, or match nothing
    /// that was found.
    pub notes: Vec<String>,
}

/// Why one finding is not reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Who says so.
    pub by: Suppressor,
    /// In words.
    pub reason: String,
    /// The last day on which it holds. `None`: no end is set.
    pub until: Option<Date>,
}

/// Who keeps a finding from being reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Suppressor {
    /// An entry of `.suture.yml`.
    Ignore {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u32,
    },
    /// A statement of an OpenVEX document.
    OpenVex {
        /// The file.
        path: String,
        /// Who wrote it.
        author: String,
    },
    /// An earlier scan.
    Baseline {
        /// The file.
        path: String,
    },
}

/// Parts `findings` into what is reported and what is not, as of the day `today`.
///
/// Where several would do, an ignore entry is named before an OpenVEX statement, and that before a baseline. A finding
/// of which the latest OpenVEX statement says that it is affected is reported unless something else suppresses it.
pub fn apply(findings: Vec<Finding>, suppressions: &Suppressions, today: Date) -> Suppressed {
    let ignores = IgnoreIndex::of(&suppressions.ignores);
    let mut used = vec![false; suppressions.ignores.len()];
    let mut parted = Suppressed::default();
    let mut seen = BTreeSet::new();
    for finding in findings {
        let mut by_ignore = None;
        for at in ignores.candidates(&finding) {
            let Some(entry) = suppressions.ignores.get(at).filter(|entry| entry.matches(&finding)) else { continue };
            if let Some(used) = used.get_mut(at) {
                *used = true;
            }
            if by_ignore.is_none() && !entry.is_expired(today) {
                by_ignore = Some(of_ignore(entry));
            }
        }
        seen.insert(finding.fingerprint.clone());
        let suppression = by_ignore
            .or_else(|| of_vex(&suppressions.vex, &finding))
            .or_else(|| of_baseline(&suppressions.baselines, &finding));
        match suppression {
            Some(suppression) => parted.suppressed.push((finding, suppression)),
            None => parted.kept.push(finding),
        }
    }
    for (entry, used) in suppressions.ignores.iter().zip(used) {
        parted.notes.extend(note(entry, used, today));
    }
    parted.notes.extend(suppressions.vex.iter().filter_map(OpenVex::note));
    for baseline in &suppressions.baselines {
        let gone = baseline.fingerprints.difference(&seen).count();
        if gone > 0 {
            let all = baseline.fingerprints.len();
            parted.notes.push(format!("{}: {gone} of its {all} findings were not found this time", baseline.path));
        }
    }
    parted
}

fn of_ignore(entry: &Ignore) -> Suppression {
    let by = Suppressor::Ignore { path: entry.file.clone(), line: entry.line };
    Suppression { by, reason: entry.reason.clone(), until: entry.expires }
}

fn of_vex(documents: &[OpenVex], finding: &Finding) -> Option<Suppression> {
    let latest = documents.iter().filter_map(|document| Some((document, document.latest(finding)?)));
    // The last of equals: documents that come later stand later.
    let (document, statement): (&OpenVex, &Statement) = latest.max_by_key(|(_, statement)| statement.timestamp)?;
    statement.suppresses().then(|| Suppression {
        by: Suppressor::OpenVex { path: document.path.clone(), author: document.author.clone() },
        reason: statement.reason.clone(),
        until: None,
    })
}

fn of_baseline(baselines: &[Baseline], finding: &Finding) -> Option<Suppression> {
    let baseline = baselines.iter().find(|baseline| baseline.fingerprints.contains(&finding.fingerprint))?;
    Some(Suppression {
        by: Suppressor::Baseline { path: baseline.path.clone() },
        reason: "it was there before".to_owned(),
        until: None,
    })
}

fn note(entry: &Ignore, used: bool, today: Date) -> Option<String> {
    match entry.expires {
        Some(last) if last < today && used => {
            Some(format!("{entry} ended on {last}: what it matches is reported again"))
        }
        Some(last) if last < today => Some(format!("{entry} ended on {last} and matches nothing that was found")),
        _ if !used => Some(format!("{entry} matches nothing that was found")),
        None => Some(format!("{entry} never ends: give it an `expires`")),
        Some(_) => None,
    }
}

/// Ignore entries by what they are about, so that a finding is held against few of them.
struct IgnoreIndex {
    by_target: HashMap<String, Vec<usize>>,
}

impl IgnoreIndex {
    fn of(entries: &[Ignore]) -> Self {
        let mut by_target: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            by_target.entry(entry.target.to_string().to_ascii_lowercase()).or_default().push(at);
        }
        Self { by_target }
    }

    /// In the order of the file.
    fn candidates(&self, finding: &Finding) -> BTreeSet<usize> {
        let names = [finding.fingerprint.as_str(), finding.rule.as_str()].into_iter();
        let names = names.chain(finding.advisories.iter().map(String::as_str));
        names.filter_map(|name| self.by_target.get(&name.to_ascii_lowercase())).flatten().copied().collect()
    }
}

impl fmt::Display for Suppressor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore { path, line } => write!(out, "{path}:{line}"),
            Self::OpenVex { path, author } => write!(out, "{path} by {author}"),
            Self::Baseline { path } => write!(out, "baseline {path}"),
        }
    }
}
