//! How many signed deliveries of GitHub servers take in a second, and how long each waits for its answer.
//!
//! ```sh
//! cargo build --release
//! mkdir -p target/door && cp -r host.json functions/github-webhook target/release/handler target/door
//! npm install --prefix target/webhooks --no-audit --no-fund --no-save @octokit/webhooks@14.2.0
//! cargo run --release -p local-host --example deliveries -- \
//!   --server suture='target/release/suture local --json --port 0 --app target/door --state {folder}' \
//!   --server node='node tests/benches/webhooks.mjs target/webhooks append {folder}'
//! ```
//!
//! A server is a command whose output has a line of JSON with the member `address`; `{folder}` is an empty folder. Each is started anew
//! for each round and killed after it, and in each round all of them have their turn, so that the load of the machine falls on all alike.
//! Connections stay open until the last of what is measured is answered, and send their next delivery when the last one is: those of the warm-up
//! are others. The load takes one thread.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures, and tells what it saw")]

mod connection;
mod delivery;
mod server;

use connection::drive;
use delivery::deliveries;
use server::Server;
use std::error::Error;
use std::time::{Duration, Instant};

struct Arguments {
    /// Names and commands.
    servers: Vec<(String, String)>,
    /// Of each round.
    deliveries: usize,
    /// Not counted, of each round: caches are filled, code is compiled.
    warm_up: usize,
    connections: Vec<usize>,
    rounds: usize,
}

/// What was seen of one server with so many connections.
#[derive(Default)]
struct Seen {
    /// Deliveries in a second, of each round.
    rates: Vec<f64>,
    /// How long each delivery waited, of all rounds.
    waits: Vec<Duration>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    println!(
        "{:>12} {:<20} {:>13} {:>15} {:>8} {:>8} {:>8}",
        "connections", "server", "deliveries/s", "slowest-fastest", "p50 ms", "p99 ms", "max ms"
    );
    for connections in &arguments.connections {
        let mut seen: Vec<Seen> = arguments.servers.iter().map(|_| Seen::default()).collect();
        for round in 0..arguments.rounds {
            for turn in 0..seen.len() {
                let at = (round + turn) % seen.len();
                measure(&arguments, &arguments.servers[at].1, *connections, &mut seen[at]).await?;
            }
        }
        for ((name, _), seen) in arguments.servers.iter().zip(seen) {
            seen.tell(*connections, name);
        }
    }
    Ok(())
}

async fn measure(
    arguments: &Arguments,
    command: &str,
    connections: usize,
    seen: &mut Seen,
) -> Result<(), Box<dyn Error>> {
    let server = Server::start(command)?;
    drive(server.address, connections, deliveries(server.address, arguments.warm_up)).await?;
    let deliveries = deliveries(server.address, arguments.deliveries);
    let (began, count) = (Instant::now(), deliveries.len());
    seen.waits.extend(drive(server.address, connections, deliveries).await?);
    seen.rates.push(count as f64 / began.elapsed().as_secs_f64());
    Ok(())
}

impl Seen {
    fn tell(mut self, connections: usize, name: &str) {
        self.waits.sort();
        self.rates.sort_by(f64::total_cmp);
        let rate = |at: usize| self.rates.get(at).copied().unwrap_or_default();
        let wait = |share: f64| {
            let at = ((self.waits.len() as f64 * share) as usize).min(self.waits.len().saturating_sub(1));
            self.waits.get(at).map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
        };
        let range = format!("{:.0}-{:.0}", rate(0), rate(self.rates.len() - 1));
        println!(
            "{connections:>12} {name:<20} {:>13.0} {range:>15} {:>8.2} {:>8.2} {:>8.2}",
            rate(self.rates.len() / 2),
            wait(0.5),
            wait(0.99),
            wait(1.0)
        );
    }
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut read =
        Arguments { servers: Vec::new(), deliveries: 4000, warm_up: 1000, connections: vec![1, 8, 32], rounds: 3 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--server" => {
                let (name, command) = value.split_once('=').ok_or("--server is NAME=COMMAND")?;
                read.servers.push((name.to_owned(), command.to_owned()));
            }
            "--deliveries" => read.deliveries = value.parse()?,
            "--warm-up" => read.warm_up = value.parse()?,
            "--connections" => read.connections = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--rounds" => read.rounds = value.parse()?,
            _ => return Err(format!("{word} is not known; see the head of this file").into()),
        }
    }
    if read.servers.is_empty() || read.rounds == 0 {
        return Err("at least one --server NAME=COMMAND and one round are needed; see the head of this file".into());
    }
    Ok(read)
}
