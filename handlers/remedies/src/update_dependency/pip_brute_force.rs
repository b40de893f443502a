//! Plans for requirements files against every set of changes.
//!
//! Every pin stays or goes to a later release that is neither vulnerable nor too young. What a pin needs of another holds,
//! unless it did not before and is still asked for in the same words. One Python runs all pins, if one did before. A wound
//! is healed if its pin was moved.

use super::Rules;
use super::tests::{World, lines, now, pip};
use pipeline::patch::Change;
use proptest::test_runner::Config;
use std::collections::BTreeMap;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const PYTHONS: [(&str, [bool; 3]); 4] = [
    ("", [true, true, true]),
    (">=3.8", [false, true, true]),
    ("<3.8", [true, false, false]),
    (">=3.6,<3.12", [true, true, false]),
];

type V = [u64; 2];
/// Wounds left, pins changed, deprecated releases, distance.
type Cost = [u64; 5];

#[derive(Debug)]
struct Rel {
    version: V,
    bad: bool,
    young: bool,
    deprecated: bool,
    needs: BTreeMap<usize, (&'static str, V)>,
    python: usize,
}

#[derive(Debug)]
struct Case {
    packages: Vec<Vec<Rel>>,
    /// By package, the index of the release that is pinned.
    pins: BTreeMap<usize, usize>,
}

impl Case {
    fn random(seed: u64) -> Self {
        let mut state = seed | 1;
        let mut next = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as usize) % below
        };
        let pool: [V; 5] = [[0, 9], [1, 0], [1, 1], [2, 0], [2, 1]];
        let count = 2 + next(5);
        let mut packages = Vec::new();
        for own in 0..count {
            let mut versions: Vec<V> = (0..3).map(|_| pool[next(5)]).collect();
            versions.sort_unstable();
            versions.dedup();
            let mut rels = Vec::new();
            for version in versions {
                let mut needs = BTreeMap::new();
                for _ in 0..next(3) {
                    let to = next(count);
                    if to != own {
                        needs.insert(to, ([">=", "<", "==", "~="][next(4)], pool[next(5)]));
                    }
                }
                rels.push(Rel {
                    version,
                    bad: next(3) == 0,
                    young: next(10) == 0,
                    deprecated: next(7) == 0,
                    needs,
                    python: if next(3) == 0 { next(4) } else { 0 },
                });
            }
            packages.push(rels);
        }
        let pins = (0..count).filter(|_| next(6) > 0).collect::<Vec<_>>();
        let pins = pins.into_iter().map(|at| (at, next(packages[at].len()))).collect();
        Self { packages, pins }
    }

    fn world(&self) -> World {
        let text = |v: V| format!("{}.{}", v[0], v[1]);
        let mut world = pip();
        for (at, rels) in self.packages.iter().enumerate() {
            for rel in rels {
                let needs: Vec<String> =
                    rel.needs.iter().map(|(to, (sign, v))| format!("{} {sign}{}", NAMES[*to], text(*v))).collect();
                let mark = |on, text: &'static str| if on { text } else { "" };
                let marks =
                    [mark(rel.bad, " bad"), mark(rel.young, " young"), mark(rel.deprecated, " deprecated")].concat();
                world = world.release(&format!("{}@{}{marks}", NAMES[at], text(rel.version)), &needs.join(", "));
                let releases = &mut world.facts.packages.get_mut(NAMES[at]).unwrap().releases;
                let python = PYTHONS[rel.python].0;
                if !python.is_empty() {
                    releases.last_mut().unwrap().engines.insert("python".to_owned(), python.to_owned());
                }
            }
        }
        for (at, pin) in &self.pins {
            world = world.at(NAMES[*at], &text(self.packages[*at][*pin].version));
        }
        world
    }

    /// The cost of other pins; `None` where something does not hold.
    fn evaluate(&self, after: &BTreeMap<usize, usize>) -> Option<Cost> {
        let mut cost = [0; 5];
        for (at, pin) in after {
            let (old, new) = (&self.packages[*at][self.pins[at]], &self.packages[*at][*pin]);
            if pin == &self.pins[at] {
                cost[0] += u64::from(old.bad);
            } else {
                if new.version <= old.version || new.bad || new.young {
                    return None;
                }
                cost[1] += 1;
                cost[2] += u64::from(new.deprecated);
                let major = new.version[0] != old.version[0];
                cost[3] += new.version[0] - old.version[0];
                cost[4] += if major { new.version[1] } else { new.version[1] - old.version[1] };
            }
            for (to, need) in &new.needs {
                let Some(target) = after.get(to) else { continue };
                let was_broken = !holds(*need, self.packages[*to][self.pins[to]].version);
                let tolerated = was_broken && old.needs.get(to) == Some(need);
                if !tolerated && !holds(*need, self.packages[*to][*target].version) {
                    return None;
                }
            }
        }
        (self.runs(after) || !self.runs(&self.pins)).then_some(cost)
    }

    fn runs(&self, pins: &BTreeMap<usize, usize>) -> bool {
        (0..3).any(|python| pins.iter().all(|(at, pin)| PYTHONS[self.packages[*at][*pin].python].1[python]))
    }

    fn least(&self) -> Cost {
        let mut all = vec![BTreeMap::new()];
        for at in self.pins.keys() {
            let choices = 0..self.packages[*at].len();
            let with =
                |known: &BTreeMap<usize, usize>, pin| known.iter().map(|(a, p)| (*a, *p)).chain([(*at, pin)]).collect();
            all = all.iter().flat_map(|known| choices.clone().map(move |pin| with(known, pin))).collect();
        }
        all.iter().filter_map(|after| self.evaluate(after)).min().unwrap()
    }
}

fn holds((sign, bound): (&str, V), version: V) -> bool {
    match sign {
        ">=" => version >= bound,
        "<" => version < bound,
        "==" => version == bound,
        _ => version >= bound && version[0] == bound[0],
    }
}

#[track_caller]
fn check(seed: u64) {
    let case = Case::random(seed);
    let plan = case.world().plan(&Rules::new(now()));
    let told = || format!("seed {seed}: {}\n{case:?}", lines(&plan));
    let mut after = case.pins.clone();
    for change in &plan.changes {
        let Change::Update { name, to, .. } = change else { panic!("{}", told()) };
        let at = NAMES.iter().position(|known| known == name).unwrap();
        let is_it = |rel: &Rel| format!("{}.{}", rel.version[0], rel.version[1]) == *to;
        after.insert(at, case.packages[at].iter().position(is_it).unwrap());
    }
    let cost = case.evaluate(&after).unwrap_or_else(|| panic!("does not hold: {}", told()));
    assert_eq!(cost[0], plan.left.len() as u64, "{}", told());
    assert!(!plan.smallest || cost == case.least(), "{:?} would do: {}", case.least(), told());
}

/// `PROPTEST_CASES` says how many.
#[test]
fn no_set_of_pins_is_smaller_than_the_plan() {
    (0..u64::from(Config::default().cases)).for_each(|at| check(at.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
}
