//! Releases that nothing tells apart, and what all releases of a range bring: what makes the search short.

use super::registry::{Name, Need, Range, Registry};
use pipeline::dependency::DependencyKind;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

type NeedsKey = Vec<(Name, String, DependencyKind)>;

/// What every release that answers a need asks for in turn.
#[derive(Debug, Clone)]
pub(super) struct Brought {
    pub name: Name,
    pub package: Name,
    /// `None`: they ask in different words.
    pub range: Option<Rc<Range>>,
}

impl Registry<'_> {
    /// By candidate: a number that those share which nothing can tell apart, because they need the same and every
    /// requirement anywhere lets all or none of them in. `written`: the requirements of the tree.
    pub(super) fn classes(&self, name: Name, written: &dyn Fn() -> Vec<Need>) -> Rc<[u32]> {
        if let Some(known) = self.classes.borrow().get(&name) {
            return Rc::clone(known);
        }
        let asked_of = self.asked_of.get_or_init(|| self.ranges_by_package(written()));
        let ranges = asked_of.get(&name).map(Vec::as_slice).unwrap_or_default();
        let mut kinds: HashMap<(NeedsKey, Vec<bool>, u32), u32> = HashMap::new();
        let candidates = self.candidates(name);
        let classes: Rc<[u32]> = candidates
            .iter()
            .map(|candidate| {
                let needs =
                    self.needs(candidate).iter().map(|need| (need.name, need.range.text.clone(), need.kind)).collect();
                let answers = ranges.iter().map(|range| range.allows(&candidate.version)).collect();
                let next = kinds.len() as u32;
                *kinds.entry((needs, answers, candidate.pythons)).or_insert(next)
            })
            .collect();
        self.classes.borrow_mut().insert(name, Rc::clone(&classes));
        classes
    }

    fn ranges_by_package(&self, written: Vec<Need>) -> HashMap<Name, Vec<Rc<Range>>> {
        let mut seen: HashMap<Name, BTreeSet<String>> = HashMap::new();
        let mut ranges: HashMap<Name, Vec<Rc<Range>>> = HashMap::new();
        let mut note = |need: &Need| {
            if seen.entry(need.package).or_default().insert(need.range.text.clone()) {
                ranges.entry(need.package).or_default().push(Rc::clone(&need.range));
            }
        };
        written.iter().for_each(&mut note);
        for text in self.facts.packages.keys() {
            for candidate in self.candidates(self.name(text)).iter() {
                self.needs(candidate).iter().for_each(&mut note);
            }
        }
        ranges
    }

    /// What every release of `package` that `range` lets in needs in turn.
    pub(super) fn brings(&self, package: Name, range: Option<&Range>) -> Rc<[Brought]> {
        let key = (package, range.map(|range| range.text.clone()));
        if let Some(known) = self.brings.borrow().get(&key) {
            return Rc::clone(known);
        }
        let mut common: Option<Vec<Brought>> = None;
        for candidate in self.candidates(package).iter().filter(|c| range.is_none_or(|range| range.allows(&c.version)))
        {
            let needs = self.needs(candidate);
            let prod = |name: Name| needs.iter().find(|need| need.name == name && need.kind == DependencyKind::Prod);
            match &mut common {
                None => {
                    let of = needs.iter().filter(|need| need.kind == DependencyKind::Prod);
                    common = Some(
                        of.map(|need| Brought {
                            name: need.name,
                            package: need.package,
                            range: Some(Rc::clone(&need.range)),
                        })
                        .collect(),
                    );
                }
                Some(common) => common.retain_mut(|known| {
                    let Some(need) = prod(known.name).filter(|need| need.package == known.package) else {
                        return false;
                    };
                    if known.range.as_ref().is_some_and(|range| range.text != need.range.text) {
                        known.range = None;
                    }
                    true
                }),
            }
        }
        let common: Rc<[Brought]> = common.unwrap_or_default().into();
        self.brings.borrow_mut().insert(key, Rc::clone(&common));
        common
    }
}
