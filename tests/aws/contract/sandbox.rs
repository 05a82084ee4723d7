//! The troubles of the contract, brought about in the sandbox: each cell has a world of its own, changed in its file.

use super::rows::{Row, Trouble};
use super::suite::{After, Cell, ENVIRONMENT, IT, Paged, Situation};
use crate::support::account::{DR, HOME, load};
use lifeboat::domain::condition::KeyPlace;
use lifeboat::domain::kind::Kind;
use lifeboat::domain::place::{GLOBAL, Place};
use lifeboat::provider::sandbox::{Opening, SandboxAdapter, WorldFile};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;

const ACCOUNT: &str = "111122223333";
const PERMISSION: &str = "sandbox:Describe";

const SOMEBODY: &str = "somebody is always logged in to the sandbox";
const ONE_ANSWER: &str = "it is one answer, which has no pages";
const NO_REGION: &str = "who we are is asked in no Region of the sandbox";

pub(super) struct Sandbox;

impl Sandbox {
    #[expect(clippy::unused_self, reason = "both providers are asked in the same way")]
    pub(super) fn cell(&self, row: Row, trouble: Trouble) -> Cell {
        match (row, trouble) {
            (Row::Identity, Trouble::Empty) => return Cell::NotApplicable(SOMEBODY),
            (Row::Identity, Trouble::Dead) => return Cell::NotApplicable(NO_REGION),
            (Row::Condition(_) | Row::Key | Row::Identity | Row::Proofs, Trouble::Pages) => {
                return Cell::NotApplicable(ONE_ANSWER);
            }
            _ => {}
        }
        let kind = row.kind();
        let select = if kind == Kind::Service { "" } else { "select: { id: it }, " };
        let of_backend = matches!(row, Row::BackendLocks | Row::BackendStates);
        let backends = if of_backend {
            "backends: { it: { bucket: production-tfstate, lock_table: locks } }\n"
        } else {
            ""
        };
        let estate = load(&format!(
            "version: 1\nestate: contract\nenvironments:\n  {ENVIRONMENT}:\n    class: production\n    \
             provider: sandbox\n    scenario: calm\n    account: \"{ACCOUNT}\"\n    account_alias: contract\n    \
             region: {HOME}\n    dr_region: {DR}\ncomponents:\n  it: {{ kind: {kind}, {select}objectives: \
             {{ local: {{ rpo: 24 h, rto: 4 h }} }} }}\n  other: {{ kind: rds-instance, region: {DR}, \
             select: {{ id: other }} }}\n{backends}"
        ));
        let it = estate.component(&IT.into()).expect("it is in the estate");
        let place = match row {
            Row::Points(_) => it.sources[0].clone(),
            _ => it.home.clone(),
        };
        let folder = tempfile::tempdir().expect("a folder can be made");
        let opening = Opening { speed: Some(1.0), start: None, fresh: true };
        let (file, _) = WorldFile::open(folder.path(), &estate, "calm", 1, opening).expect("a world is made");
        let worlds = fs::read_dir(folder.path()).expect("the folder can be read");
        let mut worlds = worlds.map(|entry| entry.expect("an entry can be read").path());
        let path = worlds.find(|path| path.extension().is_some_and(|name| name == "json")).expect("a world");
        let text = fs::read(&path).expect("the world can be read");
        let mut world: Value = serde_json::from_slice(&text).expect("a world is JSON");
        let key = trouble_in(&mut world, row, trouble, &place);
        let changed = folder.path().join("changed");
        fs::write(&changed, world.to_string()).expect("the world can be written");
        fs::rename(&changed, &path).expect("the world can be replaced");
        Cell::Ask(Box::new(Situation {
            observers: SandboxAdapter::new(file).observers(),
            place,
            key: (row == Row::Key).then(|| KeyPlace { key: key.as_str().into(), region: HOME.into() }),
            permission: Some(PERMISSION.to_owned()),
            holds: Vec::new(),
            paged: matches!(row, Row::Points(_)).then_some(Paged { points: 240, is_shown: true }),
            after: Box::new(move || {
                // The world lies there as long as it is asked.
                assert!(folder.path().exists(), "the world is gone");
                After::default()
            }),
            estate: Arc::new(estate),
        }))
    }
}

/// Changes the world, and returns the key that the component's points need.
fn trouble_in(world: &mut Value, row: Row, trouble: Trouble, place: &Place) -> String {
    let (began, place_json) = (world["began"].clone(), serde_json::to_value(place).expect("a place is JSON"));
    let mut happens = |what: Value| {
        let events = world["events"].as_array_mut().expect("events are a list");
        events.push(json!({"at": began, "what": what}));
    };
    match trouble {
        // How a DNS record is, is asked for where it lies.
        Trouble::Hung if matches!(row, Row::Condition(Kind::DnsRecord)) => {
            happens(json!({"Hung": {"account": place.account, "region": GLOBAL}}));
        }
        Trouble::Hung => happens(json!({"Hung": place_json})),
        Trouble::Dead => happens(json!({"RegionLost": place.region})),
        Trouble::Throttled if matches!(row, Row::Points(_)) => happens(json!({"Throttled": place_json})),
        Trouble::Throttled => happens(json!({"Fails": [place_json, "throttled"]})),
        // A record is asked for in no Region, and only what lies at home is denied by itself.
        Trouble::Denied
            if matches!(
                row,
                Row::Key
                    | Row::Identity
                    | Row::BackendLocks
                    | Row::BackendStates
                    | Row::Points(Kind::DnsRecord)
            ) =>
        {
            let denied = json!({"denied": {"permission": PERMISSION, "identity": "somebody"}});
            happens(json!({"Fails": [place_json, denied]}));
        }
        Trouble::Empty if matches!(row, Row::Condition(_)) => happens(json!({"Deleted": IT})),
        Trouble::Value | Trouble::Pages if matches!(row, Row::Locks | Row::BackendLocks) => {
            happens(json!({"LockLeft": IT}));
        }
        _ => {}
    }
    if matches!(row, Row::BackendLocks | Row::BackendStates) && trouble == Trouble::Empty {
        for (_, resource) in world["resources"].as_object_mut().expect("resources have names") {
            resource["state"] = Value::Null;
        }
    }
    if row == Row::BackendStates && trouble == Trouble::Pages {
        for nth in 0..240 {
            let mut another = world["resources"][IT].clone();
            let path = format!("production-tfstate/paged-{nth}/terraform.tfstate");
            another["state"]["path"] = json!(path);
            world["resources"][path] = another;
        }
    }
    let it = &mut world["resources"][IT];
    match (row, trouble) {
        (Row::Points(_), Trouble::Empty) => it["protections"] = json!([]),
        (Row::Points(_), Trouble::Pages) => {
            let hour =
                json!({"period": 3600, "offset": 0, "ready_after": 0, "keep": 240 * 3600, "rules": []});
            it["protections"].as_array_mut().expect("protections are a list").truncate(1);
            it["protections"][0]["rhythm"] = json!({"Every": hour});
        }
        (Row::Proofs, Trouble::Empty) => it["proofs"] = json!([]),
        (Row::States, Trouble::Empty) => it["state"] = Value::Null,
        (Row::Locks | Row::BackendLocks, Trouble::Pages) => {
            it["locks"] = json!([{"since": began, "operation": "OperationTypePlan", "who": "somebody@here",
                "id": "another lock", "living": false}]);
        }
        (Row::Points(_) | Row::Condition(_) | Row::Locks | Row::States, Trouble::Denied) => {
            let capability = match row {
                Row::Points(_) => "points",
                Row::Condition(_) => "condition",
                Row::Locks => "locks",
                _ => "states",
            };
            it["denied"] = json!({capability: PERMISSION});
        }
        _ => {}
    }
    if row == Row::Key && trouble == Trouble::Empty {
        it["keys"][HOME][1] = json!("absent");
    }
    it["keys"][HOME][0].as_str().unwrap_or_default().to_owned()
}
