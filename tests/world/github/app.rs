//! The App: its key, its tokens, where it is installed, its deliveries.

use super::service::{Answer, Question, Reply, not_found, refused, told};
use super::state::{State, Token, shaped, user};
use super::{APP_ID, SLUG};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, UnparsedPublicKey};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}

pub(super) fn private_key() -> String {
    let der: Pkcs8V1Der<'_> = key().as_der().unwrap();
    let text = BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// Who asks.
pub(super) enum Caller {
    /// The App, by its key.
    App,
    /// An installation, or a user.
    Token(Token),
}

pub(super) fn caller(state: &State, question: &Question) -> Result<Caller, Reply> {
    let bad = || refused(401, "Bad credentials");
    let token = question.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = token.ok_or_else(bad)?;
    if let [header, claims, signed] = token.split('.').collect::<Vec<_>>()[..] {
        let bytes = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let public = UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key().public_key().as_ref());
        let message = format!("{header}.{claims}");
        public.verify(message.as_bytes(), &bytes(signed)).map_err(|_| bad())?;
        let claims: Value = serde_json::from_slice(&bytes(claims)).unwrap();
        let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        let left = claims["exp"].as_i64().unwrap() - state.clock.now().as_second();
        if state.minds_the_clock && left <= 0 {
            let words = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
            return Err(refused(401, words));
        }
        if state.minds_the_clock && left > 600 {
            return Err(refused(401, "'Expiration time' claim ('exp') is too far in the future"));
        }
        let is_good = claims["iss"] == APP_ID && lasts <= 660;
        return is_good.then_some(Caller::App).ok_or_else(bad);
    }
    let known = state.tokens.get(token).filter(|token| token.expires_at > state.clock.now());
    known.cloned().map(Caller::Token).ok_or_else(bad)
}

impl Caller {
    pub fn may_see(&self, state: &State, id: u64) -> Result<(), Reply> {
        let is_seen = match self {
            Self::App => false,
            Self::Token(token) => {
                let is_there = token.login.is_some() || state.repos[&id].is_installed;
                is_there && token.repos.as_ref().is_none_or(|repos| repos.contains(&id))
            }
        };
        is_seen.then_some(()).ok_or_else(not_found)
    }

    /// Refused, as GitHub does it, without `access` to what any of `permissions` names.
    pub fn needs(&self, permissions: &[&str], access: &str) -> Result<(), Reply> {
        let Self::Token(token) = self else { return Err(not_found()) };
        let Some(granted) = &token.permissions else { return Ok(()) };
        let has = |name: &&str| granted.get(*name).is_some_and(|has| has == access || has == "write");
        if permissions.iter().any(has) {
            return Ok(());
        }
        let mut reply = refused(403, "Resource not accessible by integration");
        let needed: Vec<_> = permissions.iter().map(|name| format!("{name}={access}")).collect();
        reply.headers.push(("x-accepted-github-permissions", needed.join("; ")));
        Err(reply)
    }

    /// The login by which what the caller makes is known.
    pub fn login(&self) -> String {
        match self {
            Self::Token(Token { login: Some(login), .. }) => login.clone(),
            _ => format!("{SLUG}[bot]"),
        }
    }

    pub fn is_app(&self) -> bool {
        !matches!(self, Self::Token(Token { login: Some(_), .. }))
    }
}

impl State {
    pub fn token_of(&mut self, login: &str) -> String {
        let expires_at = self.clock.now() + SignedDuration::from_hours(24 * 365);
        let token = Token { repos: None, permissions: None, expires_at, login: Some(login.to_owned()) };
        self.keep(token)
    }

    fn keep(&mut self, token: Token) -> String {
        let name = format!("ghs_{}{}", "simulated", self.id());
        self.tokens.insert(name.clone(), token);
        name
    }

    fn installation(&self) -> Value {
        shaped(
            "installation",
            json!({
                "id": self.installation, "app_id": APP_ID, "app_slug": SLUG, "account": user("octo"), "target_id": 1,
                "target_type": "Organization", "permissions": self.granted, "events": self.events,
                "repository_selection": "selected", "suspended_at": self.suspended_at,
            }),
        )
    }
}

pub(super) fn answer(state: &mut State, caller: &Caller, question: &Question) -> Answer {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    match (question.method.as_str(), &path[..], caller) {
        ("GET", ["user"], Caller::Token(Token { login: Some(login), .. })) => {
            let user = shaped("user", json!({ "login": login, "id": 1, "type": "User" }));
            let mut reply = told("users/get-authenticated", 200, user)?;
            reply.headers.extend(state.scopes.clone().map(|scopes| ("x-oauth-scopes", scopes)));
            Ok(reply)
        }
        ("GET", ["user", "repos"], Caller::Token(Token { login: Some(_), .. })) => {
            let ids = state.repos.keys().filter(|id| caller.may_see(state, **id).is_ok());
            let items = ids.map(|id| state.repository_value(*id)).collect();
            question.page(state, "repos/list-for-authenticated-user", items, Value::from)
        }
        ("GET", ["installation", "repositories"], Caller::Token(_)) => {
            let ids: Vec<_> = state.repos.values().filter(|repo| repo.is_installed).map(|repo| repo.id).collect();
            let items: Vec<_> = ids.iter().map(|id| state.repository_value(*id)).collect();
            let all = items.len();
            let body = |items| json!({ "total_count": all, "repositories": items });
            question.page(state, "apps/list-repos-accessible-to-installation", items, body)
        }
        (method, ["app", rest @ ..], Caller::App) => as_app(state, question, method, rest),
        _ => Err(not_found()),
    }
}

fn as_app(state: &mut State, question: &Question, method: &str, path: &[&str]) -> Answer {
    match (method, path) {
        ("GET", []) => {
            let owner = user("octo");
            let app = json!({ "id": APP_ID, "slug": SLUG, "name": "Suture", "owner": owner, "permissions": state.granted, "events": state.events });
            told("apps/get-authenticated", 200, shaped("app", app))
        }
        ("GET", ["hook", "config"]) => {
            let hook = state.hook.clone().ok_or_else(not_found)?;
            told("apps/get-webhook-config-for-app", 200, shaped("hook", hook))
        }
        ("GET", ["installations"]) => {
            let installations = vec![state.installation()];
            question.page(state, "apps/list-installations", installations, Value::from)
        }
        ("POST", ["installations", id, "access_tokens"]) if *id == state.installation.to_string() => {
            if state.suspended_at.is_some() {
                return Err(refused(403, "This installation has been suspended"));
            }
            issue(state, &question.body)
        }
        ("GET", ["hook", "deliveries"]) => {
            let attempts = state.attempts.iter().rev().map(|attempt| attempt.value()).collect();
            question.page(state, "apps/list-webhook-deliveries", attempts, Value::from)
        }
        ("POST", ["hook", "deliveries", id, "attempts"]) => {
            let attempt = state.attempts.iter().find(|attempt| attempt.id.to_string() == *id).ok_or_else(not_found)?;
            let delivery = attempt.delivery.clone();
            state.deliveries.push(delivery);
            told("apps/redeliver-webhook-delivery", 202, json!({}))
        }
        _ => Err(not_found()),
    }
}

fn issue(state: &mut State, wanted: &Value) -> Answer {
    let ids: Result<BTreeSet<_>, Reply> = match (&wanted["repositories"], &wanted["repository_ids"]) {
        (Value::Array(names), _) => names.iter().map(|name| {
            let found = state.repos.values().find(|repo| repo.is_installed && repo.full_name.to_lowercase().split('/').nth(1) == name.as_str());
            found.map(|repo| repo.id)
        }).map(|id| id.ok_or_else(|| refused(422, "There is at least one repository that does not exist or is not accessible to the parent installation."))).collect(),
        (_, Value::Array(ids)) => Ok(ids.iter().filter_map(Value::as_u64).collect()),
        _ => Ok(state.repos.keys().copied().collect()),
    };
    let permissions: BTreeMap<String, String> = serde_json::from_value(wanted["permissions"].clone()).unwrap();
    let is_granted = |(name, access): (&String, &String)| {
        state.granted.get(name).is_some_and(|granted| granted == access || granted == "write")
    };
    if !permissions.iter().all(is_granted) {
        return Err(refused(422, "The permissions requested are not granted to this installation."));
    }
    let expires_at = state.clock.now() + SignedDuration::from_hours(1);
    let token = Token { repos: Some(ids?), permissions: Some(permissions.clone()), expires_at, login: None };
    let name = state.keep(token);
    let body = json!({ "token": name, "expires_at": expires_at.to_string(), "permissions": permissions });
    told("apps/create-installation-access-token", 201, shaped("token", body))
}

/// Gives a code for an App. Nobody has to sign that, and a code is good once.
pub(super) fn convert(state: &mut State, code: &str) -> Answer {
    if state.codes.remove(code).is_none() {
        return Err(not_found());
    }
    let client_secret = ["hu", "sh"].concat();
    let app = json!({
        "id": APP_ID, "slug": SLUG, "name": "Suture", "owner": user("octo"), "permissions": state.granted, "events": state.events,
        "html_url": format!("http://{}/github-apps/{SLUG}", state.host), "client_id": "Iv1.0123456789abcdef",
        "client_secret": client_secret, "webhook_secret": super::HOOK_SECRET, "pem": private_key(),
    });
    told("apps/create-from-manifest", 201, shaped("new_app", shaped("app", app)))
}

pub(super) fn installation_of(state: &State, caller: &Caller, id: u64) -> Answer {
    if !matches!(caller, Caller::App) || !state.repos[&id].is_installed {
        return Err(not_found());
    }
    told("apps/get-repo-installation", 200, state.installation())
}
