//! Which module does the work of which function.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::health::Health;
use crate::journal::once;
use crate::request::{Answer, Request};
use crate::topology::FUNCTIONS;
use crate::unreadable::wrapped;
use crate::{
    analyze, dashboard, github_webhook, health, monitor, notify, poison, remediate, scan, status, sweep, verify,
};
use pipeline::message::{Envelope, MessageType, queue, topic};
use pipeline::outbox::Outbox;
use pipeline::payload::Poisoned;

/// Lets `function` handle `message`, once. Returns what it sends. Questions are answered here, the same way for all of them.
pub async fn handle(env: &Environment, function: &str, message: Envelope) -> Result<Vec<Envelope>, AgentError> {
    if let (MessageType::Query, Some((name, _))) =
        (message.message_type, FUNCTIONS.iter().find(|(name, _)| *name == function))
    {
        return once(env, name, message, async |message| status::answer(env, name, message.read()?)).await;
    }
    match function {
        "analyze" => once(env, "analyze", message, async |message| analyze::analyze(env, message.read()?).await).await,
        "monitor" => once(env, "monitor", message, async |message| monitor::monitor(env, message).await).await,
        "notify" => once(env, "notify", message, async |message| notify(env, message).await).await,
        "poison" => once(env, "poison", message, async |message| poison::poison(env, message.read()?).await).await,
        "remediate" => {
            once(env, "remediate", message, async |message| remediate::remediate(env, message.read()?).await).await
        }
        "scan" => once(env, "scan", message, async |message| scan(env, message).await).await,
        "verify" => once(env, "verify", message, async |message| verify(env, message).await).await,
        _ => Err(AgentError::broken(format!("there is no function `{function}`"))),
    }
}

async fn scan(env: &Environment, message: Envelope) -> Result<Outbox, AgentError> {
    match message.topic.as_str() {
        topic::MATCH_REQUESTED => scan::rematch::rematch(env, message.read()?).await,
        topic::RECONCILE_REQUESTED => scan::reconcile::reconcile(env, message.read()?).await,
        topic::CHECK_REREQUESTED => scan::pull_request::again(env, message.read()?).await,
        topic::PULL_REQUEST_SCAN_REQUESTED => scan::pull_request::scan(env, message.read()?).await,
        topic::ALERT_CHANGED => scan::advisory::alerted(env, message.read()?).await,
        topic::ADVISORY_PUBLISHED => scan::advisory::published(env, message.read()?).await,
        topic::REPOSITORY_ADDED => scan::access::added(env, message.read()?).await,
        topic::REPOSITORY_RENAMED => scan::renamed::renamed(env, message.read()?).await,
        topic::REPOSITORY_REMOVED => scan::access::removed(env, message.read()?).await,
        topic::INSTALLATION_REMOVED => scan::access::installation_removed(env, message.read()?).await,
        topic::INSTALLATION_ADDED => scan::access::installation_added(env, message.read()?).await,
        _ => scan::scan(env, message.read()?).await,
    }
}

async fn notify(env: &Environment, message: Envelope) -> Result<Outbox, AgentError> {
    match message.topic.as_str() {
        topic::DASHBOARD_REQUESTED => dashboard::dashboard(env, message.read()?).await,
        _ => notify::notify(env, message.read()?).await,
    }
}

async fn verify(env: &Environment, message: Envelope) -> Result<Outbox, AgentError> {
    match message.topic.as_str() {
        topic::PULL_REQUEST_CLOSED => verify::closed::closed(env, message.read()?).await,
        topic::PULL_REQUEST_REOPENED => verify::reopened::reopened(env, message.read()?).await,
        topic::ALERTS_AWAITED => verify::alerts::alerts(env, message.read()?).await,
        topic::MERGE_CHECKS_AWAITED => verify::regressed::look(env, message.read()?).await,
        topic::PULL_REQUEST_CHANGED => verify::changed::changed(env, message.read()?).await,
        topic::CHECKS_COMPLETED => verify::checks::checks(env, message.read()?).await,
        // No command is known yet: that somebody gave one stands in the journal.
        topic::COMMENT_RECEIVED => Ok(Outbox::default()),
        topic::WOUND_GONE => verify::gone::gone(env, message.read()?).await,
        _ => verify::verify(env, message.read()?).await,
    }
}

/// Lets the timer's functions work. Returns what they send.
pub async fn tick(env: &Environment, function: &str) -> Result<Vec<Envelope>, AgentError> {
    match function {
        "sweep" => sweep::sweep(env).await,
        _ => Err(AgentError::broken(format!("there is no function `{function}` with a timer"))),
    }
}

/// Gives up on `body`, which `function` was sent and which is no message: once, it goes to `poison`, whole and with `reason`.
///
/// What `poison` itself is sent has no other way: it is kept at once.
pub async fn give_up(
    env: &Environment,
    function: &str,
    body: &[u8],
    reason: String,
) -> Result<Vec<Envelope>, AgentError> {
    let now = env.clock.now();
    let message = wrapped(function, body, now)?;
    if function == queue::POISON {
        let run = message.correlation_id;
        let given_up = Poisoned { function: function.to_owned(), reason, case: None, message };
        let message = Envelope::root("outside", queue::POISON, topic::MESSAGE_POISONED, &given_up, run, now)?;
        return handle(env, function, message).await;
    }
    let function = FUNCTIONS.iter().map(|(name, _)| *name).find(|name| *name == function);
    let function = function.ok_or_else(|| AgentError::broken("there is no such function"))?;
    once(env, function, message, async |_| Err(AgentError::cant_be_helped(reason))).await
}

/// Lets the function of a route answer `request`. Without an environment, because it can't be had, it says so.
pub async fn answer(env: Option<&Environment>, function: &str, request: &Request) -> Result<Answer, AgentError> {
    match function {
        "github-webhook" => match env {
            Some(env) => github_webhook::github_webhook(env, request).await,
            None => Ok(Answer::refusal(503, "what the function works with can't be had now")),
        },
        "health" => {
            let health = match env {
                Some(env) => health::health(env).await,
                None => Health::with_store(false),
            };
            Ok(Answer::new(health.status(), serde_json::to_value(&health)?))
        }
        _ => Err(AgentError::broken(format!("there is no function `{function}` with a route"))),
    }
}
