//! `suture local`: the staged apps on this machine, with a bus of their own.

mod aside;
mod asked;
mod begin;
mod cases;
mod figures;
mod lines;
mod place;
mod screen;
mod view;

use crate::arguments::Local;
use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use agents::environment::clock::Clock;
use agents::environment::retention::MESSAGE_DAYS_MAX;
use agents::environment::store::Store;
use aside::Aside;
use asked::Asked;
use local_host::app::App;
use local_host::bus::Rules;
use local_host::host::{self, BUS_KEY_NAME, Events, Host, HostEvent, HostSettings, Keys};
use place::Place;
use screen::Screen;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;

/// How often figures are read, and the view is drawn.
const LOOK: Duration = Duration::from_millis(500);

/// Threads that move bytes.
const THREADS: usize = 2;

/// How long what nobody waits for any more may hold up the end.
const END_WAIT: Duration = Duration::from_secs(1);

const ENDING: &str = "ending: what has begun may end; once more Ctrl-C ends at once";
const ENDED_AT_ONCE: &str = "ended at once: what was in work is done at the next start";

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
    let runtime = runtime.map_err(Failure::new)?;
    let served = runtime.block_on(async {
        // Heard before anything is started, so that a start that takes long is ended in order, too.
        let mut asked = Asked::listen()?;
        let events = Events::default();
        let heard = events.listen();
        let settings = settings(arguments, &place, apps, environment);
        let Some(started) = start(settings, events, &mut asked, terminal).await? else {
            terminal.note(ENDED_AT_ONCE);
            return Ok(());
        };
        if arguments.scan && !started.is_asked_to_end {
            begin::begin(&started.host, repositories, terminal).await?;
        }
        serve(arguments, started, heard, asked, &place.store()?, terminal).await
    });
    runtime.shutdown_timeout(END_WAIT);
    served.map(|()| Outcome::Clean)
}

/// A host, which may have been asked to end before it was there.
struct Started {
    host: Host,
    is_asked_to_end: bool,
}

/// Starts the host. `None`: it was asked to end twice before it was there.
async fn start(
    settings: HostSettings,
    events: Events,
    asked: &mut Asked,
    terminal: &Terminal,
) -> Result<Option<Started>, Failure> {
    let mut starting = tokio::spawn(Host::start(settings, events));
    let mut is_asked_to_end = false;
    loop {
        tokio::select! {
            started = &mut starting => {
                let host = started.map_err(Failure::new)?.map_err(Failure::new)?;
                return Ok(Some(Started { host, is_asked_to_end }));
            }
            () = asked.wait() => {
                if is_asked_to_end {
                    return Ok(None);
                }
                is_asked_to_end = true;
                terminal.note(ENDING);
            }
        }
    }
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
    started: Started,
    mut heard: Receiver<HostEvent>,
    mut asked: Asked,
    store: &Store,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let Started { host, is_asked_to_end } = started;
    let mut screen = Screen::new(arguments, host.address(), terminal);
    if !is_asked_to_end {
        show(&host, &mut heard, &mut asked, store, &mut screen).await;
        terminal.note(ENDING);
    }
    let mut stop = std::pin::pin!(host.stop(Duration::from_secs(arguments.drain_s)));
    let cut_off = loop {
        tokio::select! {
            event = heard.recv() => screen.hear(event),
            cut_off = &mut stop => break cut_off,
            () = asked.wait() => {
                terminal.note(ENDED_AT_ONCE);
                return Ok(());
            }
        }
    };
    screen.hear_all(&mut heard);
    screen.close();
    if cut_off > 0 {
        terminal
            .note(&format!("{cut_off} invocations took too long and were cut off: they are done at the next start"));
    }
    Ok(())
}

/// Shows what happens until somebody ends it.
async fn show(host: &Host, heard: &mut Receiver<HostEvent>, asked: &mut Asked, store: &Store, screen: &mut Screen<'_>) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let (mut counts, mut cases) = (Aside::new(), Aside::new());
    loop {
        tokio::select! {
            event = heard.recv() => screen.hear(event),
            _ = look.tick() => {
                if !counts.is_under_way() {
                    let bus = host.bus().clone();
                    counts.begin(async move { bus.counts().await });
                }
                if !cases.is_under_way() && screen.begins_to_count() {
                    let store = store.clone();
                    cases.begin(async move { cases::by_status(&store).await });
                }
            }
            counts = counts.done() => screen.look(counts),
            cases = cases.done() => screen.count(cases),
            () = asked.wait() => return,
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
