//! `suture local`: the staged apps on this machine, with a bus of their own.

mod begin;
mod cases;
mod figures;
mod lines;
mod place;
mod view;

use crate::arguments::Local;
use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use agents::environment::clock::Clock;
use agents::environment::retention::MESSAGE_DAYS_MAX;
use agents::environment::store::Store;
use figures::Figures;
use local_host::app::App;
use local_host::bus::Rules;
use local_host::host::{self, BUS_KEY_NAME, Events, Host, HostEvent, HostSettings, Keys};
use place::Place;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// How often figures are read, and the view is drawn.
const LOOK: Duration = Duration::from_millis(500);

/// Threads that move bytes.
const THREADS: usize = 2;

/// Runs until it is asked to end.
pub fn run(arguments: &Local, terminal: &Terminal) -> Result<Outcome, Failure> {
    let place = Place::of(arguments.state.as_deref())?;
    if arguments.show_keys {
        return show_keys(arguments, &place, terminal);
    }
    let apps = place::apps(&arguments.app)?;
    let repositories = begin::repositories(&arguments.repository)?;
    let environment = place.environment(&arguments.repository)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let served = runtime.map_err(Failure::new)?.block_on(async {
        let events = Events::default();
        let heard = events.listen();
        let settings = settings(arguments, &place, apps, environment);
        let host = Host::start(settings, events).await.map_err(Failure::new)?;
        if arguments.scan {
            begin::begin(&host, repositories, terminal).await?;
        }
        let store = place.store()?;
        serve(arguments, host, heard, &store, terminal).await
    });
    served.map(|()| Outcome::Clean)
}

fn settings(arguments: &Local, place: &Place, apps: Vec<App>, environment: Vec<(String, String)>) -> HostSettings {
    HostSettings {
        apps,
        folder: place.host_folder(),
        address: SocketAddr::new(arguments.address, arguments.port),
        environment,
        rules: rules(),
        clock: Clock::System,
    }
}

/// How queues treat their messages: one that waited for as long as the agents' records are made for becomes a dead letter.
fn rules() -> Rules {
    let time_to_live = Duration::from_secs(24 * 3600 * MESSAGE_DAYS_MAX.unsigned_abs());
    Rules {
        time_to_live_ms: u64::try_from(time_to_live.as_millis()).ok(),
        dead_letter_expired: true,
        ..Rules::default()
    }
}

fn show_keys(arguments: &Local, place: &Place, terminal: &Terminal) -> Result<Outcome, Failure> {
    let Keys { master, default } = host::keys(&place.host_folder()).map_err(Failure::new)?;
    let endpoint = endpoint(arguments.address, arguments.port);
    terminal.result(&format!(
        "master   {master}   opens everything, /admin too\n\
         default  {default}   opens functions\n\
         bus      Endpoint=http://{endpoint};SharedAccessKeyName={BUS_KEY_NAME};SharedAccessKey={master}"
    ));
    Ok(Outcome::Clean)
}

/// Where a client on this machine finds a host that listens there.
fn endpoint(address: IpAddr, port: u16) -> SocketAddr {
    let address = match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, port)
}

/// Shows what happens until somebody ends it, and then until all has ended.
async fn serve(
    arguments: &Local,
    host: Host,
    mut heard: Receiver<HostEvent>,
    store: &Store,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let mut screen = Screen::new(arguments, host.address(), terminal);
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut asked = Asked::listen()?;
    loop {
        tokio::select! {
            event = heard.recv() => screen.hear(event),
            _ = look.tick() => screen.look(&host, store).await,
            () = asked.wait() => break,
        }
    }
    terminal.note("ending: what has begun may end; once more Ctrl-C ends at once");
    let mut stop = std::pin::pin!(host.stop(Duration::from_secs(arguments.drain_s)));
    let cut_off = loop {
        tokio::select! {
            event = heard.recv() => screen.hear(event),
            cut_off = &mut stop => break cut_off,
            () = asked.wait() => {
                terminal.note("ended at once: what was in work is done at the next start");
                return Ok(());
            }
        }
    };
    while let Ok(event) = heard.try_recv() {
        screen.hear(Ok(event));
    }
    screen.close();
    if cut_off > 0 {
        terminal
            .note(&format!("{cut_off} invocations took too long and were cut off: they are done at the next start"));
    }
    Ok(())
}

/// Ctrl-C, or the signal by which a service is ended.
struct Asked {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Asked {
    #[cfg(unix)]
    fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let hear = |kind| signal(kind).map_err(Failure::new);
        Ok(Self { signals: [hear(SignalKind::interrupt())?, hear(SignalKind::terminate())?] })
    }

    #[cfg(not(unix))]
    fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        {
            let [interrupted, terminated] = &mut self.signals;
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What is shown, and how.
struct Screen<'t> {
    terminal: &'t Terminal,
    figures: Figures,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Redrawn in place; so many lines were drawn last.
    View(usize),
    Lines,
    Json,
}

impl<'t> Screen<'t> {
    fn new(arguments: &Local, address: SocketAddr, terminal: &'t Terminal) -> Self {
        let form = match (arguments.json, terminal.rows()) {
            (true, _) => Form::Json,
            (false, Some(_)) => Form::View(0),
            (false, None) => Form::Lines,
        };
        Self { terminal, figures: Figures::new(address), form }
    }

    fn hear(&mut self, event: Result<HostEvent, RecvError>) {
        let at = Clock::System.now();
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => return self.figures.miss(missed),
            Err(RecvError::Closed) => return,
        };
        match self.form {
            Form::Json => self.terminal.document(&lines::json(at, &event)),
            Form::Lines => lines::plain_line(at, &event).into_iter().for_each(|line| self.terminal.result(&line)),
            Form::View(_) => {}
        }
        self.figures.hear(at, &event);
    }

    async fn look(&mut self, host: &Host, store: &Store) {
        let at = Clock::System.now();
        let counts = match host.bus().counts().await {
            Ok(counts) => counts,
            Err(error) => return self.figures.trouble(at, error.to_string()),
        };
        let cases = if self.figures.wants_cases(at) { cases::by_status(store).await } else { None };
        let is_news = self.figures.look(at, counts, cases);
        match self.form {
            Form::Json if is_news => self.terminal.document(&lines::figures(at, &self.figures)),
            Form::Json | Form::Lines => {}
            Form::View(drawn) => {
                let text = view::draw(&self.figures, at, self.terminal.columns(), self.terminal.rows());
                self.terminal.redraw(drawn, &text);
                self.form = Form::View(text.lines().count());
            }
        }
    }

    fn close(&self) {
        if let Form::View(_) = self.form {
            self.terminal.note("ended; everything is kept for the next start");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};
    use local_host::bus::{Bus, Destination, Entities, Outgoing, QueueSettings, Source};

    #[tokio::test]
    async fn message_that_waited_for_a_fortnight_becomes_a_dead_letter() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::standing_at(Timestamp::UNIX_EPOCH);
        let queue = QueueSettings { name: "scan".to_owned(), rules: rules() };
        let entities = Entities { queues: vec![queue], ..Entities::default() };
        let bus = Bus::open(&folder.path().join("bus.sqlite3"), entities, clock.clone()).unwrap();
        let message = (Destination::Queue("scan".to_owned()), Outgoing::new("x"));
        bus.send(vec![message]).await.unwrap();
        let numbers = async || {
            // Time passes for a bus when it is asked to do something.
            bus.receive_dead_letters(&Source::Queue("scan".to_owned()), 0).await.unwrap();
            let counts = bus.counts().await.unwrap().remove(0);
            (counts.active, counts.dead_letters)
        };
        clock.advance(SignedDuration::from_hours(24 * MESSAGE_DAYS_MAX) - SignedDuration::from_secs(1));
        assert_eq!(numbers().await, (1, 0));
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(numbers().await, (0, 1));
        let letters = bus.receive_dead_letters(&Source::Queue("scan".to_owned()), 1).await.unwrap();
        assert_eq!(letters[0].properties.application_properties["DeadLetterReason"], "TTLExpiredException");
    }

    #[test]
    fn endpoint_is_where_the_host_listens() {
        let check = |address: &str, expect: &str| {
            assert_eq!(endpoint(address.parse().unwrap(), 8080).to_string(), expect);
        };
        check("127.0.0.1", "127.0.0.1:8080");
        check("192.0.2.7", "192.0.2.7:8080");
        check("0.0.0.0", "127.0.0.1:8080");
        check("::", "[::1]:8080");
    }
}
