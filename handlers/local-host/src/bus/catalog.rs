//! The entities of an open bus, by name.

use super::fault::Fault;
use super::{BusError, Destination, Entities, Rules, Source};
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// A queue or a subscription.
#[derive(Debug)]
pub(super) struct Entity {
    /// Its key in the file.
    pub(super) id: i64,
    /// Its name.
    pub(super) source: Source,
    /// How it treats its messages.
    pub(super) rules: Rules,
}

/// One of the two places where an entity keeps messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shelf {
    /// Index of the entity in its catalog.
    pub(super) entity: usize,
    /// Whether it is the one of dead letters.
    pub(super) dead: bool,
}

/// All entities.
#[derive(Debug)]
pub(super) struct Catalog {
    entities: Vec<Entity>,
    sources: HashMap<Source, usize>,
    topics: HashMap<String, Vec<usize>>,
    ids: HashMap<i64, usize>,
}

impl Catalog {
    /// Enters `entities` into the file. What the file has besides is kept, and can be received and counted, by default rules:
    /// an app that is staged again may have it again.
    pub(super) fn enter(connection: &Connection, entities: &Entities) -> Result<Self, Fault> {
        let mut catalog =
            Self { entities: Vec::new(), sources: HashMap::new(), topics: HashMap::new(), ids: HashMap::new() };
        for queue in &entities.queues {
            catalog.add(connection, None, &queue.name, &queue.rules)?;
        }
        for subscription in &entities.subscriptions {
            catalog.add(connection, Some(&subscription.topic), &subscription.name, &subscription.rules)?;
        }
        let mut statement = connection.prepare("SELECT topic, name FROM entity ORDER BY topic, name")?;
        let known = statement.query_map([], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, String>(1)?)))?;
        for entity in known {
            let (topic, name) = entity?;
            if catalog.source(&source(topic.as_deref(), &name)).is_err() {
                catalog.add(connection, topic.as_deref(), &name, &Rules::default())?;
            }
        }
        Ok(catalog)
    }

    fn add(&mut self, connection: &Connection, topic: Option<&str>, name: &str, rules: &Rules) -> Result<(), Fault> {
        let source = source(topic, name);
        let key = lower(&source);
        if let Some(index) = self.sources.get(&key) {
            // Two apps may name one queue: it is there once.
            if let Some(entity) = self.entities.get_mut(*index) {
                entity.rules = rules.clone();
            }
            return Ok(());
        }
        connection.execute(
            "INSERT INTO entity(topic, name) SELECT ?1, ?2 WHERE NOT EXISTS \
             (SELECT 1 FROM entity WHERE topic IS ?1 AND name = ?2)",
            params![topic, name],
        )?;
        let id = connection.query_row(
            "SELECT id FROM entity WHERE topic IS ?1 AND name = ?2",
            params![topic, name],
            |row| row.get(0),
        )?;
        let index = self.entities.len();
        self.sources.insert(key, index);
        self.ids.insert(id, index);
        if let Some(topic) = topic {
            self.topics.entry(topic.to_ascii_lowercase()).or_default().push(index);
        }
        self.entities.push(Entity { id, source, rules: rules.clone() });
        Ok(())
    }

    /// All, in the order in which they were entered.
    pub(super) fn all(&self) -> &[Entity] {
        &self.entities
    }

    /// The entity whose key in the file is `id`, with its index.
    pub(super) fn by_id(&self, id: i64) -> Option<(usize, &Entity)> {
        let index = *self.ids.get(&id)?;
        Some((index, self.entities.get(index)?))
    }

    /// The entity that `source` names, with its index.
    pub(super) fn source(&self, source: &Source) -> Result<(usize, &Entity), BusError> {
        let found = self.sources.get(&lower(source)).and_then(|index| Some((*index, self.entities.get(*index)?)));
        let kind = if matches!(source, Source::Queue(_)) { "queue" } else { "subscription" };
        found.ok_or_else(|| BusError::UnknownEntity { kind, name: source.to_string() })
    }

    /// The entities that get a message to `destination`, with their indexes.
    pub(super) fn destination(&self, destination: &Destination) -> Result<Vec<(usize, &Entity)>, BusError> {
        match destination {
            Destination::Queue(name) => Ok(vec![self.source(&Source::Queue(name.clone()))?]),
            Destination::Topic(name) => {
                let found = self.topics.get(&name.to_ascii_lowercase());
                let found = found.ok_or_else(|| BusError::UnknownEntity { kind: "topic", name: name.clone() })?;
                Ok(found.iter().filter_map(|index| Some((*index, self.entities.get(*index)?))).collect())
            }
        }
    }
}

fn source(topic: Option<&str>, name: &str) -> Source {
    match topic {
        None => Source::Queue(name.to_owned()),
        Some(topic) => Source::Subscription { topic: topic.to_owned(), name: name.to_owned() },
    }
}

fn lower(source: &Source) -> Source {
    match source {
        Source::Queue(name) => Source::Queue(name.to_ascii_lowercase()),
        Source::Subscription { topic, name } => {
            Source::Subscription { topic: topic.to_ascii_lowercase(), name: name.to_ascii_lowercase() }
        }
    }
}
