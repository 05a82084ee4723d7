//! Panes 4, 5 and 8: every runbook that is built in, chosen, filled in, read, agreed to and watched by keys; carried out by
//! the real program in the sandbox to its green end; and what a screen that is read-only must not do.

use crate::engine::program::{Real, at_once};
use crate::support::console::Console;
use crate::support::recoveries::{BY_STEPS, TABLE, carried_out, failure, planned, said};
use lifeboat::config::runbooks::BUILT_IN;
use lifeboat::domain::Text;
use lifeboat::engine::store::Runs;
use lifeboat::engine::watch::{RunSeen, Seen, Watch};
use lifeboat::failure::{Failure, FailureKind};
use lifeboat::runbook::consent::{Strength, phrase, required_for};
use lifeboat::runbook::event::{Ask, Rest};
use lifeboat::runbook::plan::{Plan, PlanHash};
use lifeboat::tui::effect::Effect;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{News, Overlay, Prepared};
use std::sync::Arc;

const SIZES: [(u16, u16); 3] = [(80, 24), (160, 48), (200, 60)];

/// Opens a console on the pane of runbooks, with the form of one.
pub(crate) fn form(scenario: &str, runbook: &str, size: (u16, u16)) -> Console {
    let mut console = Console::new(scenario, size);
    if failure(scenario) == Some("region") {
        console.keys("R");
    }
    console.keys("4 /").type_text(&format!("runbook={runbook}")).keys("enter");
    // Others may begin with the same name.
    for _ in 0..9 {
        if console.model.selected_book().is_some_and(|row| row.runbook.id == runbook) {
            break;
        }
        console.keys("j");
    }
    console.keys("enter");
    console
}

fn top(console: &Console) -> &Overlay {
    console.model.overlays.last().expect("something lies over it")
}

/// Fills the form in by keys, and asks for the plan.
pub(crate) fn fill(console: &mut Console, said: &[(&str, &str)]) {
    console.keys("up up up up up up up up");
    let names: Vec<String> = match top(console) {
        Overlay::Form(form) => form.fields.iter().map(|field| field.name.clone()).collect(),
        other => panic!("{other:?}"),
    };
    for name in &names {
        if let Some((_, value)) = said.iter().find(|(known, _)| known == name) {
            console.keys("ctrl-u").type_text(value);
        }
        console.keys("down");
    }
    console.keys("enter");
}

pub(crate) fn prepared(console: &Console, plan: &Plan, hash: &PlanHash) -> Arc<Prepared> {
    let wanted = console.asked.iter().rev().find_map(|effect| match effect {
        Effect::Plan(wanted) => Some(wanted.clone()),
        _ => None,
    });
    Arc::new(Prepared {
        wanted: wanted.expect("a plan was asked for"),
        plan: Arc::new(plan.clone()),
        hash: hash.clone(),
        estate: "".into(),
        file: None,
        notes: Vec::new(),
    })
}

fn acts(effect: &Effect) -> bool {
    matches!(effect, Effect::Begin(..) | Effect::AskRun(..))
}

/// Takes the right to act, for a purpose.
fn operate(console: &mut Console) {
    console.keys("ctrl-o").type_text("INC-4711").keys("enter");
    assert!(console.model.operating.is_some());
}

/// Agrees by keys, as strongly as it is asked for.
fn agree(console: &mut Console, plan: &Plan, hash: &PlanHash) {
    let strength = match top(console) {
        Overlay::Consent(asked) => asked.strength,
        other => panic!("{other:?}"),
    };
    assert_eq!(strength, required_for(plan).max(Strength::Enter));
    match strength {
        Strength::None | Strength::Enter => {}
        Strength::Confirmed => {
            console.keys("enter");
            assert!(!console.asked.iter().any(acts), "Enter is not enough");
            console.keys("y");
            return;
        }
        Strength::Typed | Strength::TypedAndSigned => {
            let phrase = phrase(plan, hash);
            console.tell(Message::Paste(phrase.clone()));
            console.keys("enter");
            assert!(!console.asked.iter().any(acts), "a phrase that is pasted was not read");
            console.type_text("something else").keys("enter");
            assert!(!console.asked.iter().any(acts), "another phrase is none");
            console.keys("ctrl-u").type_text(&phrase);
        }
    }
    console.keys("enter");
}

fn seen(real: &Real) -> Arc<Seen> {
    Watch::of(Runs::at(&real.state().join("runs"))).look().expect("there is a run")
}

#[test]
fn every_runbook_is_chosen_read_agreed_to_and_watched_by_keys() {
    let is_run = |name: &str| TABLE.iter().any(|(known, ..)| *known == name) || BY_STEPS.contains(&name);
    let missing: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).filter(|name| !is_run(name)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "runbooks that no test runs");
    let tried = at_once(TABLE, 4, |row @ (name, scenario, _)| {
        let known = said(row);
        let said: Vec<(&str, &str)> = known.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let said = said.as_slice();
        let real = Real::new();
        let (plan, hash) = planned(&real, scenario, name, said);
        let mut console = form(scenario, name, (120, 40));
        fill(&mut console, said);
        let prepared = prepared(&console, &plan, &hash);
        for (parameter, value) in said {
            assert_eq!(prepared.wanted.said.get(*parameter).map(String::as_str), Some(*value), "{name}");
        }
        console.tell(Message::News(News::Planned(Ok(prepared))));
        assert!(matches!(top(&console), Overlay::Plan(_)), "{name}");

        // Read-only: Enter goes no further than to ask for the right, which leads to the question.
        console.keys("enter");
        assert!(matches!(top(&console), Overlay::Prompt(_)), "{name}");
        console.keys("esc");
        assert!(matches!(top(&console), Overlay::Plan(_)) && !console.asked.iter().any(acts), "{name}");
        operate(&mut console);
        agree(&mut console, &plan, &hash);
        let begun: Vec<_> = console.asked.iter().filter(|effect| acts(effect)).collect();
        let [Effect::Begin(right, with, consent, _)] = begun.as_slice() else { panic!("{name}: {begun:?}") };
        assert_eq!(right.session().purpose().as_str(), "INC-4711");
        assert_eq!((&with.hash, &consent.plan, consent.by_flag), (&hash, &hash, false), "{name}");
        assert_eq!(consent.strength, required_for(&plan).max(Strength::Enter), "{name}");

        // What it says is what happens: the plan that was read is carried out, to its green end.
        carried_out(&real, scenario, &plan, &hash);
        console.tell(Message::Runs(seen(&real)));
        console.tell(Message::News(News::Begun(Ok(plan.run.clone()))));
        let text = console.text();
        assert!(text.contains("finished") && text.contains(plan.runbook.title.as_str()), "{name}:\n{text}");
        for pane in ["5", "8"] {
            console.keys(pane);
            let text = console.text();
            // Where there is too little room a title ends in an ellipsis.
            let title: String = plan.runbook.title.as_str().chars().take(20).collect();
            assert!(text.contains(&title), "{name}, pane {pane}:\n{text}");
        }
        let intends = |event: &lifeboat::runbook::event::Event| {
            matches!(event, lifeboat::runbook::event::Event::Intended { .. })
        };
        real.events().into_iter().filter(intends).count()
    });
    for ((name, scenario, _), changes) in TABLE.iter().zip(&tried) {
        println!("{name:<24} {scenario:<18} green, {changes} calls that act");
    }
}

/// Returns everything that stands on the screen, to its last line, without what lies between words.
fn all_of_it(console: &mut Console) -> String {
    let mut all = String::new();
    for _ in 0..12 {
        let shown: String = console.text().lines().skip(2).collect::<Vec<_>>().concat();
        all.extend(shown.chars().filter(|c| !c.is_whitespace()));
        console.keys("pagedown");
    }
    all
}

#[test]
fn what_a_shared_screen_hides_is_not_found_in_two_halves_either() {
    let row @ (name, scenario, _) =
        TABLE.iter().find(|(name, ..)| *name == "dns-failover").expect("it is in the table");
    let known = said(row);
    let said: Vec<(&str, &str)> = known.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let real = Real::new();
    let (plan, hash) = planned(&real, scenario, name, &said);
    carried_out(&real, scenario, &plan, &hash);
    let seen = seen(&real);
    for width in 80..=140 {
        let mut console = form(scenario, name, (width, 40));
        fill(&mut console, &said);
        let prepared = prepared(&console, &plan, &hash);
        console.tell(Message::News(News::Planned(Ok(prepared))));
        if width == 80 {
            assert!(all_of_it(&mut console).contains("10.9.9.9"), "the plan names the address");
        }
        console.model.presenter = false;
        console.keys("p");
        let mut screens = vec![all_of_it(&mut console)];
        operate(&mut console);
        screens.push(all_of_it(&mut console));
        console.keys("esc esc esc");
        console.tell(Message::Runs(seen.clone()));
        console.keys("5 enter");
        screens.push(all_of_it(&mut console));
        for screen in screens {
            for hidden in ["10.9.9.9", plan.place.account.as_str()] {
                assert!(!screen.contains(hidden), "{hidden} at {width}:\n{screen}");
            }
        }
    }
}

#[test]
fn what_fits_stands_first_and_says_why() {
    let mut console = Console::new("database-gone", (160, 48));
    console.keys("/").type_text("component=orders-db").keys("enter r");
    let rows = console.model.books();
    assert_eq!(
        rows.first().map(|row| row.runbook.kind),
        Some(lifeboat::runbook::definition::RunbookKind::Recover)
    );
    let text = console.text();
    assert!(text.contains("fits now: it is gone"), "{text}");
    // The newest usable point is taken, and its loss stands beside it.
    console.keys("/").type_text("runbook=database-from-snapshot").keys("enter enter");
    let text = console.text();
    assert!(text.contains("orders-db") && text.contains(" lost, snapshot"), "{text}");
    let Overlay::Form(form) = top(&console) else { panic!("no form") };
    let point = form.fields.iter().find(|field| field.name == "snapshot").expect("it asks for a snapshot");
    assert_eq!(point.chosen(), Some(0));
    assert!(point.choices[0].flaw.is_none());
}

#[test]
fn what_cannot_be_planned_says_why_and_keeps_what_was_typed() {
    let mut console = form("calm", "volume-from-snapshot", (120, 40));
    fill(&mut console, &[("volume", "files-vol"), ("zone", "mars-1a")]);
    assert!(console.asked.iter().any(|effect| matches!(effect, Effect::Plan(_))));
    let why = Failure::new(FailureKind::Usage, "there is no zone mars-1a").hint("take one of us-east-2");
    console.tell(Message::News(News::Planned(Err(why))));
    let text = console.text();
    assert!(text.contains("there is no zone mars-1a") && text.contains("take one of us-east-2"), "{text}");
    assert!(text.contains("zone      mars-1a"), "{text}");
}

/// A run that is under way, and rests at something that a person decides.
fn stuck(real: &Real) -> Arc<RunSeen> {
    let words = ["-e", "sandbox:restore-error", "--speed", "5000", "run", "database-from-snapshot", "-p"];
    let words: Vec<_> = words.into_iter().chain(["database=stage-orders-db", "--yes"]).collect();
    let ran = real.run(&words);
    assert_eq!(ran.code, 4, "{ran}");
    let seen = seen(real);
    assert!(matches!(seen.runs[0].state.rest, Some((Rest::Stuck, ..))));
    seen.runs[0].clone()
}

#[test]
fn what_is_asked_of_a_run_needs_the_right_to_act_and_an_answer() {
    let real = Real::new();
    let run = stuck(&real);
    let mut console = Console::new("restore-error", (120, 40));
    console.tell(Message::Runs(seen(&real)));
    console.keys("5 enter");
    let text = console.text();
    assert!(text.contains("stuck") && text.contains("restore-error"), "{text}");
    console.keys("S X P U ctrl-u ctrl-t enter y");
    assert!(!console.asked.iter().any(acts), "a screen that is read-only asks for nothing that acts");

    console.keys("5 enter");
    operate(&mut console);
    let asked = |console: &Console| -> Vec<Ask> {
        let asks = console.asked.iter().filter_map(|effect| match effect {
            Effect::AskRun(_, name, ask) if *name == run.name => Some(ask.as_ref().clone()),
            _ => None,
        });
        asks.collect()
    };
    console.keys("S enter");
    assert_eq!(asked(&console), [], "a reason is needed");
    console.type_text("made by hand").keys("enter");
    let step = Text::new("restore");
    assert_eq!(asked(&console), [Ask::Skip { step: step.clone(), reason: "made by hand".into() }]);
    console.keys("ctrl-t esc ctrl-t enter");
    assert_eq!(asked(&console).last(), Some(&Ask::Retry { step }));
    console.keys("X").type_text("another way").keys("enter");
    assert_eq!(asked(&console).last(), Some(&Ask::Abandon { reason: "another way".into() }));
    console.keys("U");
    let Overlay::Consent(consent) = top(&console) else { panic!("{:?}", top(&console)) };
    assert!(consent.phrase.starts_with("UNDO "));
    let count = asked(&console).len();
    // Not production: what is deleted can be made again, so it is confirmed on the screen that names it.
    assert_eq!(consent.strength, Strength::Confirmed);
    console.keys("enter");
    assert_eq!(asked(&console).len(), count, "Enter is not enough");
    console.keys("y");
    assert!(matches!(asked(&console).last(), Some(Ask::Undo { step: Some(_), .. })));
    // Whoever stands down can ask for nothing any more.
    let count = asked(&console).len();
    console.keys("ctrl-o P enter");
    assert_eq!(asked(&console).len(), count);
}

#[test]
fn the_past_of_a_run_can_be_walked_through_and_nothing_is_asked_of_it() {
    let real = Real::new();
    let run = stuck(&real);
    let mut console = Console::new("restore-error", (120, 40));
    console.tell(Message::Runs(seen(&real)));
    console.keys("5 enter");
    let last = run.lines.len();
    for _ in 0..last + 3 {
        console.keys("left");
    }
    let text = console.text();
    assert!(text.contains("REPLAY") && text.contains(&format!("line 1 of {last}")), "{text}");
    operate(&mut console);
    console.keys("S X");
    assert!(!console.asked.iter().any(acts), "the past does not change");
    console.keys("n");
    assert!(!console.text().contains("REPLAY"));
}

#[test]
fn a_journal_line_tells_its_request_and_the_command_that_does_the_same() {
    let real = Real::new();
    let run = stuck(&real);
    let mut console = Console::new("restore-error", (160, 48));
    console.tell(Message::Runs(seen(&real)));
    console.keys("8");
    assert!(console.text().contains(&format!("{} lines, following its end", run.lines.len())));
    console.keys("/").type_text("event=intended").keys("enter enter");
    let text = console.text();
    assert!(
        text.contains("by hand") && text.contains("aws rds restore-db-instance-from-db-snapshot"),
        "{text}"
    );
    console.keys("esc ctrl-v");
    assert!(matches!(console.asked.last(), Some(Effect::Verify(name)) if *name == run.name));
}

#[test]
fn a_dialog_that_is_resized_forgets_what_was_typed() {
    let real = Real::new();
    let (plan, hash) = planned(&real, "calm", "volume-snapshot", &[("volume", "files-vol")]);
    let mut console = form("calm", "volume-snapshot", (120, 40));
    fill(&mut console, &[("volume", "files-vol")]);
    let prepared = prepared(&console, &plan, &hash);
    console.tell(Message::News(News::Planned(Ok(prepared))));
    operate(&mut console);
    let Some(Overlay::Consent(asked)) = console.model.overlays.last_mut() else { panic!("no question") };
    asked.strength = Strength::Typed;
    let phrase = asked.phrase.clone();
    console.type_text(&phrase);
    console.tell(Message::Resize(100, 30));
    console.keys("enter");
    assert!(!console.asked.iter().any(acts));
    console.type_text(&phrase).keys("enter");
    assert!(console.asked.iter().any(acts));
}

#[test]
fn pictures_of_recoveries() {
    for size in SIZES {
        let mut console = Console::new("database-gone", size);
        console.keys("/").type_text("component=orders-db").keys("enter r");
        let name = |what: &str| format!("{what}_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name("books"), console.text());
        console.keys("/").type_text("runbook=database-from-snapshot").keys("enter enter");
        insta::assert_snapshot!(name("form"), console.text());
    }
}
