//! `suture doctor` before a simulated GitHub: what it finds right and wrong.

use crate::world::github::{Fault, SimulatedGitHub, SimulatedRepository};
use crate::world::program::{Ran, User};
use agents::environment::clock::Clock;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use pipeline::github::{EVENTS, PERMISSIONS};
use serde_json::{Value, json};

/// A user whose App is as it should be, and an app that answers.
struct Desk {
    user: User,
    github: SimulatedGitHub,
    repository: SimulatedRepository,
    webhook: String,
}

/// An app whose `health` answers `status`. Address of its webhook.
async fn app(status: StatusCode) -> String {
    let health = move || async move { (status, json!({ "version": "9.9.9" }).to_string()) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/api/health", get(health));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}/api/github/webhook")
}

fn hook(url: &str) -> Value {
    json!({ "url": url, "content_type": "json", "insecure_ssl": "0", "secret": "********" })
}

impl Desk {
    async fn new() -> Self {
        Self::at(&Clock::System).await
    }

    async fn at(clock: &Clock) -> Self {
        let github = SimulatedGitHub::start(clock).await;
        let repository = github.repository("octo/shop", &[("a", "b")]);
        let webhook = app(StatusCode::OK).await;
        github.set_hook(hook(&webhook));
        github.subscribe(&EVENTS.map(|(event, _)| event));
        for needed in PERMISSIONS {
            github.grant(needed.name, Some(&needed.access.to_string()));
        }
        let user = User::new().set("SUTURE_GITHUB_URL", &github.address).set("SUTURE_STORE", "memory");
        Self { user, github, repository, webhook }
    }

    fn of_app(self) -> Self {
        let (id, key) = self.github.app_key();
        let user = self.user.set("SUTURE_GITHUB_APP_ID", &id.to_string()).set("SUTURE_GITHUB_APP_KEY", &key);
        Self { user: user.set("SUTURE_GITHUB_WEBHOOK_SECRET", "a secret"), ..self }
    }

    fn of_user(self) -> Self {
        let token = self.github.token_for("mona", &[&self.repository]);
        let user = self.user.set("SUTURE_GITHUB_TOKEN", &token).set("SUTURE_GITHUB_WEBHOOK_SECRET", "a secret");
        Self { user, ..self }
    }

    fn doctor(&self, more: &[&str]) -> Ran {
        self.user.suture(&[&["doctor"], more].concat())
    }

    /// Of its lines those that are not right, as `check: what`, if it ended with `code`.
    fn not_right(&self, code: i32, more: &[&str]) -> Vec<String> {
        let said = self.doctor(&[&["--json"], more].concat()).json(code);
        assert_eq!(said["schema"], "suture.doctor/1");
        let lines = said["lines"].as_array().unwrap().iter().filter(|line| line["state"] != "right");
        let lines = lines.filter(|line| line["check"] != "store");
        lines
            .inspect(|line| assert_eq!(line["state"] == "wrong", line["mend"].is_string(), "{line}"))
            .map(|line| format!("{}: {}", line["check"].as_str().unwrap(), line["what"].as_str().unwrap()))
            .collect()
    }
}

#[track_caller]
fn only(lines: &[String], expect: &[&str]) {
    assert_eq!(lines.len(), expect.len(), "{lines:#?}");
    for (line, expect) in lines.iter().zip(expect) {
        assert!(line.contains(expect), "{line} has no {expect}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_right() {
    let desk = Desk::new().await.of_app();
    assert_eq!(desk.not_right(0, &["--repository", "octo/shop"]), Vec::<String>::new());
    let ran = desk.doctor(&[]);
    for expect in
        ["GitHub knows us as suture-app", "clock agrees", "is Suture 9.9.9", "none failed", "installed on 1 account"]
    {
        assert!(ran.expect(0).contains(expect), "{expect}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("PRIVATE KEY") && !ran.stdout.contains("a secret"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed() {
    let desk = Desk::new().await.of_app();
    desk.doctor(&["--repository", "octo/shop"]).expect(0);
    let writes: Vec<_> = desk.github.asked().into_iter().filter(|asked| !asked.starts_with("GET ")).collect();
    assert!(writes.iter().all(|asked| asked.ends_with("/access_tokens")), "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_and_events_that_are_missing_or_too_much_are_told() {
    let desk = Desk::new().await.of_app();
    desk.github.grant("checks", None);
    desk.github.grant("contents", Some("read"));
    desk.github.grant("administration", Some("write"));
    desk.github.grant("members", Some("read"));
    desk.github.subscribe(&["push", "watch"]);
    let lines = desk.not_right(1, &[]);
    let missing = "lacks contents=write, checks=write";
    let events = "does not hear of pull_request, pull_request_review";
    only(
        &lines,
        &[
            missing,
            "may change more than Suture needs: administration=write",
            "may read more than Suture needs: members=read",
            events,
            "no use for: watch",
            missing,
            "administration=write",
            "members=read",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_is_not_accepted_is_told_by_itself() {
    let desk = Desk::new().await.of_app();
    let user = User::new().set("SUTURE_GITHUB_URL", &desk.github.address).set("SUTURE_STORE", "memory");
    let (_, key) = desk.github.app_key();
    let user = user.set("SUTURE_GITHUB_APP_ID", "1").set("SUTURE_GITHUB_APP_KEY", &key);
    let desk = Desk { user: user.set("SUTURE_GITHUB_WEBHOOK_SECRET", "a secret"), ..desk };
    only(&desk.not_right(1, &[]), &["app: GitHub does not accept the key: Bad credentials"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_that_is_wrong_is_told_before_the_key() {
    #[expect(clippy::disallowed_methods, reason = "the simulated GitHub's clock is off by an hour from the real one")]
    let now = Timestamp::now();
    for (hours, expect) in [(1, "behind"), (-1, "ahead of")] {
        let desk = Desk::at(&Clock::standing_at(now + SignedDuration::from_hours(hours))).await.of_app();
        desk.github.mind_the_clock();
        let lines = desk.not_right(1, &[]);
        only(&lines, &[expect, "GitHub does not accept the key: 'Expiration time' claim"]);
        assert!(desk.doctor(&[]).stdout.contains("set this machine's clock first"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_that_is_switched_off_unsigned_or_elsewhere_is_told() {
    let desk = Desk::new().await.of_app();
    let rows = [
        (Value::Null, vec!["webhook: the App's webhook is switched off"]),
        (hook(""), vec!["has no address"]),
        (hook("https://app.example/hooks"), vec!["is not the address of a webhook"]),
        (hook("http://127.0.0.1:9/api/github/webhook"), vec!["does not answer from here"]),
        (hook(&app(StatusCode::SERVICE_UNAVAILABLE).await), vec!["its store can't be read"]),
        (hook(&app(StatusCode::NOT_FOUND).await), vec!["answers 404, and is not Suture"]),
        (
            json!({ "url": desk.webhook, "insecure_ssl": 1 }),
            vec!["secret: the webhook of the App has no secret", "whoever says"],
        ),
    ];
    for (values, expect) in rows {
        desk.github.set_hook(values);
        only(&desk.not_right(1, &[]), &expect);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_failed_are_told_by_their_status() {
    let desk = Desk::new().await.of_app();
    desk.repository.push("main", &[("a", "c")], "octocat");
    let deliveries = desk.github.take_deliveries();
    desk.github.note_delivery(&deliveries[0], 401);
    desk.github.note_delivery(&deliveries[1], 0);
    only(&desk.not_right(1, &[]), &["1 failed in the last three days with no answer", "with status 401"]);
    for delivery in &deliveries {
        desk.github.note_delivery(delivery, 202);
    }
    assert_eq!(desk.not_right(0, &[]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn installation_that_is_suspended_and_repository_without_the_app_are_told() {
    let desk = Desk::new().await.of_app();
    desk.repository.uninstall();
    desk.github.suspend();
    let lines = desk.not_right(1, &["--repository", "octo/shop", "--repository", "shop"]);
    only(&lines, &["suspended on octo", "not installed on octo/shop", "shop is not the name of a repository"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_asked_is_neither_right_nor_wrong() {
    let desk = Desk::new().await.of_app();
    desk.github.order("GET /api/v3/app", Fault::Error(502));
    only(&desk.not_right(2, &[]), &["app: GitHub: GET /app: it answered 502"]);
    let desk = Desk::new().await.of_app();
    desk.github.order("GET /api/v3/app/hook/deliveries", Fault::SecondaryLimit(None));
    only(&desk.not_right(2, &[]), &["deliveries: GitHub: GET /app/hook/deliveries: too many requests"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_wrong_or_absent_are_told() {
    let desk = Desk::new().await;
    only(&desk.not_right(1, &[]), &["neither a GitHub App nor a token is set"]);
    let desk = Desk { user: desk.user.set("SUTURE_GITHUB_APP_ID", "7"), ..desk };
    only(&desk.not_right(1, &[]), &["SUTURE_GITHUB_APP_ID is set, but neither"]);
    let store = Desk::new().await.of_app();
    let store =
        Desk { user: store.user.set("SUTURE_STORE", "/dev/null/store").set("SUTURE_POLICY", "gone.yml"), ..store };
    let said = store.doctor(&["--json"]).json(1);
    let wrong: Vec<_> = said["lines"].as_array().unwrap().iter().filter(|line| line["state"] == "wrong").collect();
    assert_eq!((&wrong[0]["check"], wrong.len()), (&json!("policy"), 1), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_file_go_before_those_of_the_environment() {
    let desk = Desk::new().await;
    let (id, key) = desk.github.app_key();
    let settings = json!({ "SUTURE_GITHUB_APP_ID": id.to_string(), "SUTURE_GITHUB_APP_KEY": key, "SUTURE_GITHUB_WEBHOOK_SECRET": "x" });
    std::fs::write(desk.user.home().join("github.json"), settings.to_string()).unwrap();
    assert_eq!(desk.not_right(0, &["--settings", "github.json"]), Vec::<String>::new());
    desk.doctor(&["--settings", "gone.json"]).expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_held_against_what_it_is_for() {
    let desk = Desk::new().await.of_user();
    desk.github.repository("octo/other", &[("a", "b")]);
    let ran = desk.doctor(&[]);
    assert!(ran.expect(0).contains("GitHub knows us as mona") && ran.stdout.contains("reaches: 1;"), "{}", ran.stdout);
    let lines = desk.not_right(1, &["--repository", "octo/shop", "--repository", "octo/other"]);
    only(&lines, &["octo/shop has no webhook that delivers to Suture", "the token does not reach octo/other"]);
    desk.repository.allow(&[]);
    only(&desk.not_right(1, &["--repository", "octo/shop"]), &["the token may only read octo/shop"]);
    desk.github.scope_tokens("read:org, gist");
    only(&desk.not_right(1, &[]), &["the scopes read:org, gist, and may not", "that it may change: 0", "--repository"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_is_revoked_is_told() {
    let desk = Desk::new().await;
    let user = desk.user.set("SUTURE_GITHUB_TOKEN", "revoked").set("SUTURE_GITHUB_WEBHOOK_SECRET", "a secret");
    let desk = Desk { user, ..desk };
    only(&desk.not_right(1, &[]), &["token: GitHub does not accept the token: Bad credentials"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_of_a_repository_is_looked_at() {
    let desk = Desk::new().await.of_user();
    let made = ["setup", "github", "--url", &desk.webhook, "--repository", "octo/shop", "--out", "github.json"];
    desk.user.suture(&made).expect(0);
    let look = |code| desk.not_right(code, &["--repository", "octo/shop"]);
    only(&look(0), &["nothing is known of any of octo/shop"]);
    desk.repository.change_hook(|hook| hook["last_response"]["code"] = json!(200));
    assert_eq!(look(0), Vec::<String>::new());
    desk.repository.change_hook(|hook| {
        hook["active"] = json!(false);
        hook["events"] = json!(["push"]);
        hook["last_response"]["code"] = json!(401);
    });
    only(&look(1), &["is switched off", "does not hear of pull_request", "failed with status 401"]);
}
