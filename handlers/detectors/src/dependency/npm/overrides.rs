//! `overrides` of the root manifest: which requirement holds in place of the written one.
//!
//! After npm: a rule applies to needs of its name, below the packages that its parents name, whose own requirement
//! has a version in common with the rule's key. Each entry is under the most specific rule of all that lead to it;
//! where two rules are not one above the other, the one met first stays.

use super::edges::Edges;
use super::manifest::shown;
use super::need::Need;
use super::request::{Request, cost_of_intersects, intersects, satisfies, split_spec};
use super::resolve::{Node, ROOT};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// Manifests with more rules are read as if they had none, which is told.
const RULES_MAX: usize = 4096;
/// After so many comparisons of a need with a rule, the needs left keep what is written, which is told.
const CHECKS_MAX: usize = 4_000_000;

/// The rules as a tree; 0 is the whole.
pub(super) struct Overrides {
    rules: Vec<Rule>,
    kids: HashMap<(usize, String), Vec<usize>>,
}

struct Rule {
    above: usize,
    name: String,
    key: String,
    /// Which requirements it is for; `*`: all.
    of: String,
    /// What is to be asked for; `*`: what is written.
    value: String,
}

impl Overrides {
    /// The rules of `written`; `$name` stands for what the project itself asks for in `direct`. The error says what
    /// is wrong with them.
    pub(super) fn read(written: &Value, direct: &[Need<'_>]) -> Result<Self, String> {
        let whole = Rule { above: 0, name: String::new(), key: String::new(), of: String::new(), value: String::new() };
        let mut overrides = Self { rules: vec![whole], kids: HashMap::new() };
        overrides.add_below(0, written, direct)?;
        Ok(overrides)
    }

    /// Adds the members of `written`. `serde_json` stops at 128 levels, so that this does not go deeper.
    fn add_below(&mut self, above: usize, written: &Value, direct: &[Need<'_>]) -> Result<(), String> {
        let Value::Object(members) = written else {
            return Err("`overrides` is not an object".to_owned());
        };
        for (key, value) in members.iter().filter(|(key, _)| *key != ".") {
            if self.rules.len() > RULES_MAX {
                return Err(format!("`overrides` has more than {RULES_MAX} rules"));
            }
            let (name, of) = split_spec(key);
            let of = if of.is_empty() { "*" } else { of };
            let wanted = match value {
                Value::String(wanted) => Some(wanted.as_str()),
                Value::Object(members) => members.get(".").and_then(Value::as_str),
                _ => return Err(format!("`overrides` has neither a text nor an object under `{}`", shown(key))),
            };
            let wanted = match wanted.map(|wanted| (wanted, wanted.strip_prefix('$'))) {
                Some((_, Some(other))) => {
                    let need = direct.iter().find(|need| need.name == other);
                    need.map(|need| need.text.as_ref()).ok_or(format!(
                        "`overrides` refers to `${}`, which the project does not ask for",
                        shown(other)
                    ))?
                }
                Some(("", None)) => "*",
                Some((wanted, None)) => wanted,
                None => of,
            };
            let (of, value_text) = (of.to_owned(), wanted.to_owned());
            let index = self.rules.len();
            self.rules.push(Rule { above, name: name.to_owned(), key: key.clone(), of, value: value_text });
            self.kids.entry((above, name.to_owned())).or_default().push(index);
            if value.is_object() {
                self.add_below(index, value, direct)?;
            }
        }
        Ok(())
    }

    /// Needs of the project itself that a rule would change, which npm refuses: name, what is asked, what the rule has.
    pub(super) fn conflicts<'n>(&'n self, direct: &'n [Need<'_>]) -> impl Iterator<Item = (&'n str, &'n str, &'n str)> {
        let mut checks = 0;
        direct.iter().filter_map(move |need| {
            if checks > CHECKS_MAX {
                return None;
            }
            let rule = self.rules.get(self.rule_for(0, &need.name, &need.text, &mut checks))?;
            let differs = rule.name == need.name && rule.value != "*" && rule.value != need.text;
            differs.then_some((need.name.as_ref(), need.text.as_ref(), rule.value.as_str()))
        })
    }

    /// Puts the rules in force on `edges`; `workspaces` are links that the project has besides its needs.
    /// `is_bundled` tells the entries that rules do not reach. `false`: the limit of comparisons was met.
    pub(super) fn apply<'e>(
        &self,
        edges: &mut Edges<'e>,
        nodes: usize,
        workspaces: &[Node],
        about: impl Fn(Node) -> Target<'e>,
    ) -> bool {
        let mut under: Vec<Option<usize>> = vec![None; nodes];
        let mut queue = vec![ROOT];
        let mut checks = 0;
        for node in [&ROOT].into_iter().chain(workspaces) {
            if let Some(slot) = under.get_mut(*node as usize) {
                *slot = Some(0);
                queue.push(*node);
            }
        }
        let mut chosen: HashMap<(Node, &str), (usize, Cow<'e, str>)> = HashMap::new();
        while let Some(node) = queue.pop() {
            let Some(&Some(set)) = under.get(node as usize) else { continue };
            for edge in edges.of_node(node) {
                let target = about(edge.to);
                let rule = self.rule_for(set, edge.name, &edge.text, &mut checks);
                if checks > CHECKS_MAX {
                    return false;
                }
                if node != ROOT && !target.bundled {
                    chosen.insert((node, edge.name), (rule, edge.text.clone()));
                }
                if let Some(slot) = under.get_mut(edge.to as usize)
                    && slot.is_none_or(|now| now != rule && self.is_above(now, rule))
                {
                    *slot = Some(rule);
                    queue.push(edge.to);
                }
            }
        }
        for ((node, name), (rule, written)) in chosen {
            for edge in edges.edges_mut(node).iter_mut().filter(|edge| edge.name == name) {
                if let Some(text) = self.requirement(rule, name, &written, &about(edge.to)) {
                    edge.text = Cow::Owned(text.to_owned());
                }
            }
        }
        true
    }

    /// What holds in place of `written` where the rule is `rule`; `None`: what is written.
    fn requirement(&self, rule: usize, name: &str, written: &str, target: &Target<'_>) -> Option<&str> {
        let rule = self.rules.get(rule).filter(|rule| rule.name == name && rule.value != "*")?;
        let holds = |text: &str| {
            Request::of(text).range().is_some_and(|range| target.there && satisfies(target.version, range))
        };
        // npm leaves an entry alone that the written range allows and that the rule is not about.
        let left_alone = !holds(&rule.value) && holds(written) && !holds(&rule.of);
        (!left_alone).then_some(rule.value.as_str())
    }

    /// The rule for a need, nearest first, or `set` itself.
    fn rule_for(&self, set: usize, name: &str, written: &str, checks: &mut usize) -> usize {
        let mut seen: Vec<&str> = Vec::new();
        let mut at = set;
        loop {
            let kids = self.kids.get(&(at, name.to_owned())).map(Vec::as_slice).unwrap_or_default();
            let own = (at != 0).then_some(at);
            for index in kids.iter().copied().chain(own) {
                let Some(rule) = self.rules.get(index).filter(|rule| rule.name == name) else { continue };
                *checks += 1 + seen.len();
                if seen.contains(&rule.key.as_str()) {
                    continue;
                }
                seen.push(&rule.key);
                let range = Request::of(written).range();
                let Some(range) = range.filter(|_| rule.of != "*") else { return index };
                *checks += cost_of_intersects(range, &rule.of);
                if intersects(range, &rule.of) {
                    return index;
                }
            }
            match self.rules.get(at) {
                Some(rule) if at != 0 => at = rule.above,
                _ => return set,
            }
        }
    }

    fn is_above(&self, above: usize, below: usize) -> bool {
        let mut at = below;
        while at != 0 && at != above {
            at = self.rules.get(at).map_or(0, |rule| rule.above);
        }
        at == above
    }
}

/// What is to be known of the entry that answers a need.
pub(super) struct Target<'e> {
    pub(super) there: bool,
    pub(super) version: &'e str,
    /// Rules do not reach it.
    pub(super) bundled: bool,
}

impl Target<'_> {
    /// Nothing answers.
    pub(super) const MISSING: Self = Self { there: false, version: "", bundled: false };
}
