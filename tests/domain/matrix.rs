//! Every kind, every failure, every verdict: each cell is reached by a named case whose figures are worked out by hand.
//!
//! It is always 2026-03-10 12:00 UTC. What lies where stands in [`points`] and [`state`]; what follows from it stands
//! in [`figures`], in seconds that were counted on paper. Limits are chosen at the edge: exactly 80 % is at risk, one
//! second too little is a breach.
#![allow(clippy::needless_pass_by_value, reason = "cases are written as values")]

use jiff::Timestamp;
use lifeboat::domain::condition::{KeyPlace, KeyState};
use lifeboat::domain::estate::{Component, Estate};
use lifeboat::domain::ids::{ComponentId, KeyId};
use lifeboat::domain::kind::Kind;
use lifeboat::domain::objective::Objectives;
use lifeboat::domain::place::Place;
use lifeboat::domain::proof::Proof;
use lifeboat::domain::readiness::{Loss, Moment, RecoveryTime, Verdict, assess};
use lifeboat::domain::reading::{
    Cadences, Capability, Fact, ReadTrouble, Reading, ReadingKey, Readings, Subject,
};
use lifeboat::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint, Verification};
use lifeboat::domain::scope::FailureScope;
use lifeboat::domain::state::{StateForm, StateHistory, StateVersion};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// An account and a Region.
type Spot = (&'static str, &'static str);

const HOME: Spot = ("111122223333", "us-east-2");
const DR: Spot = ("111122223333", "us-west-2");
const VAULT: Spot = ("444455556666", "us-west-2");
const OUTSIDE: Spot = ("outside", "outside");
const GLOBAL: Spot = ("111122223333", "global");

/// The component that every case is about.
const SUBJECT: &str = "subject";
const SOURCE: &str = "test:Describe";

/// The verdicts in the order of the printed table.
const VERDICTS: [Verdict; 6] = [
    Verdict::Met,
    Verdict::AtRisk,
    Verdict::Breached,
    Verdict::Unknown,
    Verdict::Unproven,
    Verdict::NoObjective,
];

/// The cells that cannot exist, and why. There is none: even a DNS record, which lies in its own account, outlives
/// the account where the estate declares a copy of it elsewhere.
const IMPOSSIBLE: &[(Kind, FailureScope, Verdict, &str)] = &[];

/// One named case.
struct Case {
    name: String,
    kind: Kind,
    scope: FailureScope,
    expect: Verdict,
    loss: Loss,
    time: RecoveryTime,
    estate: Estate,
    readings: Readings,
}

/// The limits, in seconds, under which a figure is met, at risk and breached.
type Limits = [u64; 3];

/// What follows for one kind under one failure, in seconds.
struct Figures {
    /// What is lost; zero is nothing.
    loss: u64,
    rpo: Limits,
    /// What is still known of the loss when the nearest place that survives cannot be read.
    fallback: Option<u64>,
    /// What recovery takes as measured, waiting included.
    time: u64,
    /// What it takes at least when it was not measured.
    floor: u64,
    rto: Limits,
}

/// Returns the figures of `kind` under `scope`, counted by hand from [`points`], [`state`] and [`world`].
fn figures(kind: Kind, scope: FailureScope) -> Figures {
    // Loss, limits, fallback: for the component, its Region and its account.
    let losses: [(u64, Limits, Option<u64>); 3] = match kind {
        // Until 11:55, 06:00, 00:00.
        Kind::RdsInstance => [
            (300, [400, 375, 299], Some(21_600)),
            (21_600, [30_000, 27_000, 21_599], Some(43_200)),
            (43_200, [60_000, 54_000, 43_199], None),
        ],
        // Until 11:58, ten minutes behind, until 05:00.
        Kind::RdsCluster => [
            (120, [200, 150, 119], Some(600)),
            (600, [1000, 750, 599], Some(25_200)),
            (25_200, [40_000, 31_500, 25_199], None),
        ],
        // 09:00, 04:00, 18:00 of the day before.
        Kind::Ec2Instance => [
            (10_800, [18_000, 13_500, 10_799], Some(28_800)),
            (28_800, [43_200, 36_000, 28_799], Some(64_800)),
            (64_800, [100_000, 81_000, 64_799], None),
        ],
        // 08:00, 02:00, noon of the day before. The last lies in the archive: 72 h are no help to a Region (E3).
        Kind::EbsVolume => [
            (14_400, [20_000, 18_000, 14_399], Some(36_000)),
            (36_000, [50_000, 45_000, 35_999], Some(86_400)),
            (86_400, [120_000, 108_000, 86_399], None),
        ],
        // Nothing, 80 s behind, 14 min behind.
        Kind::S3Bucket => {
            [(0, [60, 0, 0], Some(80)), (80, [120, 100, 79], Some(840)), (840, [1200, 1050, 839], None)]
        }
        // Until 11:56, 06:30, 22:00 of the day before.
        Kind::DynamodbTable => [
            (240, [400, 300, 239], Some(19_800)),
            (19_800, [30_000, 24_750, 19_799], Some(50_400)),
            (50_400, [80_000, 63_000, 50_399], None),
        ],
        // Broken since 11:50, 30 min behind, 60 min behind.
        Kind::TerraformState => [
            (600, [1000, 750, 599], Some(1800)),
            (1800, [3000, 2250, 1799], Some(3600)),
            (3600, [6000, 4500, 3599], None),
        ],
        // 11:00, 09:00, 02:00.
        Kind::KubernetesNamespace => [
            (3600, [6000, 4500, 3599], Some(10_800)),
            (10_800, [18_000, 13_500, 10_799], Some(36_000)),
            (36_000, [50_000, 45_000, 35_999], None),
        ],
        // 10:00, 04:00, 20:00 of the day before.
        Kind::DatabaseDump => [
            (7200, [12_000, 9000, 7199], Some(28_800)),
            (28_800, [43_200, 36_000, 28_799], Some(57_600)),
            (57_600, [90_000, 72_000, 57_599], None),
        ],
        // 11:20, 08:40, 01:00.
        Kind::SearchSnapshot => [
            (2400, [4000, 3000, 2399], Some(12_000)),
            (12_000, [20_000, 15_000, 11_999], Some(39_600)),
            (39_600, [60_000, 49_500, 39_599], None),
        ],
        // 07:00, 01:00, 17:00 of the day before.
        Kind::BackupVault => [
            (18_000, [30_000, 22_500, 17_999], Some(39_600)),
            (39_600, [60_000, 49_500, 39_599], Some(68_400)),
            (68_400, [100_000, 85_500, 68_399], None),
        ],
        // Code and records lose nothing.
        Kind::GitRepository | Kind::TerraformStack | Kind::EksCluster | Kind::Network | Kind::DnsRecord => {
            [(0, [60, 0, 0], None); 3]
        }
        // The instance loses more than its database; it is what remains known when the database is not.
        Kind::Service | Kind::Group => [
            (10_800, [18_000, 13_500, 10_799], Some(10_800)),
            (28_800, [43_200, 36_000, 28_799], Some(28_800)),
            (64_800, [100_000, 81_000, 64_799], Some(64_800)),
        ],
    };
    // Time, floor, limits.
    let plain: [(u64, u64, Limits); 3] = [
        (1800, 0, [3600, 2250, 1799]),
        (5400, 0, [10_800, 6750, 5399]),
        (10_800, 0, [21_600, 13_500, 10_799]),
    ];
    let times = match kind {
        // 72 h of retrieval and three hours of restore (E3).
        Kind::EbsVolume => [plain[0], plain[1], (270_000, 259_200, [400_000, 337_500, 269_999])],
        // Two minutes until resolvers follow (N1), and 1, 4 and 8 min of work.
        Kind::DnsRecord => {
            [(180, 120, [300, 225, 179]), (360, 120, [600, 450, 359]), (600, 120, [1200, 750, 599])]
        }
        // Its parts take one after the other twice the plain time; it was measured at a little more.
        Kind::Service => [
            (4000, 3600, [8000, 5000, 3999]),
            (11_000, 10_800, [22_000, 13_750, 10_999]),
            (22_000, 21_600, [44_000, 27_500, 21_999]),
        ],
        // The same parts; only the database was measured where the group is unproven.
        Kind::Group => [
            (3600, 1800, [7200, 4500, 3599]),
            (10_800, 5400, [21_600, 13_500, 10_799]),
            (21_600, 10_800, [43_200, 27_000, 21_599]),
        ],
        _ => plain,
    };
    let index = scope as usize;
    let ((loss, rpo, fallback), (time, floor, rto)) = (losses[index], times[index]);
    Figures { loss, rpo, fallback, time, floor, rto }
}

/// Returns the recovery points of `kind`, wherever they lie.
fn points(kind: Kind) -> Vec<RecoveryPoint> {
    use PointKind as P;
    match kind {
        // R1: the window's end is the loss. R3: a copy is as old as its original.
        Kind::RdsInstance => vec![
            window(HOME, "03T12:00", "10T11:55"),
            until(P::Snapshot, HOME, "10T03:00"),
            until(P::SnapshotCopy, DR, "10T06:00"),
            until(P::SnapshotCopy, VAULT, "10T00:00"),
        ],
        // A2, A3.
        Kind::RdsCluster => vec![
            window(HOME, "03T12:00", "10T11:58"),
            behind(P::Replica, DR, 600),
            until(P::SnapshotCopy, VAULT, "10T05:00"),
        ],
        Kind::Ec2Instance => vec![
            until(P::Image, HOME, "10T09:00"),
            until(P::Image, DR, "10T04:00"),
            until(P::Image, VAULT, "09T18:00"),
        ],
        // E1: a snapshot that is pending does not count. E3: one in the archive is 72 h away.
        Kind::EbsVolume => vec![
            until(P::Snapshot, HOME, "10T08:00"),
            RecoveryPoint { status: PointStatus::Pending, ..until(P::Snapshot, HOME, "10T11:30") },
            until(P::SnapshotCopy, DR, "10T02:00"),
            RecoveryPoint { retrieval: Some(secs(259_200)), ..until(P::SnapshotCopy, VAULT, "09T12:00") },
        ],
        // S2 at home, S5 elsewhere.
        Kind::S3Bucket => vec![
            everything(P::ObjectVersions, HOME),
            behind(P::BucketReplica, DR, 80),
            behind(P::BucketReplica, VAULT, 840),
        ],
        // D1.
        Kind::DynamodbTable => vec![
            window(HOME, "03T12:00", "10T11:56"),
            until(P::VaultPoint, DR, "10T06:30"),
            until(P::VaultPoint, VAULT, "09T22:00"),
        ],
        // V1: a backup that failed in part does not count.
        Kind::KubernetesNamespace => vec![
            until(P::Export, HOME, "10T11:00"),
            RecoveryPoint { status: PointStatus::Partial, ..until(P::ClusterBackup, HOME, "10T11:45") },
            until(P::Export, DR, "10T09:00"),
            until(P::Export, VAULT, "10T02:00"),
        ],
        // One that nobody has read back does not count, nor one that was not whole.
        Kind::DatabaseDump => vec![
            verified(until(P::Dump, HOME, "10T10:00"), true),
            until(P::Dump, HOME, "10T11:00"),
            verified(until(P::Dump, HOME, "10T11:30"), false),
            verified(until(P::Dump, DR, "10T04:00"), true),
            verified(until(P::Dump, VAULT, "09T20:00"), true),
        ],
        Kind::SearchSnapshot => vec![
            until(P::SearchSnapshot, HOME, "10T11:20"),
            RecoveryPoint { status: PointStatus::Partial, ..until(P::SearchSnapshot, HOME, "10T11:50") },
            until(P::SearchSnapshot, DR, "10T08:40"),
            until(P::SearchSnapshot, VAULT, "10T01:00"),
        ],
        // B2: none of these statuses counts.
        Kind::BackupVault => vec![
            until(P::VaultPoint, HOME, "10T07:00"),
            RecoveryPoint { status: PointStatus::Partial, ..until(P::VaultPoint, HOME, "10T11:00") },
            RecoveryPoint { status: PointStatus::Stopped, ..until(P::VaultPoint, HOME, "10T11:10") },
            RecoveryPoint { status: PointStatus::Expired, ..until(P::VaultPoint, HOME, "10T11:20") },
            RecoveryPoint {
                status: PointStatus::Unrecognised("DELETING".into()),
                ..until(P::VaultPoint, HOME, "10T11:30")
            },
            until(P::VaultPoint, DR, "10T01:00"),
            until(P::VaultPoint, VAULT, "09T17:00"),
        ],
        Kind::GitRepository => vec![everything(P::Commit, OUTSIDE)],
        Kind::TerraformStack | Kind::EksCluster | Kind::Network => vec![everything(P::Definition, OUTSIDE)],
        // N1: the lifetime of the record is waited for. N2: the value as it was read.
        Kind::DnsRecord => [GLOBAL, VAULT]
            .into_iter()
            .map(|spot| RecoveryPoint { retrieval: Some(secs(120)), ..everything(P::RecordedValue, spot) })
            .collect(),
        Kind::TerraformState | Kind::Service | Kind::Group => Vec::new(),
    }
}

/// Returns the state as it lies at `place`: broken at home since 11:50 (T4), whole and late in its replicas (T7).
fn state(place: &Place) -> StateHistory {
    let version = |id: &str, written_at, form| StateVersion {
        version_id: id.into(),
        written_at: at(written_at),
        form,
        serial: None,
        lineage: None,
        terraform_version: None,
        resources: None,
        size_bytes: 4096,
        md5: None,
    };
    let (versions, lag) = if *place == spot(HOME) {
        let versions = vec![
            version("v3", "10T11:50", StateForm::Truncated),
            version("v2", "10T11:00", StateForm::Whole),
            version("v1", "10T09:00", StateForm::Whole),
        ];
        (versions, None)
    } else {
        let lag = if *place == spot(DR) { 1800 } else { 3600 };
        (vec![version("v2", "10T11:00", StateForm::Whole)], Some(secs(lag)))
    };
    StateHistory { path: "states/network".into(), versions, replica_lag: lag, ..StateHistory::default() }
}

/// Returns where the points of `kind` are looked for.
fn places(kind: Kind, scope: FailureScope) -> Vec<Place> {
    let spots: &[Spot] = match (kind, scope) {
        (Kind::Service | Kind::Group, _) => &[],
        // Only what the estate declares outlives the account of a record.
        (Kind::DnsRecord, FailureScope::Account) => &[GLOBAL, VAULT],
        (Kind::DnsRecord, _) => &[GLOBAL],
        _ if kind.is_code() => &[OUTSIDE],
        _ => &[HOME, DR, VAULT],
    };
    spots.iter().map(|place| spot(*place)).collect()
}

/// One read of a component at a place; without a fact it was denied.
struct Read {
    of: ComponentId,
    kind: Kind,
    place: Place,
    fact: Option<Fact>,
}

/// What a case is made of: the judged component first, then the parts of a composite.
struct World {
    kind: Kind,
    scope: FailureScope,
    components: Vec<Component>,
    reads: Vec<Read>,
}

/// Returns the world of `kind`, whole, read, measured, and without any promise.
fn world(kind: Kind, scope: FailureScope) -> World {
    let mut world = World { kind, scope, components: Vec::new(), reads: Vec::new() };
    let plain = proofs([1800, 5400, 10_800]);
    match kind {
        Kind::Service | Kind::Group => {
            let parts = vec![ComponentId::new("db"), ComponentId::new("web")];
            let (depends_on, members) =
                if kind == Kind::Service { (parts, Vec::new()) } else { (Vec::new(), parts) };
            let measured = if kind == Kind::Service { proofs([4000, 11_000, 22_000]) } else { Vec::new() };
            world.add(SUBJECT, kind, measured);
            world.components[0].depends_on = depends_on;
            world.components[0].members = members;
            world.add("db", Kind::RdsInstance, plain.clone());
            world.add("web", Kind::Ec2Instance, plain);
            world.components[2].depends_on = vec![ComponentId::new("db")];
        }
        Kind::DnsRecord => world.add(SUBJECT, kind, proofs([60, 240, 480])),
        _ => world.add(SUBJECT, kind, plain),
    }
    world
}

impl World {
    /// Adds a component and the reads of it.
    fn add(&mut self, id: &str, kind: Kind, proofs: Vec<Proof>) {
        let sources = places(kind, self.scope);
        let points = points(kind);
        for place in &sources {
            let fact = if kind == Kind::TerraformState {
                Fact::State(state(place))
            } else {
                Fact::Points(points.iter().filter(|point| point.place == *place).cloned().collect())
            };
            self.reads.push(Read { of: id.into(), kind, place: place.clone(), fact: Some(fact) });
        }
        self.components.push(Component {
            id: id.into(),
            kind,
            environment: "production".into(),
            home: spot(HOME),
            sources,
            declared: Vec::new(),
            deployed: None,
            selector: None,
            alarms: Vec::new(),
            objectives: Objectives::default(),
            depends_on: Vec::new(),
            members: Vec::new(),
            retention: Vec::new(),
            cadence: None,
            drill_every: None,
            owner: None,
            proofs,
            standby: lifeboat::domain::standby::Standby::default(),
        });
    }

    /// Promises so many seconds of loss and of time.
    fn promised(self, rpo: u64, rto: u64) -> Self {
        self.changed(|subject| subject.objectives = Objectives::same(Some(secs(rpo)), Some(secs(rto))))
    }

    /// Changes the judged component.
    fn changed(mut self, change: impl FnOnce(&mut Component)) -> Self {
        change(&mut self.components[0]);
        self
    }

    /// Replaces what the read at `from` brought.
    fn holding(mut self, from: Spot, points: Vec<RecoveryPoint>) -> Self {
        let place = spot(from);
        for read in self.reads.iter_mut().filter(|read| read.place == place) {
            read.fact = Some(Fact::Points(points.clone()));
        }
        self
    }

    /// Denies the read at the nearest place that survives; of a composite, that of its database.
    fn denied(mut self) -> Self {
        let scope = self.scope;
        let lost = |place: &Place| match scope {
            FailureScope::Local => false,
            FailureScope::Region => place.region.as_str() == "us-east-2",
            FailureScope::Account => place.account.as_str() == "111122223333",
        };
        if let Some(read) = self.reads.iter_mut().find(|read| !lost(&read.place)) {
            read.fact = None;
        }
        self
    }

    /// Makes every point one that failed.
    fn spoiled(mut self) -> Self {
        for fact in self.reads.iter_mut().filter_map(|read| read.fact.as_mut()) {
            match fact {
                Fact::Points(points) => {
                    for point in points.iter_mut() {
                        point.status = PointStatus::Failed("error".into());
                    }
                }
                Fact::State(state) => {
                    state.versions.iter_mut().for_each(|version| version.form = StateForm::Empty);
                }
                _ => {}
            }
        }
        self
    }

    /// Forgets what was measured of the judged component; of a group, of its last member.
    fn unmeasured(mut self) -> Self {
        let index = if self.kind == Kind::Group { 2 } else { 0 };
        self.components[index].proofs.clear();
        self
    }

    /// Returns the case.
    fn case(self, what: &str, expect: Verdict, loss: Loss, time: RecoveryTime) -> Case {
        let mut readings = Readings::default();
        for read in self.reads {
            let reading = match read.fact {
                Some(fact) => Reading::succeeded(None, SOURCE, fact, now()),
                None => Reading::missed(None, SOURCE, denial(), now()),
            };
            readings.put(key(&read.of, read.kind, read.place), Arc::new(reading));
        }
        Case {
            name: format!("{} {}: {what}", self.kind, self.scope),
            kind: self.kind,
            scope: self.scope,
            expect,
            loss,
            time,
            estate: Estate {
                name: "matrix".into(),
                environments: Vec::new(),
                components: self.components,
                backends: Vec::new(),
                masks_names: false,
                policy: lifeboat::domain::estate::Policy::default(),
                cadences: Cadences::default(),
            },
            readings,
        }
    }
}

/// Returns the cases of one kind under one failure.
fn cases(kind: Kind, scope: FailureScope) -> Vec<Case> {
    let Figures { loss, rpo: [enough, tight, short], fallback, time, floor, rto: [timely, barely, late] } =
        figures(kind, scope);
    let (lost, takes) = (span(loss), measured(time));
    let fresh = || world(kind, scope);
    let mut cases = vec![
        fresh().promised(enough, timely).case("met", Verdict::Met, lost, takes),
        fresh().promised(enough, barely).case("barely in time", Verdict::AtRisk, lost, takes),
        fresh().promised(enough, late).case("a second too late", Verdict::Breached, lost, takes),
        fresh().promised(enough, timely).spoiled().case(
            "nothing can be restored",
            Verdict::Breached,
            Loss::Everything,
            RecoveryTime::Cannot,
        ),
        fresh().promised(enough, timely).denied().case(
            "the nearest read was denied (C1)",
            Verdict::Unknown,
            Loss::Unknown(fallback.map(secs)),
            RecoveryTime::Unknown,
        ),
        fresh().promised(enough, timely).unmeasured().case(
            "nobody has measured it",
            Verdict::Unproven,
            lost,
            RecoveryTime::AtLeast(secs(floor)),
        ),
        fresh().case("nothing was promised", Verdict::NoObjective, lost, takes),
    ];
    if loss > 0 {
        cases.push(fresh().promised(tight, timely).case("80 % of the loss", Verdict::AtRisk, lost, takes));
        cases.push(fresh().promised(short, timely).case("a second too much", Verdict::Breached, lost, takes));
    }
    cases
}

/// Returns cases that stand for rules of their own.
fn special_cases() -> Vec<Case> {
    use FailureScope::{Account, Local, Region};
    let mut cases = vec![
        // At home a point from 08:00 loses 14,400 s; the replica loses 600 s and is restored as a lost Region is.
        world(Kind::RdsCluster, Local)
            .holding(HOME, vec![until(PointKind::Snapshot, HOME, "10T08:00")])
            .promised(30_000, 3600)
            .case("home is good enough", Verdict::Met, span(14_400), measured(1800)),
        world(Kind::RdsCluster, Local)
            .holding(HOME, vec![until(PointKind::Snapshot, HOME, "10T08:00")])
            .promised(15_000, 10_800)
            .case("home is not good enough, the replica is", Verdict::Met, span(600), measured(5400)),
        world(Kind::RdsCluster, Local).promised(1000, 10_800).denied().case(
            "home is unread, the replica would be good enough (C1)",
            Verdict::Unknown,
            Loss::Unknown(Some(secs(600))),
            RecoveryTime::Unknown,
        ),
        world(Kind::RdsCluster, Local).promised(1000, 6750).denied().case(
            "home is unread and might be faster (C1)",
            Verdict::Unknown,
            Loss::Unknown(Some(secs(600))),
            RecoveryTime::Unknown,
        ),
        // Nobody has read any of them back.
        world(Kind::DatabaseDump, Local)
            .holding(HOME, vec![until(PointKind::Dump, HOME, "10T11:00")])
            .holding(DR, vec![until(PointKind::Dump, DR, "10T10:00")])
            .holding(VAULT, Vec::new())
            .promised(12_000, 3600)
            .case("no dump was read back", Verdict::Breached, Loss::Everything, RecoveryTime::Cannot),
        // 18,000 s old where one is expected every 14,000 s and a quarter of grace.
        world(Kind::BackupVault, Local)
            .changed(|subject| subject.cadence = Some(secs(14_000)))
            .promised(30_000, 3600)
            .case("no new point came", Verdict::AtRisk, span(18_000), measured(1800)),
        // Measured nine days and three hours ago.
        world(Kind::GitRepository, Local)
            .changed(|subject| subject.drill_every = Some(secs(7 * 86_400)))
            .promised(60, 3600)
            .case("the drill is overdue", Verdict::AtRisk, span(0), measured(1800)),
        // A record without a copy elsewhere goes with its account.
        world(Kind::DnsRecord, Account)
            .changed(|subject| subject.sources.truncate(1))
            .promised(60, 1200)
            .case("no copy elsewhere", Verdict::Breached, Loss::Everything, RecoveryTime::Cannot),
        world(Kind::DnsRecord, Account).changed(|subject| subject.sources.truncate(1)).case(
            "no copy elsewhere and nothing promised",
            Verdict::NoObjective,
            Loss::Everything,
            RecoveryTime::Cannot,
        ),
        // N4: the zone's control plane is in the Region that is lost.
        world(Kind::DnsRecord, Region)
            .changed(|subject| subject.home = Place::new("111122223333", "us-east-1"))
            .holding(
                GLOBAL,
                vec![RecoveryPoint {
                    control_plane: Some("us-east-1".into()),
                    ..everything(PointKind::RecordedValue, GLOBAL)
                }],
            )
            .promised(60, 600)
            .case("N4: its control plane is lost", Verdict::Breached, Loss::Everything, RecoveryTime::Cannot),
        world(Kind::Service, Local)
            .changed(|subject| subject.depends_on.push("nowhere".into()))
            .promised(18_000, 8000)
            .case(
                "a part is not in the estate",
                Verdict::Unknown,
                Loss::Unknown(Some(secs(10_800))),
                RecoveryTime::Unknown,
            ),
        world(Kind::Service, Local)
            .changed(|subject| {
                subject.depends_on.clear();
                subject.objectives = Objectives::same(None, Some(secs(8000)));
            })
            .case("nothing to lose", Verdict::Met, Loss::NotApplicable, measured(4000)),
    ];
    cases.extend(stopped_window());
    cases.extend(keys());
    cases.extend(ages());
    cases
}

/// R1: a window that ended at 11:25 and has not moved since 11:30, and one that has moved 15 minutes ago.
fn stopped_window() -> Vec<Case> {
    let case = |what, first_seen, expect| {
        let fresh = world(Kind::RdsInstance, FailureScope::Local).promised(7200, 3600);
        let mut case = fresh.case(what, expect, span(2100), measured(1800));
        let fact = Fact::Points(vec![window(HOME, "03T12:00", "10T11:25")]);
        let earlier = Reading::succeeded(None, SOURCE, fact.clone(), at(first_seen));
        let reading = Reading::succeeded(Some(&earlier), SOURCE, fact, now());
        case.readings.put(key(&SUBJECT.into(), Kind::RdsInstance, spot(HOME)), Arc::new(reading));
        case
    };
    vec![
        case("R1: the window has stopped", "10T11:30", Verdict::AtRisk),
        case("R1: the window may still move", "10T11:45", Verdict::Met),
    ]
}

/// The copy in the other account, encrypted with keys of either.
fn keys() -> Vec<Case> {
    let ours = KeyId::new("arn:aws:kms:us-west-2:111122223333:key/0a0a0a0a");
    let theirs = KeyId::new("arn:aws:kms:us-west-2:444455556666:key/0b0b0b0b");
    let encrypted = |key: &KeyId| {
        let copy = until(PointKind::SnapshotCopy, VAULT, "10T00:00");
        world(Kind::RdsInstance, FailureScope::Account)
            .holding(VAULT, vec![RecoveryPoint { key: Some(key.clone()), ..copy }])
            .promised(60_000, 21_600)
    };
    let with = |mut case: Case, key: &KeyId, state| {
        let region = "us-west-2".into();
        let subject = Subject::Key(KeyPlace { key: key.clone(), region });
        let reading = Reading::succeeded(None, SOURCE, Fact::Key(state), now());
        case.readings.put(ReadingKey { subject, capability: Capability::Keys }, Arc::new(reading));
        case
    };
    let (gone, never) = (Loss::Everything, RecoveryTime::Cannot);
    let unread = Loss::Unknown(Some(secs(43_200)));
    vec![
        with(
            encrypted(&ours).case("its key is lost too", Verdict::Breached, gone, never),
            &ours,
            KeyState::Enabled,
        ),
        with(
            encrypted(&theirs).case("its key is enabled", Verdict::Met, span(43_200), measured(10_800)),
            &theirs,
            KeyState::Enabled,
        ),
        with(
            encrypted(&theirs).case("its key is disabled", Verdict::Breached, gone, never),
            &theirs,
            KeyState::Disabled,
        ),
        encrypted(&theirs).case("its key is unread (C1)", Verdict::Unknown, unread, RecoveryTime::Unknown),
    ]
}

/// A reading is relied on for three times its five minutes, and not a second longer.
fn ages() -> Vec<Case> {
    let case = |what, read_at: Timestamp, expect, loss, time| {
        let fresh = world(Kind::GitRepository, FailureScope::Region).promised(60, 10_800);
        let mut case = fresh.case(what, expect, loss, time);
        let fact = Fact::Points(points(Kind::GitRepository));
        let reading = Arc::new(Reading::succeeded(None, SOURCE, fact, read_at));
        let key = key(&SUBJECT.into(), Kind::GitRepository, spot(OUTSIDE));
        case.readings = Readings::default();
        case.readings.put(key, reading);
        case
    };
    let limit = at("10T11:45");
    let nothing = Loss::Unknown(Some(Duration::ZERO));
    vec![
        case("read 900 s ago", limit, Verdict::Met, span(0), measured(5400)),
        case("read 901 s ago (C1)", limit - secs(1), Verdict::Unknown, nothing, RecoveryTime::Unknown),
    ]
}

#[test]
fn every_cell_that_can_exist_is_reached() {
    let mut all = Vec::new();
    for &kind in Kind::ALL {
        for scope in FailureScope::ALL {
            all.extend(cases(kind, scope));
        }
    }
    all.extend(special_cases());

    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    let mut reached: BTreeMap<(Kind, FailureScope, Verdict), usize> = BTreeMap::new();
    for case in &all {
        if !names.insert(&case.name) {
            wrong.push(format!("{}: two cases have this name", case.name));
        }
        let assessments = assess(&case.estate, &case.readings, Moment::at(now()));
        let Some(got) = assessments.of(&SUBJECT.into(), case.scope) else {
            wrong.push(format!("{}: it was not judged", case.name));
            continue;
        };
        let expected = (case.expect, case.loss, case.time);
        if (got.verdict, got.rpo.possible, got.rto.possible) == expected {
            *reached.entry((case.kind, case.scope, case.expect)).or_default() += 1;
        } else {
            wrong.push(format!(
                "{}\n    expected {}, {:?}, {:?}\n    got      {}, {:?}, {:?}\n    rpo {}: {}\n    rto {}: {}",
                case.name,
                case.expect,
                case.loss,
                case.time,
                got.verdict,
                got.rpo.possible,
                got.rto.possible,
                got.rpo.verdict,
                got.rpo.reason,
                got.rto.verdict,
                got.rto.reason,
            ));
        }
    }
    for &kind in Kind::ALL {
        for scope in FailureScope::ALL {
            for verdict in VERDICTS {
                match (reached.contains_key(&(kind, scope, verdict)), impossible(kind, scope, verdict)) {
                    (true, Some(why)) => {
                        wrong.push(format!("{kind} {scope} {verdict}: reached, not impossible: {why}"));
                    }
                    (false, None) => wrong.push(format!("{kind} {scope} {verdict}: no case reaches it")),
                    (true, None) | (false, Some(_)) => {}
                }
            }
        }
    }
    print(&reached, all.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn impossible(kind: Kind, scope: FailureScope, verdict: Verdict) -> Option<&'static str> {
    let found = IMPOSSIBLE.iter().find(|cell| (cell.0, cell.1, cell.2) == (kind, scope, verdict));
    found.map(|(.., why)| *why)
}

/// Prints one line for each kind, with how many cases reach each cell.
fn print(reached: &BTreeMap<(Kind, FailureScope, Verdict), usize>, count: usize) {
    let mut scopes = format!("{:<22}", "");
    let mut verdicts = format!("{:<22}", "kind");
    for scope in FailureScope::ALL {
        scopes.push_str(&format!("| {:<37}", scope.name()));
        verdicts.push_str("| met   risk  brch  unkn  unpr  none  ");
    }
    println!("{scopes}\n{verdicts}");
    for &kind in Kind::ALL {
        let mut line = format!("{kind:<22}");
        for scope in FailureScope::ALL {
            line.push_str("| ");
            for verdict in VERDICTS {
                let cell = match reached.get(&(kind, scope, verdict)) {
                    Some(cases) => format!("✓{cases}"),
                    None if impossible(kind, scope, verdict).is_some() => "-".to_owned(),
                    None => "?".to_owned(),
                };
                line.push_str(&format!("{cell:<6}"));
            }
            line.push(' ');
        }
        println!("{line}");
    }
    println!("{count} cases reach {} of {} cells", reached.len(), Kind::ALL.len() * 3 * VERDICTS.len());
}

fn now() -> Timestamp {
    at("10T12:00")
}

/// Returns a minute of March 2026: `10T11:55`.
fn at(minute: &str) -> Timestamp {
    format!("2026-03-{minute}:00Z").parse().expect("a minute of the month")
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn span(lost: u64) -> Loss {
    Loss::Span(secs(lost))
}

fn measured(takes: u64) -> RecoveryTime {
    RecoveryTime::Measured(secs(takes))
}

fn spot((account, region): Spot) -> Place {
    Place::new(account, region)
}

fn key(of: &ComponentId, kind: Kind, place: Place) -> ReadingKey {
    let capability = if kind == Kind::TerraformState { Capability::States } else { Capability::Points };
    ReadingKey { subject: Subject::Component(of.clone(), place), capability }
}

fn denial() -> ReadTrouble {
    ReadTrouble::Denied { permission: SOURCE.into(), identity: "observer".into() }
}

fn proofs(took: [u64; 3]) -> Vec<Proof> {
    let proof = |(scope, took)| Proof { scope, at: at("01T09:00"), took: secs(took), how: "drill".into() };
    FailureScope::ALL.into_iter().zip(took).map(proof).collect()
}

fn until(kind: PointKind, place: Spot, moment: &str) -> RecoveryPoint {
    RecoveryPoint::new(&format!("{place:?} {moment}"), kind, spot(place), Holds::Until(at(moment)))
}

fn window(place: Spot, earliest: &str, latest: &str) -> RecoveryPoint {
    let holds = Holds::Window { earliest: at(earliest), latest: at(latest) };
    RecoveryPoint::new("window", PointKind::PointInTime, spot(place), holds)
}

fn behind(kind: PointKind, place: Spot, lag: u64) -> RecoveryPoint {
    RecoveryPoint::new("replica", kind, spot(place), Holds::Behind { lag: secs(lag) })
}

fn everything(kind: PointKind, place: Spot) -> RecoveryPoint {
    RecoveryPoint::new("everything", kind, spot(place), Holds::Everything)
}

fn verified(point: RecoveryPoint, whole: bool) -> RecoveryPoint {
    RecoveryPoint { verified: Some(Verification { at: at("10T11:40"), whole }), ..point }
}
