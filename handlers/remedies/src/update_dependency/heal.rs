//! From wounds to a plan: each entry alone, then those that touch the same things together.

use super::acts::{Act, Allowed};
use super::cost::{Cost, OVERRIDES, REQUIRES};
use super::reason;
use super::registry::Registry;
use super::report;
use super::search::{Item, Outcome, Search, Variable};
use super::state::{Id, State};
use super::{Planned, Rules, Wound};
use pipeline::dependency::DependencyGraph;
use pipeline::facts::Facts;
use pipeline::patch::{Left, Plan};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Finds the smallest set of version changes that heals the wounds of one project.
///
/// A wound that can't be healed is left, with the reason, and does not stop the others. Costs are compared part by part:
/// wounds left, overrides, manifest edits, entries changed or added, breaking changes, deprecated releases, distance.
/// The same arguments give the same plan.
pub fn plan(graph: &DependencyGraph, wounds: &[Wound<'_>], facts: &Facts, rules: &Rules) -> Planned {
    if let Some(reason) = &graph.read_only {
        let left = wounds.iter().map(|wound| Left { fingerprint: wound.fingerprint.clone(), reason: reason.clone() });
        return Planned::Plan(Plan { left: left.collect(), smallest: true, ..Plan::default() });
    }
    let registry = Registry::new(graph.ecosystem, facts, rules);
    let mut state = State::new(graph, &registry);
    registry.missing.borrow_mut().clear();
    let allowed = Allowed { breaking: rules.allow_breaking, overrides: rules.allow_overrides };
    let mut healing = Healing::new(&mut state, graph, wounds, allowed, rules.steps_max);
    healing.one_by_one();
    let missing = std::mem::take(&mut healing.missing);
    if !missing.is_empty() {
        return Planned::NeedFacts(missing);
    }
    healing.together();
    if !healing.missing.is_empty() {
        return Planned::NeedFacts(healing.missing);
    }
    let Healing { acts, reasons, exact, entries, .. } = healing;
    replay(&mut state, &acts, None);
    Planned::Plan(report::report(&state, graph, wounds, &entries, reasons, exact))
}

/// What is known of one entry that is to be healed.
struct Alone {
    cost: Cost,
    acts: Vec<Act>,
    footprint: BTreeSet<Variable>,
    exact: bool,
}

struct Healing<'h, 'r, 'a> {
    state: &'h mut State<'r, 'a>,
    allowed: Allowed,
    steps_max: u64,
    steps_left: u64,
    /// By wound: its entries.
    entries: Vec<Vec<Id>>,
    /// By wound: why it is left.
    reasons: Vec<Option<String>>,
    alone: BTreeMap<Id, Alone>,
    missing: BTreeSet<String>,
    acts: Vec<Act>,
    exact: bool,
}

impl<'h, 'r, 'a> Healing<'h, 'r, 'a> {
    fn new(state: &'h mut State<'r, 'a>, graph: &DependencyGraph, wounds: &[Wound<'_>], allowed: Allowed, steps_max: u64) -> Self {
        let by_place: HashMap<&str, Id> = state
            .package
            .iter()
            .filter_map(|(id, index)| Some((graph.packages.get(*index)?.place.as_str(), *id)))
            .collect();
        let entries: Vec<Vec<Id>> = wounds
            .iter()
            .map(|wound| {
                let mut ids: Vec<Id> = wound.places.iter().filter_map(|place| by_place.get(place.as_str()).copied()).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            })
            .collect();
        let reasons = entries.iter().map(|ids| ids.is_empty().then(|| "the entry is not in the graph".to_owned())).collect();
        Self {
            state,
            allowed,
            steps_max,
            steps_left: steps_max,
            entries,
            reasons,
            alone: BTreeMap::new(),
            missing: BTreeSet::new(),
            acts: Vec::new(),
            exact: true,
        }
    }

    /// Finds for each entry by itself whether and how it can be healed.
    fn one_by_one(&mut self) {
        let ids: BTreeSet<Id> = self.entries.iter().flatten().copied().collect();
        let mut failed: BTreeMap<Id, bool> = BTreeMap::new();
        for id in ids {
            if !self.state.is_needed(id) {
                // Nothing leads to it: it is as good as gone, and no business of ours.
                self.alone.insert(id, Alone { cost: Cost::default(), acts: Vec::new(), footprint: BTreeSet::new(), exact: true });
                continue;
            }
            let steps_each = self.steps_left / 4 + STEPS_MIN;
            match self.search(&[id], self.allowed, steps_each, Cost::default()) {
                (Outcome::Solved(cost, acts), footprint) => {
                    self.alone.insert(id, Alone { cost, acts, footprint, exact: true });
                }
                (Outcome::GaveUp(Some((cost, acts))), footprint) => {
                    self.exact = false;
                    self.alone.insert(id, Alone { cost, acts, footprint, exact: false });
                }
                (Outcome::GaveUp(None), _) => {
                    self.exact = false;
                    failed.insert(id, true);
                }
                (Outcome::Impossible, _) => {
                    failed.insert(id, false);
                }
                (Outcome::FactsMissing, _) => {}
            }
        }
        for (id, gave_up) in failed {
            let mut why = None;
            for wound in 0..self.entries.len() {
                if self.entries[wound].contains(&id) && self.reasons[wound].is_none() {
                    let why = why.get_or_insert_with(|| self.why(id, gave_up));
                    self.reasons[wound] = Some(why.clone());
                }
            }
        }
    }

    fn why(&mut self, id: Id, gave_up: bool) -> String {
        let wider = [
            Allowed { breaking: true, ..self.allowed },
            Allowed { overrides: true, ..self.allowed },
            Allowed { breaking: true, overrides: true },
        ];
        let mut would_do = None;
        for allowed in wider {
            if (allowed.breaking, allowed.overrides) == (self.allowed.breaking, self.allowed.overrides) {
                continue;
            }
            if let (Outcome::Solved(_, acts) | Outcome::GaveUp(Some((_, acts))), _) =
                self.search(&[id], allowed, self.steps_left / 4 + STEPS_MIN, Cost::default())
            {
                would_do = Some((acts, allowed.breaking && !self.allowed.breaking));
                break;
            }
        }
        reason::why(self.state, id, would_do, gave_up)
    }

    fn search(&mut self, ids: &[Id], allowed: Allowed, steps_max: u64, at_least: Cost) -> (Outcome, BTreeSet<Variable>) {
        let items = ids.iter().map(|id| Item::new(self.state, *id, allowed)).collect();
        let mut search = Search::new(self.state, items, allowed, steps_max / 2);
        let mut outcome = search.run(at_least);
        if let Outcome::GaveUp(None) = outcome {
            search.hurried = true;
            search.steps_left = steps_max / 2;
            outcome = match search.run(at_least) {
                Outcome::Solved(cost, acts) => Outcome::GaveUp(Some((cost, acts))),
                Outcome::Impossible => Outcome::GaveUp(None),
                other => other,
            };
        }
        let used = steps_max.saturating_sub(search.steps_left);
        let footprint = search.footprint;
        self.steps_left = self.steps_left.saturating_sub(used);
        self.missing.append(&mut self.state.registry.missing.borrow_mut());
        (outcome, footprint)
    }

    /// Entries of the wounds that are not left.
    fn open(&self) -> BTreeSet<Id> {
        let open = self.entries.iter().zip(&self.reasons).filter(|(_, reason)| reason.is_none());
        open.flat_map(|(ids, _)| ids).copied().filter(|id| self.alone.get(id).is_some_and(|alone| !alone.acts.is_empty())).collect()
    }

    /// Solves what belongs together, and merges what turns out to.
    fn together(&mut self) {
        let mut clusters = self.clusters();
        let mut solved: BTreeMap<Vec<Id>, Vec<Act>> = BTreeMap::new();
        loop {
            let mut again = false;
            for cluster in clusters.clone() {
                if solved.contains_key(&cluster) {
                    continue;
                }
                let left_before = self.reasons.iter().flatten().count();
                let acts = self.solve(&cluster);
                solved.insert(cluster, acts);
                if self.reasons.iter().flatten().count() != left_before {
                    // A wound was given up: what else it had to do with needs no change now.
                    again = true;
                    break;
                }
            }
            if !self.missing.is_empty() {
                return;
            }
            if again {
                clusters = self.clusters();
                continue;
            }
            let all: Vec<&Vec<Act>> = clusters.iter().filter_map(|cluster| solved.get(cluster)).collect();
            match self.first_conflict(&all, &clusters) {
                None => {
                    self.acts = joined(self.state.originals, &all);
                    return;
                }
                Some(with) => {
                    let mut merged: Vec<Id> = Vec::new();
                    for at in with.iter().rev() {
                        merged.extend(clusters.remove(*at));
                    }
                    merged.sort_unstable();
                    clusters.push(merged);
                    clusters.sort();
                }
            }
        }
    }

    /// Entries that share anything their searches touched.
    fn clusters(&self) -> Vec<Vec<Id>> {
        let mut by_variable: BTreeMap<&Variable, usize> = BTreeMap::new();
        let mut clusters: Vec<Vec<Id>> = Vec::new();
        for id in self.open() {
            let Some(alone) = self.alone.get(&id) else { continue };
            let touching: BTreeSet<usize> = alone.footprint.iter().filter_map(|v| by_variable.get(v).copied()).collect();
            let mut merged = vec![id];
            for at in &touching {
                merged.append(&mut clusters[*at]);
            }
            let at = clusters.len();
            for known in by_variable.values_mut().filter(|known| touching.contains(known)) {
                *known = at;
            }
            by_variable.extend(alone.footprint.iter().map(|variable| (variable, at)));
            merged.sort_unstable();
            clusters.push(merged);
        }
        clusters.retain(|cluster| !cluster.is_empty());
        clusters.sort();
        clusters
    }

    /// The cheapest way to heal a cluster; wounds that stand in the way of more are left.
    fn solve(&mut self, cluster: &[Id]) -> Vec<Act> {
        if let [id] = cluster {
            let Some(alone) = self.alone.get(id) else { return Vec::new() };
            let acts = alone.acts.clone();
            return if alone.exact { acts } else { self.in_turn(cluster, Some(acts)) };
        }
        match self.joint(cluster) {
            Outcome::Solved(_, acts) => return acts,
            Outcome::FactsMissing => return Vec::new(),
            Outcome::GaveUp(best) => {
                self.exact = false;
                return self.in_turn(cluster, best.map(|(_, acts)| acts));
            }
            Outcome::Impossible => {}
        }
        let wounds: Vec<usize> = (0..self.entries.len())
            .filter(|wound| self.reasons[*wound].is_none() && self.entries[*wound].iter().any(|id| cluster.contains(id)))
            .collect();
        let mut groups: BTreeMap<Vec<Id>, Vec<usize>> = BTreeMap::new();
        for wound in wounds {
            groups.entry(self.entries[wound].clone()).or_default().push(wound);
        }
        let groups: Vec<(Vec<Id>, Vec<usize>)> = groups.into_iter().collect();
        if groups.len() > GROUPS_MAX {
            self.exact = false;
            return self.in_turn(cluster, None);
        }
        let mut choices: Vec<(usize, u32)> = (1..(1u32 << groups.len()))
            .map(|left| {
                let weight = |(at, (_, wounds)): (usize, &(Vec<Id>, Vec<usize>))| if left >> at & 1 == 1 { wounds.len() } else { 0 };
                (groups.iter().enumerate().map(weight).sum(), left)
            })
            .collect();
        choices.sort_unstable();
        let mut best: Option<(usize, Cost, Vec<Act>, u32)> = None;
        for (weight, left) in choices {
            if best.as_ref().is_some_and(|(known, ..)| weight > *known) {
                break;
            }
            let kept = groups.iter().enumerate().filter(|(at, _)| left >> at & 1 == 0).flat_map(|(_, (ids, _))| ids);
            let kept: BTreeSet<Id> = kept.copied().filter(|id| cluster.contains(id)).collect();
            let kept: Vec<Id> = kept.into_iter().collect();
            match self.joint(&kept) {
                Outcome::Solved(cost, acts) if best.as_ref().is_none_or(|(_, known, ..)| cost < *known) => {
                    best = Some((weight, cost, acts, left));
                }
                Outcome::GaveUp(_) => {
                    self.exact = false;
                    return self.in_turn(cluster, None);
                }
                _ => {}
            }
        }
        let (_, _, acts, left) = best.unwrap_or_default();
        for (at, (_, wounds)) in groups.iter().enumerate() {
            for wound in wounds.iter().filter(|_| left >> at & 1 == 1) {
                self.reasons[*wound] = Some(AGAINST_OTHERS.to_owned());
            }
        }
        acts
    }

    fn joint(&mut self, ids: &[Id]) -> Outcome {
        let at_least = ids.iter().filter_map(|id| self.alone.get(id)).map(|alone| {
            let mut least = Cost::default();
            least.0[OVERRIDES] = alone.cost[OVERRIDES];
            least.0[REQUIRES] = alone.cost[REQUIRES];
            least
        });
        let at_least = at_least.max().unwrap_or_default();
        self.search(ids, self.allowed, self.steps_left / 4 + STEPS_MIN, at_least).0
    }

    /// Heals entry by entry on what is already changed, then takes back what is not needed: irreducible, not smallest.
    fn in_turn(&mut self, cluster: &[Id], found: Option<Vec<Act>>) -> Vec<Act> {
        let mut acts = match found {
            Some(acts) => acts,
            None => self.greedy(cluster),
        };
        let healed: Vec<Id> = cluster.iter().copied().filter(|id| self.is_healed_by(&acts, None, *id)).collect();
        let mut at = acts.len();
        while at > 0 {
            at -= 1;
            if self.holds_without(&acts, at, &healed) {
                acts = without(self.state.originals, &acts, at);
                at = at.min(acts.len());
            }
        }
        acts
    }

    fn greedy(&mut self, cluster: &[Id]) -> Vec<Act> {
        let mark = self.state.mark();
        let mut acts = Vec::new();
        let steps_each = self.steps_max / (8 * cluster.len().max(1) as u64) + STEPS_MIN;
        for wound in 0..self.entries.len() {
            let ids: Vec<Id> = self.entries[wound].iter().copied().filter(|id| cluster.contains(id)).collect();
            if ids.is_empty() || self.reasons[wound].is_some() {
                continue;
            }
            let open: Vec<Id> = ids.into_iter().filter(|id| !self.state.nodes[*id].assigned && self.state.is_needed(*id)).collect();
            let (mut more, wound_mark) = (Vec::new(), self.state.mark());
            let healed = open.iter().all(|id| {
                if self.state.nodes[*id].assigned || !self.state.is_needed(*id) {
                    return true;
                }
                match self.search(&[*id], self.allowed, steps_each, Cost::default()).0 {
                    Outcome::Solved(_, found) | Outcome::GaveUp(Some((_, found))) => {
                        found.iter().for_each(|act| {
                            self.state.perform(act);
                        });
                        more.extend(found);
                        true
                    }
                    _ => false,
                }
            });
            if healed {
                acts.extend(more);
            } else {
                self.state.back_to(wound_mark);
                self.reasons[wound] = Some(AGAINST_OTHERS.to_owned());
            }
        }
        self.state.back_to(mark);
        acts
    }

    fn is_healed_by(&mut self, acts: &[Act], without: Option<usize>, id: Id) -> bool {
        let mark = self.state.mark();
        let holds = replay(self.state, acts, without);
        let healed = holds && (self.state.nodes[id].assigned || !self.state.is_needed(id));
        self.state.back_to(mark);
        healed
    }

    fn holds_without(&mut self, acts: &[Act], at: usize, healed: &[Id]) -> bool {
        let mark = self.state.mark();
        let holds = replay(self.state, acts, Some(at))
            && self.state.broken_edge().is_none()
            && healed.iter().all(|id| self.state.nodes[*id].assigned || !self.state.is_needed(*id));
        self.state.back_to(mark);
        holds
    }

    /// Whether all clusters hold at once; if not, which have to be solved together.
    ///
    /// One may break what another relies on, or bring back the entry that the other made superfluous.
    fn first_conflict(&mut self, clusters: &[&Vec<Act>], ids: &[Vec<Id>]) -> Option<Vec<usize>> {
        let healed = |state: &State<'_, '_>, of: &[Vec<Id>]| of.iter().flatten().all(|id| state.nodes[*id].assigned || !state.is_needed(*id));
        let mark = self.state.mark();
        let mut done: Vec<Act> = Vec::new();
        let mut conflict = None;
        for at in 0..clusters.len() {
            done = joined(self.state.originals, &clusters[..=at]);
            self.state.back_to(mark);
            let holds = replay(self.state, &done, None)
                && self.state.broken_edge().is_none()
                && (!self.exact || healed(self.state, &ids[..=at]));
            if !holds {
                conflict = Some(at);
                break;
            }
        }
        self.state.back_to(mark);
        let at = conflict?;
        drop(done);
        let alone_with = |this: &mut Self, other: usize| {
            let pair = joined(this.state.originals, &[clusters[other], clusters[at]]);
            let mark = this.state.mark();
            let of = [ids[other].clone(), ids[at].clone()];
            let holds = replay(this.state, &pair, None) && this.state.broken_edge().is_none() && healed(this.state, &of);
            this.state.back_to(mark);
            holds
        };
        let against: Vec<usize> = (0..at).filter(|other| !alone_with(self, *other)).collect();
        // Three that agree two by two: all of them together, then.
        let mut with = if against.is_empty() { (0..at).collect() } else { against };
        with.push(at);
        if with.len() < 2 {
            // Nobody to blame but itself: its own changes don't hold, which the search rules out.
            return None;
        }
        Some(with)
    }
}

/// What a search may always take, though others used up what there was.
const STEPS_MIN: u64 = 300;

/// Wounds of one cluster among which those to leave are chosen exactly; above, they are healed in turn.
const GROUPS_MAX: usize = 8;

const AGAINST_OTHERS: &str = "it can't be healed together with other wounds that are: their version ranges exclude each other";

/// One list of acts: entries that were added keep their order, and so their numbers.
fn joined(originals: usize, lists: &[&Vec<Act>]) -> Vec<Act> {
    let mut all = Vec::new();
    let mut added = 0;
    for list in lists {
        let offset = added;
        for act in list.iter() {
            let mut act = act.clone();
            if let Act::Add { parent, .. } = &mut act {
                if *parent >= originals {
                    *parent += offset;
                }
                added += 1;
            }
            all.push(act);
        }
    }
    all
}

/// The list without one act, and without what stands inside an entry that it added.
fn without(originals: usize, acts: &[Act], skip: usize) -> Vec<Act> {
    let mut numbers: HashMap<Id, Id> = HashMap::new();
    let (mut before, mut after) = (originals, originals);
    let mut kept = Vec::new();
    for (at, act) in acts.iter().enumerate() {
        let mut act = act.clone();
        if let Act::Add { parent, .. } = &mut act {
            let number = before;
            before += 1;
            let stands = if *parent >= originals { numbers.get(parent).copied() } else { Some(*parent) };
            let Some(stands) = stands.filter(|_| at != skip) else { continue };
            *parent = stands;
            numbers.insert(number, after);
            after += 1;
        } else if at == skip {
            continue;
        }
        kept.push(act);
    }
    kept
}

/// Does all acts on the state. `false`: two of them want the same place.
fn replay(state: &mut State<'_, '_>, acts: &[Act], skip: Option<usize>) -> bool {
    let shortened;
    let acts = match skip {
        Some(at) => {
            shortened = without(state.originals, acts, at);
            &shortened
        }
        None => acts,
    };
    acts.iter().all(|act| {
        let free = match act {
            Act::Add { parent, key, .. } => {
                state.flat || state.kid(*parent, *key).is_none_or(|kid| state.nodes[kid].gone)
            }
            Act::Update { id, .. } => !state.nodes[*id].assigned,
            Act::Require { id, name, .. } => !state.required.contains_key(&(*id, *name)),
            Act::Override { name, .. } => !state.overrides.contains_key(name),
        };
        free && state.perform(act)
    })
}
