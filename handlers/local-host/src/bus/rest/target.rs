//! What a path names.

use super::super::Source;
use std::fmt;

/// The last part of the path to dead letters.
const DEAD_LETTERS: &str = "$deadletterqueue";

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A queue or a topic, to send to.
    Entity(String),
    /// The next message of a place.
    Head(Place),
    /// A message that is locked: its place, its id, its lock.
    Message(Place, String, String),
}

/// Where messages are received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) source: Source,
    pub(super) is_dead: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Queue(queue) => write!(f, "{queue}")?,
            Source::Subscription { topic, name } => write!(f, "{topic}/subscriptions/{name}")?,
        }
        if self.is_dead { write!(f, "/{DEAD_LETTERS}") } else { Ok(()) }
    }
}

impl Target {
    /// Reads a path. Upper and lower case are the same.
    pub(super) fn read(path: &str) -> Option<Self> {
        // The dollar may come escaped.
        let path = path.trim_start_matches('/').replace("%24", "$");
        let parts: Vec<&str> = path.split('/').collect();
        let at = parts.iter().position(|part| part.eq_ignore_ascii_case("messages"))?;
        let (entity, rest) = (parts.get(..at)?, parts.get(at + 1..)?);
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        match rest {
            [] => match entity {
                [name] => Some(Self::Entity((*name).to_owned())),
                _ => None,
            },
            [head] if head.eq_ignore_ascii_case("head") => Some(Self::Head(place(entity)?)),
            [id, lock] => Some(Self::Message(place(entity)?, (*id).to_owned(), (*lock).to_owned())),
            _ => None,
        }
    }
}

fn place(entity: &[&str]) -> Option<Place> {
    let is_dead = entity.last().is_some_and(|last| last.eq_ignore_ascii_case(DEAD_LETTERS));
    let entity = if is_dead { entity.get(..entity.len() - 1)? } else { entity };
    let source = match entity {
        [queue] => Source::Queue((*queue).to_owned()),
        [topic, subscriptions, name] if subscriptions.eq_ignore_ascii_case("subscriptions") => {
            Source::Subscription { topic: (*topic).to_owned(), name: (*name).to_owned() }
        }
        _ => return None,
    };
    Some(Place { source, is_dead })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let check = |path: &str, expect: &str| {
            let told = match Target::read(path) {
                None => "nothing".to_owned(),
                Some(Target::Entity(name)) => format!("entity {name}"),
                Some(Target::Head(place)) => format!("head {place}"),
                Some(Target::Message(place, id, lock)) => format!("message {place} {id} {lock}"),
            };
            assert_eq!(told, expect, "{path}");
        };
        check("/scan/messages", "entity scan");
        check("/scan/messages/head", "head scan");
        check("/scan/Messages/Head", "head scan");
        check("/scan/$DeadLetterQueue/messages/head", "head scan/$deadletterqueue");
        check("/scan/%24deadletterqueue/messages/head", "head scan/$deadletterqueue");
        check("/events/Subscriptions/a/messages/head", "head events/subscriptions/a");
        check(
            "/events/subscriptions/a/$deadletterqueue/messages/7/L",
            "message events/subscriptions/a/$deadletterqueue 7 L",
        );
        check("/scan/messages/7/L", "message scan 7 L");
        for path in [
            "/",
            "/messages",
            "/scan",
            "/scan//messages",
            "/scan/messages/7",
            "/a/b/messages/head",
            "/scan/messages/1/2/3",
        ] {
            check(path, "nothing");
        }
    }
}
