//! Random cases: the same for the same seed.

use super::case::{Case, Place, Rel, V, in_range, text, v};
use pipeline::dependency::DependencyKind::{Optional, Peer, Prod};
use std::collections::{BTreeMap, BTreeSet};

impl Case {
    pub fn random(seed: u64) -> Self {
        let mut state = seed | 1;
        let mut next = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as usize) % below
        };
        let count = 3 + next(6);
        // Fewer versions of more packages, so that everything can still be tried.
        let versions_max = if count > 5 { 2 } else { 3 };
        let pool = ["0.1.0", "1.0.0", "1.0.1", "1.1.0", "2.0.0", "2.1.0"];
        let mut versions: Vec<Vec<V>> = Vec::new();
        for _ in 0..count {
            let mut list: Vec<V> = (0..versions_max).map(|_| v(pool[next(pool.len())])).collect();
            list.sort_unstable();
            list.dedup();
            versions.push(list);
        }
        let mut case = Self { breaking: next(3) == 0, overrides: next(2) == 0, ..Self::default() };
        let need = |next: &mut dyn FnMut(usize) -> usize, to: usize| {
            let low = text(versions[to][next(versions[to].len())]);
            let range = match next(5) {
                0 => "*".to_owned(),
                1 => low,
                2 => format!("~{low}"),
                _ => format!("^{low}"),
            };
            let kind = match next(12) {
                0 => Peer,
                1 => Optional,
                _ => Prod,
            };
            (to, range, kind)
        };
        for (at, own) in versions.iter().enumerate() {
            let mut list = Vec::new();
            for version in own.clone() {
                let mut needs = BTreeMap::new();
                for _ in 0..next(3) {
                    let to = next(count);
                    if to != at {
                        needs.insert(to, need(&mut next, to));
                    }
                }
                list.push(Rel {
                    version,
                    bad: next(3) == 0,
                    young: next(10) == 0,
                    deprecated: next(7) == 0,
                    needs: needs.into_values().collect(),
                });
            }
            case.packages.push(list);
        }
        let mut asked = BTreeMap::new();
        for _ in 0..1 + next(3) {
            let to = next(count);
            let mut need = need(&mut next, to);
            need.2 = Prod;
            asked.insert(to, need);
        }
        case.asked = asked.into_values().collect();
        case.install(&mut next);
        for place in case.orphans() {
            let version = case.installed.remove(&place);
            case.orphans.extend(version.map(|version| (place, version)));
        }
        case
    }

    /// A careless installer: some version that fits, at the root or else right where it is needed.
    pub fn install(&mut self, next: &mut dyn FnMut(usize) -> usize) {
        let mut queue: Vec<Place> = vec![Vec::new()];
        let mut seen = BTreeSet::new();
        while let Some(place) = queue.pop() {
            if !seen.insert(place.clone()) || self.installed.len() > 7 || place.len() > 2 {
                continue;
            }
            for need in self.needs(&self.installed, &place).to_vec() {
                let fits: Vec<V> =
                    self.packages[need.0].iter().map(|rel| rel.version).filter(|x| in_range(&need.1, *x)).collect();
                if fits.is_empty() || need.2 == Peer {
                    continue;
                }
                let found = Self::walk(&self.installed, &place, need.0);
                if found.as_ref().is_some_and(|found| in_range(&need.1, self.installed[found])) {
                    queue.extend(found);
                    continue;
                }
                let to = if found.is_none() { vec![need.0] } else { [&place[..], &[need.0]].concat() };
                self.installed.entry(to.clone()).or_insert(fits[next(fits.len())]);
                queue.push(to);
            }
        }
    }
}
