//! The HTTP side: which path is what, who may come in, and the way of a
//! request from its bytes to its answer.

mod body;
mod route;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, request::Parts};
use ipnet::IpNet;
use net::cors::Origin;
use net::{Body, Budget, Charge, ClientAddress, Handler, Incoming, Limits, Peer};

use crate::admission::{Buckets, Origins, UnnamedProxy, client_of, origin_of};
use crate::answer::{Answer, Manner};
use crate::assets::Assets;
use crate::client::{Anonymizer, ClientFacts, shown};
use crate::config::{BodyEncoding, PrivacySignals, RequireOrigin};
use crate::geo::Geo;
use crate::headers::{self, Headers};
use crate::intake::{self, Intake, Source, Sources};
use crate::metrics::Reason;

use route::Route;
pub(crate) use route::Routes;

/// Serves the paths of the receiver.
pub(crate) struct Endpoint {
    pub(crate) intake: Arc<Intake>,
    pub(crate) routes: Routes,
    pub(crate) assets: Assets,
    pub(crate) manner: Manner,
    pub(crate) origins: Origins,
    pub(crate) addresses: ClientAddress,
    /// Networks of proxies, for what envelopes say.
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) unnamed_proxy: UnnamedProxy,
    pub(crate) anonymizer: Anonymizer,
    pub(crate) geo: Option<Arc<Geo>>,
    pub(crate) signals: PrivacySignals,
    pub(crate) require_origin: RequireOrigin,
    pub(crate) rate: Option<Buckets>,
    pub(crate) body_encoding: BodyEncoding,
    pub(crate) budget: Arc<dyn Budget>,
    pub(crate) limits: Limits,
    pub(crate) max_inflated: usize,
}

/// What a request is, as far as it can be said without its body. Filled in where
/// it is, since moving it costs as much as finding it out.
#[derive(Default)]
struct Visit {
    request: intake::Request,
    peer: Option<SocketAddr>,
    /// The client's address, whole.
    address: Option<IpAddr>,
    /// What the query says beside who sends it.
    query: Option<String>,
    /// Pays for the body as long as somebody looks at it.
    paid: Charge,
}

impl Handler for Endpoint {
    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> Response<Body> {
        let (head, body) = request.into_parts();
        let route = self
            .routes
            .find(&head.method, head.uri.path(), head.uri.query());
        let (key, reports) = match route {
            Route::Beacon { key } => (key, false),
            Route::Reports { key } => (key, true),
            // Boxed, as everything that is rare: the future of every request is moved several times.
            Route::Pixel { key } => return Box::pin(self.pixel(&head, peer.address, key)).await,
            Route::Asset(asset) => return self.assets.answer(asset, &head, self.manner.fixed()),
            Route::Unknown => {
                return self.manner.write(
                    Answer::refusal(StatusCode::NOT_FOUND)
                        .text("404: nothing is served at this path"),
                );
            }
        };
        self.beacon(&head, body, peer.address, key, reports).await
    }
}

impl Endpoint {
    /// Everything but a GET on a path for beacons.
    async fn beacon(
        &self,
        head: &Parts,
        body: Incoming,
        peer: Option<SocketAddr>,
        key: Option<&str>,
        reports: bool,
    ) -> Response<Body> {
        // Preflights carry no credentials and no key: they come before all checks.
        if let Some(mut preflight) = self.origins.preflight(&head.method, &head.headers) {
            self.dress(preflight.headers_mut());
            return preflight;
        }
        match head.method {
            Method::POST => {}
            Method::OPTIONS => return self.manner.nothing(true),
            Method::HEAD => return self.manner.nothing(false),
            _ => {
                return self
                    .manner
                    .write(Answer::refusal(StatusCode::METHOD_NOT_ALLOWED));
            }
        }
        let headers = Headers::of(&head.headers);
        let origin = self.judged(head, &headers);
        let mut visit = Visit::default();
        let answer = match self.admit(head, &headers, peer, key, &origin, &mut visit) {
            Err(answer) => answer,
            Ok(()) => match self
                .sources(head, &headers, body, &mut visit, reports)
                .await
            {
                Ok((sources, firehose)) => {
                    let mut answer = self.intake.take(sources, &mut visit.request).await;
                    if let (None, Some(id)) = (answer.status, firehose) {
                        let now = self.intake.now() / 1_000_000;
                        let json = serde_json::json!({ "requestId": id, "timestamp": now });
                        answer.json = Some(json.to_string());
                    }
                    answer
                }
                Err(answer) => answer,
            },
        };
        self.intake.count(&answer);
        let mut response = self.manner.write(answer);
        self.origins.decorate(&origin, response.headers_mut());
        response
    }

    /// A GET with its event in the query. The answer is the picture, whatever
    /// becomes of the event.
    async fn pixel(
        &self,
        head: &Parts,
        peer: Option<SocketAddr>,
        key: Option<&str>,
    ) -> Response<Body> {
        if head.method == Method::HEAD {
            return self.manner.nothing(false);
        }
        let headers = Headers::of(&head.headers);
        let origin = self.judged_picture(head, &headers);
        let mut visit = Visit::default();
        let admitted = self
            .admit(head, &headers, peer, key, &origin, &mut visit)
            .and_then(|()| {
                visit.request.origin = visit.request.origin.take().or_else(|| self.page(&headers));
                self.check_origin(&visit.request)
            });
        let answer = match admitted {
            Ok(()) => {
                self.learn(&headers, visit.address, &mut visit.request);
                self.locate(&mut visit.request.facts, visit.address, || {
                    self.trusts(visit.peer).then_some(&head.headers)
                });
                let query = visit.query.take().unwrap_or_default();
                match self.query(&query) {
                    Some(text) => match self.budget.charge(query.len()) {
                        Ok(_paid) => self.intake.take(one(json(text)), &mut visit.request).await,
                        Err(refused) => self.full(refused.after),
                    },
                    None => self.parse_problem(),
                }
            }
            Err(answer) => answer,
        };
        self.intake.count(&answer);
        let mut response = self.manner.pixel(&answer);
        self.origins.decorate(&origin, response.headers_mut());
        response
    }

    /// Origin and rate, before anything of the body is read.
    fn admit(
        &self,
        head: &Parts,
        headers: &Headers<'_>,
        peer: Option<SocketAddr>,
        key: Option<&str>,
        origin: &Origin,
        visit: &mut Visit,
    ) -> Result<(), Answer> {
        let metrics = &self.intake.metrics;
        if *origin == Origin::Rejected {
            return Err(self.wrong_origin());
        }
        let address = self.addresses.of(peer, &head.headers);
        if headers.forwarded_for.is_some() {
            self.look_for_proxy(peer, address);
        }
        if let (Some(rate), Some(address)) = (&self.rate, address)
            && let Err(wait) = rate.take(client_of(address))
        {
            metrics.dropped(Reason::Rate, 1);
            return Err(Answer::refusal(StatusCode::TOO_MANY_REQUESTS)
                .because(Reason::Rate, 1)
                .after(Some(wait)));
        }
        let request = &mut visit.request;
        request.key = key
            .map(str::to_owned)
            .or_else(|| headers::text(headers.api_key))
            .or_else(|| headers::text(headers.firehose_key));
        request.token = headers::text(headers.token);
        request.origin = headers::text(headers.origin);
        if let Some(query) = head.uri.query() {
            let credentials = route::credentials(query);
            request.key = request.key.take().or(credentials.key);
            request.token = request.token.take().or(credentials.token);
            visit.query = Some(credentials.rest);
        }
        request.batch = headers::text(headers.idempotency_key);
        request.received = self.intake.now();
        visit.peer = peer;
        visit.address = address;
        Ok(())
    }

    /// What is to be thought of where the request comes from.
    fn judged(&self, head: &Parts, headers: &Headers<'_>) -> Origin {
        match headers.origin {
            Some(_) => self.origins.judge(&head.headers),
            None => Origin::None,
        }
    }

    /// The same for a picture, which browsers ask for without an origin: where
    /// one is wanted, that of the page that `Referer` names has to do.
    fn judged_picture(&self, head: &Parts, headers: &Headers<'_>) -> Origin {
        if headers.origin.is_none()
            && let Some(page) = self.page(headers)
        {
            let host = head.headers.get(http::header::HOST);
            return match self.origins.judge_page(&page, host) {
                Origin::Rejected => Origin::Rejected,
                _ => Origin::None,
            };
        }
        self.judged(head, headers)
    }

    /// The origin of the page that `Referer` names, where an origin is wanted.
    fn page(&self, headers: &Headers<'_>) -> Option<String> {
        if self.require_origin == RequireOrigin::No {
            return None;
        }
        origin_of(&shown(headers.referer?)).map(str::to_owned)
    }

    /// Refuses a request that has no origin but must have one.
    fn check_origin(&self, request: &intake::Request) -> Result<(), Answer> {
        if self.require_origin == RequireOrigin::Yes && request.origin.is_none() {
            return Err(self.wrong_origin());
        }
        Ok(())
    }

    fn wrong_origin(&self) -> Answer {
        self.intake.metrics.dropped(Reason::Origin, 1);
        Answer::refusal(StatusCode::FORBIDDEN).because(Reason::Origin, 1)
    }

    /// The request says that somebody forwards it.
    fn look_for_proxy(&self, peer: Option<SocketAddr>, client: Option<IpAddr>) {
        let peer = peer.map(|peer| peer.ip().to_canonical());
        let Some(peer) = peer.filter(|_| peer == client) else {
            return;
        };
        self.intake.metrics.untrusted_forward();
        if self.unnamed_proxy.forwards(peer) {
            tracing::warn!(
                "All requests come from one address with X-Forwarded-For: behind a proxy? Name it in trusted_proxies"
            );
        }
    }

    /// Reads what the headers say about the client of a request whose origin is known.
    fn learn(&self, headers: &Headers<'_>, address: Option<IpAddr>, request: &mut intake::Request) {
        let facts = &mut request.facts;
        *facts = ClientFacts::read(headers, &self.signals);
        facts.whole = address;
        facts.address = self
            .anonymizer
            .stored(address, facts.wish, request.received);
        facts.lacks_origin = self.require_origin == RequireOrigin::Tag && request.origin.is_none();
        let is_set = |value: Option<&HeaderValue>| value.is_some_and(|value| value == "1");
        let (gpc, dnt) = (
            is_set(headers.global_privacy_control),
            is_set(headers.do_not_track),
        );
        if gpc || dnt {
            self.intake.metrics.privacy_signals(gpc, dnt);
        }
    }

    /// Adds where the client is, by its whole address and by headers that may
    /// be believed.
    fn locate<'h>(
        &self,
        facts: &mut ClientFacts,
        address: Option<IpAddr>,
        headers: impl FnOnce() -> Option<&'h HeaderMap>,
    ) {
        if let Some(geo) = &self.geo {
            facts.place = geo.place(address, facts.wish, headers);
        }
    }

    /// Whether this peer is a proxy that is believed. Without an address it is a
    /// socket of this machine.
    fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        peer.is_none_or(|peer| {
            let ip = peer.ip().to_canonical();
            self.trusted.iter().any(|network| network.contains(&ip))
        })
    }

    fn parse_problem(&self) -> Answer {
        self.intake.metrics.dropped(Reason::Parse, 1);
        Answer::refusal(StatusCode::BAD_REQUEST).because(Reason::Parse, 1)
    }

    fn dress(&self, headers: &mut HeaderMap) {
        for (name, value) in self.manner.fixed() {
            headers.insert(name, value.clone());
        }
    }
}

/// What a client is told whose body does not fit the memory budget.
const WHEN_FULL: Duration = Duration::from_secs(1);

fn json(text: String) -> Source {
    Source {
        body: text.into(),
        framing: intake::Framing::Json,
    }
}

fn one(source: Source) -> Sources {
    let mut sources = Sources::new();
    sources.push(source);
    sources
}
