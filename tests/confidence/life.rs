//! A life of the agents in a simulated world: what they decide and learn is the real code, all else is made up.

use super::luck::Luck;
use super::nature::{Habits, Nature};
use jiff::{SignedDuration, Timestamp};
use pipeline::decision::breaker::{Breaker, Ended, Standing};
use pipeline::decision::guard::Guard;
use pipeline::decision::{Circumstances, Decision, Evidence, Phase, Reach, Verdict, decide};
use pipeline::finding::Severity;
use pipeline::ids::{CaseId, RepoName};
use pipeline::learning::Model;
use pipeline::learning::merges::{Merge, Merges, SETTLED_DAYS};
use pipeline::learning::outcome::{Ending, OutcomeRecord, Remedy};
use pipeline::learning::track::{Days, Track, day};
use pipeline::learning::unattended::{Asked, Pull, refusals};
use pipeline::policy::vocabulary::Condition;
use pipeline::policy::{AutoMerge, DEFAULT_POLICIES, Policy, parse};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// How long it lasts, in days.
const DAYS: f64 = 730.0;

/// A fix that is not merged without people is asked about again after so many days each.
const AGAIN_DAYS: [f64; 4] = [0.5, 1.0, 3.0, 7.0];

/// What came of a life.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Fixes that were offered.
    pub offered: u64,
    /// Merged without people.
    pub unattended: u64,
    /// Of those: wrong, by what is true.
    pub wrong: u64,
    /// Of those: undone, or not fixed: wrong as far as anybody noticed, and some that were right.
    pub noticed: u64,
    /// Everything that was learned.
    pub learned: Model,
}

struct Fix {
    case: CaseId,
    repository: usize,
    remedy: Remedy,
    release: String,
    verdict: Verdict,
    is_wrong: bool,
    is_open: bool,
    is_forgotten: bool,
    is_unattended: bool,
    asked: std::slice::Iter<'static, f64>,
    are_checks_fine: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Checked,
    Asked,
    SeenByPeople,
    Forgotten,
    Undone,
}

struct Life<'a> {
    nature: &'a Nature,
    luck: Luck,
    habits: Vec<Habits>,
    policy: Policy,
    fixes: Vec<Fix>,
    events: BinaryHeap<Reverse<(i64, usize, Event)>>,
    now: Timestamp,
    learned: Model,
    days: Days,
    /// As of the last outcome of each, or the beginning of the day.
    tracks: BTreeMap<Remedy, Track>,
    breakers: BTreeMap<(usize, Remedy), Breaker>,
    merges: Merges,
    ledger: Ledger,
}

/// Lives through `cases` cases in two years.
pub fn live(nature: &Nature, cases: usize, wrong_rate_max: f64, seed: u64) -> Ledger {
    let mut luck = Luck::of(seed);
    let mut policy = parse("built in", DEFAULT_POLICIES).unwrap().remove(0);
    policy.auto_merge = Some(AutoMerge { wrong_rate_max });
    let habits = nature.habits(&mut luck);
    let mut life = Life {
        nature,
        luck,
        habits,
        policy,
        fixes: Vec::new(),
        events: BinaryHeap::new(),
        now: begin(),
        learned: Model::default(),
        days: Days::default(),
        tracks: BTreeMap::new(),
        breakers: BTreeMap::new(),
        merges: Merges::default(),
        ledger: Ledger::default(),
    };
    while life.fixes.len() < cases {
        life.advisory(cases);
    }
    while let Some(Reverse((at, index, event))) = life.events.pop() {
        let now = Timestamp::from_second(at).unwrap();
        if day(now) != day(life.now) {
            life.tracks.clear();
        }
        life.now = now;
        life.happens(index, event);
    }
    life.ledger.learned = life.learned;
    life.ledger
}

fn begin() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

impl Life<'_> {
    /// An advisory: one release heals many repositories, within a few hours.
    fn advisory(&mut self, cases: usize) {
        let hit = (self.luck.long(self.nature.hit, 1.0).ceil() as usize).min(40);
        let is_bad_release = self.luck.happens(self.nature.bad_releases);
        let kind = self.luck.one_of(&self.nature.remedies.iter().map(|(.., common)| *common).collect::<Vec<_>>());
        let (name, course, _) = self.nature.remedies[kind];
        let at = DAYS * self.fixes.len() as f64 / cases as f64;
        let is_bad_day = self.luck.happens(self.nature.bad_days);
        let weights: Vec<f64> = self.habits.iter().map(|habits| habits.weight).collect();
        let release = format!("{name} {}", self.fixes.len());
        for _ in 0..hit {
            let repository = self.luck.one_of(&weights);
            let chances = [
                course.at(at / DAYS),
                if is_bad_release { 0.9 } else { 0.0 },
                if is_bad_day { 0.5 } else { 0.0 },
                self.habits[repository].breaks,
            ];
            let is_wrong = chances.into_iter().any(|chance| self.luck.happens(chance));
            let offered = seconds(at + self.luck.between(0.0, 0.3));
            self.now = offered;
            let case: CaseId = format!("{:032x}", self.fixes.len()).parse().unwrap();
            let remedy = Remedy::from(name.to_owned());
            let verdict = self.decide(&remedy);
            self.fixes.push(Fix {
                case,
                repository,
                remedy,
                release: release.clone(),
                verdict,
                is_wrong,
                is_open: true,
                is_forgotten: false,
                is_unattended: false,
                asked: AGAIN_DAYS.iter(),
                are_checks_fine: false,
            });
            self.ledger.offered += 1;
            let index = self.fixes.len() - 1;
            let checked = self.luck.long(0.02, 1.0);
            self.later(index, checked, Event::Checked);
            let seen = self.luck.long(2.0, 1.3);
            // Some pull requests nobody ever looks at, and some only after a month.
            let is_seen = !self.luck.happens(0.12);
            if is_seen {
                self.later(index, seen.max(checked), Event::SeenByPeople);
            }
            if !is_seen || seen > 30.0 {
                self.later(index, 30.0, Event::Forgotten);
            }
        }
    }

    fn later(&mut self, index: usize, days: f64, event: Event) {
        let at = self.now + SignedDuration::from_secs((days * 86_400.0) as i64);
        self.events.push(Reverse((at.as_second(), index, event)));
    }

    /// How sure one is has little to do with what is true.
    fn decide(&mut self, remedy: &Remedy) -> Verdict {
        let certainty = if self.luck.happens(0.8) { 0.97 } else { self.luck.between(0.85, 0.97) };
        let reach = if remedy.as_str().ends_with(":manifest") { Reach::Manifest } else { Reach::InPlace };
        let conditions = [Condition::PatchAvailable, Condition::NoBreakingChanges, Condition::FixAvailable];
        let circumstances = Circumstances {
            phase: Phase::Proof,
            severities: [if self.luck.happens(0.7) { Severity::Medium } else { Severity::High }].into(),
            evidence: vec![Evidence::detection(certainty), Evidence::proof(&[]), Evidence::compatibility(reach)],
            conditions: conditions.into_iter().map(|condition| (condition, true)).collect(),
            is_as_intended: None,
            mode: Default::default(),
            priority: Default::default(),
            guards: Vec::new(),
        };
        decide(Some(&self.policy), &circumstances)
    }

    fn happens(&mut self, index: usize, event: Event) {
        let fix = &self.fixes[index];
        if !fix.is_open && event != Event::Undone {
            return;
        }
        match event {
            Event::Checked => self.checked(index),
            Event::Asked if fix.is_forgotten => {}
            Event::Asked => self.ask(index),
            Event::SeenByPeople => self.seen_by_people(index),
            Event::Forgotten => {
                self.fixes[index].is_forgotten = true;
                self.end(index, Ending::Censored);
            }
            Event::Undone => self.end(index, Ending::Reverted),
        }
    }

    fn checked(&mut self, index: usize) {
        let (is_wrong, repository) = (self.fixes[index].is_wrong, self.fixes[index].repository);
        let Some(finds) = self.habits[repository].checks else { return };
        // Checks fail for no reason, too.
        if is_wrong && self.luck.happens(finds) || self.luck.happens(self.nature.flaky) {
            self.end(index, Ending::ChecksFailed);
            return;
        }
        self.fixes[index].are_checks_fine = true;
        self.ask(index);
    }

    /// Is it merged without people?
    fn ask(&mut self, index: usize) {
        let fix = &self.fixes[index];
        if fix.verdict.decision != Decision::Heal {
            return;
        }
        let breaker = self.breakers.get(&(fix.repository, fix.remedy.clone())).cloned().unwrap_or_default();
        let mut guards = Vec::new();
        match breaker.standing(&fix.case, self.now) {
            Standing::Closed => {}
            Standing::Open(until) => guards.push(Guard::breaker_open(until, breaker.reason())),
            Standing::HalfOpen => guards.push(Guard::breaker_probe()),
        }
        guards.extend(self.learned.sums(&fix.remedy).demotion().map(Guard::demoted));
        let (learned, days, now) = (&self.learned, &self.days, self.now);
        let track = self.tracks.entry(fix.remedy.clone()).or_insert_with(|| days.track(&fix.remedy, learned, now));
        let releases = [fix.release.clone()].into();
        let asked = Asked {
            auto_merge: self.policy.auto_merge.unwrap(),
            offered: &fix.verdict,
            now: &fix.verdict,
            guards: &guards,
            track,
            merges: &self.merges,
            fix: (&fix.case, "a plan"),
            releases: &releases,
            pull: Pull { are_checks_fine: fix.are_checks_fine, ..Pull::READY },
        };
        if !refusals(&asked, self.now).is_empty() {
            // Ever more seldom, until people look at it.
            let again = self.fixes[index].asked.next();
            again.into_iter().for_each(|days| self.later(index, *days, Event::Asked));
            return;
        }
        let merge =
            Merge { case: fix.case.clone(), plan: "a plan".to_owned(), releases, at: self.now, is_wrong: false };
        self.merges.take(merge, self.now);
        self.ledger.unattended += 1;
        self.ledger.wrong += u64::from(fix.is_wrong);
        self.fixes[index].is_unattended = true;
        self.merge(index, Ending::Merged);
    }

    fn seen_by_people(&mut self, index: usize) {
        let (is_wrong, repository) = (self.fixes[index].is_wrong, self.fixes[index].repository);
        let is_seen_to_be_wrong = is_wrong && self.luck.happens(0.25);
        if is_seen_to_be_wrong || self.luck.happens(self.habits[repository].declines) {
            self.end(index, Ending::Declined);
        } else if self.luck.happens(0.02) {
            self.merge(index, Ending::MergedEdited);
        } else {
            self.merge(index, Ending::Merged);
        }
    }

    /// It is merged. That it was wrong is seen at once, later, or never; and what was right is undone too, now and then.
    fn merge(&mut self, index: usize, ending: Ending) {
        let is_wrong = self.fixes[index].is_wrong;
        if is_wrong && self.luck.happens(0.05) {
            self.end(index, Ending::NotFixed);
            return;
        }
        self.end(index, ending);
        let days = match is_wrong {
            true => self.luck.long(self.nature.noticed_days, 1.2),
            false => self.luck.between(0.0, 14.0),
        };
        let chance = if is_wrong { self.nature.noticed } else { 0.002 };
        // What is noticed later, nobody traces back to the fix.
        if self.luck.happens(chance) && days < SETTLED_DAYS as f64 {
            self.later(index, days, Event::Undone);
        }
    }

    fn end(&mut self, index: usize, ending: Ending) {
        let fix = &mut self.fixes[index];
        fix.is_open &= ending == Ending::Censored;
        let repository: RepoName = format!("github.example/octo/{}", fix.repository).parse().unwrap();
        let record = OutcomeRecord {
            case: fix.case.clone(),
            plan: "a plan".to_owned(),
            pull_request: 0,
            repository,
            remedy: fix.remedy.clone(),
            confidence: fix.verdict.confidence,
            is_unattended: fix.is_unattended,
            at: self.now,
            ending,
            before: None,
            healed: Default::default(),
        };
        self.learned.add(&record);
        self.days.on(day(self.now)).add(&record);
        self.days.forget(day(self.now));
        self.tracks.remove(&record.remedy);
        let id = format!("{} {ending}", fix.case);
        let is_well = ending.is_success();
        let ended = Ended {
            outcome: &id,
            fix: fix.case.as_str(),
            case: &fix.case,
            plan: "a plan",
            is_well,
            is_harm: ending.is_harm(),
        };
        self.breakers.entry((fix.repository, fix.remedy.clone())).or_default().record(&ended, self.now);
        if ending.is_harm() && fix.is_unattended {
            self.ledger.noticed += 1;
            self.merges.turned_out_wrong(&fix.case, "a plan");
        }
    }
}

fn seconds(days: f64) -> Timestamp {
    begin() + SignedDuration::from_secs((days * 86_400.0) as i64)
}
