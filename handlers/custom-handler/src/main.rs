//! `handler`: all agents behind the routes that the functions host calls.
//!
//! It never exits with 0, which the host would take for the end of all work: 2 where settings are wrong, 1 for anything else.

use agents::environment::settings::variables;
use custom_handler::log;
use custom_handler::orphan::Host;
use custom_handler::server::{Server, serve};
use custom_handler::settings::HandlerSettings;
use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Threads that move bytes. Agents work on others.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let host = Host::of_this_process();
    log::catch_panics();
    let settings = match HandlerSettings::of(variables()) {
        Ok(settings) => settings,
        Err(errors) => {
            log::start(Targets::new().with_default(LevelFilter::INFO));
            errors.iter().for_each(|error| tracing::error!("{error}"));
            return ExitCode::from(2);
        }
    };
    log::start(settings.log.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let reason = match runtime {
        Ok(runtime) => {
            let reason = runtime.block_on(run(settings, host));
            // Nobody waits for calls that are still going on.
            runtime.shutdown_background();
            reason
        }
        Err(error) => format!("threads can't be started: {error}"),
    };
    tracing::error!("{reason}");
    ExitCode::FAILURE
}

/// Serves until it can't any more, and says why. The listener comes first: the host asks every 25 ms whether it is there.
async fn run(settings: HandlerSettings, host: Host) -> String {
    let port = settings.port;
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            return format!("port {port} of 127.0.0.1 is taken by another process");
        }
        Err(error) => return format!("port {port} of 127.0.0.1 can't be listened on: {error}"),
    };
    let server = match Server::built_in(move || settings.open()) {
        Ok(server) => server,
        Err(error) => return error.to_string(),
    };
    tracing::info!(port, version = env!("CARGO_PKG_VERSION"), "ready");
    tokio::select! {
        ended = serve(listener, server) => match ended {
            Ok(()) => "the listener is gone".to_owned(),
            Err(error) => format!("the listener is gone: {error}"),
        },
        () = host.gone() => "the process that started this one is gone".to_owned(),
    }
}
