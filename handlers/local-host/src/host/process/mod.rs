//! The process of an app's handler: started, waited for, watched, started again.

mod exit;
mod launch;
mod mask;
mod output;
mod readiness;

use super::event::{Events, HostEvent};
use crate::app::App;
use agents::environment::clock::Clock;
use exit::{Decision, Exit, History, decide};
use output::{LastWords, follow};
use reqwest::Client;
use reqwest::redirect::Policy;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::watch;

/// How long a killed process may take to be gone.
const KILLED_WAIT: Duration = Duration::from_secs(1);

/// Redirects that are followed, as .NET does by default.
const REDIRECTS_MAX: usize = 50;

/// How long lines that a dead process left in its pipes are waited for. Its own children may hold the pipes open.
const OUTPUT_WAIT: Duration = Duration::from_millis(200);

/// A process that answers.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Counts the processes of the app.
    pub generation: u64,
    /// Where it listens.
    pub port: u16,
    /// Connections to it, and to no other process.
    pub client: Client,
    /// Set once it did any work.
    worked: Arc<AtomicBool>,
}

impl Endpoint {
    /// Notes that the process did some work: it is not one that dies at every start.
    pub fn has_worked(&self) {
        self.worked.store(true, Ordering::Relaxed);
    }
}

/// How the handler of an app stands.
#[derive(Debug, Clone)]
pub enum Standing {
    /// It is being started, or rests before it is.
    Starting,
    /// It answers.
    Ready(Endpoint),
    /// It ended by its own wish, and is not started again.
    Left,
}

/// What a host asks of the process of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Run,
    /// A function of this generation took too long.
    Replace(u64),
    Stop,
}

/// The process of an app, from outside.
#[derive(Debug, Clone)]
pub struct Process {
    standing: watch::Receiver<Standing>,
    wish: watch::Sender<Wish>,
    gone: watch::Receiver<bool>,
}

/// What a process is started with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The app.
    pub app: Arc<App>,
    /// Added to the host's environment.
    pub environment: Vec<(String, String)>,
    /// Hears of it.
    pub events: Events,
    /// What time it is.
    pub clock: Clock,
}

impl Process {
    /// Starts the handler, and keeps it running in the background.
    pub fn start(start: Start) -> Self {
        let (standing, seen) = watch::channel(Standing::Starting);
        let (wish, wished) = watch::channel(Wish::Run);
        let (done, gone) = watch::channel(false);
        tokio::spawn(async move {
            Keeper { start, standing, wished, history: History::default(), generation: 0 }.keep().await;
            let _ = done.send(true);
        });
        Self { standing: seen, wish, gone }
    }

    /// One that runs already, and answers at `port`.
    #[cfg(test)]
    pub fn at(port: u16) -> Self {
        let endpoint = Endpoint { generation: 1, port, client: Client::new(), worked: Arc::default() };
        let (_, standing) = watch::channel(Standing::Ready(endpoint));
        Self { standing, wish: watch::Sender::new(Wish::Run), gone: watch::channel(true).1 }
    }

    /// How it stands, and how it will.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Kills the process of `generation`, if it is still the one, and starts the next. Everything in flight fails.
    pub fn replace(&self, generation: u64) {
        self.wish.send_if_modified(|wish| {
            let is_news = !matches!(wish, Wish::Stop) && *wish != Wish::Replace(generation);
            if is_news {
                *wish = Wish::Replace(generation);
            }
            is_news
        });
    }

    /// Kills the process, for good. Returns when it is gone.
    pub async fn stop(&self) {
        let _ = self.wish.send(Wish::Stop);
        // The keeper can only be gone.
        let _ = self.gone.clone().wait_for(|gone| *gone).await;
    }
}

/// `http://127.0.0.1:<port>/<path>`
pub fn address(port: u16, path: &str) -> String {
    format!("http://127.0.0.1:{port}/{path}")
}

struct Keeper {
    start: Start,
    standing: watch::Sender<Standing>,
    wished: watch::Receiver<Wish>,
    history: History,
    generation: u64,
}

impl Keeper {
    async fn keep(mut self) {
        loop {
            self.generation += 1;
            let Some((exit, words)) = self.run().await else { return };
            let (decision, history) = decide(exit, std::mem::take(&mut self.history), self.start.clock.now());
            self.history = history;
            let reason = if words.is_empty() { exit.to_string() } else { format!("{exit}: {words}") };
            let app = self.start.app.name.clone();
            self.start.events.tell(HostEvent::HandlerEnded { app, reason, next: decision.to_string() });
            let rest = match decision {
                Decision::Restart => continue,
                Decision::Leave => {
                    let _ = self.standing.send(Standing::Left);
                    None
                }
                Decision::RestartLater { after_ms } | Decision::BeginAgain { after_ms } => {
                    Some(Duration::from_millis(after_ms))
                }
            };
            if self.is_stopped_within(rest).await {
                return;
            }
        }
    }

    /// Waits; for ever without `rest`. `true` if the host stops meanwhile.
    async fn is_stopped_within(&mut self, rest: Option<Duration>) -> bool {
        let stopped = self.wished.wait_for(|wish| *wish == Wish::Stop);
        match rest {
            None => {
                let _ = stopped.await;
                true
            }
            Some(rest) => tokio::time::timeout(rest, stopped).await.is_ok(),
        }
    }

    /// One process from its start to its end, with its last words. `None`: the host stops.
    async fn run(&mut self) -> Option<(Exit, String)> {
        let words = LastWords::default();
        if *self.wished.borrow() == Wish::Stop {
            return None;
        }
        let launched = launch::port(self.start.app.host.port)
            .and_then(|port| Ok((launch::launch(&self.start.app, port, &self.start.environment)?, port)));
        let (mut child, port) = match launched {
            Ok(launched) => launched,
            Err(error) => {
                let executable = self.start.app.host.description.executable.display().to_string();
                return Some((Exit::NotStarted, format!("{executable}: {error}")));
            }
        };
        let outputs = self.follow(&mut child, &words);
        let worked = Arc::new(AtomicBool::new(false));
        let exit = self.watch(&mut child, port, &worked).await;
        let _ = self.standing.send(Standing::Starting);
        let _ = child.start_kill();
        let _ = tokio::time::timeout(KILLED_WAIT, child.wait()).await;
        let _ = tokio::time::timeout(OUTPUT_WAIT, outputs).await;
        self.history.has_worked = worked.load(Ordering::Relaxed);
        if self.history.has_worked {
            self.history.beginnings = 0;
        }
        exit.map(|exit| (exit, words.told()))
    }

    fn follow(&self, child: &mut Child, words: &LastWords) -> impl Future<Output = ()> + use<> {
        let (app, events) = (&self.start.app.name, &self.start.events);
        let stdout =
            child.stdout.take().map(|stream| tokio::spawn(follow(stream, "stdout", app.clone(), events.clone(), None)));
        let stderr = child
            .stderr
            .take()
            .map(|stream| tokio::spawn(follow(stream, "stderr", app.clone(), events.clone(), Some(words.clone()))));
        async move {
            for task in [stdout, stderr].into_iter().flatten() {
                let _ = task.await;
            }
        }
    }

    /// Waits for the process to be ready, and then for its end. `None`: the host stops.
    async fn watch(&mut self, child: &mut Child, port: u16, worked: &Arc<AtomicBool>) -> Option<Exit> {
        let (app, pid) = (self.start.app.name.clone(), child.id().unwrap_or_default());
        self.start.events.tell(HostEvent::HandlerStarted { app: app.clone(), pid, port });
        let begun = tokio::time::Instant::now();
        // What is handed on is handed on as it is: the one client that must not follow is that of forwarded requests.
        let host = &self.start.app.host;
        let forwards = host.forwards_http || host.proxies_http || host.is_legacy;
        let redirects = if forwards { Policy::none() } else { Policy::limited(REDIRECTS_MAX) };
        let client = match Client::builder().no_proxy().no_gzip().redirect(redirects).build() {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "no HTTP client");
                return Some(Exit::NotStarted);
            }
        };
        let answers = readiness::answers(&client, port, self.start.app.host.initialization_timeout_ms);
        let is_ready = tokio::select! {
            is_ready = answers => is_ready,
            status = child.wait() => return Some(exit_of(status)),
            _ = self.wished.wait_for(|wish| *wish == Wish::Stop) => return None,
        };
        if !is_ready {
            return Some(Exit::NotStarted);
        }
        let after_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.start.events.tell(HostEvent::HandlerReady { app, pid, after_ms });
        let generation = self.generation;
        let endpoint = Endpoint { generation, port, client, worked: Arc::clone(worked) };
        let _ = self.standing.send(Standing::Ready(endpoint));
        let ends = |wish: &Wish| matches!(wish, Wish::Stop) || *wish == Wish::Replace(generation);
        tokio::select! {
            status = child.wait() => Some(exit_of(status)),
            wish = self.wished.wait_for(ends) => match wish.as_deref() {
                Ok(Wish::Replace(_)) => Some(Exit::TimedOut),
                _ => None,
            },
        }
    }
}

fn exit_of(status: std::io::Result<std::process::ExitStatus>) -> Exit {
    match status {
        Ok(status) => match (status.code(), signal_of(status)) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Code(-1),
        },
        Err(error) => {
            tracing::error!(%error, "a process can't be waited for");
            Exit::Code(-1)
        }
    }
}

#[cfg(unix)]
fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal_of(_status: std::process::ExitStatus) -> Option<i32> {
    None
}
