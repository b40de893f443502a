//! What Suture writes on GitHub. Foreign text stands in code spans, where it can neither mention anybody, nor link, nor be taken for markup.

use super::{NAMED_MAX, change, count, plain, subject};
use crate::case::{Case, Status, Step, Wound};
use crate::decision::{Decision, Verdict};
use crate::finding::Finding;
use crate::ids::{CaseId, hash_of};
use crate::message::RunId;
use crate::patch::{Left, Plan};
use std::fmt::{Display, Write};

/// Longest piece of foreign text, in characters.
const CODE_CHARS_MAX: usize = 200;

/// Reasons that are named of one case on the dashboard.
const REASONS_MAX: usize = 3;

/// The mark by which Suture finds what it offered: a comment that is not shown.
const MARK: &str = "<!-- suture ";

/// Foreign text in a code span, on one line. It can't hold a mark of ours.
pub fn code(text: &str) -> String {
    let plain = plain(text).replace('`', "'").replace("<!--", "<!- -");
    match plain.char_indices().nth(CODE_CHARS_MAX) {
        Some((end, _)) => format!("`{}…`", &plain[..end]),
        None if plain.trim().is_empty() => "` `".to_owned(),
        None => format!("`{plain}`"),
    }
}

/// What a pull request offers.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The case.
    pub case: &'a CaseId,
    /// The run.
    pub run: RunId,
    /// What is mended.
    pub wound: &'a Wound,
    /// How.
    pub plan: &'a Plan,
    /// What is gone with it.
    pub heals: &'a [&'a Finding],
    /// What was seen.
    pub proof: &'a [Step],
    /// The decision.
    pub verdict: &'a Verdict,
}

/// The title of a pull request.
pub fn title(plan: &Plan, wound: &Wound) -> String {
    plain(&subject(plan, &wound.path)).into_owned()
}

/// The text of a pull request: what, why, proof, what is left, how to undo.
pub fn body(offer: &Offer<'_>) -> String {
    let mut text = String::from("### What\n");
    list(&mut text, offer.plan.changes.iter().map(|made| code(&change(made))));
    text.push_str("\n### Why\n");
    list(
        &mut text,
        offer
            .heals
            .iter()
            .map(|finding| format!("{} ({}): {}", code(&finding.rule), finding.severity, code(&finding.title))),
    );
    text.push_str("\n### Proof\n");
    list(&mut text, offer.proof.iter().map(|step| format!("{}: {}", step.name, code(&step.detail))));
    if !offer.plan.left.is_empty() {
        text.push_str("\n### Left\n");
        list(&mut text, offer.plan.left.iter().map(|left: &Left| code(&left.reason)));
    }
    let Verdict { decision, confidence, reasons, awaits_tests, .. } = offer.verdict;
    let _ = write!(text, "\n### Decision\n{decision}, confidence {confidence:.2}\n");
    list(&mut text, reasons.iter().map(|reason| code(reason)));
    if *decision != Decision::Heal {
        text.push_str("\nIt waits for approval, as a draft where the repository may have drafts.\n");
    } else if *awaits_tests {
        text.push_str(
            "\nIt is a draft until a check of this repository has passed and none has failed. Where there are no checks, it stays one: nothing else here runs the tests.\n",
        );
    }
    text.push_str("\n### Undo\nClose this pull request; after the merge, revert it. It is not offered again unless the fix changes.\n\n");
    text.push_str(&mark(offer.case, offer.run, &plan_hash(offer.plan)));
    text
}

/// The mark of an offer.
fn mark(case: &CaseId, run: RunId, plan: &str) -> String {
    format!("{MARK}case={case} run={run} plan={plan} -->\n")
}

/// What the mark of a pull request says that Suture itself took back.
const WITHDRAWN: &str = "withdrawn";

/// The text before our mark, what the mark says, and the text after it. Only the last one is ours: foreign text stands before it.
fn parts(body: &str) -> Option<(&str, &str, &str)> {
    let (before, mark) = body.rsplit_once(MARK)?;
    let (said, after) = mark.split_once("-->")?;
    Some((before, said.trim(), after))
}

/// By which a fix is known again: what it changes and what it heals, whatever else is in the files.
pub fn plan_hash(plan: &Plan) -> String {
    let mut changes: Vec<String> = plan.changes.iter().map(change).collect();
    let mut heals: Vec<String> = plan.heals.iter().map(ToString::to_string).collect();
    changes.sort();
    heals.sort();
    let parts: Vec<&str> =
        changes.iter().map(String::as_str).chain(["heals"]).chain(heals.iter().map(String::as_str)).collect();
    hash_of(&parts)
}

/// Hash of the plan that the pull request with this text offers, as its mark says.
pub fn offered_plan(body: &str) -> Option<&str> {
    let (_, said, _) = parts(body)?;
    said.split_whitespace().find_map(|word| word.strip_prefix("plan="))
}

/// The same text, marked as taken back by Suture itself: then nobody declined it. Somebody may have taken its mark out.
pub fn withdrawn(body: &str) -> String {
    match parts(body) {
        Some((before, _, after)) => format!("{before}{MARK}{WITHDRAWN} -->{after}"),
        None => format!("{}\n\n{MARK}{WITHDRAWN} -->\n", body.trim_end()),
    }
}

/// Whether the pull request with this text was taken back by Suture itself.
pub fn is_withdrawn(body: &str) -> bool {
    parts(body).is_some_and(|(_, said, _)| said == WITHDRAWN)
}

/// The text of a pull request that was taken back, as one that offers `plan` again.
pub fn offered_again(body: &str, case: &CaseId, run: RunId, plan: &str) -> String {
    let (before, _, after) = parts(body).unwrap_or((body, "", ""));
    format!("{before}{}{after}", mark(case, run, plan).trim_end())
}

/// By which a comment about `subject` is found again.
pub fn comment_mark(subject: &str) -> String {
    format!("{MARK}said={subject} -->")
}

/// Said when a pull request is closed because nothing is left to mend.
pub fn gone(commit: &str, base: &str) -> String {
    format!("At {} on {} nothing of it is found any more, so there is nothing to merge.", code(commit), code(base))
}

/// Said when a pull request is closed because the fix did not hold.
pub fn taken_back(failed: &[String]) -> String {
    let mut text = String::from("It was looked at again, and does not hold:\n");
    list(&mut text, failed.iter().map(|reason| code(reason)));
    text
}

/// Said when a pull request is closed because a later look came to no fix that may be offered.
pub fn outdated(commit: &str, base: &str, reasons: &[String]) -> String {
    let (at, on) = (code(commit), code(base));
    let mut text = format!(
        "This is not proven any more: at {at} on {on} there is no fix to offer now. Should there be one, it is offered anew.\n\n"
    );
    list(&mut text, reasons.iter().map(|reason| code(reason)));
    text
}

/// Said when checks of others failed on a pull request, which was made a draft where that could be done.
pub fn checks_failed(names: &[String], is_draft: bool) -> String {
    let follows = if is_draft { "so it is a draft until somebody decides" } else { "and somebody has to decide" };
    let mut text = format!("{} failed on it, {follows}:\n", count(names.len(), "check"));
    list(&mut text, names.iter().map(|name| code(name)));
    text
}

/// What fails since the pull request `number` was merged, and whether it did again when it was run again.
pub fn failed_since_merge<'a>(number: u64, names: impl IntoIterator<Item = &'a String>, is_confirmed: bool) -> String {
    let names: Vec<_> = names.into_iter().map(|name| plain(name)).collect();
    let follows = if is_confirmed { "and again when run again" } else { "nobody had it run again to the end" };
    format!("passed before #{number} was merged, and failed on the merge, {follows}: {}", names.join(", "))
}

/// Said when the checks that a pull request waited for passed.
pub fn checks_passed(passed: usize) -> String {
    format!(
        "{} passed, and it waited for nothing else: it is ready for review. Made a draft again, it stays one.",
        count(passed, "check")
    )
}

/// What GitHub had against merging the pull request `number`, in its own words.
pub fn merge_refused(number: u64, words: &str) -> String {
    plain(&format!("GitHub did not merge #{number}: {words}")).into_owned()
}

/// Why a pull request can't be merged, where its repository allows no way of merging that is known.
pub fn no_merge_method() -> &'static str {
    "the repository allows neither squash nor merge nor rebase, or does not tell"
}

/// The headline of the check run on a pull request; `is_whole`: everything could be read.
pub fn check_title(new: usize, is_whole: bool) -> String {
    match (new, is_whole) {
        (0, true) => "Nothing new".to_owned(),
        (0, false) => "Not everything could be read".to_owned(),
        (new, true) => format!("{} brought in", count(new, "finding")),
        (new, false) => format!("{} brought in, and not everything could be read", count(new, "finding")),
    }
}

/// The text of the check run on a pull request; `unread`: files that could not be read, and what limits left out.
pub fn check_summary(new: &[&Finding], unread: &[&str]) -> String {
    let mut text = String::from("Held against its base: what this pull request brings in, and nothing else.\n\n");
    list(
        &mut text,
        new.iter().map(|finding| format!("{} ({}): {}", code(&finding.rule), finding.severity, code(&finding.title))),
    );
    if !unread.is_empty() {
        text.push_str("\nNot read, so nothing is known of what is in it:\n");
        list(&mut text, unread.iter().map(|what| code(what)));
    }
    text
}

/// What is said at the line of a finding. Not Markdown: GitHub shows it as it is.
pub fn annotation(finding: &Finding) -> String {
    let mut text = plain(&finding.title).into_owned();
    if !finding.fixed_versions.is_empty() {
        let _ = write!(text, "; fixed in {}", plain(&finding.fixed_versions.join(", ")));
    }
    text
}

/// An alert of Dependabot, in one line.
pub fn alert(number: u64, package: &str, advisory: &str, severity: &str, fixed: Option<&str>) -> String {
    let fixed = fixed.map_or_else(String::new, |version| format!(", fixed in {version}"));
    plain(&format!("#{number} on {package}: {advisory} ({severity}{fixed})")).into_owned()
}

/// By which the dashboard is found.
pub const DASHBOARD_MARK: &str = "<!-- suture dashboard -->";

/// Its title.
pub const DASHBOARD_TITLE: &str = "Suture: what is open";

/// The text of the dashboard. `None`: there is nothing to tell.
pub fn dashboard(cases: &[Case]) -> Option<String> {
    let mut text = String::new();
    let mut section = |title: &str, is_in: &dyn Fn(&Case) -> bool, line: &dyn Fn(&Case) -> String| {
        let lines: Vec<String> = cases.iter().filter(|case| is_in(case)).map(line).collect();
        if !lines.is_empty() {
            let _ = writeln!(text, "### {title}");
            list(&mut text, lines.into_iter());
            text.push('\n');
        }
    };
    section("Offered", &|case| case.status == Status::Proposed, &|case| {
        let pull = case.delivery.as_ref().and_then(|delivery| delivery.pull_request.as_ref());
        let pull = pull.map_or_else(String::new, |pull| format!(": #{}", pull.number));
        format!("{}{pull}", about(case))
    });
    section("In work", &|case| case.status == Status::Initiated, &about);
    section("Seen, and nothing done yet", &|case| case.status == Status::Observed, &about);
    let is_blocked = |case: &Case| matches!(case.status, Status::Escalated | Status::Failed | Status::Error);
    section("Blocked", &is_blocked, &|case| {
        let why = case.reasons.iter().rev().take(REASONS_MAX).map(|reason| code(reason)).collect::<Vec<_>>();
        format!("{} ({}): {}", about(case), case.status, why.join("; "))
    });
    section("Left", &|case| !case.left.is_empty() && case.status != Status::Superseded, &|case| {
        let left = case.left.iter().take(REASONS_MAX).map(|left| code(&left.reason)).collect::<Vec<_>>();
        format!("{}: {}", about(case), left.join("; "))
    });
    (!text.is_empty()).then(|| format!("{text}{DASHBOARD_MARK}\n"))
}

/// The text of a dashboard on which nothing is left to tell.
pub fn nothing_open() -> String {
    format!("Nothing is open.\n\n{DASHBOARD_MARK}\n")
}

/// What a case is about, in one piece.
fn about(case: &Case) -> String {
    match &case.wound {
        Some(wound) => {
            let found = count(wound.findings.len(), "finding");
            format!("{} on {}: {found}, worst {}", code(&wound.path), code(&wound.base_branch), wound.severity)
        }
        None => code(case.case.as_str()),
    }
}

/// A list in Markdown; more than [`NAMED_MAX`] are counted.
fn list<T: Display>(text: &mut String, items: impl ExactSizeIterator<Item = T>) {
    let more = items.len().saturating_sub(NAMED_MAX);
    for item in items.take(NAMED_MAX) {
        let _ = writeln!(text, "- {item}");
    }
    if more > 0 {
        let _ = writeln!(text, "- and {more} more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_inert() {
        let rows = [
            ("plain", "`plain`"),
            ("@everybody `x` [a](b) <img>\n# head", "`@everybody 'x' [a](b) <img> # head`"),
            ("", "` `"),
            ("a <!-- suture withdrawn -->", "`a <!- - suture withdrawn -->`"),
            ("\u{202e}abc", "`\\u{202e}abc`"),
        ];
        for (text, expect) in rows {
            assert_eq!(code(text), expect);
        }
        assert_eq!(code(&"x".repeat(1000)).chars().count(), CODE_CHARS_MAX + 3);
    }

    #[test]
    fn mark_tells_what_was_offered_and_that_it_was_taken_back() {
        let case: CaseId = "npm-0123456789ab".parse().unwrap();
        let run = RunId(uuid::Uuid::nil());
        let body = format!("text {MARK}case=a plan=forged -->\nmore\n{}", mark(&case, run, "00"));
        assert_eq!(offered_plan(&body), Some("00"));
        assert_eq!(offered_plan(&withdrawn(&body)), None);
        assert!(is_withdrawn(&withdrawn(&body)) && !is_withdrawn(&body));
        assert_eq!(withdrawn("its mark is gone"), "its mark is gone\n\n<!-- suture withdrawn -->\n");
        let again = offered_again(&withdrawn(&body), &case, run, "01");
        assert_eq!((offered_plan(&again), is_withdrawn(&again)), (Some("01"), false));
        assert_eq!(offered_plan("somebody else's"), None);
    }

    #[test]
    fn only_the_last_mark_says_that_it_was_taken_back() {
        let case: CaseId = "npm-0123456789ab".parse().unwrap();
        let mark = mark(&case, RunId(uuid::Uuid::nil()), "00");
        let forged = format!("text {MARK}withdrawn -->\n{mark}");
        assert_eq!((is_withdrawn(&forged), offered_plan(&forged)), (false, Some("00")));
        let again = offered_again(&withdrawn(&forged), &case, RunId(uuid::Uuid::nil()), "00");
        assert_eq!(again, forged, "the last one alone is replaced");
    }

    #[test]
    fn what_people_write_below_the_mark_stays() {
        let case: CaseId = "npm-0123456789ab".parse().unwrap();
        let run = RunId(uuid::Uuid::nil());
        let body = format!("text\n{}\nmine\n", mark(&case, run, "00"));
        assert_eq!(withdrawn(&body), "text\n<!-- suture withdrawn -->\n\nmine\n");
        assert_eq!(offered_again(&withdrawn(&body), &case, run, "00"), body);
    }

    #[test]
    fn plan_is_known_by_what_it_changes_and_heals_in_any_order() {
        let change = |name: &str, version: &str| crate::patch::Change::Override {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        let heals = |rule: &str| crate::ids::Fingerprint::of(rule, "pkg:npm/latch@1.0.3", 0);
        let plan = Plan {
            changes: vec![change("latch", "1.2.0"), change("gate", "2.1.0")],
            heals: vec![heals("GHSA-1"), heals("GHSA-2")],
            ..Plan::default()
        };
        let turned = Plan {
            changes: plan.changes.iter().rev().cloned().collect(),
            heals: plan.heals.iter().rev().cloned().collect(),
            ..Plan::default()
        };
        assert_eq!(plan_hash(&plan), plan_hash(&turned));
        let fewer = Plan { heals: vec![heals("GHSA-1")], ..plan.clone() };
        let other = Plan { changes: vec![change("latch", "1.3.0"), change("gate", "2.1.0")], ..plan.clone() };
        assert!(plan_hash(&plan) != plan_hash(&fewer) && plan_hash(&plan) != plan_hash(&other));
    }
}
