//! Changes, and the way back.

use super::super::registry::{Name, Need, Ver};
use super::{Id, State};
use std::rc::Rc;

pub enum Undo {
    Version { id: Id, version: Option<Rc<Ver>>, needs: Rc<[Need]>, assigned: bool, pythons: u32 },
    Added { parent: Id, key: Name, before: Option<Id> },
    User(Name),
    Required { id: Id, name: Name, needs: Rc<[Need]> },
    Override(Name),
    Gone(Id),
    Touched,
}

impl State<'_, '_> {
    /// Where things stand: for [`State::back_to`].
    pub fn mark(&self) -> usize {
        self.trail.len()
    }

    pub fn update(&mut self, id: Id, version: Rc<Ver>, needs: Rc<[Need]>, pythons: u32) {
        self.use_needs(id, &needs);
        let node = &mut self.nodes[id];
        let pythons = if node.conditional { u32::MAX } else { pythons };
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
    pub(super) fn drop_archive_of(&mut self, id: Id) {
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

    pub fn add(
        &mut self,
        parent: Id,
        key: Name,
        package: Name,
        version: Rc<Ver>,
        needs: Rc<[Need]>,
        pythons: u32,
    ) -> Id {
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
    pub fn require(&mut self, id: Id, name: Name, text: String) {
        let range = self.registry.range(&text);
        let before = Rc::clone(&self.nodes[id].needs);
        let mut needs = before.to_vec();
        if let Some(need) = needs.iter_mut().find(|need| need.name == name) {
            need.range = range;
        }
        self.nodes[id].needs = needs.into();
        self.required.insert((id, name), text);
        self.trail.push(Undo::Required { id, name, needs: before });
        self.touch(id);
    }

    pub fn force(&mut self, name: Name, version: Rc<Ver>) {
        self.overrides.insert(name, version);
        self.trail.push(Undo::Override(name));
    }

    pub(super) fn touch(&mut self, id: Id) {
        self.touched.push(id);
        self.trail.push(Undo::Touched);
    }

    pub(super) fn use_needs(&mut self, id: Id, needs: &[Need]) {
        for need in needs {
            let users = self.users.entry(need.name).or_default();
            if !users.contains(&id) {
                users.push(id);
                self.trail.push(Undo::User(need.name));
            }
        }
    }

    /// Takes back everything since `mark`.
    pub fn back_to(&mut self, mark: usize) {
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
                Some(Undo::Required { id, name, needs }) => {
                    self.required.remove(&(id, name));
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
}
