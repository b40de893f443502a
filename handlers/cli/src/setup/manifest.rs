//! The manifest by which GitHub makes an App.

use pipeline::github::{EVENTS, PERMISSIONS};
use serde_json::{Map, Value, json};

/// GitHub takes no longer name.
pub const NAME_CHARS_MAX: usize = 34;

/// The manifest of an App called `name`, with exactly what Suture needs. Deliveries go to `webhook`, the browser goes back to `back`.
pub fn manifest(name: &str, webhook: &str, back: &str) -> Value {
    let permissions: Map<_, _> =
        PERMISSIONS.iter().map(|needed| (needed.name.to_owned(), json!(needed.access.to_string()))).collect();
    let events: Vec<_> = EVENTS.iter().map(|(event, _)| *event).collect();
    json!({
        "name": name,
        "url": webhook,
        "description": "Suture finds what is vulnerable, writes the smallest fix, and proves it before it is offered.",
        "hook_attributes": { "url": webhook, "active": true },
        "redirect_url": back,
        "public": false,
        "default_permissions": permissions,
        "default_events": events,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_asks_for_what_is_needed_and_no_more() {
        let manifest = manifest("suture", "https://app.example/api/github/webhook", "http://127.0.0.1:1/done");
        let expect = json!({
            "contents": "write",
            "pull_requests": "write",
            "checks": "write",
            "issues": "write",
            "metadata": "read",
            "statuses": "read",
            "vulnerability_alerts": "read",
            "security_events": "read",
            "secret_scanning_alerts": "read",
        });
        assert_eq!(manifest["default_permissions"], expect);
        assert_eq!(manifest["public"], false);
        // GitHub refuses the whole App for an event that comes by itself.
        let events = manifest["default_events"].as_array().unwrap();
        assert!(events.contains(&json!("push")) && !events.contains(&json!("installation")));
    }
}
