//! The functions host: processes, triggers, invocations.
//!
//! It runs staged apps as Azure would, by the rules of the Azure Functions host, on a bus of its own. What it adds to them: a handler that
//! the functions host would give up on is started over and over, and while no handler answers, no message is taken from the bus.

mod drain;
mod error;
mod event;
mod front;
mod invoke;
mod ledger;
mod process;
#[cfg(test)]
mod scripted;
mod triggers;

pub use error::HostError;
pub use event::{Events, HostEvent};
pub use front::{BODY_BYTES_MAX, BUS_KEY_NAME, Keys};

use crate::app::{App, Output, Trigger};
use crate::bus::{Buried, Bus, Entities, QueueSettings, Rules, Source, SubscriptionSettings};
use agents::environment::clock::Clock;
use drain::Drain;
use front::{Front, Limits, ServedApp, serve};
use invoke::Invoker;
use ledger::Ledger;
use process::{Process, Start};
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use triggers::{Listener, Timer};

/// How long invocations that were cut off may take to give their messages back.
const CUT_OFF_WAIT: Duration = Duration::from_secs(2);

/// How long the server may take to end: longer than it gives its requests.
const SERVER_WAIT: Duration = Duration::from_secs(7);

/// What a host runs, and where.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// The apps, all on one bus.
    pub apps: Vec<App>,
    /// The host's own folder, made if it is absent. One process at a time has it.
    pub folder: PathBuf,
    /// Where it listens. Port 0 is any that is free.
    pub address: SocketAddr,
    /// Added to the environment of the handlers.
    pub environment: Vec<(String, String)>,
    /// How queues and subscriptions treat their messages.
    pub rules: Rules,
    /// What time it is.
    pub clock: Clock,
}

/// The file of the bus in a host's folder, and of all that the host remembers.
fn bus_file(folder: &Path) -> PathBuf {
    folder.join("bus.sqlite3")
}

/// The keys of the host that has `folder`, made where there are none yet. A host may run there meanwhile.
pub fn keys(folder: &Path) -> Result<Keys, HostError> {
    make_private(folder).map_err(|error| HostError::Folder { folder: folder.to_owned(), error })?;
    Ok(Ledger::open(&bus_file(folder))?.keys()?)
}

/// A host that runs.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    bus: Bus,
    keys: Keys,
    events: Events,
    drain: Drain,
    processes: Vec<Process>,
    ended: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    /// Released when the host is dropped, or its process dies.
    _lock: File,
}

impl Host {
    /// Starts all apps. `events` is told what happens from the first moment on.
    pub async fn start(settings: HostSettings, events: Events) -> Result<Self, HostError> {
        if settings.apps.is_empty() {
            return Err(HostError::NoApp);
        }
        let lock = lock(&settings.folder)?;
        let address = settings.address;
        let listener = TcpListener::bind(address).await.map_err(|error| HostError::Address { address, error })?;
        let address = listener.local_addr().map_err(|error| HostError::Address { address, error })?;
        let entities = entities(&settings.apps, &settings.rules);
        let topics = entities.subscriptions.iter().map(|subscription| subscription.topic.clone()).collect();
        let told = events.clone();
        let tell_buried = move |buried: Buried| {
            let Buried { source, sequence_number, message_id, reason } = buried;
            let message_id = message_id.unwrap_or_else(|| format!("number {sequence_number}"));
            told.tell(HostEvent::DeadLettered { source: source.to_string(), message_id, reason });
        };
        let bus = Bus::open_telling(&bus_file(&settings.folder), entities, settings.clock.clone(), tell_buried)?;
        let ledger = Ledger::open(&bus_file(&settings.folder))?;
        let keys = ledger.keys()?;
        let names = settings.apps.iter().map(|app| app.name.clone()).collect();
        events.tell(HostEvent::Listening { address: address.to_string(), apps: names });
        let (drain, (ended, end)) = (Drain::default(), watch::channel(false));
        let mut apps = Vec::new();
        let mut listeners = Vec::new();
        for app in settings.apps {
            let start = Start {
                app: Arc::new(app),
                environment: settings.environment.clone(),
                events: events.clone(),
                clock: settings.clock.clone(),
            };
            let parts = Parts { bus: &bus, ledger: &ledger, drain: &drain };
            apps.push(parts.serve(start, &mut listeners));
        }
        let processes = apps.iter().map(|app| app.invoker.process.clone()).collect();
        let timers: Vec<Timer> = apps.iter().flat_map(|app| app.timers.clone()).collect();
        let front = Front::new(apps, topics, bus.clone(), keys.clone(), events.clone(), drain.clone(), settings.clock);
        let server = tokio::spawn(serve(listener, front.map_err(HostError::Routes)?.router(), Limits::default(), end));
        for listener in listeners {
            tokio::spawn(listener.listen());
        }
        for timer in timers {
            tokio::spawn(timer.run());
        }
        Ok(Self { address, bus, keys, events, drain, processes, ended, server, _lock: lock })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bus of its apps.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Who may call what.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<HostEvent> {
        self.events.listen()
    }

    /// Begins nothing new, lets what has begun end within `limit`, and ends the handlers then. What is cut off comes again at the next
    /// start. How many invocations that were is answered.
    pub async fn stop(mut self, limit: Duration) -> usize {
        self.drain.stop();
        self.events.tell(HostEvent::Draining { in_flight: self.drain.in_flight() });
        let cut_off = self.drain.idle_within(limit).await;
        futures::future::join_all(self.processes.iter().map(Process::stop)).await;
        self.drain.idle_within(CUT_OFF_WAIT).await;
        let _ = self.ended.send(true);
        if tokio::time::timeout(SERVER_WAIT, &mut self.server).await.is_err() {
            self.server.abort();
        }
        self.events.tell(HostEvent::Stopped { cut_off });
        cut_off
    }
}

struct Parts<'h> {
    bus: &'h Bus,
    ledger: &'h Ledger,
    drain: &'h Drain,
}

impl Parts<'_> {
    /// Starts the handler of an app, and puts what hears messages for it into `listeners`.
    fn serve(&self, start: Start, listeners: &mut Vec<Listener>) -> ServedApp {
        let (app, events, clock) = (Arc::clone(&start.app), start.events.clone(), start.clock.clone());
        let process = Process::start(start);
        let invoker = Invoker { app: Arc::clone(&app), process, events: events.clone(), clock };
        let mut timers = Vec::new();
        for function in app.functions.iter().cloned().map(Arc::new) {
            if let Trigger::Timer { .. } = function.trigger {
                timers.push(Timer {
                    invoker: invoker.clone(),
                    function: Arc::clone(&function),
                    bus: self.bus.clone(),
                    ledger: self.ledger.clone(),
                    events: events.clone(),
                    drain: self.drain.clone(),
                });
            }
            if let Some(source) = source(&function.trigger) {
                listeners.push(Listener {
                    invoker: invoker.clone(),
                    function,
                    source,
                    bus: self.bus.clone(),
                    events: events.clone(),
                    drain: self.drain.clone(),
                });
            }
        }
        ServedApp { app, invoker, timers }
    }
}

/// Where the messages of a trigger are.
fn source(trigger: &Trigger) -> Option<Source> {
    match trigger {
        Trigger::Queue { queue, .. } => Some(Source::Queue(queue.clone())),
        Trigger::Subscription { topic, subscription, .. } => {
            Some(Source::Subscription { topic: topic.clone(), name: subscription.clone() })
        }
        Trigger::Timer { .. } | Trigger::Http { .. } => None,
    }
}

/// Every queue and subscription that a function hears, and every queue that one sends to: without a function that hears it, its messages
/// stay, as they would in Azure.
pub fn entities(apps: &[App], rules: &Rules) -> Entities {
    let mut entities = Entities::default();
    let add_queue = |entities: &mut Entities, name: &str| {
        if !entities.queues.iter().any(|queue| queue.name.eq_ignore_ascii_case(name)) {
            entities.queues.push(QueueSettings { name: name.to_owned(), rules: rules.clone() });
        }
    };
    for function in apps.iter().flat_map(|app| &app.functions) {
        match &function.trigger {
            Trigger::Queue { queue, .. } => add_queue(&mut entities, queue),
            Trigger::Subscription { topic, subscription, .. } => {
                let is_known = entities.subscriptions.iter().any(|known| {
                    known.topic.eq_ignore_ascii_case(topic) && known.name.eq_ignore_ascii_case(subscription)
                });
                if !is_known {
                    let (topic, name, rules) = (topic.clone(), subscription.clone(), rules.clone());
                    entities.subscriptions.push(SubscriptionSettings { topic, name, rules });
                }
            }
            Trigger::Timer { .. } | Trigger::Http { .. } => {}
        }
        for output in &function.outputs {
            if let Output::Queue(queue) = &output.kind {
                add_queue(&mut entities, queue);
            }
        }
    }
    entities
}

/// Takes the folder for this process, as long as the file that is answered is open.
fn lock(folder: &Path) -> Result<File, HostError> {
    let failed = |error| HostError::Folder { folder: folder.to_owned(), error };
    make_private(folder).map_err(failed)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(folder.join("host.lock")).map_err(failed)?;
    match crate::lock::take(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(HostError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The folder holds messages and keys: it is its owner's alone.
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}
