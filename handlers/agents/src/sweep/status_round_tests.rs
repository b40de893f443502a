use super::*;
use crate::environment::effects::Effects;
use crate::environment::outlet::Outlet;
use crate::environment::store::Store;
use crate::in_process::Bus;
use crate::sweep::sweep;
use crate::test_office::environment;
use std::sync::{Arc, Mutex};

/// All agents, some of them deaf, and a timer.
struct Office {
    env: Environment,
    bus: Bus,
    deaf: Vec<&'static str>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Office {
    fn new() -> Self {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let notices = Arc::clone(&told);
        let env = Environment {
            outlet: Outlet::new(move |notice| notices.lock().unwrap().push(notice.subject.clone())),
            ..environment(Store::memory(Effects::default()))
        };
        Self { env, bus: Bus::new(Topology::built_in().unwrap()), deaf: Vec::new(), told }
    }

    /// One tick by a process with `effects`; what it sends is delivered.
    async fn tick_of(&mut self, effects: Effects) {
        let (clock, ids) = (self.env.clock.clone(), self.env.ids.clone());
        let dying = Environment { clock, ids, ..environment(self.env.store.with_effects(effects)) };
        if let Ok(messages) = sweep(&dying).await {
            messages.iter().for_each(|message| self.bus.send(Some("sweep"), message).unwrap());
        }
        self.bus.waiting.retain(|delivery| !self.deaf.contains(&delivery.function.as_str()));
        while !self.bus.waiting.is_empty() {
            self.bus.deliver(0, &self.env).await.unwrap();
            self.bus.waiting.retain(|delivery| !self.deaf.contains(&delivery.function.as_str()));
        }
    }

    async fn minutes(&mut self, minutes: usize) {
        for _ in 0..minutes {
            self.env.clock.advance(SignedDuration::from_mins(1));
            self.tick_of(Effects::default()).await;
        }
    }

    async fn registry(&self) -> Registry {
        self.env.store.read(REGISTRY).await.unwrap().unwrap()
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn every_agent_answers_and_is_registered() {
    let mut office = Office::new();
    office.minutes(2).await;
    let registry = office.registry().await;
    let asked = registry.agents.iter().filter(|(_, agent)| agent.is_asked);
    let names: Vec<&str> = asked.clone().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["analyze", "monitor", "notify", "poison", "remediate", "scan", "verify"]);
    for (name, agent) in asked {
        assert_eq!(agent.version, env!("CARGO_PKG_VERSION"), "{name}");
        assert_eq!(agent.answered, Some(round_of(office.env.clock.now())), "{name}");
        assert_eq!(agent.round_trip_ms, (name != MONITOR_SUBSCRIPTION).then_some(0), "{name}");
    }
    assert_eq!(registry.agents["verify"].capabilities, ["fix.verify", "fix.rollback"]);
    assert_eq!(office.told(), Vec::<String>::new());
}

#[tokio::test]
async fn functions_without_a_queue_tell_when_they_worked_and_are_never_silent() {
    let mut office = Office::new();
    office.minutes(20).await;
    let taken = office.env.clock.now();
    office.env.store.create("worked/github-webhook", &taken).await.unwrap();
    office.minutes(120).await;
    let registry = office.registry().await;
    let unasked: Vec<(&str, Option<Timestamp>)> = registry
        .agents
        .iter()
        .filter(|(_, agent)| !agent.is_asked)
        .map(|(name, agent)| (name.as_str(), agent.last_work))
        .collect();
    let swept = round_of(office.env.clock.now());
    assert_eq!(unasked, [("github-webhook", Some(taken)), ("health", None), ("sweep", Some(swept))]);
    assert_eq!(office.told(), Vec::<String>::new());
}

#[tokio::test]
async fn registry_says_since_when_nobody_was_asked() {
    let mut office = Office::new();
    office.minutes(20).await;
    let registry = office.registry().await;
    let swept = registry.agents["sweep"].last_work;
    let later = |minutes| registry.not_asked_since(office.env.clock.now() + SignedDuration::from_mins(minutes));
    assert_eq!((later(0), later(30), later(60)), (None, None, swept));
    // Of a release that knew nothing of `sweep`.
    let mut older = registry.clone();
    older.agents.remove("sweep");
    let answered = older.agents["scan"].answered;
    assert_eq!(older.not_asked_since(office.env.clock.now() + SignedDuration::from_hours(72)), answered);
    assert_eq!(Registry::default().not_asked_since(office.env.clock.now()), None);
    // Whoever hears of no answer has asked all the same.
    office.deaf = vec!["monitor"];
    office.minutes(90).await;
    assert_eq!(office.registry().await.not_asked_since(office.env.clock.now()), None);
}

#[tokio::test]
async fn agents_are_asked_once_a_round_and_again_only_where_they_do_not_answer() {
    let mut office = Office::new();
    office.deaf = vec!["scan"];
    let mut asked: Vec<usize> = Vec::new();
    for _ in 0..15 {
        let messages = sweep(&office.env).await.unwrap();
        asked.push(messages.len());
        for message in messages.iter().filter(|message| message.target.as_deref() != Some("scan")) {
            office.bus.send(Some("sweep"), message).unwrap();
        }
        office.bus.settle(&office.env, |_| {}).await.unwrap();
        office.env.clock.advance(SignedDuration::from_mins(1));
    }
    assert_eq!(asked, [6, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn people_are_told_once_of_a_silence_and_once_of_its_end() {
    let mut office = Office::new();
    office.minutes(20).await;
    office.deaf = vec!["scan"];
    office.minutes(120).await;
    let told = office.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("scan has been silent since 1970-01-02T00:30:00Z"), "{told:?}");
    assert!(office.registry().await.agents["scan"].silent_since.is_some());
    office.deaf.clear();
    office.minutes(40).await;
    assert_eq!(office.told()[1..], ["scan answers again".to_owned()]);
    assert_eq!(office.registry().await.agents["scan"].silent_since, None);
    // The next silence is another one.
    office.deaf = vec!["scan"];
    office.minutes(60).await;
    assert_eq!(office.told().len(), 3);
}

#[tokio::test]
async fn where_no_answer_is_kept_nothing_is_said_of_single_agents() {
    let mut office = Office::new();
    office.minutes(20).await;
    office.deaf = vec!["monitor"];
    office.minutes(90).await;
    assert_eq!(office.told(), ["no agent has answered since 1970-01-02T00:30:00Z"]);
}

#[tokio::test]
async fn night_in_which_nobody_was_asked_is_no_silence() {
    let mut office = Office::new();
    office.minutes(20).await;
    office.env.clock.advance(SignedDuration::from_hours(10));
    office.minutes(60).await;
    assert_eq!(office.told(), Vec::<String>::new());
}

#[tokio::test]
async fn damaged_registry_is_made_again() {
    let mut office = Office::new();
    office.env.store.create(REGISTRY, &"torn").await.unwrap();
    office.minutes(2).await;
    assert_eq!(office.registry().await.agents.len(), 10);
}

/// Two hours with a silence, in which a process dies after effect `dies_after` of every fourth tick, or two sweep at once.
async fn two_hours(dies_after: Option<usize>) -> (Vec<String>, Registry) {
    let mut office = Office::new();
    office.minutes(20).await;
    for minute in 0..100 {
        office.deaf = if minute < 60 { vec!["scan"] } else { vec![] };
        office.env.clock.advance(SignedDuration::from_mins(1));
        match dies_after {
            // Of the three times that a round is asked for, one is lost at most.
            Some(effects) if minute % 4 == 0 => office.tick_of(Effects::crashing_after(effects)).await,
            Some(_) => {}
            None => {
                let (one, other) = tokio::join!(sweep(&office.env), sweep(&office.env));
                for message in one.unwrap().iter().chain(&other.unwrap()) {
                    office.bus.send(Some("sweep"), message).unwrap();
                }
            }
        }
        office.tick_of(Effects::default()).await;
    }
    let mut told = office.told();
    told.dedup();
    let mut registry = office.registry().await;
    // When people were told is another minute.
    registry.agents.values_mut().for_each(|agent| agent.last_work = None);
    (told, registry)
}

#[tokio::test]
async fn two_sweeps_at_once_or_one_that_dies_anywhere_change_nothing() {
    let expected = two_hours(Some(0)).await;
    assert_eq!(expected.0.len(), 2, "{expected:?}");
    for dies_after in 1..8 {
        assert_eq!(two_hours(Some(dies_after)).await, expected, "died after {dies_after}");
    }
    assert_eq!(two_hours(None).await, expected);
}
