//! Logging in: what is asked for, typed, and answered.

use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::domain::reading::Subject;
use crate::provider::port::{LoginAsk, LoginNews};
use crate::tui::effect::{Code, Effect};
use crate::tui::model::{Model, Notice, Overlay};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

/// How many digits a code has.
const DIGITS: usize = 6;

/// Begins to log in: to the environment that is shown, else to one that does not let us in, else to the first.
pub(super) fn begin(model: &mut Model) -> Vec<Effect> {
    if model.sandbox.is_some() {
        model.notice = Some(Notice { text: "the sandbox needs no login".into(), alarm: false });
        return Vec::new();
    }
    let locked_out = model.snapshot.readings.iter().find_map(|(key, reading)| match &key.subject {
        Subject::Environment(name) if reading.failed.is_some() => Some(name.clone()),
        _ => None,
    });
    let first = || model.estate.environments.first().map(|environment| environment.name.clone());
    let Some(name) = model.environment.clone().or(locked_out).or_else(first) else { return Vec::new() };
    model.notice = Some(Notice { text: Text::new(&format!("asking how {name} lets us in")), alarm: false });
    vec![Effect::LogIn(name)]
}

/// Takes what a login has come to.
pub(super) fn told(model: &mut Model, environment: EnvironmentName, news: LoginNews) -> Vec<Effect> {
    model.notice = None;
    let open = model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Login { input, says, .. } => Some((input, says)),
        _ => None,
    });
    match (news, open) {
        (LoginNews::Asks(ask), _) => {
            model.overlays.retain(|overlay| !matches!(overlay, Overlay::Login { .. }));
            model.overlays.push(Overlay::Login { environment, ask, input: Input::default(), says: None });
            Vec::new()
        }
        (LoginNews::Failed(why), Some((input, says))) => {
            input.reset();
            *says = Some(why);
            Vec::new()
        }
        (LoginNews::Failed(why), None) => {
            model.notice = Some(Notice { text: why, alarm: true });
            Vec::new()
        }
        (LoginNews::Done(says), _) => {
            model.overlays.retain(|overlay| !matches!(overlay, Overlay::Login { .. }));
            model.notice = Some(Notice { text: says, alarm: false });
            vec![Effect::Refresh]
        }
    }
}

/// Handles a key while a login asks for something; `None` when none does.
pub(super) fn typed(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    let Some(Overlay::Login { environment, ask, input, says }) = model.overlays.last_mut() else {
        return None;
    };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => {
            model.overlays.pop();
        }
        KeyCode::Char('c') if control => {
            model.overlays.pop();
        }
        KeyCode::Char('z') if control => return Some(vec![Effect::Suspend]),
        KeyCode::Char('y') if matches!(ask, LoginAsk::Browser { .. }) => {
            let LoginAsk::Browser { address, .. } = ask else { return Some(Vec::new()) };
            let address = address.to_string();
            model.notice = Some(super::copied(model, "the address"));
            return Some(vec![Effect::Copy(address)]);
        }
        KeyCode::Char(digit)
            if digit.is_ascii_digit()
                && matches!(ask, LoginAsk::Code { .. })
                && input.value().len() < DIGITS =>
        {
            input.handle(InputRequest::InsertChar(digit));
        }
        KeyCode::Backspace => {
            input.handle(InputRequest::DeletePrevChar);
        }
        KeyCode::Enter if input.value().len() == DIGITS => {
            *says = Some("asking".into());
            return Some(vec![Effect::LoginCode(environment.clone(), Code(input.value().to_owned()))]);
        }
        _ => {}
    }
    Some(Vec::new())
}
