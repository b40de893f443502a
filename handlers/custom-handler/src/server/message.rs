//! The messages of a call. In a batch each is handled on its own: what happens to one is no matter to the others.

use super::call::Call;
use super::failure::Failure;
use crate::wire::Delivered;
use agents::environment::Environment;
use agents::functions;
use futures::StreamExt;
use futures::stream;
use pipeline::message::Envelope;

/// Messages of a batch that are handled at the same time.
const AT_ONCE: usize = 8;

/// Lets the function of `call` handle `messages`. Returns what it sends, and a line for each message.
///
/// Fails if any of them failed; by then the others stand in the journal, and answer the same when they come again.
pub async fn handle_all(
    call: &Call,
    env: &Environment,
    messages: Vec<Delivered>,
) -> Result<(Vec<Envelope>, Vec<String>), Failure> {
    let handled = messages.into_iter().map(|message| handle(call, env, message));
    let handled: Vec<_> = stream::iter(handled).buffered(AT_ONCE).collect().await;
    let (mut sent, mut lines) = (Vec::new(), Vec::new());
    for outcome in handled {
        let (messages, line) = outcome?;
        sent.extend(messages);
        lines.push(line);
    }
    Ok((sent, lines))
}

/// What is told of a message in log lines.
struct Told {
    id: Option<String>,
    run: Option<String>,
    case: Option<String>,
    traceparent: Option<String>,
}

async fn handle(call: &Call, env: &Environment, delivered: Delivered) -> Result<(Vec<Envelope>, String), Failure> {
    let function = call.function.name.as_str();
    let (told, outcome) = match serde_json::from_slice::<Envelope>(&delivered.body) {
        Ok(mut message) => {
            if message.traceparent.is_none() {
                message.traceparent.clone_from(&call.traceparent);
            }
            (Told::of(&message), functions::handle(env, function, message).await)
        }
        Err(error) => {
            let reason = format!("this is no message of Suture: {error}");
            tracing::warn!(reason, "a message can't be read and goes to poison");
            let told = Told { id: None, run: None, case: None, traceparent: call.traceparent.clone() };
            (told, functions::give_up(env, function, &delivered.body, reason).await)
        }
    };
    // Fields of a line are told in one place, so that a search for any of them finds all lines.
    macro_rules! line {
        ($level:ident, $($rest:tt)*) => {
            tracing::$level!(
                agent.name = function,
                invocation.id = call.invocation,
                message.id = told.id,
                correlation.id = told.run,
                case.id = told.case,
                traceparent = told.traceparent,
                delivery.count = delivered.count,
                duration_ms = call.duration_ms(env.clock.now()),
                $($rest)*
            )
        };
    }
    match outcome {
        Ok(sent) => {
            line!(info, sent = sent.len(), "handled");
            let words = told.words(sent.len());
            Ok((sent, words))
        }
        Err(error) => {
            line!(error, reason = %error, "failed");
            Err(Failure::from(error).logged())
        }
    }
}

impl Told {
    fn of(message: &Envelope) -> Self {
        let case = message.payload.get("case").and_then(serde_json::Value::as_str);
        Self {
            id: Some(message.id.to_string()),
            run: Some(message.correlation_id.to_string()),
            case: case.map(str::to_owned),
            traceparent: message.traceparent.clone(),
        }
    }

    /// The line that the host tells its own log, in the context of the call.
    fn words(&self, sent: usize) -> String {
        match (&self.id, &self.run) {
            (Some(id), Some(run)) => format!("message {id} of run {run}: {sent} sent"),
            _ => format!("a message that can't be read: {sent} sent"),
        }
    }
}
