//! Asking the bus, with an eye on what it answers.

use super::connection::Connection;
use super::message::Message;
use super::transport::Transport;
use crate::Failure;
use azure_core::HttpClient;
use azure_core::error::{Error, ErrorKind};
use azure_messaging_servicebus::service_bus::{QueueClient, SendMessageOptions};
use pipeline::wording::plain;
use std::sync::Arc;
use std::time::Duration;

/// How long a request for a message waits for one.
const WAIT_S: u64 = 2;

/// The bus.
pub struct Client {
    connection: Connection,
    http: Arc<dyn HttpClient>,
}

/// Where messages are received: a queue, or TOPIC/SUBSCRIPTION.
pub struct Source {
    /// Its path.
    path: String,
    /// Where a message has to be sent so that it comes there.
    pub destination: String,
}

impl Source {
    /// Reads a name from the command line.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_name = |part: &&str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || "._-~".contains(letter))
        };
        let parts: Vec<&str> = match parts.as_slice() {
            [topic, word, name] if word.eq_ignore_ascii_case("subscriptions") => vec![topic, name],
            parts => parts.to_vec(),
        };
        match parts.as_slice() {
            [queue] if is_name(queue) => Ok(Self { path: (*queue).to_owned(), destination: (*queue).to_owned() }),
            [topic, name] if is_name(topic) && is_name(name) => {
                Ok(Self { path: format!("{topic}/subscriptions/{name}"), destination: (*topic).to_owned() })
            }
            _ => Err(Failure(format!("`{}` is no queue, and not TOPIC/SUBSCRIPTION", plain(text)))),
        }
    }

    /// Its dead letters, or its messages.
    fn place(&self, dead_letters: bool) -> String {
        if dead_letters { format!("{}/$deadletterqueue", self.path) } else { self.path.clone() }
    }
}

impl Client {
    /// For the bus that `connection` names.
    pub fn new(connection: Connection) -> Self {
        let host = format!("{}.servicebus.windows.net", connection.namespace);
        let http = Arc::new(Transport::new(host, connection.local.clone()));
        Self { connection, http }
    }

    fn queue(&self, path: &str) -> Result<QueueClient, Failure> {
        let Connection { namespace, key_name, key, .. } = &self.connection;
        QueueClient::new(Arc::clone(&self.http), namespace.clone(), path, key_name.clone(), key.clone())
            .map_err(|error| self.failed(path, &error))
    }

    /// The next message of `source` under a lock, if there is one.
    pub async fn receive(&self, source: &Source, dead_letters: bool) -> Result<Option<Message>, Failure> {
        let place = source.place(dead_letters);
        let answer = self.queue(&place)?.peek_lock_message2(Some(Duration::from_secs(WAIT_S))).await;
        let answer = answer.map_err(|error| self.failed(&place, &error))?;
        // The client takes any answer for a message.
        match u16::from(*answer.status()) {
            204 => Ok(None),
            status @ 200..=299 if answer.body().is_empty() && status != 201 => Ok(None),
            200..=299 => Ok(Some(Message::read(answer))),
            status => Err(refused(&place, status, &answer.body())),
        }
    }

    /// Sends a message.
    pub async fn send(&self, destination: &str, body: &str, options: SendMessageOptions) -> Result<(), Failure> {
        let sent = self.queue(destination)?.send_message(body, Some(options)).await;
        sent.map_err(|error| self.failed(destination, &error))
    }

    /// Gives a message back.
    pub async fn give_back(&self, message: &Message) -> Result<(), Failure> {
        message.lock().unlock_message().await.map_err(|error| self.failed(&message.name(), &error))
    }

    /// A message is done.
    pub async fn complete(&self, message: &Message) -> Result<(), Failure> {
        message.lock().delete_message().await.map(|_| ()).map_err(|error| self.failed(&message.name(), &error))
    }

    fn failed(&self, place: &str, error: &Error) -> Failure {
        if let ErrorKind::HttpResponse { status, error_code } = error.kind() {
            return refused(place, u16::from(*status), error_code.as_deref().unwrap_or_default());
        }
        // The outer text says little; what was the matter is within.
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Failure(format!("{place}: {}", plain(&self.without_key(&text))))
    }

    /// Nothing that a library says may tell the key.
    fn without_key(&self, text: &str) -> String {
        text.replace(&self.connection.key, "…")
    }
}

/// Characters of an answer that are told.
const TOLD_MAX: usize = 300;

fn refused(place: &str, status: u16, body: &str) -> Failure {
    let what = match status {
        401 => "the key is not accepted; check the connection string, the key's rights and this machine's clock",
        403 => "the message is too large, or the queue is full",
        404 | 410 => "it does not exist, or the lock is lost",
        429 => "too many requests; try again later",
        500..=599 => "the service is in trouble; try again later",
        _ => "the request was not understood",
    };
    let detail = body.split("<Detail>").nth(1).and_then(|rest| rest.split("</Detail>").next()).unwrap_or(body);
    let detail: String = detail.chars().take(TOLD_MAX).collect();
    let detail = if detail.trim().is_empty() { String::new() } else { format!(" ({})", plain(detail.trim())) };
    Failure(format!("{place}: status {status}: {what}{detail}"))
}
