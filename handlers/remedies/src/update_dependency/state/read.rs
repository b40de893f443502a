//! A graph read into the tree.

use super::super::ranges::{beside_pin, line_of_pip};
use super::super::registry::{Name, Need, Range, Registry, one_a_name, pythons};
use super::{Id, Node, Original, ROOT, State};
use pipeline::dependency::{DependencyGraph, DependencyKind, Source};
use pipeline::version::Ecosystem;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

impl<'r, 'a> State<'r, 'a> {
    /// Reads the graph.
    pub fn new(graph: &DependencyGraph, registry: &'r Registry<'a>) -> Self {
        let mut state = Self {
            registry,
            nodes: Vec::with_capacity(graph.packages.len() + 8),
            originals: 0,
            users: HashMap::new(),
            broken: HashSet::new(),
            above: Vec::new(),
            touched: Vec::new(),
            required: BTreeMap::new(),
            overrides: BTreeMap::new(),
            flat: graph.ecosystem == Ecosystem::PyPI,
            keys: HashMap::new(),
            one_python: true,
            python_in_the_way: Cell::new(false),
            hashed: graph.packages.iter().any(|package| !package.hashes.is_empty()),
            trail: Vec::new(),
            package: HashMap::new(),
        };
        let mut places: HashMap<String, Id> = HashMap::new();
        state.folder("", &mut places);
        for (index, package) in graph.packages.iter().enumerate() {
            let id = if state.flat { state.pin(package) } else { state.folder(&package.place, &mut places) };
            state.package.insert(id, index);
            let node = &mut state.nodes[id];
            node.package = registry.name(&package.name);
            node.version = registry.version(&package.version);
            node.movable = package.is_from_registry() && node.version.is_some();
            node.bundled = package.source == Source::Bundled;
            node.direct = package.direct && state.flat;
        }
        for (index, package) in graph.packages.iter().enumerate() {
            let Source::Link(target) = &package.source else { continue };
            let id = if state.flat { continue } else { places.get(&package.place).copied() };
            let target = state.folder(target.trim_start_matches("./"), &mut places);
            if let Some(id) = id.filter(|id| *id != target) {
                state.nodes[id].link = Some(target);
                state.package.entry(id).or_insert(index);
            }
        }
        state.read_needs(graph, &mut places);
        state.index();
        state
    }

    /// The node at a place, made with its parents where there is none.
    pub(super) fn folder(&mut self, place: &str, places: &mut HashMap<String, Id>) -> Id {
        if let Some(id) = places.get(place) {
            return *id;
        }
        // Parents first, without recursion: a place is as long as a foreign file wants.
        let mut missing = vec![place];
        let mut parent = None;
        while let Some(top) = missing.last().copied() {
            let up = parent_place(top);
            match up {
                None => break,
                Some(up) => match places.get(up) {
                    Some(id) => {
                        parent = Some(*id);
                        break;
                    }
                    None => missing.push(up),
                },
            }
        }
        let mut id = ROOT;
        while let Some(place) = missing.pop() {
            let key = self.registry.name(place.rsplit_once("node_modules/").map_or(place, |(_, key)| key));
            id = self.push(place.to_owned(), parent, key);
            places.insert(place.to_owned(), id);
            parent = Some(id);
        }
        id
    }

    pub(super) fn push(&mut self, place: String, parent: Option<Id>, key: Name) -> Id {
        let id = self.nodes.len();
        let is_entry = self.flat || place.rsplit_once("node_modules/").is_some_and(|(_, key)| is_package_name(key));
        let root = parent.is_none();
        self.nodes.push(Node {
            place,
            parent,
            key,
            package: key,
            version: None,
            needs: Rc::from([]),
            original: None,
            assigned: false,
            movable: false,
            direct: false,
            bundled: false,
            conditional: false,
            gone: false,
            root,
            link: None,
            twin: None,
            kids: HashMap::new(),
            pythons: u32::MAX,
        });
        if let Some(parent) = parent.filter(|_| is_entry) {
            let before = self.nodes[parent].kids.insert(key, id);
            if self.flat {
                self.nodes[id].twin = before;
            }
        }
        id
    }

    pub(super) fn pin(&mut self, package: &pipeline::dependency::Package) -> Id {
        let key = self.registry.name(&package.name);
        self.push(package.place.clone(), Some(ROOT), key)
    }

    pub(super) fn read_needs(&mut self, graph: &DependencyGraph, places: &mut HashMap<String, Id>) {
        let base = graph.manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut needs: HashMap<Id, Vec<Need>> = HashMap::new();
        for direct in &graph.direct {
            let folder = direct.written.as_ref().map_or_else(String::new, |written| workspace(base, &written.path));
            let id = if self.flat { ROOT } else { self.folder(&folder, places) };
            self.nodes[id].root = true;
            if !self.flat {
                needs.entry(id).or_default().push(self.registry.need(&direct.name, &direct.requirement, direct.kind));
            }
        }
        if self.flat {
            let own = self.read_lines_of_pip(graph);
            needs.insert(ROOT, self.registry.joined(own));
        }
        let mut overridden: HashMap<Name, Option<Rc<Range>>> = HashMap::new();
        let mut ids: Vec<(Id, usize)> = self.package.iter().map(|(id, index)| (*id, *index)).collect();
        ids.sort_unstable();
        for (id, index) in ids {
            let node = &self.nodes[id];
            let asked_by = node.link.unwrap_or(id);
            let package = &graph.packages[index];
            if self.nodes[asked_by].root {
                continue;
            }
            let release = if node.movable { self.registry.release(node.package, &package.version) } else { None };
            if self.flat {
                let all = release.map(|release| self.registry.needs_of(node.package, release)).unwrap_or_default();
                needs.entry(id).or_default().extend(all.iter().cloned());
                continue;
            }
            for dependency in &package.dependencies {
                let need = self.registry.need(&dependency.name, &dependency.requirement, dependency.kind);
                let published =
                    release.and_then(|release| release.dependencies.iter().find(|raw| raw.name == dependency.name));
                if let Some(published) = published {
                    let differs = published.requirement.trim() != dependency.requirement.trim();
                    let known = overridden.entry(need.name).or_insert_with(|| differs.then(|| Rc::clone(&need.range)));
                    // An override of the whole project shows at every need; anything less is left to the people who wrote it.
                    if known.as_ref().is_some_and(|range| range.text != need.range.text) {
                        *known = None;
                    }
                }
                needs.entry(asked_by).or_default().push(need);
            }
        }
        let overridden = overridden.into_iter().filter_map(|(name, range)| Some((name, range?)));
        self.registry.overridden.borrow_mut().extend(overridden);
        for (id, list) in needs {
            self.nodes[id].needs = one_a_name(list);
        }
    }

    /// What the lines of requirements files say besides pins: extras, markers, and ranges, which have to hold.
    fn read_lines_of_pip(&mut self, graph: &DependencyGraph) -> Vec<Need> {
        let ids: HashMap<usize, Id> = self.package.iter().map(|(id, index)| (*index, *id)).collect();
        let mut own = Vec::new();
        let mut everywhere: HashSet<Id> = HashSet::new();
        for direct in &graph.direct {
            let (extras, specifiers, marker) = line_of_pip(&direct.requirement);
            let name = self.registry.name(&direct.name);
            let extras = extras.iter().filter_map(|extra| extra.parse().ok());
            self.registry.extras.borrow_mut().entry(name).or_default().extend(extras);
            if let Some(id) = direct.to.and_then(|to| ids.get(&to)) {
                self.nodes[*id].conditional |= marker.is_some();
                everywhere.extend(marker.is_none().then_some(*id));
            }
            let range = beside_pin(specifiers);
            if !range.is_empty() {
                own.push(self.registry.need(&direct.name, &range, direct.kind));
            }
        }
        everywhere.into_iter().for_each(|id| self.nodes[id].conditional = false);
        own
    }

    pub(super) fn index(&mut self) {
        self.originals = self.nodes.len();
        for (id, node) in self.nodes.iter().enumerate() {
            self.keys.entry(node.key).or_default().push(id);
        }
        for id in 0..self.nodes.len() {
            for need in self.nodes[id].needs.iter() {
                self.users.entry(need.name).or_default().push(id);
            }
            let node = &mut self.nodes[id];
            node.original = Some(Original { version: node.version.clone(), needs: Rc::clone(&node.needs) });
        }
        for id in 0..self.nodes.len() {
            if let (true, Some(version)) = (self.flat, self.nodes[id].version.clone())
                && let Some(release) = self.registry.release(self.nodes[id].package, version.version.as_str())
            {
                let all = self.nodes[id].conditional;
                let asked = release.engines.get("python").filter(|_| !all);
                self.nodes[id].pythons = asked.map_or(u32::MAX, |text| pythons(text));
            }
        }
        self.one_python = self.some_python_runs_all();
        self.above = vec![None; self.nodes.len()];
        let mut seen: HashSet<Id> = HashSet::new();
        // Every pin is installed, whatever asks for it.
        let begins = |id: &Id| self.flat || self.nodes[*id].root;
        let mut queue: VecDeque<Id> = (0..self.nodes.len()).filter(begins).collect();
        seen.extend(queue.iter());
        while let Some(id) = queue.pop_front() {
            let mut reached: Vec<Id> = self.nodes[id].link.into_iter().collect();
            for need in Rc::clone(&self.nodes[id].needs).iter() {
                let mut to = self.resolve(id, need.name);
                let mut good = to.is_some() || is_optional(need.kind);
                while let Some(target) = to {
                    self.nodes[target].direct |= self.nodes[id].root;
                    good &= self.accepts(id, need, target);
                    if need.kind != DependencyKind::PeerOptional {
                        reached.push(target);
                    }
                    to = self.nodes[target].twin;
                }
                if !good {
                    self.broken.insert((id, need.name));
                }
            }
            for target in reached {
                if seen.insert(target) {
                    self.above[target] = Some(id);
                    queue.push_back(target);
                }
            }
        }
        if self.flat {
            self.above.iter_mut().skip(1).for_each(|above| *above = Some(ROOT));
        }
    }
}

fn is_optional(kind: DependencyKind) -> bool {
    matches!(kind, DependencyKind::Optional | DependencyKind::PeerOptional)
}

/// The folder that holds the `node_modules` of a place; for a folder of the project, the root.
fn parent_place(place: &str) -> Option<&str> {
    if place.is_empty() {
        return None;
    }
    Some(match place.rfind("node_modules/") {
        Some(at) if is_package_name(place.get(at + 13..).unwrap_or_default()) => {
            place.get(..at).unwrap_or_default().trim_end_matches('/')
        }
        _ => "",
    })
}

fn is_package_name(key: &str) -> bool {
    match key.strip_prefix('@') {
        Some(scoped) => scoped.matches('/').count() == 1,
        None => !key.contains('/'),
    }
}

/// The folder of a workspace's manifest, seen from the folder of the root's: `packages/one`, `../lib`.
pub fn workspace(base: &str, manifest: &str) -> String {
    let parts = |folder: &'_ str| folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let base: Vec<String> = parts(base);
    let folder: Vec<String> = parts(manifest.rsplit_once('/').map_or("", |(folder, _)| folder));
    let shared = base.iter().zip(&folder).take_while(|(a, b)| a == b).count();
    let up = base.iter().skip(shared).map(|_| "..");
    up.chain(folder.iter().skip(shared).map(String::as_str)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::workspace;

    #[test]
    fn a_folder_is_seen_from_that_of_the_root() {
        assert_eq!(workspace("", "package.json"), "");
        assert_eq!(workspace("", "packages/one/package.json"), "packages/one");
        assert_eq!(workspace("app", "app/package.json"), "");
        assert_eq!(workspace("app", "app/packages/one/package.json"), "packages/one");
        assert_eq!(workspace("app", "app-two/package.json"), "../app-two");
        assert_eq!(workspace("deep/app", "lib/package.json"), "../../lib");
        assert_eq!(workspace("app", "package.json"), "..");
    }
}
