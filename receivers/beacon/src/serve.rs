//! Opens the port and keeps it until the host says stop.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use ipnet::IpNet;
use net::{ClientAddress, Limits, Transport};
use pipeline::{Host, Outputs, Receiver, Running, StartError};
use tokio_util::sync::CancellationToken;

use crate::admission::{Buckets, Origins, UnnamedProxy};
use crate::answer::Manner;
use crate::assets::Assets;
use crate::client::Anonymizer;
use crate::config::Config;
use crate::door::Door;
use crate::endpoint::{Endpoint, Routes};
use crate::geo::{self, Geo};
use crate::intake::Intake;
use crate::salt::Salts;
use crate::session::Sessions;

/// How long clients may take to end their requests when the collector stops.
const DRAIN: Duration = Duration::from_secs(10);

/// The receiver before it is started.
pub(crate) struct BeaconReceiver {
    pub(crate) id: String,
    pub(crate) config: Config,
    pub(crate) outputs: Outputs,
}

impl Receiver for BeaconReceiver {
    fn start(self: Box<Self>, host: Host) -> BoxFuture<'static, Result<Running, StartError>> {
        Box::pin(async move { self.open(&host).await })
    }
}

impl BeaconReceiver {
    async fn open(&self, host: &Host) -> Result<Running, StartError> {
        let geo = match self.config.geo.as_option() {
            Some(settings) => Some(Arc::new(Geo::open(settings).await?)),
            None => None,
        };
        let session = self.config.session.as_option();
        let secret = session.map(|session| session.salt_secret.expose());
        let salts = Arc::new(Salts::new(secret.filter(|secret| !secret.is_empty()))?);
        let endpoint = Arc::new(self.endpoint(host, geo.clone(), salts.clone())?);
        let metrics = endpoint.intake.metrics.clone();
        let listener = host
            .listeners
            .listen(&self.config.endpoint, Transport::Tcp)
            .await
            .map_err(|error| StartError::new(error.to_string()))?;
        let server = net::serve(listener, self.config.server_options()?, endpoint)
            .map_err(|error| StartError::new(format!("cannot serve: {error}")))?;
        let scheme = if self.config.tls.is_on() {
            "https"
        } else {
            "http"
        };
        let address = server.local_address().ip();
        let addresses = address.map(|address| (scheme.to_owned(), address));
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let reload = self.config.geo.as_option().map(|geo| geo.reload.non_zero());
        let clock = host.clock.clone();
        let done = tokio::spawn(async move {
            let serving = async {
                stopping.cancelled().await;
                server.stop(DRAIN).await;
            };
            let looking = async {
                if let (Some(geo), Some(every)) = (geo, reload) {
                    geo::renew(&geo, every, &metrics, &stopping).await;
                }
            };
            futures::join!(serving, looking, salts.turn(&clock, &stopping));
            Ok(())
        });
        Ok(Running {
            addresses: addresses.into_iter().collect(),
            stop,
            done,
        })
    }

    fn endpoint(
        &self,
        host: &Host,
        geo: Option<Arc<Geo>>,
        salts: Arc<Salts>,
    ) -> Result<Endpoint, StartError> {
        let config = &self.config;
        let outlet = self.outputs.charged_to(&host.budget).logs;
        let session = config.session.as_option();
        let sessions = session.map(|session| Sessions::new(session, salts.clone()));
        let clock = host.clock.clone();
        let intake = Intake::new(&self.id, config, outlet.clone(), clock, sessions);
        let assets = Assets::new(config);
        let rate = config.rate_limit.as_option();
        Ok(Endpoint {
            intake: Arc::new(intake),
            routes: Routes::new(config, assets.versioned_path()),
            assets,
            manner: Manner::new(config).map_err(StartError::new)?,
            origins: Origins::new(config),
            addresses: ClientAddress::new(&config.address_settings()),
            trusted: networks(&config.address_settings().trusted_proxies),
            unnamed_proxy: UnnamedProxy::default(),
            anonymizer: Anonymizer::new(config.client_ip, config.anonymize_prefix, salts),
            geo,
            signals: config.privacy_signals.clone(),
            require_origin: config.require_origin,
            rate: rate.map(|limit| Buckets::new(limit.per_client, limit.burst)),
            body_encoding: config.body_encoding,
            budget: Arc::new(Door::new(outlet, host.budget.clone())),
            limits: Limits {
                wire: config.max_body_bytes.as_usize(),
                deadline: config.body_timeout.non_zero(),
            },
            max_inflated: config.max_inflated_bytes.as_usize(),
        })
    }
}

/// Networks and single addresses; validation reports what is neither.
fn networks(list: &[String]) -> Vec<IpNet> {
    let one = |text: &String| {
        let network = text.parse().ok();
        network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
    };
    list.iter().filter_map(one).collect()
}
