//! `suture setup github` before a simulated GitHub, with somebody at a browser.

use crate::world::github::{Fault, HOOK_SECRET, SimulatedGitHub};
use crate::world::program::{Ran, User, ran};
use agents::environment::clock::Clock;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Child;

const WEBHOOK: &str = "https://app.example/api/github/webhook";

struct Desk {
    user: User,
    github: SimulatedGitHub,
}

impl Desk {
    async fn new() -> Self {
        let github = SimulatedGitHub::start(&Clock::System).await;
        Self { user: User::new().set("SUTURE_GITHUB_URL", &github.address), github }
    }

    /// The file that settings are put in.
    fn out(&self) -> PathBuf {
        self.user.home().join("github.json")
    }

    fn settings(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.out()).unwrap()).unwrap()
    }

    /// `suture setup github`, as far as it says which page to open; and that page's address.
    fn start(&self, more: &[&str]) -> (Child, String) {
        let arguments = ["setup", "github", "--url", WEBHOOK, "--out", "github.json"];
        let mut child = self.user.start(&[&arguments[..], more].concat());
        let mut line = String::new();
        // Read byte by byte: what follows is for whoever waits for the end.
        let mut out = child.stdout.take().unwrap();
        BufReader::with_capacity(1, &mut out).read_line(&mut line).unwrap();
        child.stdout = Some(out);
        let address = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line}")).to_owned();
        (child, address)
    }
}

fn end(child: Child) -> Ran {
    ran(child.wait_with_output().unwrap())
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn seen(address: &str) -> (u16, String) {
    let answer = browser().get(address).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The value of the attribute `name` in a page, as a browser reads it.
fn attribute(page: &str, before: &str) -> String {
    let start = page.find(before).unwrap() + before.len();
    let value = page[start..].split('"').next().unwrap();
    value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Presses the button of the page. Where GitHub sends the browser then.
async fn press(page: &str) -> String {
    let (target, manifest) = (attribute(page, "action=\""), attribute(page, "name=\"manifest\" value=\""));
    let body: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("manifest", &manifest).finish();
    let asked = browser().post(target).header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 302);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn app_is_made_and_its_settings_are_kept_by_their_owner_alone() {
    let desk = Desk::new().await;
    let (child, address) = desk.start(&["--organization", "octo"]);
    let (status, page) = seen(&address).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("contents: write")
            && attribute(&page, "action=\"").contains("/organizations/octo/settings/apps/new")
    );
    let back = press(&page).await;
    let manifest = desk.github.manifests().remove(0);
    assert_eq!(manifest["hook_attributes"], json!({ "url": WEBHOOK, "active": true }));
    assert_eq!(manifest["default_permissions"]["administration"], Value::Null);
    assert_eq!(seen(&back).await.0, 200);
    let ran = end(child);
    assert!(ran.expect(0).contains("the App suture-app is made"), "{}", ran.stdout);
    let (id, key) = desk.github.app_key();
    let expect = json!({
        "SUTURE_GITHUB_APP_ID": id.to_string(),
        "SUTURE_GITHUB_APP_KEY": key,
        "SUTURE_GITHUB_URL": desk.github.address,
        "SUTURE_GITHUB_WEBHOOK_SECRET": HOOK_SECRET,
    });
    assert_eq!(desk.settings(), expect);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&desk.out().metadata().unwrap().permissions()) & 0o777, 0o600);
    let said = ran.stdout + &ran.stderr;
    assert!(!said.contains(HOOK_SECRET) && !said.contains("PRIVATE KEY"), "{said}");
    assert!(said.contains("installations/new") && said.contains("az functionapp config appsettings set"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_without_the_state_is_refused() {
    let desk = Desk::new().await;
    let (child, address) = desk.start(&[]);
    for path in ["done", "done?code=c0de1", "done?code=c0de1&state=guessed"] {
        assert_eq!(seen(&format!("{address}{path}")).await.0, 400, "{path}");
    }
    // The page of somebody who calls this machine by another name.
    let other = browser().get(&address).header("host", "elsewhere.example").send().await.unwrap();
    assert_eq!(other.status(), 400);
    let back = press(&seen(&address).await.1).await;
    assert_eq!(seen(&back).await.0, 200);
    end(child).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_back_and_nothing_is_left() {
    let desk = Desk::new().await;
    let (child, _) = desk.start(&["--wait-s", "1"]);
    let ran = end(child);
    ran.expect(2);
    assert!(ran.stderr.contains("did not come back within 1 s"), "{}", ran.stderr);
    assert!(!desk.out().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_is_bad_or_used_leaves_nothing() {
    let desk = Desk::new().await;
    for (code, expect) in [("c0de", "GitHub does not know the code (it answered 404)"), ("a/../b", "that is no code")] {
        let ran = desk.user.suture(&["setup", "github", "--code", code, "--out", "github.json"]);
        ran.expect(2);
        assert!(ran.stderr.contains(expect), "{}", ran.stderr);
        assert!(!desk.out().exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_that_is_lost_is_not_asked_for_again() {
    let desk = Desk::new().await;
    let back = press(&made_page(&desk)).await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap();
    desk.github.order("/conversions", Fault::ErrorAfterWrite);
    let ran = desk.user.suture(&["setup", "github", "--code", code, "--out", "github.json"]);
    ran.expect(2);
    assert!(ran.stderr.contains("delete it there") && !ran.stderr.contains(code), "{}", ran.stderr);
    assert_eq!(desk.github.asked().iter().filter(|asked| asked.contains("/conversions")).count(), 1);
    assert!(!desk.out().exists());
}

/// What somebody makes of `--print`: a page with the same form.
fn made_page(desk: &Desk) -> String {
    let printed = desk.user.suture(&["setup", "github", "--url", WEBHOOK, "--print"]).json(0);
    let manifest = printed["manifest"].to_string().replace('"', "&quot;");
    format!("action=\"{}\" name=\"manifest\" value=\"{manifest}\"", printed["url"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_manifest_leads_to_a_code_that_is_good() {
    let desk = Desk::new().await;
    let back = press(&made_page(&desk)).await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap();
    desk.user.suture(&["setup", "github", "--code", code, "--out", "github.json"]).expect(0);
    assert_eq!(desk.settings()["SUTURE_GITHUB_APP_ID"], desk.github.app_key().0.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_there_and_addresses_that_are_none_are_refused_before_github_is_asked() {
    let desk = Desk::new().await;
    std::fs::write(desk.out(), "mine").unwrap();
    let setup =
        |url: &str| desk.user.suture(&["setup", "github", "--url", url, "--out", "github.json", "--wait-s", "1"]);
    let ran = setup(WEBHOOK);
    ran.expect(2);
    assert!(ran.stderr.contains("is there already"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(desk.out()).unwrap(), "mine");
    std::fs::remove_file(desk.out()).unwrap();
    for url in ["https://app.example/", "http://app.example/api/github/webhook", "app.example"] {
        let ran = setup(url);
        ran.expect(2);
        assert!(ran.stderr.contains("https://"), "{}", ran.stderr);
        assert!(!desk.out().exists());
    }
    assert_eq!(desk.github.asked(), Vec::<String>::new());
}

mod on_one_repository {
    use super::*;
    use crate::world::github::SimulatedRepository;

    async fn desk() -> (Desk, SimulatedRepository) {
        let github = SimulatedGitHub::start(&Clock::System).await;
        let repository = github.repository("octo/shop", &[("a", "b")]);
        let token = github.token_for("mona", &[&repository]);
        let user = User::new().set("SUTURE_GITHUB_URL", &github.address).set("SUTURE_GITHUB_TOKEN", &token);
        (Desk { user, github }, repository)
    }

    fn setup(desk: &Desk, repository: &str) -> Ran {
        desk.user.suture(&["setup", "github", "--url", WEBHOOK, "--repository", repository, "--out", "github.json"])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn webhook_is_made_once_and_its_secret_is_kept() {
        let (desk, repository) = desk().await;
        let ran = setup(&desk, "octo/shop");
        assert!(ran.expect(0).contains("is made on"), "{}", ran.stdout);
        let [secret] = &repository.hook_secrets()[..] else { panic!("one webhook") };
        assert_eq!(desk.settings()["SUTURE_GITHUB_WEBHOOK_SECRET"], json!(secret));
        assert!(secret.len() >= 64 && !(ran.stdout + &ran.stderr).contains(secret.as_str()));
        let hook = repository.hooks().remove(0);
        assert_eq!((&hook["active"], &hook["config"]["content_type"]), (&json!(true), &json!("json")));
        let again = setup(&desk, "octo/shop");
        assert!(again.expect(0).contains("is there already"), "{}", again.stdout);
        assert_eq!(repository.hooks().len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn webhook_whose_answer_was_lost_keeps_its_secret() {
        let (desk, repository) = desk().await;
        desk.github.order("POST /api/v3/repos/octo/shop/hooks", Fault::ErrorAfterWrite);
        setup(&desk, "octo/shop").expect(0);
        assert_eq!(repository.hooks().len(), 1);
        assert_eq!(desk.settings()["SUTURE_GITHUB_WEBHOOK_SECRET"], json!(repository.hook_secrets()[0]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn token_that_may_not_or_does_not_reach_it_is_refused_in_words() {
        let (desk, repository) = desk().await;
        repository.allow(&["push"]);
        desk.github.repository("octo/other", &[("a", "b")]);
        for (name, expect) in
            [("octo/shop", "admin:repo_hook"), ("octo/other", "admin:repo_hook"), ("shop", "OWNER/NAME")]
        {
            let ran = setup(&desk, name);
            ran.expect(2);
            assert!(ran.stderr.contains(expect), "{name}: {}", ran.stderr);
            assert!(!desk.out().exists());
        }
        assert_eq!(repository.hooks(), Vec::<Value>::new());
    }
}
