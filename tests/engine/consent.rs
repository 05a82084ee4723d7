//! Consent: what does not count is refused, with real keys and signatures; and a declared precondition that no longer
//! holds voids it before any call leaves.

use super::rig::{Case, DieAt, End, Ends, RUN, Rig, in_virtual_time, plan, step};
use super::world::{SimTime, TestWorld};
use crate::support::skip::skip;
use jiff::Timestamp;
use lifeboat::domain::Text;
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::duration::after;
use lifeboat::domain::estate::EnvironmentClass;
use lifeboat::engine::approval::{Approvers, NAMESPACE, message};
use lifeboat::engine::time::Time;
use lifeboat::runbook::consent::{Strength, phrase, required_for};
use lifeboat::runbook::event::{Approval, Ask, ConsentGiven, Event, Rest};
use lifeboat::runbook::plan::{Expect, PlanHash};
use lifeboat::runbook::state::Phase;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Returns a run in production whose worst step has this class.
async fn production(class: ActionClass, break_glass: bool) -> Rig {
    let time = SimTime::new();
    let world = TestWorld::new(time.clone());
    let mut stop = step(world.as_ref(), "act", "ec2-stop", &[("instance", "i-1")]).await;
    stop.class = class;
    let mut made = plan(vec![stop]);
    made.class = EnvironmentClass::Production;
    made.phrase_prefix = Some("RESTORE-PRODUCTION".into());
    made.break_glass = break_glass;
    Rig::of(world, time, made)
}

/// Sends a request; returns why it was refused, `None` where it was obeyed.
async fn refusal(rig: &Rig, user: &str, ask: Ask) -> Option<Text> {
    let name = rig.ask_as(user, ask);
    let _ = rig.work(DieAt::never(), Ends::After(Duration::from_secs(2))).await;
    asked(rig, &name)
}

fn asked(rig: &Rig, name: &str) -> Option<Text> {
    let found = rig.events().into_iter().find_map(|event| match event {
        Event::Asked { id, refused, .. } if id == *name => Some(refused),
        _ => None,
    });
    found.expect("the request was judged")
}

#[test]
fn a_phrase_that_was_not_typed_right_starts_nothing() {
    in_virtual_time(async {
        let rig = production(ActionClass::Destructive, false).await;
        let right = phrase(&rig.plan, &rig.hash);
        assert!(right.starts_with("RESTORE-PRODUCTION made-by-hand acme-staging "), "{right}");
        let wrong = [
            None,
            Some(String::new()),
            Some(right.to_lowercase()),
            Some(format!("{right} ")),
            Some(format!(" {right}")),
            Some(right.replace("RESTORE-PRODUCTION ", "")),
            Some(right[..right.len() - 1].to_owned()),
            Some("yes".to_owned()),
        ];
        for typed in wrong {
            let given = ConsentGiven { phrase: typed.clone(), ..rig.consent() };
            let why = refusal(&rig, "ann", Ask::Consent(given)).await;
            assert!(why.is_some(), "{typed:?} was taken");
        }
        assert!(rig.world.sent().is_empty());
        assert_eq!(refusal(&rig, "ann", Ask::Consent(rig.consent())).await, None);
        rig.finish(Rest::Finished).await.expect("it finishes");
        // The phrase is compared and not kept.
        assert!(!String::from_utf8_lossy(&rig.disk.journal()).contains(&right));
    });
}

#[test]
fn a_consent_to_another_plan_or_by_a_flag_or_too_weak_is_refused() {
    in_virtual_time(async {
        let rig = production(ActionClass::Destructive, false).await;
        let other = ConsentGiven { plan: PlanHash::of(b"another"), ..rig.consent() };
        assert!(refusal(&rig, "ann", Ask::Consent(other)).await.is_some());
        let flag = ConsentGiven { by_flag: true, ..rig.consent() };
        assert!(refusal(&rig, "ann", Ask::Consent(flag)).await.is_some());
        assert!(rig.world.sent().is_empty());

        let rig = production(ActionClass::Mutating, false).await;
        assert_eq!(required_for(&rig.plan), Strength::Confirmed);
        for strength in [Strength::None, Strength::Enter] {
            let weak = ConsentGiven { strength, phrase: None, ..rig.consent() };
            assert!(refusal(&rig, "ann", Ask::Consent(weak)).await.is_some(), "{strength:?} was enough");
        }
        let confirmed = ConsentGiven { strength: Strength::Confirmed, phrase: None, ..rig.consent() };
        assert_eq!(refusal(&rig, "ann", Ask::Consent(confirmed)).await, None);

        // Where the estate allows it, a flag is enough; and what only creates needs no more than Enter.
        let mut rig = production(ActionClass::Mutating, false).await;
        rig.unattended = true;
        let flag = ConsentGiven { strength: Strength::Confirmed, by_flag: true, ..rig.consent() };
        assert_eq!(refusal(&rig, "ann", Ask::Consent(flag)).await, None);
    });
}

#[test]
fn a_consent_for_one_plan_does_not_reach_a_plan_that_was_changed_since() {
    in_virtual_time(async {
        let rig = production(ActionClass::Mutating, false).await;
        rig.agree();
        let mut changed = rig.plan.clone();
        changed.steps[0].title = "something else".into();
        let other = Rig::of(rig.world.clone(), rig.time.clone(), changed);
        assert!(refusal(&other, "ann", Ask::Consent(rig.consent())).await.is_some());
        assert_eq!(other.phase("act"), Phase::Waiting);
    });
}

#[test]
fn a_request_is_obeyed_once_although_its_file_is_there_again() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Stop, false).await;
        rig.agree();
        rig.finish(Rest::Finished).await.expect("it finishes");
        let consent = rig.consent();
        let request = lifeboat::engine::request::Request {
            by: super::rig::person("ann"),
            terminal: None,
            sent_at: rig.time.now(),
            ask: Ask::Undo { step: None, consent },
        };
        let bytes = serde_json::to_vec(&request).expect("it can be written");
        rig.disk.leave("again", &bytes);
        rig.finish(Rest::Undone).await.expect("it is taken back");
        let sent = rig.world.sent().len();
        for _ in 0..3 {
            rig.disk.leave("again", &bytes);
            rig.finish(Rest::Undone).await.expect("it stays so");
        }
        assert_eq!(rig.world.sent().len(), sent);
        let asked = rig.events().iter().filter(|event| matches!(event, Event::Asked { .. })).count();
        assert_eq!(asked, 2);
    });
}

/// A key made by `ssh-keygen`, and what it signs.
struct Signer(std::path::PathBuf);

impl Signer {
    fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(&path)
            .stdin(Stdio::null())
            .status();
        assert!(made.expect("it was found before").success());
        Self(path)
    }

    fn public(&self) -> Text {
        let text = std::fs::read_to_string(self.0.with_extension("pub")).expect("there is a public key");
        Text::new(text.trim())
    }

    fn sign(&self, namespace: &str, message: &str) -> String {
        let file = self.0.with_extension("message");
        std::fs::write(&file, message).expect("it can be written");
        let _ = std::fs::remove_file(self.0.with_extension("message.sig"));
        let done = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(&self.0)
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.expect("it was found before").success());
        std::fs::read_to_string(self.0.with_extension("message.sig")).expect("there is a signature")
    }
}

fn can_sign(test: &str) -> bool {
    let found = Command::new("ssh-keygen").arg("-?").stderr(Stdio::null()).stdout(Stdio::null()).status();
    if found.is_err() {
        skip(test, "there is no ssh-keygen here");
    }
    found.is_ok()
}

#[test]
fn a_second_person_signs_this_plan_with_their_own_key_for_a_while_and_never_for_themselves() {
    if !can_sign(
        "engine::consent::a_second_person_signs_this_plan_with_their_own_key_for_a_while_and_never_for_themselves",
    ) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (bob, eve) = (Signer::new(folder.path(), "bob"), Signer::new(folder.path(), "eve"));
    in_virtual_time(async {
        let mut rig = production(ActionClass::Irreversible, false).await;
        assert_eq!(required_for(&rig.plan), Strength::TypedAndSigned);
        rig.approvers = Approvers(vec![("bob".into(), bob.public()), ("ann".into(), eve.public())]);
        let hour = after(rig.time.now(), Duration::from_secs(3600));
        let approval = |approver: &str, expires: Timestamp, signature: String| Approval {
            approver: approver.into(),
            expires,
            signature,
        };
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).expect("it is a moment");
        let hour = whole(hour);
        let right = bob.sign(NAMESPACE, &message(&rig.hash, hour));
        let past = whole(lifeboat::domain::duration::before(rig.time.now(), Duration::from_secs(1)));
        let days = whole(after(rig.time.now(), Duration::from_secs(25 * 3600)));
        let other_plan = PlanHash::of(b"another");
        let wrong = [
            ("nobody", None),
            (
                "of another plan",
                Some(approval("bob", hour, bob.sign(NAMESPACE, &message(&other_plan, hour)))),
            ),
            ("in another namespace", Some(approval("bob", hour, bob.sign("git", &message(&rig.hash, hour))))),
            ("by another key", Some(approval("bob", hour, eve.sign(NAMESPACE, &message(&rig.hash, hour))))),
            ("by a stranger", Some(approval("eve", hour, eve.sign(NAMESPACE, &message(&rig.hash, hour))))),
            ("their own", Some(approval("ann", hour, eve.sign(NAMESPACE, &message(&rig.hash, hour))))),
            (
                "their own, in capitals",
                Some(approval("ANN", hour, eve.sign(NAMESPACE, &message(&rig.hash, hour)))),
            ),
            ("expired", Some(approval("bob", past, bob.sign(NAMESPACE, &message(&rig.hash, past))))),
            ("for too long", Some(approval("bob", days, bob.sign(NAMESPACE, &message(&rig.hash, days))))),
            (
                "made to last longer",
                Some(approval("bob", whole(after(hour, Duration::from_secs(60))), right.clone())),
            ),
            ("no signature", Some(approval("bob", hour, "-----BEGIN SSH SIGNATURE-----".to_owned()))),
            ("cut", Some(approval("bob", hour, right[..right.len() / 2].to_owned()))),
        ];
        for (what, approval) in wrong {
            let given = ConsentGiven { approval, ..rig.consent() };
            assert!(refusal(&rig, "ann", Ask::Consent(given)).await.is_some(), "{what} was taken");
            assert!(rig.world.sent().is_empty(), "{what} started it");
        }
        // The right one without the phrase is not enough, and with it is.
        let given = ConsentGiven { approval: Some(approval("bob", hour, right)), ..rig.consent() };
        let without = ConsentGiven { phrase: None, ..given.clone() };
        assert!(refusal(&rig, "ann", Ask::Consent(without)).await.is_some());
        assert_eq!(refusal(&rig, "ann", Ask::Consent(given)).await, None);
        rig.finish(Rest::Finished).await.expect("it finishes");
        let consented = rig.events().into_iter().find_map(|event| match event {
            Event::Consented { strength, approver, break_glass, .. } => {
                Some((strength, approver, break_glass))
            }
            _ => None,
        });
        let (strength, approver, break_glass) = consented.expect("it was agreed to");
        assert_eq!((strength, break_glass), (Strength::TypedAndSigned, false));
        let (name, key) = approver.expect("somebody has signed");
        assert_eq!(name, *"bob");
        assert!(key.as_str().starts_with("SHA256:"), "{key}");
    });
}

#[test]
fn break_glass_waits_two_minutes_in_which_anybody_can_stand_against_it() {
    in_virtual_time(async {
        let mut rig = production(ActionClass::Irreversible, true).await;
        rig.impatient = false;
        let because = || Some(Text::new("nobody answers, and customers cannot pay"));
        for reason in ["", "hurry"] {
            let given = ConsentGiven { break_glass: Some(reason.into()), ..rig.consent() };
            assert!(refusal(&rig, "ann", Ask::Consent(given)).await.is_some(), "`{reason}` was a reason");
        }
        let untyped = ConsentGiven { break_glass: because(), phrase: None, ..rig.consent() };
        assert!(refusal(&rig, "ann", Ask::Consent(untyped)).await.is_some());

        // Somebody stands against it.
        let given = ConsentGiven { break_glass: because(), ..rig.consent() };
        assert_eq!(refusal(&rig, "ann", Ask::Consent(given.clone())).await, None);
        let _ = rig.work(DieAt::never(), Ends::After(Duration::from_secs(60))).await;
        assert_eq!(refusal(&rig, "bob", Ask::Veto { reason: "I am here".into() }).await, None);
        let _ = rig.work(DieAt::never(), Ends::After(Duration::from_secs(600))).await;
        assert!(rig.world.sent().is_empty(), "it was opened against a veto");
        assert!(refusal(&rig, "bob", Ask::Veto { reason: "again".into() }).await.is_some());

        // Nobody does.
        assert_eq!(refusal(&rig, "ann", Ask::Consent(given)).await, None);
        let asked_at = rig.time.now();
        let _ = rig.work(DieAt::never(), Ends::After(Duration::from_secs(110))).await;
        assert!(rig.world.sent().is_empty(), "it was opened before its time");
        rig.disk.crash(5);
        let end = rig.work(DieAt::never(), Ends::After(Duration::from_secs(900))).await;
        assert!(matches!(end, End::Rested(Rest::Finished, _)), "{end:?}");
        let first = rig.world.sent()[0].at;
        assert!(lifeboat::domain::duration::elapsed(asked_at, first) >= Duration::from_secs(110));
        assert!(rig.state().break_glass);
    });
}

#[test]
fn a_plan_that_was_signed_while_break_glass_waited_is_not_marked_by_it() {
    if !can_sign("engine::consent::a_plan_that_was_signed_while_break_glass_waited_is_not_marked_by_it") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let bob = Signer::new(folder.path(), "bob");
    in_virtual_time(async {
        let mut rig = production(ActionClass::Irreversible, true).await;
        rig.impatient = false;
        rig.approvers = Approvers(vec![("bob".into(), bob.public())]);
        let because = Some(Text::new("nobody answers, and customers cannot pay"));
        let given = ConsentGiven { break_glass: because, ..rig.consent() };
        assert_eq!(refusal(&rig, "ann", Ask::Consent(given)).await, None);
        let expires = Timestamp::from_second(rig.time.now().as_second() + 3600).expect("it is a moment");
        let signature = bob.sign(NAMESPACE, &message(&rig.hash, expires));
        let approval = Some(Approval { approver: "bob".into(), expires, signature });
        let given = ConsentGiven { approval, ..rig.consent() };
        // The world takes its time, so that the run is still under way when the two minutes are over.
        rig.world.fault([super::world::Fault::Slow(Duration::from_secs(300))]);
        assert_eq!(refusal(&rig, "ann", Ask::Consent(given)).await, None);
        let end = rig.work(DieAt::never(), Ends::After(Duration::from_secs(3600))).await;
        assert!(matches!(end, End::Rested(Rest::Finished, _)), "{end:?}");
        assert!(!rig.state().break_glass, "the report would be red for ever");
    });
}

#[test]
fn where_the_estate_does_not_allow_it_there_is_no_break_glass() {
    in_virtual_time(async {
        let rig = production(ActionClass::DataLoss, false).await;
        let because = Some(Text::new("nobody answers, and customers cannot pay"));
        let given = ConsentGiven { break_glass: because, ..rig.consent() };
        assert!(refusal(&rig, "ann", Ask::Consent(given)).await.is_some());
        assert!(rig.world.sent().is_empty());
    });
}

#[test]
fn a_gate_opens_only_what_is_a_gate_and_never_the_plan_itself() {
    in_virtual_time(async {
        let time = SimTime::new();
        let world = TestWorld::new(time.clone());
        // A step may be named as the consents are.
        let mut named = step(world.as_ref(), "plan", "ec2-stop", &[("instance", "i-1")]).await;
        named.gate = true;
        let free = step(world.as_ref(), "free", "ec2-start", &[("instance", "i-2")]).await;
        let rig = Rig::of(world, time, plan(vec![named, free]));
        let open = |step: &str| Ask::OpenGate { step: step.into(), consent: rig.consent() };
        let weak = |step: &str| Ask::OpenGate {
            step: step.into(),
            consent: ConsentGiven { strength: Strength::Enter, phrase: None, ..rig.consent() },
        };
        let _ = refusal(&rig, "ann", weak("plan")).await;
        assert!(refusal(&rig, "ann", open("free")).await.is_some(), "a step without a gate was opened");
        assert!(rig.world.sent().is_empty(), "the gate of a step opened the whole plan");
        assert_eq!(rig.state().agreed_at, None);
    });
}

#[test]
fn what_has_changed_since_it_was_agreed_to_fails_the_step_before_any_call() {
    let mut checked = 0;
    for case in Case::ALL {
        let count =
            in_virtual_time(async { Rig::of_case(case, false).await.plan.steps[0].preconditions.len() });
        assert!(count > 0, "{case:?} declares nothing");
        for nth in 0..count {
            in_virtual_time(async {
                let rig = Rig::of_case(case, false).await;
                let declared = rig.plan.steps[0].preconditions[nth].clone();
                rig.agree();
                if matches!(declared.expect, Expect::Absent(_)) {
                    rig.world.taken(declared.look.text("DBInstanceIdentifier").expect("it has a name"));
                } else {
                    rig.world.drift(&declared.look.operation, &declared.at, json!("otherwise"));
                }
                let (rest, why) = rig.rest().await;
                assert_eq!(rest, Rest::Stuck, "{case:?}: {}: {why}", declared.says);
                assert_eq!(rig.phase("act"), Phase::Failed, "{case:?}: {}", declared.says);
                assert!(rig.world.sent().is_empty(), "{case:?}: {}: a call left", declared.says);
                assert!(rig.world.effects().is_empty());
                let state = rig.state();
                let known = state.step("act").expect("it is there");
                assert!(known.why.as_str().contains(declared.says.as_str()), "{}", known.why);
                checked += 1;
            });
        }
    }
    println!("{checked} preconditions of {} actions ({RUN})", Case::ALL.len());
}

#[test]
fn what_somebody_wrote_between_the_look_and_the_call_is_not_overwritten() {
    {
        let case = Case::Copy;
        in_virtual_time(async {
            let rig = Rig::of_case(case, false).await;
            rig.agree();
            // It dies when everything was looked at, and somebody writes the key before it goes on.
            let end = rig.work(DieAt::nth("began-written", 1), Ends::Never).await;
            assert!(matches!(end, End::Killed(Some("began-written"))), "{end:?}");
            rig.fall(1);
            rig.world.written_by_others("app.tfstate");
            let end = rig.work(DieAt::never(), Ends::After(Duration::from_secs(3600))).await;
            assert!(matches!(end, End::Rested(Rest::Stuck, _)), "{end:?}");
            assert_eq!(rig.phase("act"), Phase::Failed);
            assert!(rig.world.effects().is_empty());
            let sent = rig.world.sent().len();
            assert!(sent <= 10, "the same refusal was asked for {sent} times");
        });
    }
}

#[test]
fn credentials_of_another_account_or_that_end_too_soon_make_no_call() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Stop, false).await;
        rig.agree();
        rig.world.of_account("999999999999");
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Stuck);
        assert!(why.as_str().contains("999999999999"), "{why}");
        assert!(rig.world.sent().is_empty());

        let rig = Rig::of_case(Case::Stop, false).await;
        rig.agree();
        rig.world.credentials_end(Duration::from_secs(60), Duration::from_secs(600));
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::WaitingForLogin, "{why}");
        assert!(rig.world.sent().is_empty());
        tokio::time::sleep(Duration::from_secs(900)).await;
        rig.finish(Rest::Finished).await.expect("it finishes with new ones");
    });
}
