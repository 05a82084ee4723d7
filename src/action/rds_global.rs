//! `rds-global-switchover` and `rds-global-failover`: another Region writes. The one loses nothing and needs a primary that
//! is well; the other is for disasters, and loses what was not replicated (A3). Neither ever becomes the other.

use super::facts::text;
use super::given::is_later;
use super::rds_facts::{cluster, describe_cluster, identifier, name_in, partition, region_of, still};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::domain::duration::elapsed;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Changes the Region that writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct GlobalChange {
    about: &'static About,
    loses: bool,
}

impl GlobalChange {
    /// With nothing lost.
    pub(super) const SWITCHOVER: Self = Self { about: &SWITCHOVER, loses: false };
    /// In a disaster.
    pub(super) const FAILOVER: Self = Self { about: &FAILOVER, loses: true };
}

const NO_UNDO: &str = "what was not replicated is lost; when the old Region is well again, going back is a switchover, and is planned by itself";

const COMPONENT: Argument = Argument {
    name: "component",
    kind: ArgumentKind::Component,
    required: true,
    says: "The cluster, a member of the global cluster.",
};
const GLOBAL: Argument = Argument {
    name: "global",
    kind: ArgumentKind::Text,
    required: false,
    says: "The name of the global cluster, where the component is no member of it any more.",
};
const TARGET: Argument = Argument {
    name: "target",
    kind: ArgumentKind::Text,
    required: false,
    says: "The cluster that writes then: its Region or its ARN; needed where there are several.",
};
const OUTPUTS: &[(&str, &str)] = &[
    ("writer", "The ARN of the cluster that writes now."),
    ("cluster", "Its name."),
    ("region", "Its Region."),
];

const SWITCHOVER: About = About {
    name: "rds-global-switchover",
    title: "let another Region write, with nothing lost",
    says: "Switches a global Aurora cluster over to another Region. It waits until everything is replicated, so nothing is \
           lost; it needs a primary cluster that is well. For a Region that is lost there is `rds-global-failover`.",
    arguments: &[COMPONENT, TARGET, GLOBAL],
    outputs: OUTPUTS,
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &["rds:DescribeDBClusters", "rds:DescribeGlobalClusters", "rds:SwitchoverGlobalCluster"],
    no_undo: None,
    usually: Some((Duration::from_secs(60), Duration::from_secs(900))),
};

const FAILOVER: About = About {
    name: "rds-global-failover",
    title: "let another Region write, whatever is lost",
    says: "Fails a global Aurora cluster over to another Region, when that which writes is lost. What it had not replicated \
           is lost: usually a second's worth, more where the lag was more. It is always asked for with AllowDataLoss, without \
           which AWS makes a switchover of it, which a lost Region never ends.",
    arguments: &[
        COMPONENT,
        TARGET,
        Argument {
            name: "allow_data_loss",
            kind: ArgumentKind::Switch,
            required: true,
            says: "Whether data may be lost; must be true.",
        },
        GLOBAL,
    ],
    outputs: OUTPUTS,
    class: ActionClass::DataLoss,
    dedupe: Dedupe::PointOfNoReturn,
    operations: &["rds:DescribeDBClusters", "rds:DescribeGlobalClusters", "rds:FailoverGlobalCluster"],
    no_undo: Some(NO_UNDO),
    usually: Some((Duration::from_secs(60), Duration::from_secs(900))),
};

/// After so long a global cluster that is as it was has not taken the call.
const TAKEN_WITHIN: Duration = Duration::from_secs(600);

/// Returns the members of a global cluster: their ARNs, and whether they write.
fn members(global: &Value) -> Vec<(&str, bool)> {
    let all = global.get("GlobalClusterMembers").and_then(Value::as_array);
    let all = all.map_or([].as_slice(), Vec::as_slice).iter();
    all.map(|one| (text(one, "DBClusterArn"), one.get("IsWriter") == Some(&Value::Bool(true)))).collect()
}

fn writer(global: &Value) -> &str {
    members(global).into_iter().find(|(_, writes)| *writes).map_or("", |(arn, _)| arn)
}

/// Returns a global cluster by its name or by a member, and where it was read: any Region that answers will do.
///
/// # Errors
/// When there is none, or no Region answers.
pub(super) async fn find(
    ask: &PlanAsk<'_>,
    name: Option<&str>,
    member: &str,
    places: &[Place],
) -> Result<Value, Refusal> {
    let mut trouble = None;
    for place in places {
        let list = Call::new("rds:DescribeGlobalClusters", &ask.environment.name, place)
            .maybe("GlobalClusterIdentifier", name);
        match ask.look.look(&list).await {
            Ok(reply) => {
                let all = reply.body.get("GlobalClusters").and_then(Value::as_array).cloned();
                let mut all = all.unwrap_or_default().into_iter();
                let found =
                    all.find(|one| name.is_some() || members(one).iter().any(|(arn, _)| *arn == member));
                return found.ok_or_else(|| {
                    Refusal::new(format!("{} is no member of a global cluster", name_in(member))).hint(
                        "name the global cluster with `global`, or `rds-global-join` makes a member of it",
                    )
                });
            }
            Err(found) => trouble = Some(found),
        }
    }
    Err(Refusal::new(trouble.map_or_else(
        || "there is no Region to look in".to_owned(),
        |trouble| format!("global clusters cannot be read: {trouble}"),
    )))
}

/// Returns the places in which a global cluster can be read: home, and the DR Region.
pub(super) fn places(ask: &PlanAsk<'_>) -> Vec<Place> {
    let home = ask.environment.home();
    let away =
        ask.environment.dr_region.clone().map(|region| Place { region, account: home.account.clone() });
    std::iter::once(home).chain(away).collect()
}

/// Returns the ARN of a cluster of the estate.
pub(super) fn arn_of(home: &Place, name: &str) -> String {
    format!("arn:{}:rds:{}:{}:cluster:{name}", partition(home.region.as_str()), home.region, home.account)
}

impl GlobalChange {
    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = identifier(&ask, "component")?;
        if self.loses && ask.given.switch("allow_data_loss")? != Some(true) {
            return Err(Refusal::new("a global failover loses what was not replicated, and `allow_data_loss` does not say that it may")
                .hint("say `allow_data_loss: true`; where the Region that writes is well, `rds-global-switchover` loses nothing"));
        }
        let mut places = places(&ask);
        if self.loses {
            places.reverse();
        }
        let home = ask.environment.home();
        let global = find(&ask, ask.given.maybe_text("global")?, &arn_of(&home, &name), &places).await?;
        let (id, from) = (text(&global, "GlobalClusterIdentifier"), writer(&global));
        let others: Vec<&str> =
            members(&global).into_iter().filter(|(_, writes)| !writes).map(|(arn, _)| arn).collect();
        let to = match (ask.given.maybe_text("target")?, others.as_slice()) {
            (Some(said), _) if is_later(said) && !self.loses => said,
            (Some(said), others) => {
                let fits = |arn: &&&str| **arn == said || region_of(arn) == Some(said);
                *others.iter().find(fits).ok_or_else(|| {
                    Refusal::new(format!("{said} is no other member of {id}"))
                        .hint(format!("there are: {}", others.join(", ")))
                })?
            }
            (None, [only]) => *only,
            (None, []) => {
                return Err(Refusal::new(format!("{id} has no other member that could write"))
                    .hint("`rds-global-join` makes one"));
            }
            (None, several) => {
                return Err(Refusal::new(format!("{id} has several members that could write"))
                    .hint(format!("say which with `target`: {}", several.join(", "))));
            }
        };
        let status = text(&global, "Status");
        if status != "available" {
            return Err(Refusal::new(format!("the global cluster {id} is {status}"))
                .hint("wait until it is available"));
        }
        let at = |arn: &str| Place {
            region: region_of(arn).unwrap_or_default().into(),
            account: home.account.clone(),
        };
        if !self.loses {
            let like = Call::new("", &ask.environment.name, &at(from));
            let primary = cluster(ask.look, &like, name_in(from)).await;
            let is_well =
                primary.ok().flatten().is_some_and(|primary| text(&primary, "Status") == "available");
            if !is_well {
                return Err(Refusal::new(format!("{from} is not available, and a switchover waits for it for ever"))
                    .hint("if its Region is lost, `rds-global-failover` lets another write, and loses what was not replicated"));
            }
        }
        // A lost Region is not asked for anything; a switchover is asked of the one that writes.
        let place = at(if self.loses { to } else { from });
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &place);
        let describe = base("rds:DescribeGlobalClusters").with("GlobalClusterIdentifier", id);
        let mut design = Design::new(Some(component));
        let says = "the global cluster is available";
        design.preconditions.push(still(says, &describe, "/GlobalClusters/0/Status", "available".into()));
        if !is_later(to) {
            let there = Call::new("", &ask.environment.name, &at(to));
            let describe = describe_cluster(&there, name_in(to));
            let says = format!("{} is available", name_in(to));
            design.preconditions.push(still(says, &describe, "/DBClusters/0/Status", "available".into()));
        }
        let (operation, class, dedupe) = if self.loses {
            ("rds:FailoverGlobalCluster", ActionClass::DataLoss, Dedupe::PointOfNoReturn)
        } else {
            ("rds:SwitchoverGlobalCluster", ActionClass::Mutating, Dedupe::SetState)
        };
        let call = base(operation).with("GlobalClusterIdentifier", id).with("TargetDbClusterIdentifier", to);
        design.calls.push(PlannedCall {
            call: call.maybe("AllowDataLoss", self.loses.then_some(true)),
            says: format!("let {to} write in place of {from}").into(),
            class,
            dedupe,
        });
        if self.loses {
            design.undo = Undo::Impossible(NO_UNDO.into());
            design.notes = vec![
                "data loss is allowed (IsDataLossAllowed): what the Region that wrote had not replicated is gone for whoever reads from now on".into(),
                "whatever still reaches the old Region may go on to write there: keep it away from it (two writers)".into(),
                "AWS takes the old Region in again as a secondary when it is well; where it does not, `rds-global-join` makes a new one".into(),
            ];
        } else {
            design.undo = Undo::Calls {
                says: vec![format!("switch over once more, to {from}").into()],
                class: ActionClass::Mutating,
            };
            design.notes = vec![
                "no data is lost (IsDataLossAllowed: no); writes stand still for a minute or so, and connections break".into(),
            ];
        }
        design.notes.push("the address of the writer is another one: applications and names have to be told, unless they use the global endpoint".into());
        if place != home {
            design.control_plane = Some(place.region.clone());
        }
        Ok(design)
    }
}

/// Returns a global cluster as the Region that a call is made in sees it.
async fn global(look: &dyn Look, call: &Call) -> Result<Value, CallTrouble> {
    let describe = Call::new("rds:DescribeGlobalClusters", &call.environment, &call.place)
        .maybe("GlobalClusterIdentifier", call.text("GlobalClusterIdentifier"));
    let reply = look.look(&describe).await?;
    Ok(reply.body.pointer("/GlobalClusters/0").cloned().unwrap_or_default())
}

/// Says how far a change of the writer is, with whether data may be lost by it.
fn state_words(global: &Value) -> Option<String> {
    let state = global.get("FailoverState").filter(|state| state.is_object())?;
    let loses = state.get("IsDataLossAllowed") == Some(&Value::Bool(true));
    Some(format!(
        "{}, from {} to {}, data loss {}",
        text(state, "Status"),
        name_in(text(state, "FromDbClusterArn")),
        name_in(text(state, "ToDbClusterArn")),
        if loses { "allowed" } else { "not allowed" }
    ))
}

impl Action for GlobalChange {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(self.design(ask))
    }

    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let Some(call) = calls.first() else { return Ok(Value::Null) };
            let found = global(look, call).await?;
            Ok(json!({ "writer": writer(&found) }))
        })
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else {
                return Ok(Found::Unclear { evidence: "the step has no such call".into() });
            };
            let target = call.text("TargetDbClusterIdentifier").unwrap_or_default();
            let found = global(look, call).await?;
            let (now, old) = (writer(&found).to_owned(), text(doing.before, "writer"));
            if now == target {
                let evidence = format!("{target} writes").into();
                return Ok(Found::Happened { reply: json!({ "GlobalCluster": found }), evidence });
            }
            let to = found.pointer("/FailoverState/ToDbClusterArn").and_then(Value::as_str);
            if let (Some(to), Some(words)) = (to, state_words(&found)) {
                let loses = found.pointer("/FailoverState/IsDataLossAllowed") == Some(&Value::Bool(true));
                // What is under way must be what was asked for: a switchover is no failover.
                return Ok(if to == target && loses == self.loses {
                    Found::Happened { reply: json!({ "GlobalCluster": found }), evidence: words.into() }
                } else {
                    Found::Unclear { evidence: format!("something else is under way: {words}").into() }
                });
            }
            let status = text(&found, "Status");
            let is_as_it_was = doing.direction == Direction::Undo || now == old;
            let evidence = format!("the global cluster is {status}, and {now} writes").into();
            Ok(if is_as_it_was { Found::Nothing { evidence } } else { Found::Unclear { evidence } })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
            let target = call.text("TargetDbClusterIdentifier").unwrap_or_default();
            let found = global(look, call).await?;
            let going = |says: String| Ok(Progress::Going { percent: None, says: says.into() });
            if let Some(words) = state_words(&found) {
                return going(words);
            }
            let (now, status) = (writer(&found), text(&found, "Status"));
            if status != "available" {
                return going(format!("the global cluster is {status}"));
            }
            if now != target {
                if elapsed(doing.since, doing.now) < TAKEN_WITHIN {
                    return going(format!("{now} still writes"));
                }
                return Ok(Progress::Failed {
                    why: format!("{now} writes, and nothing is under way any more: it was cancelled").into(),
                    hint: Some("`DescribeEvents` of RDS says why; then retry".into()),
                });
            }
            let mut outputs = Map::new();
            for (output, value) in [
                ("writer", target),
                ("cluster", name_in(target)),
                ("region", region_of(target).unwrap_or_default()),
            ] {
                outputs.insert(output.to_owned(), Value::from(value));
            }
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        let hint = if code.starts_with("InvalidDBClusterState")
            || code.starts_with("InvalidGlobalClusterState")
        {
            if self.loses {
                "the global cluster or its target is busy: wait until both are available, then `retry`"
            } else {
                "the primary or its target is busy or unwell: a switchover needs both; if the Region is lost, plan `rds-global-failover`"
            }
        } else if code.starts_with("GlobalClusterNotFound") || code.starts_with("DBClusterNotFound") {
            "it is no member of a global cluster any more: make a new plan"
        } else {
            return Meaning::Failed { hint: None };
        };
        Meaning::Failed { hint: Some(hint.into()) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        if self.loses {
            return Err(Refusal::new(NO_UNDO));
        }
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was switched over"))?;
        let (old, new) = (text(doing.before, "writer"), call.text("TargetDbClusterIdentifier"));
        let (false, Some(new)) = (old.is_empty(), new) else {
            return Err(Refusal::new("which cluster wrote before is not known"));
        };
        let place =
            Place { region: region_of(new).unwrap_or_default().into(), account: call.place.account.clone() };
        Ok(vec![PlannedCall {
            call: Call::new("rds:SwitchoverGlobalCluster", &call.environment, &place)
                .maybe("GlobalClusterIdentifier", call.text("GlobalClusterIdentifier"))
                .with("TargetDbClusterIdentifier", old),
            says: format!("let {old} write again").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }])
    }
}
