//! `suture bus`: look at, send and replay messages on Service Bus, or on the bus of `suture local`, by connection string.
//!
//! The client `azure_messaging_servicebus` is the one there is, and is no longer kept. What it does not do is done here: it does not
//! look at the status of an answer, it reads only part of what the broker says of a message and fails where a part is missing, it
//! can't browse, and it can't be told another address ([`transport`]).

pub mod arguments;
mod client;
mod connection;
mod message;
mod peek;
mod replay;
mod send;
mod transport;

use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on};
use arguments::{Bus, BusCommand};
use client::Client;
use connection::Connection;

/// Does what is asked.
pub fn run(arguments: &Bus, terminal: &Terminal) -> Result<Outcome, Failure> {
    let connection: Connection = arguments.connection.parse()?;
    // Two providers of cryptography are built in where this command is: the one that the rest uses is chosen.
    // Whoever chose before chose as well: only no choice would be a fault.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::new(connection);
    block_on(async {
        match &arguments.command {
            BusCommand::Peek(peek) => peek::run(peek, &client, terminal).await,
            BusCommand::Send(send) => send::run(send, &client, terminal).await,
            BusCommand::Replay(replay) => replay::run(replay, &client, terminal).await,
        }
    })
}
