//! `suture bus send`: one message from a file.

use super::arguments::Send;
use super::client::{Client, Source};
use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use azure_messaging_servicebus::service_bus::{SendMessageOptions, SettableBrokerProperties};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Larger than any tier of the service takes.
const BODY_BYTES_MAX: u64 = 100 << 20;

/// Sends a message.
pub async fn run(arguments: &Send, client: &Client, terminal: &Terminal) -> Result<Outcome, Failure> {
    let destination = Source::read(&arguments.destination)?;
    if destination.destination != arguments.destination {
        return Err(Failure("messages are sent to a queue or to a topic, not to a subscription".to_owned()));
    }
    let body = read(&arguments.file)?;
    let broker = SettableBrokerProperties { message_id: arguments.id.clone(), ..SettableBrokerProperties::default() };
    let options = SendMessageOptions {
        content_type: Some(arguments.content_type.clone()),
        broker_properties: Some(broker),
        custom_properties: None,
    };
    client.send(&destination.destination, &body, options).await?;
    terminal.result(&format!("sent {} bytes to {}", body.len(), destination.destination));
    Ok(Outcome::Clean)
}

fn read(file: &Path) -> Result<String, Failure> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let failed = |error: std::io::Error| Failure(format!("{name}: {error}"));
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(BODY_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).map_err(failed)?.take(BODY_BYTES_MAX + 1).read_to_end(&mut bytes)
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > BODY_BYTES_MAX {
        return Err(Failure(format!("{name} has more than {BODY_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Failure(format!("{name} is not UTF-8; the client can send nothing else")))
}
