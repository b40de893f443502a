//! The tree of entries while it is being changed: who answers whom, what is broken, and how to take a change back.

use super::registry::{Name, Need, Range, Registry, Ver, one_a_name};
use pipeline::dependency::{DependencyGraph, DependencyKind, Source};
use pipeline::version::Ecosystem;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// An entry, a new entry, or a folder of the project, as a number.
pub(super) type Id = usize;

/// One entry or folder.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: String,
    /// The folder whose `node_modules` holds it.
    pub parent: Option<Id>,
    /// The folder name: what it is asked for by.
    pub key: Name,
    /// The name by which the registry knows it.
    pub package: Name,
    pub version: Option<Rc<Ver>>,
    pub needs: Rc<[Need]>,
    /// Where it stood before any change. `None`: it is new.
    pub original: Option<Original>,
    /// Whether a change was decided; then it stays decided.
    pub assigned: bool,
    /// Whether the registry has other versions for this place.
    pub movable: bool,
    /// Whether the project itself asks for it.
    pub direct: bool,
    /// Inside its parent's archive.
    pub bundled: bool,
    /// It went with the archive that held it.
    pub gone: bool,
    /// A folder of the project: its needs are what is to be satisfied.
    pub root: bool,
    /// Where a link leads.
    pub link: Option<Id>,
    /// The next pin of the same name (pip).
    twin: Option<Id>,
    kids: HashMap<Name, Id>,
    pub pythons: u32,
}

/// An entry before any change.
#[derive(Debug, Clone)]
pub(super) struct Original {
    pub version: Option<Rc<Ver>>,
    pub needs: Rc<[Need]>,
}

/// What does not hold.
#[derive(Debug, Clone)]
pub(super) enum Violation {
    /// An entry that has a wound, at this place among the items.
    Wounded(Id),
    /// `from` asks for something else than what `to` has.
    Rejects { from: Id, need: Need, to: Id },
    /// Nothing answers.
    Missing { from: Id, need: Need },
}

enum Undo {
    Version { id: Id, version: Option<Rc<Ver>>, needs: Rc<[Need]>, assigned: bool, pythons: u32 },
    Added { parent: Id, key: Name, before: Option<Id> },
    User(Name),
    Required { id: Id, needs: Rc<[Need]> },
    Override(Name),
    Gone(Id),
    Touched,
}

/// The tree, its indexes, and the way back.
pub(super) struct State<'r, 'a> {
    pub registry: &'r Registry<'a>,
    pub nodes: Vec<Node>,
    /// How many nodes there were before any change.
    pub originals: usize,
    /// By name, who asks for it (a superset: needs change).
    users: HashMap<Name, Vec<Id>>,
    /// Needs that nothing good answers as things stand; not ours to mend.
    broken: HashSet<(Id, Name)>,
    /// A shortest way to the project, by entry.
    above: Vec<Option<Id>>,
    /// What was changed, in order.
    pub touched: Vec<Id>,
    /// Edited ranges of the project: folder, name, text then.
    pub required: BTreeMap<(Id, Name), String>,
    pub overrides: BTreeMap<Name, Rc<Ver>>,
    pub flat: bool,
    keys: HashMap<Name, Vec<Id>>,
    hashed: bool,
    trail: Vec<Undo>,
    /// Index in `graph.packages` by node.
    pub package: HashMap<Id, usize>,
}

/// The root folder of the project.
pub(super) const ROOT: Id = 0;

impl<'r, 'a> State<'r, 'a> {
    /// Reads the graph.
    pub(super) fn new(graph: &DependencyGraph, registry: &'r Registry<'a>) -> Self {
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
    fn folder(&mut self, place: &str, places: &mut HashMap<String, Id>) -> Id {
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

    fn push(&mut self, place: String, parent: Option<Id>, key: Name) -> Id {
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

    fn pin(&mut self, package: &pipeline::dependency::Package) -> Id {
        let key = self.registry.name(&package.name);
        self.push(package.place.clone(), Some(ROOT), key)
    }

    fn read_needs(&mut self, graph: &DependencyGraph, places: &mut HashMap<String, Id>) {
        let base = graph.manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut needs: HashMap<Id, Vec<Need>> = HashMap::new();
        for direct in &graph.direct {
            let folder = direct.written.as_ref().map_or("", |written| workspace(base, &written.path));
            let id = if self.flat { ROOT } else { self.folder(folder, places) };
            self.nodes[id].root = true;
            if !self.flat {
                needs.entry(id).or_default().push(self.registry.need(&direct.name, &direct.requirement, direct.kind));
            }
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
                let all = release.map(|release| self.registry.needs_of(release)).unwrap_or_default();
                needs.entry(id).or_default().extend(all.iter().cloned());
                continue;
            }
            for dependency in &package.dependencies {
                let need = self.registry.need(&dependency.name, &dependency.requirement, dependency.kind);
                let published = release.and_then(|release| release.dependencies.iter().find(|raw| raw.name == dependency.name));
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

    fn index(&mut self) {
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
                self.nodes[id].pythons = release.engines.get("python").map_or(u32::MAX, |text| super::registry::pythons(text));
            }
        }
        self.above = vec![None; self.nodes.len()];
        let mut seen: HashSet<Id> = HashSet::new();
        let mut queue: VecDeque<Id> = (0..self.nodes.len()).filter(|id| self.nodes[*id].root).collect();
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

    /// The entry that answers `name` for `from`: in its own `node_modules`, or in that of a folder above.
    pub(super) fn resolve(&self, from: Id, name: Name) -> Option<Id> {
        self.resolve_where(from, name, |_| true)
    }

    fn resolve_where(&self, from: Id, name: Name, wanted: impl Fn(Id) -> bool) -> Option<Id> {
        let mut at = Some(from);
        while let Some(id) = at {
            if let Some(kid) = self.nodes[id].kids.get(&name).filter(|kid| !self.nodes[**kid].gone && wanted(**kid)) {
                return Some(*kid);
            }
            at = self.nodes[id].parent;
        }
        None
    }

    /// What stands in the `node_modules` of `parent` under a name.
    pub(super) fn kid(&self, parent: Id, key: Name) -> Option<Id> {
        self.nodes[parent].kids.get(&key).copied()
    }

    /// The new entry at the place of one that went with its archive.
    pub(super) fn successor(&self, id: Id) -> Option<Id> {
        (self.originals..self.nodes.len()).find(|new| self.predecessor(*new) == Some(id))
    }

    /// The entry that stood at the place of a new one.
    pub(super) fn predecessor(&self, id: Id) -> Option<Id> {
        self.nodes[id].twin.filter(|_| id >= self.originals && !self.flat)
    }

    /// The entry in whose archive a bundled one is; any other, itself.
    pub(super) fn bundler(&self, id: Id) -> Id {
        let mut at = id;
        while let Some(parent) = self.nodes[at].parent.filter(|_| self.nodes[at].bundled) {
            at = parent;
        }
        at
    }

    /// Whether anything led to it before any change.
    pub(super) fn was_needed(&self, id: Id) -> bool {
        self.flat || self.above.get(id).copied().flatten().is_some()
    }

    pub(super) fn need_of(&self, id: Id, name: Name) -> Option<&Need> {
        find(&self.nodes[id].needs, name)
    }

    /// Whether `to` is an answer to what `from` asks for, and not an older one than `from` had.
    pub(super) fn accepts(&self, from: Id, need: &Need, to: Id) -> bool {
        let target = &self.nodes[to];
        let Some(version) = &target.version else { return target.original.is_some() };
        if !target.movable && target.original.is_some() && !target.bundled {
            // A link, a git repository, a URL: nobody but the one who wrote it knows.
            return true;
        }
        if need.package != target.package {
            return false;
        }
        self.allows(from, need, version) && (target.original.is_some() || !self.is_older_than_before(from, need.name, version))
    }

    /// Whether what `from` asks for holds `version`, with overrides.
    pub(super) fn allows(&self, from: Id, need: &Need, version: &Ver) -> bool {
        match self.overrides.get(&need.name).filter(|_| need.package == need.name && !self.nodes[from].root) {
            Some(forced) => forced.id == version.id,
            None => need.range.allows(version),
        }
    }

    /// Whether `from` had a newer version of what it asks for before anything was changed.
    pub(super) fn is_older_than_before(&self, from: Id, name: Name, version: &Ver) -> bool {
        self.version_before(from, name).is_some_and(|before| version.version < before.version)
    }

    /// What `from` had for `name` before anything was changed.
    pub(super) fn version_before(&self, from: Id, name: Name) -> Option<&Rc<Ver>> {
        find(&self.nodes[from].original.as_ref()?.needs, name)?;
        let before = self.resolve_before(from, name)?;
        self.nodes[before].original.as_ref()?.version.as_ref()
    }

    fn resolve_before(&self, from: Id, name: Name) -> Option<Id> {
        let mut at = Some(from);
        while let Some(id) = at {
            let kids = &self.nodes[id].kids;
            if let Some(kid) = kids.get(&name) {
                if self.nodes[*kid].original.is_some() {
                    return Some(*kid);
                }
                // A new entry may stand where one went with its archive.
                if let Some(before) = self.nodes[*kid].twin.filter(|_| !self.flat) {
                    return Some(before);
                }
            }
            at = self.nodes[id].parent;
        }
        None
    }

    /// Who has `to` as an answer, with the need.
    pub(super) fn dependents(&self, to: Id) -> Vec<(Id, Need)> {
        let key = self.nodes[to].key;
        let Some(users) = self.users.get(&key) else { return Vec::new() };
        let mut found: Vec<(Id, Need)> = Vec::new();
        for &user in users {
            if self.nodes[user].gone || found.iter().any(|(known, _)| *known == user) {
                continue;
            }
            let Some(need) = self.need_of(user, key) else { continue };
            let answers = self.resolve(user, key).is_some_and(|answer| answer == to || self.flat);
            if answers {
                found.push((user, need.clone()));
            }
        }
        found
    }

    /// The way from the project to `id`, ends included. `None`: nothing needs it any more.
    pub(super) fn path(&self, id: Id) -> Option<Vec<Id>> {
        if self.nodes[id].gone {
            return None;
        }
        if self.flat {
            return Some(if id == ROOT { vec![ROOT] } else { vec![ROOT, id] });
        }
        self.known_path(id).or_else(|| self.search_path(id))
    }

    fn known_path(&self, id: Id) -> Option<Vec<Id>> {
        let mut path = vec![id];
        let mut at = id;
        while !self.nodes[at].root {
            let above = self.above.get(at).copied().flatten()?;
            let holds = self.nodes[above].link == Some(at)
                || self.need_of(above, self.nodes[at].key).is_some_and(|need| need.kind != DependencyKind::PeerOptional)
                    && self.resolve(above, self.nodes[at].key) == Some(at);
            if !holds || self.nodes[above].gone {
                return None;
            }
            path.push(above);
            at = above;
        }
        path.reverse();
        Some(path)
    }

    fn search_path(&self, id: Id) -> Option<Vec<Id>> {
        let mut below: HashMap<Id, Id> = HashMap::from([(id, id)]);
        let mut queue = VecDeque::from([id]);
        while let Some(at) = queue.pop_front() {
            if self.nodes[at].root {
                let mut path = vec![at];
                let mut at = at;
                while at != id {
                    at = *below.get(&at)?;
                    path.push(at);
                }
                return Some(path);
            }
            let links = self.links_to(at);
            let users = self.dependents(at).into_iter().filter(|(_, need)| need.kind != DependencyKind::PeerOptional);
            for up in links.into_iter().chain(users.map(|(user, _)| user)) {
                below.entry(up).or_insert_with(|| {
                    queue.push_back(up);
                    at
                });
            }
        }
        None
    }

    fn links_to(&self, id: Id) -> Vec<Id> {
        let is_folder = self.nodes[id].parent.is_some_and(|parent| self.nodes[parent].kids.get(&self.nodes[id].key) != Some(&id));
        if !is_folder {
            return Vec::new();
        }
        (0..self.originals).filter(|from| self.nodes[*from].link == Some(id)).collect()
    }

    pub(super) fn is_needed(&self, id: Id) -> bool {
        self.path(id).is_some()
    }

    /// The first thing that a change broke.
    pub(super) fn broken_edge(&self) -> Option<Violation> {
        self.broken_edges(1).pop()
    }

    /// What the changes broke, at most so much of it, in the order of the changes.
    pub(super) fn broken_edges(&self, violations_max: usize) -> Vec<Violation> {
        let mut broken: Vec<Violation> = Vec::new();
        let mut known: HashSet<(Id, Name)> = HashSet::new();
        for (at, &id) in self.touched.iter().enumerate() {
            if broken.len() >= violations_max {
                return broken;
            }
            if self.touched[..at].contains(&id) || !self.is_needed(id) {
                continue;
            }
            self.broken_needs_of(id, &mut known, &mut broken);
            self.broken_dependents_of(id, &mut known, &mut broken);
        }
        for &name in self.overrides.keys() {
            for &user in self.users.get(&name).into_iter().flatten() {
                if self.need_of(user, name).is_some() && self.is_needed(user) {
                    self.broken_needs_of(user, &mut known, &mut broken);
                }
            }
        }
        broken.truncate(violations_max);
        broken
    }

    fn broken_needs_of(&self, id: Id, known: &mut HashSet<(Id, Name)>, broken: &mut Vec<Violation>) {
        for need in Rc::clone(&self.nodes[id].needs).iter() {
            if known.contains(&(id, need.name)) || self.is_tolerated(id, need.name) {
                continue;
            }
            let mut to = self.resolve(id, need.name);
            if to.is_none() && self.must_answer(id, need) {
                known.insert((id, need.name));
                broken.push(Violation::Missing { from: id, need: need.clone() });
            }
            while let Some(target) = to {
                if !self.accepts(id, need, target) {
                    known.insert((id, need.name));
                    broken.push(Violation::Rejects { from: id, need: need.clone(), to: target });
                    break;
                }
                to = self.nodes[target].twin.filter(|_| self.flat);
            }
        }
    }

    fn broken_dependents_of(&self, id: Id, known: &mut HashSet<(Id, Name)>, broken: &mut Vec<Violation>) {
        for (from, need) in self.dependents(id) {
            let is_broken = !known.contains(&(from, need.name))
                && !self.is_tolerated(from, need.name)
                && !self.accepts(from, &need, id)
                && self.is_needed(from);
            if is_broken {
                known.insert((from, need.name));
                broken.push(Violation::Rejects { from, need, to: id });
            }
        }
    }

    /// What was broken before, and is as it was, is not ours to mend.
    fn is_tolerated(&self, id: Id, name: Name) -> bool {
        let node = &self.nodes[id];
        let unchanged = node.original.as_ref().is_some_and(|original| {
            matches!((find(&original.needs, name), find(&node.needs, name)), (Some(a), Some(b)) if Rc::ptr_eq(&a.range, &b.range))
        });
        unchanged && !self.overrides.contains_key(&name) && self.broken.contains(&(id, name))
    }

    /// Whether something has to be there for this need of a changed entry.
    fn must_answer(&self, id: Id, need: &Need) -> bool {
        if self.flat {
            return self.hashed;
        }
        match need.kind {
            DependencyKind::Prod | DependencyKind::Dev => true,
            DependencyKind::PeerOptional => false,
            // What is made for other machines is listed too, so that the lockfile serves them.
            DependencyKind::Optional => {
                self.registry.candidates(need.package).iter().any(|candidate| self.allows(id, need, &candidate.version))
            }
            DependencyKind::Peer => {
                let node = &self.nodes[id];
                let before = node.original.as_ref().and_then(|original| original.version.as_ref());
                let asked_before = before
                    .and_then(|before| self.registry.release(node.package, before.version.as_str()))
                    .is_some_and(|release| {
                        release.dependencies.iter().any(|raw| *raw.name == *self.registry.text(need.name))
                    });
                !asked_before
            }
        }
    }

    /// Whether any Python runs all pins.
    pub(super) fn some_python_runs_all(&self) -> bool {
        let all = |mask: u32, node: &Node| mask & node.pythons;
        !self.flat || self.nodes.iter().fold(u32::MAX, all) != 0
    }

    /// Where things stand: for [`State::back_to`].
    pub(super) fn mark(&self) -> usize {
        self.trail.len()
    }

    pub(super) fn update(&mut self, id: Id, version: Rc<Ver>, needs: Rc<[Need]>, pythons: u32) {
        self.use_needs(id, &needs);
        let node = &mut self.nodes[id];
        let undo = Undo::Version {
            id,
            version: node.version.replace(version),
            needs: std::mem::replace(&mut node.needs, needs),
            assigned: std::mem::replace(&mut node.assigned, true),
            pythons: std::mem::replace(&mut node.pythons, pythons),
        };
        self.trail.push(undo);
        self.touch(id);
        self.drop_archive_of(id);
    }

    /// What was inside the old archive is not in the new one.
    fn drop_archive_of(&mut self, id: Id) {
        let mut stack = vec![id];
        while let Some(at) = stack.pop() {
            let kids: Vec<Id> = self.nodes[at].kids.values().copied().collect();
            for kid in kids {
                if self.nodes[kid].bundled && !self.nodes[kid].gone {
                    self.nodes[kid].gone = true;
                    self.trail.push(Undo::Gone(kid));
                    stack.push(kid);
                }
            }
        }
    }

    pub(super) fn add(&mut self, parent: Id, key: Name, package: Name, version: Rc<Ver>, needs: Rc<[Need]>, pythons: u32) -> Id {
        let above = &self.nodes[parent].place;
        let key_text = self.registry.text(key);
        let place = match (self.flat, above.is_empty()) {
            (true, _) => format!("+{key_text}"),
            (false, true) => format!("node_modules/{key_text}"),
            (false, false) => format!("{above}/node_modules/{key_text}"),
        };
        let before = self.nodes[parent].kids.get(&key).copied();
        let id = self.push(place, Some(parent), key);
        self.use_needs(id, &needs);
        let node = &mut self.nodes[id];
        node.package = package;
        node.version = Some(version);
        node.needs = needs;
        node.assigned = true;
        node.movable = true;
        node.pythons = pythons;
        node.twin = before;
        self.trail.push(Undo::Added { parent, key, before });
        self.touch(id);
        id
    }

    /// Gives the range of the project's own need another text.
    pub(super) fn require(&mut self, id: Id, name: Name, text: String) {
        let range = self.registry.range(&text);
        let before = Rc::clone(&self.nodes[id].needs);
        let mut needs = before.to_vec();
        if let Some(need) = needs.iter_mut().find(|need| need.name == name) {
            need.range = range;
        }
        self.nodes[id].needs = needs.into();
        self.required.insert((id, name), text);
        self.trail.push(Undo::Required { id, needs: before });
        self.touch(id);
    }

    pub(super) fn force(&mut self, name: Name, version: Rc<Ver>) {
        self.overrides.insert(name, version);
        self.trail.push(Undo::Override(name));
    }

    fn touch(&mut self, id: Id) {
        self.touched.push(id);
        self.trail.push(Undo::Touched);
    }

    fn use_needs(&mut self, id: Id, needs: &[Need]) {
        for need in needs {
            let users = self.users.entry(need.name).or_default();
            if !users.contains(&id) {
                users.push(id);
                self.trail.push(Undo::User(need.name));
            }
        }
    }

    /// Takes back everything since `mark`.
    pub(super) fn back_to(&mut self, mark: usize) {
        while self.trail.len() > mark {
            match self.trail.pop() {
                None => return,
                Some(Undo::Version { id, version, needs, assigned, pythons }) => {
                    let node = &mut self.nodes[id];
                    (node.version, node.needs, node.assigned, node.pythons) = (version, needs, assigned, pythons);
                }
                Some(Undo::Added { parent, key, before }) => {
                    self.nodes.pop();
                    match before {
                        Some(before) => self.nodes[parent].kids.insert(key, before),
                        None => self.nodes[parent].kids.remove(&key),
                    };
                }
                Some(Undo::User(name)) => {
                    self.users.get_mut(&name).and_then(Vec::pop);
                }
                Some(Undo::Required { id, needs }) => {
                    let name = self.nodes[id].needs.iter().zip(needs.iter());
                    let mut edited = name.filter(|(now, before)| !Rc::ptr_eq(&now.range, &before.range)).map(|(now, _)| now.name);
                    if let Some(name) = edited.next() {
                        self.required.remove(&(id, name));
                    }
                    self.nodes[id].needs = needs;
                }
                Some(Undo::Override(name)) => {
                    self.overrides.remove(&name);
                }
                Some(Undo::Gone(id)) => self.nodes[id].gone = false,
                Some(Undo::Touched) => {
                    self.touched.pop();
                }
            }
        }
    }

    /// Every need that is written in the tree.
    pub(super) fn written_needs(&self) -> Vec<Need> {
        let originals = self.nodes.iter().filter_map(|node| node.original.as_ref());
        originals.flat_map(|original| original.needs.iter().cloned()).collect()
    }

    /// Whether any entry of that folder name, wherever it stands, has a version that `range` lets in.
    pub(super) fn has_answer(&self, key: Name, range: Option<&Range>) -> bool {
        let answers = |node: &Node| {
            node.key == key && node.version.as_ref().is_none_or(|version| range.is_none_or(|range| range.allows(version)))
        };
        let known = self.keys.get(&key).into_iter().flatten();
        known.map(|id| &self.nodes[*id]).chain(self.nodes.iter().skip(self.originals)).any(answers)
    }

    /// How many folders lie above a place.
    pub(super) fn depth(&self, id: Id) -> u64 {
        let mut depth = 0;
        let mut at = self.nodes[id].parent;
        while let Some(up) = at {
            depth += 1;
            at = self.nodes[up].parent;
        }
        depth
    }

    /// Everything that the project still needs.
    pub(super) fn needed(&self) -> Vec<bool> {
        let mut needed = vec![self.flat; self.nodes.len()];
        let mut stack: Vec<Id> = (0..self.nodes.len()).filter(|id| self.nodes[*id].root).collect();
        while let Some(id) = stack.pop() {
            if std::mem::replace(&mut needed[id], true) && !self.flat {
                continue;
            }
            if self.flat {
                break;
            }
            stack.extend(self.nodes[id].link);
            for need in self.nodes[id].needs.iter().filter(|need| need.kind != DependencyKind::PeerOptional) {
                stack.extend(self.resolve(id, need.name).filter(|to| !needed[*to]));
            }
        }
        needed
    }
}

fn find(needs: &[Need], name: Name) -> Option<&Need> {
    needs.binary_search_by_key(&name, |need| need.name).ok().and_then(|at| needs.get(at))
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

/// The folder of a workspace's manifest, seen from the folder of the root's.
pub(super) fn workspace<'p>(base: &str, manifest: &'p str) -> &'p str {
    let folder = manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
    match folder.strip_prefix(base) {
        Some(rest) if !base.is_empty() => rest.trim_start_matches('/'),
        _ => folder,
    }
}
