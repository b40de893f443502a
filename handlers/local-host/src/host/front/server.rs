//! Connections: how many, and how long a client may take.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// A client that takes longer for its headers is cut off.
const HEADERS_WAIT: Duration = Duration::from_secs(30);

/// Connections at the same time; more have to wait for one to end.
const CONNECTIONS_MAX: usize = 512;

/// Rest after a connection could not be taken: mostly there are too many open files.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How long requests may still take once the host stops.
const ENDING_WAIT: Duration = Duration::from_secs(5);

/// Serves `router` until `ended` says so, and then lets the requests end that have begun.
pub async fn serve(listener: TcpListener, router: Router, mut ended: watch::Receiver<bool>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WAIT);
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let Ok(connection) = Arc::clone(&connections).acquire_owned().await else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = ended.wait_for(|ended| *ended) => break,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection can't be taken");
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let served = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(error, "a connection ended early");
            }
            drop(connection);
        });
    }
    let _ = tokio::time::timeout(ENDING_WAIT, graceful.shutdown()).await;
}
