//! What a manifest or a lockfile entry asks for.

use super::json::{self, AnyText, Flag, Shape, Text};
use pipeline::dependency::DependencyKind;
use serde::de::MapAccess;
use std::borrow::Cow;
use std::collections::HashMap;

/// Sections of one manifest or entry that may be written again; a file with more is refused, for each costs a pass over
/// all that was read.
const REPEATED_MAX: u8 = 2;

/// One member of `dependencies`, `devDependencies`, `optionalDependencies` or `peerDependencies`.
#[derive(Debug, Clone)]
pub(super) struct Need<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) text: Cow<'a, str>,
    pub(super) kind: DependencyKind,
}

/// The needs of one manifest or entry, gathered from its members.
#[derive(Debug, Default)]
pub(super) struct Needs<'a> {
    pub(super) list: Vec<Need<'a>>,
    optional_peers: Vec<Cow<'a, str>>,
    kinds: u8,
    /// How many sections were written again.
    repeated: u8,
    /// Members that are not what they should be.
    pub(super) odd: Vec<Cow<'a, str>>,
}

impl<'a> Needs<'a> {
    /// Takes the member `key` if it is about needs; `false`: it is not, and its value is still to be read.
    pub(super) fn take<M: MapAccess<'a>>(&mut self, key: &Cow<'a, str>, map: &mut M) -> Result<bool, M::Error> {
        let kind = match key.as_ref() {
            "dependencies" => DependencyKind::Prod,
            "devDependencies" => DependencyKind::Dev,
            "optionalDependencies" => DependencyKind::Optional,
            "peerDependencies" => DependencyKind::Peer,
            "peerDependenciesMeta" => {
                json::value(map, OptionalPeers(&mut self.optional_peers))?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.read(kind, key, map)?;
        Ok(true)
    }

    /// Reads the member `key`, which lists needs of `kind`.
    pub(super) fn read<M: MapAccess<'a>>(
        &mut self,
        kind: DependencyKind,
        key: &Cow<'a, str>,
        map: &mut M,
    ) -> Result<(), M::Error> {
        let bit = 1 << kind as u8;
        if self.kinds & bit != 0 {
            // JavaScript keeps the last of two members with one name.
            self.repeated = self.repeated.saturating_add(1);
            if self.repeated > REPEATED_MAX {
                return Err(serde::de::Error::custom(format!("`{key}` is written again and again")));
            }
            self.list.retain(|need| need.kind != kind);
            self.odd.push(key.clone());
        }
        self.kinds |= bit;
        let fine = json::value(map, Section { needs: self, kind })?;
        if !fine {
            self.odd.push(key.clone());
        }
        Ok(())
    }

    /// Closes the list: marks optional peers and keeps one need per name, as npm does: a development need wins
    /// over an optional one, that over a plain one, that over a peer.
    pub(super) fn finish(&mut self) {
        if !self.optional_peers.is_empty() {
            self.optional_peers.sort_unstable();
            for need in &mut self.list {
                if need.kind == DependencyKind::Peer && self.optional_peers.binary_search(&need.name).is_ok() {
                    need.kind = DependencyKind::PeerOptional;
                }
            }
        }
        if self.kinds.count_ones() > 1 {
            self.keep_one_per_name();
        }
    }

    /// Keeps the winner of each name; names written twice in one section are told besides.
    pub(super) fn keep_one_per_name(&mut self) {
        let mut winners: HashMap<&str, (u8, usize)> = HashMap::with_capacity(self.list.len());
        let mut twice = Vec::new();
        for (index, need) in self.list.iter().enumerate() {
            let rank = rank(need.kind);
            let winner = winners.entry(&need.name).or_insert((rank, index));
            if winner.1 != index && winner.0 == rank {
                twice.push(need.name.clone());
            }
            if rank >= winner.0 {
                *winner = (rank, index);
            }
        }
        if winners.len() < self.list.len() {
            let keep: Vec<bool> = self
                .list
                .iter()
                .enumerate()
                .map(|(index, need)| winners.get(&*need.name).is_some_and(|w| w.1 == index))
                .collect();
            drop(winners);
            let mut keep = keep.into_iter();
            self.list.retain(|_| keep.next().unwrap_or(true));
        }
        self.odd.append(&mut twice);
    }
}

fn rank(kind: DependencyKind) -> u8 {
    match kind {
        DependencyKind::Peer | DependencyKind::PeerOptional => 0,
        DependencyKind::Prod => 1,
        DependencyKind::Optional => 2,
        DependencyKind::Dev => 3,
    }
}

/// An object of names and what is asked for. Yields whether all of it is as it should be.
struct Section<'n, 'a> {
    needs: &'n mut Needs<'a>,
    kind: DependencyKind,
}

impl<'a> Shape<'a> for Section<'_, 'a> {
    type Out = bool;
    fn other(self) -> bool {
        false
    }
    fn absent(self) -> bool {
        true
    }
    /// `"requires": true` at the top of a lockfile.
    fn yes(self) -> bool {
        true
    }
    fn object<M: MapAccess<'a>>(self, mut map: M) -> Result<bool, M::Error> {
        while let Some(name) = json::next_key(&mut map)? {
            match json::value(&mut map, AnyText)? {
                Text::Is(text) => self.needs.list.push(Need { name, text, kind: self.kind }),
                Text::Absent | Text::Odd => self.needs.odd.push(name),
            }
        }
        Ok(true)
    }
}

/// `peerDependenciesMeta`: names whose `optional` is true.
struct OptionalPeers<'n, 'a>(&'n mut Vec<Cow<'a, str>>);

impl<'a> Shape<'a> for OptionalPeers<'_, 'a> {
    type Out = ();
    fn other(self) {}
    fn object<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = json::next_key(&mut map)? {
            if json::value(&mut map, IsOptional)? {
                self.0.push(name);
            }
        }
        Ok(())
    }
}

struct IsOptional;

impl<'a> Shape<'a> for IsOptional {
    type Out = bool;
    fn other(self) -> bool {
        false
    }
    fn object<M: MapAccess<'a>>(self, mut map: M) -> Result<bool, M::Error> {
        let mut optional = false;
        while let Some(key) = json::next_key(&mut map)? {
            if key == "optional" {
                optional = json::value(&mut map, Flag)?;
            } else {
                json::skip(&mut map)?;
            }
        }
        Ok(optional)
    }
}
