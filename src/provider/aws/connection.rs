//! Connections: one HTTP client, one login for each environment and purpose, one set of clients for each Region.

use super::acting::Owner;
use super::governor::Governor;
use super::guard::ReadOnlyGuard;
use super::operation::Service;
use super::session::{Expiry, KeptSession, Watched, session_name};
use super::shared::Shared;
use super::skew::Skew;
use crate::domain::Text;
use crate::domain::estate::{Access, Environment, Estate, Login, Provider, Purpose};
use crate::domain::ids::{AccountId, EnvironmentName};
use crate::domain::place::{GLOBAL, Place};
use crate::domain::reading::ReadTrouble;
use crate::failure::Failure;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_millis(3_100);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(8);
/// How long one operation may take, which is one attempt: it is tried again by us and not by the SDK.
const OPERATION: Duration = Duration::from_secs(10);
/// The Region in which the services that have none are called (N4, N6).
const GLOBAL_HOME: &str = "us-east-1";
/// How long a service that gave no answer is taken to give none; then one reader asks again while the others wait.
const SILENT_FOR: Duration = Duration::from_secs(20);
/// From so many silent services on, a whole place is taken to be silent.
const WHOLE_PLACE: usize = 2;

/// Returns the timeouts of every client.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

/// Returns the Region that the environment's variables or the profile name, without asking an instance for it.
pub async fn ambient_region(profile: Option<&str>) -> Option<String> {
    let mut of_profile = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        of_profile = of_profile.profile_name(profile);
    }
    let chain =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(of_profile.build());
    chain.region().await.map(|region| region.to_string())
}

macro_rules! clients {
    ($($(#[$attribute:meta])* $name:ident = $sdk:ident, $service:ident;)*) => {
        /// The clients of one login in one Region. Each carries the wire guard.
        #[derive(Debug)]
        pub struct Site {
            /// The account and Region.
            pub place: Place,
            config: SdkConfig,
            endpoints: BTreeMap<Text, Text>,
            skew: Skew,
            s3: OnceLock<aws_sdk_s3::Client>,
            $($(#[$attribute])* $name: OnceLock<$sdk::Client>,)*
        }

        impl Site {
            fn new(place: Place, config: SdkConfig, access: &Access, skew: Skew) -> Self {
                Self {
                    place,
                    config,
                    skew,
                    endpoints: access.endpoints.clone(),
                    s3: OnceLock::new(),
                    $($(#[$attribute])* $name: OnceLock::new(),)*
                }
            }

            $(
                $(#[$attribute])*
                #[doc = concat!("Returns the client of ", stringify!($sdk), ".")]
                pub fn $name(&self) -> &$sdk::Client {
                    self.$name.get_or_init(|| {
                        let builder = $sdk::config::Builder::from(&self.config);
                        let mut builder = builder.interceptor(ReadOnlyGuard).interceptor(self.skew.clone());
                        if let Some(url) = self.endpoint(Service::$service) {
                            builder.set_endpoint_url(Some(url));
                        }
                        $sdk::Client::from_conf(builder.build())
                    })
                }
            )*
        }
    };
}

clients! {
    backup = aws_sdk_backup, Backup;
    cloudwatch = aws_sdk_cloudwatch, Cloudwatch;
    dlm = aws_sdk_dlm, Dlm;
    dynamodb = aws_sdk_dynamodb, Dynamodb;
    #[cfg(feature = "aws-compute")]
    ec2 = aws_sdk_ec2, Ec2;
    eks = aws_sdk_eks, Eks;
    elb = aws_sdk_elasticloadbalancingv2, Elb;
    iam = aws_sdk_iam, Iam;
    kms = aws_sdk_kms, Kms;
    rds = aws_sdk_rds, Rds;
    route53 = aws_sdk_route53, Route53;
    sts = aws_sdk_sts, Sts;
    tagging = aws_sdk_resourcegroupstagging, Tagging;
}

impl Site {
    /// Returns the client of S3. Doubles of S3 know no bucket by its host name, so where an endpoint is given, buckets
    /// stand in the path.
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3.get_or_init(|| {
            let builder = aws_sdk_s3::config::Builder::from(&self.config);
            let mut builder = builder.interceptor(ReadOnlyGuard).interceptor(self.skew.clone());
            builder.set_force_path_style(Some(self.buckets_stand_in_the_path()));
            if let Some(url) = self.endpoint(Service::S3) {
                builder.set_endpoint_url(Some(url));
            }
            aws_sdk_s3::Client::from_conf(builder.build())
        })
    }

    /// Returns the configuration that the clients are made from.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Says whether buckets are called by their path and not by a host name of their own.
    pub(super) fn buckets_stand_in_the_path(&self) -> bool {
        let ambient =
            self.config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        ambient || self.endpoint(Service::S3).is_some()
    }

    /// Returns how far our clock is from that of the services.
    pub(super) fn skew(&self) -> &Skew {
        &self.skew
    }

    /// Returns the address that the estate gives for a service.
    pub(super) fn endpoint(&self, service: Service) -> Option<String> {
        let named = |name: &str| self.endpoints.iter().find(|(key, _)| key.as_str() == name);
        let (_, url) = named(service.prefix()).or_else(|| named("default"))?;
        Some(url.to_string())
    }
}

/// A login: what its Regions are derived from.
#[derive(Debug, Clone)]
pub(super) struct Base {
    config: SdkConfig,
    /// When its credentials end.
    pub expiry: Expiry,
    /// Whose they are, once somebody has asked.
    pub owner: Arc<Mutex<Option<Owner>>>,
}

type Cell<T> = Arc<OnceCell<T>>;

/// Everything that is shared by the readers of one estate.
#[derive(Debug)]
pub struct Connections {
    http: SharedHttpClient,
    environments: BTreeMap<EnvironmentName, Environment>,
    sessions: Option<PathBuf>,
    user: String,
    host: String,
    purpose: Purpose,
    bases: Mutex<BTreeMap<(EnvironmentName, Purpose), Cell<Base>>>,
    sites: Mutex<BTreeMap<(EnvironmentName, Purpose, Place), Arc<Site>>>,
    silent: Mutex<BTreeMap<(Place, Service), (Instant, ReadTrouble)>>,
    /// How fast is being read.
    pub governor: Arc<Governor>,
    /// What several readers ask for at once.
    pub shared: Shared,
    /// How far our clock is from AWS's.
    pub skew: Skew,
}

/// Returns under which name CloudTrail shows who is at the keyboard: one of their choice, or that of the machine.
pub(super) fn operator() -> String {
    let chosen = std::env::var("LIFEBOAT_OPERATOR").ok().filter(|user| !user.is_empty());
    chosen.unwrap_or_else(crate::config::operator::name)
}

impl Connections {
    /// Returns connections for the environments of `estate` that are real. Nothing is sent yet. `sessions` is the
    /// folder in which `login` keeps sessions.
    ///
    /// # Errors
    /// When `AWS_CA_BUNDLE` names something that is not usable.
    pub fn new(estate: &Estate, sessions: Option<PathBuf>, purpose: Purpose) -> Result<Self, Failure> {
        let real = estate.environments.iter().filter(|environment| environment.provider == Provider::Aws);
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(Self {
            http: super::http::client()?,
            environments: real.map(|environment| (environment.name.clone(), environment.clone())).collect(),
            sessions,
            user: operator(),
            host,
            purpose,
            bases: Mutex::default(),
            sites: Mutex::default(),
            silent: Mutex::default(),
            governor: Arc::default(),
            shared: Shared::default(),
            skew: Skew::default(),
        })
    }

    /// Returns the clients for `place`, by the login of `environment` or, where the place lies in another account, by
    /// that of an environment of that account.
    ///
    /// # Errors
    /// When no environment of the estate logs in to the account.
    pub async fn site(&self, environment: &EnvironmentName, place: &Place) -> Result<Arc<Site>, ReadTrouble> {
        self.site_as(environment, place, self.purpose).await
    }

    /// Returns the reading clients of the login with which things are changed.
    ///
    /// # Errors
    /// As [`Self::site`].
    pub(super) async fn operators_site(
        &self,
        environment: &EnvironmentName,
        place: &Place,
    ) -> Result<Arc<Site>, ReadTrouble> {
        let purpose = self.acting_purpose(self.login_for(environment, &place.account)?);
        self.site_as(environment, place, purpose).await
    }

    async fn site_as(
        &self,
        environment: &EnvironmentName,
        place: &Place,
        purpose: Purpose,
    ) -> Result<Arc<Site>, ReadTrouble> {
        let environment = self.login_for(environment, &place.account)?;
        let key = (environment.name.clone(), purpose, place.clone());
        let known = |sites: &BTreeMap<_, Arc<Site>>| sites.get(&key).cloned();
        if let Some(site) = known(&self.sites.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(site);
        }
        let base = self.base(environment, purpose).await;
        let region = match place.region.as_str() {
            GLOBAL => GLOBAL_HOME.to_owned(),
            region => region.to_owned(),
        };
        let config = base.config.into_builder().region(Region::new(region)).build();
        let site = Arc::new(Site::new(place.clone(), config, &environment.access, self.skew.clone()));
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(sites.entry(key).or_insert(site).clone())
    }

    /// Returns when the credentials of an environment end, as far as any were used yet.
    pub async fn expires_at(&self, environment: &EnvironmentName) -> Option<jiff::Timestamp> {
        self.base(self.environments.get(environment)?, self.purpose).await.expiry.at()
    }

    /// Returns an environment that is real.
    pub(super) fn environment(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments.get(name)
    }

    /// Returns the login with which things are changed at a place.
    ///
    /// # Errors
    /// When no environment of the estate logs in to its account.
    pub(super) async fn acting_base(
        &self,
        environment: &EnvironmentName,
        place: &Place,
    ) -> Result<Base, ReadTrouble> {
        let environment = self.login_for(environment, &place.account)?;
        Ok(self.base(environment, self.acting_purpose(environment)).await)
    }

    /// Returns what people should know of the login with which an environment is changed.
    pub fn note(&self, environment: &EnvironmentName) -> Option<Text> {
        let known = self.environments.get(environment)?;
        (self.acting_purpose(known) != Purpose::Operate).then(|| {
            let says = format!(
                "{environment} has no login of its own for changing things: it is changed by the one that reads it"
            );
            Text::new(&says)
        })
    }

    /// Returns the purpose whose login changes an environment: its own where one is written down.
    fn acting_purpose(&self, environment: &Environment) -> Purpose {
        if environment.access.logins.contains_key(&Purpose::Operate) {
            Purpose::Operate
        } else {
            self.purpose
        }
    }

    fn login_for(&self, name: &EnvironmentName, account: &AccountId) -> Result<&Environment, ReadTrouble> {
        let own = self.environments.get(name).filter(|environment| environment.account == *account);
        let of_account = || self.environments.values().find(|environment| environment.account == *account);
        own.or_else(of_account).ok_or_else(|| {
            let says = format!("no environment of the estate logs in to account {account}");
            ReadTrouble::Other(Text::new(&says))
        })
    }

    async fn base(&self, environment: &Environment, purpose: Purpose) -> Base {
        let cell = {
            let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
            bases.entry((environment.name.clone(), purpose)).or_default().clone()
        };
        cell.get_or_init(|| self.log_in(environment, purpose)).await.clone()
    }

    async fn log_in(&self, environment: &Environment, purpose: Purpose) -> Base {
        let login = environment.access.logins.get(&purpose).cloned().unwrap_or_default();
        let base = self.ambient(&login, Region::new(environment.region.to_string())).await;
        let inner = match &login.role {
            None => base.credentials_provider(),
            Some(role) => {
                let endpoints = &environment.access.endpoints;
                let given = ["sts", "default"].iter().find_map(|name| endpoints.get(&Text::new(name)));
                let mut through = base.to_builder();
                if let Some(url) = given {
                    through.set_endpoint_url(Some(url.to_string()));
                }
                let provider = AssumeRoleProvider::builder(role.as_str())
                    .session_name(session_name(purpose, &self.user, &self.host).as_str())
                    .configure(&through.build())
                    .build()
                    .await;
                Some(SharedCredentialsProvider::new(provider))
            }
        };
        let expiry = Expiry::default();
        let kept = self.sessions.as_deref();
        let kept = kept.map(|folder| KeptSession::path(folder, environment.name.as_str(), purpose));
        let watched = SharedCredentialsProvider::new(Watched::new(inner, kept, expiry.clone()));
        Base {
            config: base.into_builder().credentials_provider(watched).build(),
            expiry,
            owner: Arc::default(),
        }
    }

    /// Returns the configuration of a login's profile, or the ambient one.
    pub async fn ambient(&self, login: &Login, region: Region) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .region(region.clone());
        // The chain of the SDK goes by keys in the environment even when a profile is named: then another account would
        // be read than the estate says.
        if let Some(profile) = &login.profile {
            let settings = ProviderConfig::without_region()
                .with_region(Some(region))
                .with_http_client(self.http.clone())
                .with_retry_config(RetryConfig::disabled())
                .with_timeout_config(timeouts());
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&settings)
                .profile_name(profile.as_str())
                .build();
            loader = loader.profile_name(profile.as_str()).credentials_provider(provider);
        }
        loader.load().await
    }

    /// Returns what a service at a place, or most of the place, said last, when that was nothing and a moment ago. Once in
    /// a while one caller is let through to see whether that is still so.
    pub(super) fn silence(&self, place: &Place, service: Service) -> Option<ReadTrouble> {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let lately =
            silent.iter().filter(|((known, _), (since, _))| known == place && since.elapsed() < SILENT_FOR);
        let of_place: Vec<ReadTrouble> = lately.map(|(_, (_, trouble))| trouble.clone()).collect();
        let whole = of_place.len() >= WHOLE_PLACE;
        let key = (place.clone(), service);
        match silent.get_mut(&key) {
            Some((since, trouble)) if since.elapsed() < SILENT_FOR => Some(trouble.clone()),
            Some((since, _)) => {
                *since = Instant::now();
                None
            }
            None if whole => of_place.into_iter().next().inspect(|trouble| {
                silent.insert(key, (Instant::now(), trouble.clone()));
            }),
            None => None,
        }
    }

    /// Takes whether a service at a place answered.
    pub(super) fn heard(&self, place: &Place, service: Service, silent: Option<ReadTrouble>) {
        let mut known = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        match silent {
            Some(trouble) => known.insert((place.clone(), service), (Instant::now(), trouble)),
            None => known.remove(&(place.clone(), service)),
        };
    }
}
