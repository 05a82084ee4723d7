//! Which runbooks fit a component as it is, the best first, and why.

use super::definition::{ParameterKind, Runbook, RunbookKind};
use crate::domain::Text;
use crate::domain::condition::Health;
use crate::domain::kind::Kind;
use crate::domain::scope::FailureScope;

/// How a component stands, as far as a runbook has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// What it is.
    pub kind: Kind,
    /// How it is; `None` while that is not known.
    pub health: Option<Health>,
    /// The failure that is looked at.
    pub failure: FailureScope,
    /// What would be lost with the newest usable point that a restore takes by its name, in words; `None` without one.
    pub point: Option<Text>,
    /// The same of the usable window that a restore takes a moment of.
    pub window: Option<Text>,
    /// What has happened to it although it answers, such as objects that were deleted.
    pub incident: Option<Text>,
}

/// The actions that need the component itself.
const ON_ITSELF: [&str; 12] = [
    "rds-rename",
    "rds-failover",
    "rds-global-switchover",
    "rds-protect",
    "rds-replica-create",
    "rds-snapshot",
    "rds-cluster-snapshot",
    "ebs-snapshot",
    "ec2-image",
    "ec2-detach-volume",
    "dynamodb-backup",
    "backup-start",
];

/// The actions that take a moment of a window.
const OF_A_WINDOW: [&str; 3] =
    ["rds-restore-to-time", "rds-cluster-restore-to-time", "dynamodb-restore-to-time"];

/// Says whether a runbook restores from a point that is chosen by its name.
pub fn wants_point(runbook: &Runbook) -> bool {
    runbook.parameters.iter().any(|parameter| matches!(parameter.kind, ParameterKind::Point { .. }))
}

/// Says whether a runbook restores to a moment of a window.
pub fn wants_window(runbook: &Runbook) -> bool {
    runbook.steps.iter().any(|step| OF_A_WINDOW.contains(&step.uses.as_str()))
}

/// Says whether a runbook begins with something that only the component itself can do.
fn needs_itself(runbook: &Runbook) -> bool {
    let on_itself = |uses: &str| ON_ITSELF.contains(&uses);
    runbook
        .steps
        .iter()
        .any(|step| on_itself(&step.uses) && step.otherwise.is_none() && step.with.contains_key("component"))
}

/// How well a runbook fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    /// It is what is needed now.
    Now,
    /// It helps.
    Helps,
    /// It can be practised.
    Practice,
    /// Something that it needs is not there, or it is for something else.
    Not,
}

impl Fit {
    /// Says it to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Now => "fits now",
            Self::Helps => "helps",
            Self::Practice => "to practise",
            Self::Not => "does not fit",
        }
    }
}

/// Returns the parameter by which a runbook is told which component of a kind it is for.
pub fn parameter_for(runbook: &Runbook, kind: Kind) -> Option<&str> {
    let takes = |kinds: &[Kind]| kinds.contains(&kind) || kinds.is_empty();
    runbook.parameters.iter().find_map(|parameter| match &parameter.kind {
        ParameterKind::Component(kinds) if takes(kinds) => Some(parameter.name.as_str()),
        _ => None,
    })
}

/// Says how well a runbook fits, and why; `None` where it is for components of another kind.
pub fn fitting(runbook: &Runbook, situation: &Situation) -> Option<(Fit, String)> {
    let parameter = parameter_for(runbook, situation.kind)?;
    let wants_point = runbook.parameters.iter().any(|other| {
        matches!(&other.kind, ParameterKind::Point { of } if of == parameter) && other.default.is_none()
    });
    let unwell = match situation.health {
        Some(Health::Gone) => Some("it is gone".to_owned()),
        Some(Health::Down) => Some("it is there and does not answer".to_owned()),
        Some(Health::Impaired) => Some("it is not well".to_owned()),
        Some(Health::Healthy) | None => situation.incident.as_ref().map(Text::to_string),
    };
    let is_gone = situation.health == Some(Health::Gone);
    let for_failure = runbook.failures.is_empty() || runbook.failures.contains(&situation.failure);
    let trouble = match situation.failure {
        FailureScope::Local => unwell,
        other => Some(format!("for when {}", other.clause())),
    };
    Some(match runbook.kind {
        _ if !for_failure => (Fit::Not, format!("not for when {}", situation.failure.clause())),
        RunbookKind::Recover if wants_point && situation.point.is_none() => {
            (Fit::Not, "no usable point to take by its name".to_owned())
        }
        RunbookKind::Recover if wants_window(runbook) && situation.window.is_none() => {
            (Fit::Not, "no usable window to take a moment of".to_owned())
        }
        RunbookKind::Recover if is_gone && needs_itself(runbook) => {
            (Fit::Not, "it is gone, and this one needs it".to_owned())
        }
        RunbookKind::Recover => {
            let brings = if wants_window(runbook) {
                situation.window.as_ref()
            } else {
                situation.point.as_ref().filter(|_| wants_point)
            };
            let brings = brings.map_or(String::new(), Text::to_string);
            match trouble {
                Some(why) if brings.is_empty() => (Fit::Now, why),
                Some(why) => (Fit::Now, format!("{why}; {brings}")),
                None if situation.health.is_none() => {
                    (Fit::Helps, join("how it is could not be read", &brings))
                }
                None => (Fit::Practice, join("nothing is wrong with it", &brings)),
            }
        }
        RunbookKind::Contain if situation.failure == FailureScope::Account => {
            (Fit::Now, "before anything is recovered".to_owned())
        }
        RunbookKind::Contain => (Fit::Helps, "keeps damage from spreading".to_owned()),
        RunbookKind::Backup if situation.health == Some(Health::Gone) => {
            (Fit::Not, "there is nothing left of it to keep".to_owned())
        }
        RunbookKind::Backup => (Fit::Helps, "keeps what is there now".to_owned()),
        RunbookKind::Verify => (Fit::Helps, "looks, and changes nothing".to_owned()),
        RunbookKind::Drill => (Fit::Practice, "practises".to_owned()),
    })
}

fn join(one: &str, other: &str) -> String {
    if other.is_empty() { one.to_owned() } else { format!("{one}; {other}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::definition::{Given, OnHangup, Parameter, Piece, Retry, Step, Template};
    use std::collections::BTreeMap;

    fn runbook(kind: RunbookKind, failures: &[FailureScope], with_point: bool) -> Runbook {
        let parameter = |name: &str, kind| Parameter {
            name: name.to_owned(),
            kind,
            says: Text::default(),
            default: None,
            secret: false,
        };
        let mut parameters = vec![parameter("database", ParameterKind::Component(vec![Kind::RdsInstance]))];
        if with_point {
            parameters.push(parameter("snapshot", ParameterKind::Point { of: "database".to_owned() }));
        }
        Runbook {
            id: "x".to_owned(),
            origin: String::new(),
            digest: String::new(),
            title: Text::default(),
            scenario: Text::default(),
            symptoms: Vec::new(),
            reviewed: None,
            covers: None,
            kind,
            failures: failures.to_vec(),
            objectives: BTreeMap::new(),
            parameters,
            steps: Vec::new(),
        }
    }

    fn step(uses: &str) -> Step {
        let component = Given::One(Template(vec![Piece::Param("database".to_owned())]));
        Step {
            id: "it".to_owned(),
            title: Text::default(),
            prose: Text::default(),
            uses: uses.to_owned(),
            runbook: None,
            with: [("component".to_owned(), component)].into(),
            needs: Vec::new(),
            when: None,
            otherwise: None,
            verify: Vec::new(),
            retry: Retry::default(),
            timeout: None,
            gate: false,
            on_hangup: OnHangup::default(),
        }
    }

    fn situation(health: Health, failure: FailureScope, point: Option<&str>) -> Situation {
        let point = point.map(Text::new);
        Situation {
            kind: Kind::RdsInstance,
            health: Some(health),
            failure,
            point,
            window: None,
            incident: None,
        }
    }

    #[test]
    fn what_is_needed_stands_first_and_what_cannot_be_done_last() {
        use FailureScope::{Account, Local, Region};
        use RunbookKind::{Backup, Contain, Recover};
        let table = [
            (Recover, &[Local][..], true, situation(Health::Gone, Local, Some("2 h lost")), Fit::Now),
            (Recover, &[Local], true, situation(Health::Gone, Local, None), Fit::Not),
            (Recover, &[Local], true, situation(Health::Healthy, Local, Some("2 h lost")), Fit::Practice),
            (Recover, &[Local], true, situation(Health::Gone, Region, Some("2 h lost")), Fit::Not),
            (Recover, &[Region], false, situation(Health::Healthy, Region, None), Fit::Now),
            (Backup, &[], false, situation(Health::Gone, Local, None), Fit::Not),
            (Backup, &[], false, situation(Health::Healthy, Local, None), Fit::Helps),
            (Contain, &[], false, situation(Health::Healthy, Account, None), Fit::Now),
        ];
        for (kind, failures, with_point, situation, fit) in table {
            let found = fitting(&runbook(kind, failures, with_point), &situation).unwrap();
            assert_eq!(found.0, fit, "{kind:?} {situation:?}: {}", found.1);
        }
        let mut renames = runbook(Recover, &[Local], false);
        renames.steps.push(step("rds-rename"));
        let mut to_a_moment = runbook(Recover, &[Local], false);
        to_a_moment.steps.push(step("rds-restore-to-time"));
        let gone = situation(Health::Gone, Local, None);
        let window = Situation { window: Some("4 min lost".into()), ..gone.clone() };
        let well = Situation {
            incident: Some("4 objects were deleted".into()),
            ..situation(Health::Healthy, Local, None)
        };
        for (runbook, situation, fit, why) in [
            (&renames, &gone, Fit::Not, "it is gone, and this one needs it"),
            (&to_a_moment, &gone, Fit::Not, "no usable window to take a moment of"),
            (&to_a_moment, &window, Fit::Now, "it is gone; 4 min lost"),
            (&renames, &well, Fit::Now, "4 objects were deleted"),
        ] {
            assert_eq!(fitting(runbook, situation), Some((fit, why.to_owned())));
        }
        let other = Situation { kind: Kind::S3Bucket, ..situation(Health::Gone, Local, None) };
        assert_eq!(fitting(&runbook(Recover, &[], false), &other), None);
    }
}
