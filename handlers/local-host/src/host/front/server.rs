//! Connections: how many, and how long a client may take.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Rest after a connection could not be taken: mostly there are too many open files.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A client that takes longer for its headers is cut off, be it that it sends nothing at all.
    headers_wait: Duration,
    /// Connections at the same time; more have to wait for one to end.
    connections_max: usize,
    /// How long requests may still take once the host stops.
    ending_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { headers_wait: Duration::from_secs(30), connections_max: 512, ending_wait: Duration::from_secs(5) }
    }
}

/// Serves `router` until `ended` says so, and then lets the requests end that have begun.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, mut ended: watch::Receiver<bool>) {
    // Of one version only: while the builder finds out the version, nothing is cut off.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.headers_wait);
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            _ = ended.wait_for(|ended| *ended) => break,
        };
        let (stream, connection) = match accepted {
            Ok(accepted) => accepted,
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
    let _ = tokio::time::timeout(limits.ending_wait, graceful.shutdown()).await;
}

/// The next connection, once there may be one more.
async fn accept(listener: &TcpListener, connections: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let connection = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, connection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::time::timeout;

    const ENOUGH: Duration = Duration::from_secs(4);

    async fn served(limits: Limits) -> (TcpStream, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (end, ended) = watch::channel(false);
        (client, end, tokio::spawn(serve(listener, Router::new(), limits, ended)))
    }

    #[tokio::test]
    async fn client_that_sends_nothing_is_cut_off() {
        let limits = Limits { headers_wait: Duration::from_millis(50), ..Limits::default() };
        let (mut client, _end, _server) = served(limits).await;
        // Closed or reset, but not left open.
        let _ = timeout(ENOUGH, client.read(&mut [0; 1])).await.expect("the connection is still open");
    }

    #[tokio::test]
    async fn server_ends_although_all_connections_are_taken() {
        let limits = Limits { connections_max: 1, ending_wait: Duration::from_millis(50), ..Limits::default() };
        let (_client, end, server) = served(limits).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        end.send(true).unwrap();
        timeout(ENOUGH, server).await.expect("the server did not end").unwrap();
    }
}
