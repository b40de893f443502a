//! Events as lines: for programs, and for people who look at a log.

use super::figures::Figures;
use jiff::Timestamp;
use local_host::host::HostEvent;
use pipeline::wording::plain;
use serde_json::{Value, json};

/// An event for programs.
pub fn json(at: Timestamp, event: &HostEvent) -> String {
    let mut line = json!({ "at": at.to_string() });
    if let (Value::Object(line), Ok(Value::Object(event))) = (&mut line, serde_json::to_value(event)) {
        line.extend(event);
    }
    line.to_string()
}

/// What the bus and the cases come to, for programs.
pub fn figures(at: Timestamp, figures: &Figures) -> String {
    json!({
        "at": at.to_string(), "event": "figures", "invoked": figures.invoked, "failed": figures.failed, "sources": figures.counts,
        "cases": figures.cases,
    })
    .to_string()
}

/// That so many events came too fast to be heard, for programs.
pub fn missed(at: Timestamp, count: u64) -> String {
    json!({ "at": at.to_string(), "event": "missed", "count": count }).to_string()
}

/// The same in words.
pub fn words_of_missed(count: u64) -> String {
    format!("{count} events came too fast to be told; they are not counted")
}

/// Words for people, with their time.
pub fn line(at: Timestamp, words: &str) -> String {
    format!("{} {}", at.strftime("%H:%M:%S"), plain(words))
}

/// An event in words. `None` for what only programs care for.
pub fn words(event: &HostEvent) -> Option<String> {
    Some(match event {
        HostEvent::Listening { address, apps } => format!("listening on http://{address} for {}", apps.join(", ")),
        HostEvent::HandlerStarted { .. } | HostEvent::Log { .. } => return None,
        HostEvent::HandlerReady { app, pid, after_ms } => {
            format!("{app}: the handler is ready after {after_ms} ms (process {pid})")
        }
        HostEvent::HandlerEnded { app, reason, next } => format!("{app}: the handler ended: {reason}; {next}"),
        HostEvent::Output { stream: "stdout", .. } => return None,
        HostEvent::Output { app, line, .. } => format!("{app}: {line}"),
        HostEvent::Invoked { function, source, sent, duration_ms, .. } => {
            let from = if function == source { String::new() } else { format!(" from {source}") };
            format!("{function}{from}: done in {duration_ms} ms, {sent} sent")
        }
        HostEvent::Failed { function, delivery_count, reason, .. } => {
            let delivery = if *delivery_count == 0 { String::new() } else { format!(" (delivery {delivery_count})") };
            format!("{function} failed{delivery}: {reason}")
        }
        HostEvent::DeadLettered { source, message_id, reason } => {
            format!("{source}: message {message_id} is a dead letter: {reason}")
        }
        HostEvent::BusTrouble { doing, reason } => format!("{doing}: {reason}"),
        HostEvent::Draining { in_flight } => format!("ending: {in_flight} in work"),
        HostEvent::Stopped { cut_off: 0 } => "ended".to_owned(),
        HostEvent::Stopped { cut_off } => format!("ended; {cut_off} cut off"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_programs_have_time_and_event_first() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let event = HostEvent::HandlerStarted { app: "agents".to_owned(), pid: 7, port: 8080 };
        assert_eq!(
            json(at, &event),
            r#"{"at":"2026-01-01T00:00:00Z","event":"handler_started","app":"agents","pid":7,"port":8080}"#
        );
    }

    #[test]
    fn events_that_were_missed_are_told_to_programs() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(missed(at, 17), r#"{"at":"2026-01-01T00:00:00Z","event":"missed","count":17}"#);
    }

    #[test]
    fn lines_for_people_are_sentences_without_control_characters() {
        let at = "2026-01-01T00:00:01Z".parse().unwrap();
        let (function, source) = ("scan".to_owned(), "scan".to_owned());
        let event = HostEvent::Failed {
            function,
            source,
            invocation: String::new(),
            delivery_count: 2,
            reason: "no\u{1b}[2J way".to_owned(),
        };
        let line = line(at, &words(&event).unwrap());
        assert!(line.starts_with("00:00:01 scan failed (delivery 2): no") && !line.contains('\u{1b}'), "{line}");
    }
}
