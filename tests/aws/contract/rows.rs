//! What there is to ask of a provider, and what can go wrong: the rows and columns of the contract, and its table.

use lifeboat::domain::kind::Kind;
use std::collections::BTreeMap;

/// One operation of the ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Points(Kind),
    Condition(Kind),
    Locks,
    States,
    BackendLocks,
    BackendStates,
    Key,
    Identity,
    Proofs,
}

impl Row {
    /// Returns all of them.
    pub(super) fn all() -> Vec<Self> {
        let points = [
            Kind::RdsInstance,
            Kind::RdsCluster,
            Kind::Ec2Instance,
            Kind::EbsVolume,
            Kind::S3Bucket,
            Kind::DynamodbTable,
            Kind::BackupVault,
            Kind::DnsRecord,
        ];
        let conditions = points.into_iter().chain([Kind::EksCluster, Kind::Service]);
        let rest = [
            Self::Locks,
            Self::States,
            Self::BackendLocks,
            Self::BackendStates,
            Self::Key,
            Self::Identity,
            Self::Proofs,
        ];
        let of_kinds = points.map(Self::Points).into_iter().chain(conditions.map(Self::Condition));
        let all = of_kinds.chain(rest);
        let is_built = |row: &Self| cfg!(feature = "aws-compute") || !row.needs_compute();
        all.filter(is_built).collect()
    }

    fn needs_compute(self) -> bool {
        matches!(self.kind(), Kind::Ec2Instance | Kind::EbsVolume)
    }

    /// Returns the kind of the component that is asked about.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Points(kind) | Self::Condition(kind) => kind,
            Self::Locks | Self::States | Self::BackendLocks | Self::BackendStates => Kind::TerraformState,
            Self::Key | Self::Identity | Self::Proofs => Kind::RdsInstance,
        }
    }

    /// Returns its name.
    pub(super) fn name(self) -> String {
        match self {
            Self::Points(kind) => format!("points of {kind}"),
            Self::Condition(kind) => format!("condition of {kind}"),
            Self::Locks => "locks".to_owned(),
            Self::States => "state".to_owned(),
            Self::BackendLocks => "locks of a backend".to_owned(),
            Self::BackendStates => "states of a backend".to_owned(),
            Self::Key => "key".to_owned(),
            Self::Identity => "identity".to_owned(),
            Self::Proofs => "proofs".to_owned(),
        }
    }
}

/// What may happen to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// None: there is something, and it is read.
    Value,
    /// There is nothing.
    Empty,
    /// The answer comes in two pages.
    Pages,
    /// A permission is missing.
    Denied,
    /// The service asks to be called less often.
    Throttled,
    /// The place takes questions and never answers.
    Hung,
    /// Nobody is there.
    Dead,
}

impl Trouble {
    pub(super) const ALL: [Self; 7] =
        [Self::Value, Self::Empty, Self::Pages, Self::Denied, Self::Throttled, Self::Hung, Self::Dead];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Empty => "empty",
            Self::Pages => "pages",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Hung => "hung",
            Self::Dead => "dead",
        }
    }
}

/// What came of a cell.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// It keeps the contract.
    Ok,
    /// It does, as far as an answer shows that the test server made up.
    Stub,
    /// It makes no sense there, for this reason.
    NotApplicable(&'static str),
    /// It does not keep the contract.
    Wrong(String),
}

/// The marks of one provider.
pub(super) type Marks = BTreeMap<(Row, Trouble), Mark>;

/// Prints the table of a provider, with the reasons of what it leaves out below.
pub(super) fn print(provider: &str, marks: &Marks) {
    let heading: String = Trouble::ALL.iter().map(|trouble| format!("{:<10}", trouble.name())).collect();
    println!("\n{provider:<28}{heading}");
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in Row::all() {
        let mut line = format!("{:<28}", row.name());
        for trouble in Trouble::ALL {
            let word = match marks.get(&(row, trouble)) {
                None => "?",
                Some(Mark::Ok) => "ok",
                Some(Mark::Stub) => "stub",
                Some(Mark::Wrong(_)) => "WRONG",
                Some(Mark::NotApplicable(why)) => {
                    reasons.entry(why).or_default().push(format!("{} {}", row.name(), trouble.name()));
                    "n/a"
                }
            };
            *counts.entry(word).or_default() += 1;
            line.push_str(&format!("{word:<10}"));
        }
        println!("{}", line.trim_end());
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    println!("{}", counts.join(", "));
    for (why, cells) in reasons {
        println!("n/a: {why} ({})", cells.join(", "));
    }
}
