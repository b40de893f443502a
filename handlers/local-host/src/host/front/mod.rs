//! The HTTP side of the host: functions at their routes, and inlets for whoever has the keys.

mod admin;
mod answer;
mod body;
mod forward;
mod keys;
mod request;
mod route;
mod server;

pub use body::BODY_BYTES_MAX;
pub use keys::Keys;
pub use server::{Limits, serve};

use super::drain::Drain;
use super::event::{Events, HostEvent};
use super::invoke::{InvokeError, Invoker};
use super::triggers::Timer;
use crate::app::{App, AuthLevel, Function, Method, Trigger};
use crate::bus::Bus;
use crate::bus::rest::{self, SharedKey};
use agents::environment::clock::Clock;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, any_service};
use body::{Bodies, sentence};
use request::Request;
use route::{Parameters, Route, allows};
use std::sync::Arc;

/// Name of the key by which the bus is asked as Service Bus is; its value is that of the master key.
pub const BUS_KEY_NAME: &str = "RootManageSharedAccessKey";

/// An app behind the front.
#[derive(Debug, Clone)]
pub struct ServedApp {
    /// The app.
    pub app: Arc<App>,
    /// Calls its functions.
    pub invoker: Invoker,
    /// Its timers, for runs by hand.
    pub timers: Vec<Timer>,
}

/// What answers requests.
#[derive(Debug)]
pub struct Front {
    /// All apps.
    pub apps: Vec<ServedApp>,
    /// Topics, by name.
    pub topics: Vec<String>,
    /// Takes messages.
    pub bus: Bus,
    /// Who may call what.
    pub keys: Keys,
    /// Hears of it.
    pub events: Events,
    /// Whether anything new may begin.
    pub drain: Drain,
    /// Room for what is sent.
    bodies: Bodies,
    /// The bus, as Service Bus is asked.
    rest: MethodRouter,
    routes: Vec<Served>,
}

/// One function at its route.
#[derive(Debug)]
struct Served {
    route: Route,
    /// In `apps`.
    app: usize,
    function: Arc<Function>,
}

impl Front {
    /// A front for `apps`. An error tells of two functions at one route.
    pub fn new(
        apps: Vec<ServedApp>,
        topics: Vec<String>,
        bus: Bus,
        keys: Keys,
        events: Events,
        drain: Drain,
        clock: Clock,
    ) -> Result<Self, String> {
        let mut routes: Vec<Served> = Vec::new();
        for (index, served) in apps.iter().enumerate() {
            for function in &served.app.functions {
                let Trigger::Http { route, methods, .. } = &function.trigger else { continue };
                let route = Route::parse(&format!("{}/{route}", served.app.host.route_prefix));
                let twin = routes.iter().find(|known| known.route == route && shares(known.methods(), methods));
                if let Some(twin) = twin {
                    return Err(format!(
                        "{} of app {} and {} of app {} have the same route; give one of them another",
                        twin.function.name, apps[twin.app].app.name, function.name, served.app.name
                    ));
                }
                routes.push(Served { route, app: index, function: Arc::new(function.clone()) });
            }
        }
        routes.sort_by_key(|served| served.route.precedence());
        let key = SharedKey { name: BUS_KEY_NAME.to_owned(), key: keys.master.clone() };
        let rest = any_service(rest::router(bus.clone(), key, clock));
        Ok(Self { apps, topics, bus, keys, events, drain, bodies: Bodies::default(), rest, routes })
    }

    /// Everything that is answered.
    pub fn router(self) -> Router {
        let front = Arc::new(self);
        admin::router(&front).fallback(function).with_state(front)
    }

    fn has_route(&self, path: &str) -> bool {
        self.routes.iter().any(|served| served.route.parameters(path).is_some())
    }

    /// The function for this request, or why there is none.
    fn find(&self, method: &str, path: &str) -> Result<(&Served, Parameters), Miss> {
        let mut allowed: Vec<&str> = Vec::new();
        for served in &self.routes {
            let Some(parameters) = served.route.parameters(path) else { continue };
            if allows(served.methods(), method) {
                return Ok((served, parameters));
            }
            allowed.extend(served.methods().iter().map(|method| method.name()));
        }
        Err(if allowed.is_empty() { Miss::Route } else { Miss::Method(allowed.join(", ")) })
    }
}

/// Why no function is found.
enum Miss {
    /// None has this route.
    Route,
    /// Those that have it answer only these methods.
    Method(String),
}

impl Miss {
    fn answer(self) -> Response {
        let Self::Method(allowed) = self else {
            return sentence(StatusCode::NOT_FOUND, "no function has this route");
        };
        let mut response = sentence(StatusCode::METHOD_NOT_ALLOWED, &format!("only {allowed} is answered here"));
        if let Ok(allowed) = HeaderValue::try_from(allowed) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}

impl Served {
    fn methods(&self) -> &[Method] {
        match &self.function.trigger {
            Trigger::Http { methods, .. } => methods,
            _ => &[],
        }
    }

    fn auth_level(&self) -> AuthLevel {
        match &self.function.trigger {
            Trigger::Http { auth_level, .. } => *auth_level,
            _ => AuthLevel::Admin,
        }
    }
}

/// Whether two lists of methods, of which an empty one means all, have one in common.
fn shares(a: &[Method], b: &[Method]) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|method| b.contains(method))
}

/// Any other request: it is for a function, for the bus, or for nobody.
async fn function(State(front): State<Arc<Front>>, request: axum::http::Request<Body>) -> Response {
    let path = request.uri().path();
    if path.split('/').any(|word| word.eq_ignore_ascii_case("messages")) && !front.has_route(path) {
        return front.rest.clone().call(request, ()).await;
    }
    let (parts, body) = request.into_parts();
    let mut request = Request { method: parts.method, uri: parts.uri, headers: parts.headers, body: Vec::new() };
    let (served, parameters) = match front.find(request.method.as_str(), request.uri.path()) {
        Ok(found) => found,
        Err(miss) => return miss.answer(),
    };
    let level = served.auth_level();
    // Before the body is read: a stranger costs nothing.
    if !front.keys.allow(level, request.key().as_deref()) {
        return sentence(StatusCode::UNAUTHORIZED, "a key is needed, as header x-functions-key or as ?code=");
    }
    let Some(_work) = front.drain.begin() else {
        return sentence(StatusCode::SERVICE_UNAVAILABLE, "the host stops");
    };
    let read = match front.bodies.read(body).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    // The room is given back when the call is over: until then its bytes are here in one form or another.
    let _room = read.room;
    request.body = read.bytes;
    let (app, function) = (&front.apps[served.app], &served.function);
    let invocation = crate::chance::uuid();
    let begun = tokio::time::Instant::now();
    let source = format!("{} {}", request.method, request.uri.path());
    let called = if forward::is_forwarded(&app.app, function) {
        forward::forward(&app.invoker, function, invocation, request)
            .await
            .map(|response| (response, 0))
            .map_err(Failed::of)
    } else {
        let payload = request.payload(&function.trigger_binding, &parameters, level);
        call(&front, app, function, invocation, &payload).await
    };
    let (name, invocation) = (function.name.clone(), invocation.to_string());
    match called {
        Ok((response, sent)) => {
            let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            front.events.tell(HostEvent::Invoked {
                function: name,
                invocation,
                source,
                messages: 0,
                sent,
                duration_ms,
            });
            response
        }
        Err(Failed { status, reason }) => {
            let words = format!("the function {name} failed; the host tells why (invocation {invocation})");
            front.events.tell(HostEvent::Failed { function: name, invocation, source, delivery_count: 0, reason });
            sentence(status, &words)
        }
    }
}

struct Failed {
    status: StatusCode,
    reason: String,
}

impl Failed {
    fn of(error: InvokeError) -> Self {
        let status = match error {
            InvokeError::NotReady { .. } | InvokeError::Left => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, reason: error.to_string() }
    }
}

async fn call(
    front: &Front,
    app: &ServedApp,
    function: &Function,
    invocation: uuid::Uuid,
    payload: &super::invoke::Payload,
) -> Result<(Response, usize), Failed> {
    let broken = |reason: String| Failed { status: StatusCode::INTERNAL_SERVER_ERROR, reason };
    let invoked = app.invoker.invoke(function, invocation, payload).await.map_err(Failed::of)?;
    let response = answer::answer(function, &invoked.reply).map_err(broken)?;
    let sent = invoked.messages.len();
    if sent > 0 {
        let taken = front.bus.send(invoked.messages).await;
        taken.map_err(|error| broken(format!("its messages can't be sent: {error}")))?;
    }
    Ok((response, sent))
}
