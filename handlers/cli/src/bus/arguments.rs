//! What can be asked of `suture bus`.

use crate::arguments::Format;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const BUS_EXAMPLES: &str = "\
Examples:
  export SUTURE_BUS_CONNECTION='Endpoint=sb://NAMESPACE.servicebus.windows.net/;SharedAccessKeyName=NAME;SharedAccessKey=KEY'
  suture bus peek scan --dead-letters
  suture bus replay scan --max 10
  suture bus send scan --file request.json
  SUTURE_BUS_CONNECTION='Endpoint=http://127.0.0.1:7072;SharedAccessKeyName=NAME;SharedAccessKey=KEY' suture bus peek scan

A SOURCE is a queue, or TOPIC/SUBSCRIPTION.";

const PEEK_EXAMPLES: &str = "\
Examples:
  suture bus peek scan
  suture bus peek agent-events/monitor --dead-letters --max 100 --format json

Looking raises the delivery count: the client can't browse, so each message is received under a lock and given back. A message \
that was delivered as often as its queue allows becomes a dead letter by it. Until it is given back nobody else receives it. \
Looking ends after 40 seconds, before locks run out, and where a message comes a second time.

Exit codes: 0 no message is there, 1 there are some, 2 could not look.";

const SEND_EXAMPLES: &str = "\
Examples:
  suture bus send scan --file request.json
  printf '{}' | suture bus send scan --file - --id 42

Exit codes: 0 sent, 2 not known to be sent: sent again with the same --id it does no harm.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  suture bus replay scan
  suture bus replay agent-events/monitor --max 10

Each dead letter is sent again first, then taken from the dead letters: what interrupts this leaves it twice, never lost, and its id \
makes that harmless. A dead letter of a subscription goes to its topic, so that the other subscriptions hear it again. Names of \
custom properties come back in lower case, as HTTP tells them. A message that dies again meanwhile is left.

Exit codes: 0 no dead letters are left, 1 some are left, 2 could not go on.";

/// `suture bus`
#[derive(Debug, Args)]
#[command(after_help = BUS_EXAMPLES)]
pub struct Bus {
    /// Connection string of the namespace: Endpoint, SharedAccessKeyName and SharedAccessKey. Better in the environment, where
    /// other users don't see it.
    #[arg(
        long,
        value_name = "STRING",
        env = "SUTURE_BUS_CONNECTION",
        hide_env_values = true,
        global = true,
        default_value = "",
        hide_default_value = true
    )]
    pub connection: String,
    /// What to do.
    #[command(subcommand)]
    pub command: BusCommand,
}

/// The commands of `suture bus`.
#[derive(Debug, Subcommand)]
pub enum BusCommand {
    /// Look at messages. Raises their delivery counts.
    Peek(Peek),
    /// Send a message.
    Send(Send),
    /// Send dead letters again.
    Replay(Replay),
}

/// `suture bus peek`
#[derive(Debug, Args)]
#[command(after_help = PEEK_EXAMPLES)]
pub struct Peek {
    /// A queue, or TOPIC/SUBSCRIPTION.
    pub source: String,
    /// Look at the dead letters.
    #[arg(long)]
    pub dead_letters: bool,
    /// Look at so many at most.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub max: u32,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// `suture bus send`
#[derive(Debug, Args)]
#[command(after_help = SEND_EXAMPLES)]
pub struct Send {
    /// A queue or a topic.
    pub destination: String,
    /// What to send, as UTF-8: a file, or - for standard input.
    #[arg(long, value_name = "FILE|-")]
    pub file: PathBuf,
    /// The message's id. Default: the service makes one.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Its media type.
    #[arg(long, value_name = "TYPE", default_value = "application/json")]
    pub content_type: String,
}

/// `suture bus replay`
#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub struct Replay {
    /// A queue, or TOPIC/SUBSCRIPTION.
    pub source: String,
    /// Send so many at most. Default: 10000.
    #[arg(long, value_name = "N")]
    pub max: Option<u32>,
}
