//! Drawing a model into cells: a pure function of the model, which changes nothing and waits for nothing.

mod clock;
mod detail;
mod frame;
pub mod layout;
mod overview;
mod palette;
mod pen;
mod point;
mod points;
mod points_cursor;
pub mod points_words;
pub(in crate::tui) mod recovery;
mod sheet;
pub(in crate::tui) mod states;
mod table;
mod timeline;
mod tiny;
mod words;

pub use palette::palette_matches;

use super::model::{Model, Overlay, Pane};
use pen::Pen;
use ratatui::buffer::Buffer;

/// Draws the model.
pub fn view(model: &Model, buffer: &mut Buffer) {
    let area = *buffer.area();
    if area.width == 0 || area.height == 0 {
        return;
    }
    let mut pen = Pen::new(buffer, model);
    pen.ground(area);
    if layout::is_tiny(model.size) {
        tiny::draw(model, &mut pen, area);
        return;
    }
    frame::draw(model, &mut pen, area);
    let body = layout::written(model, layout::body(area));
    match model.overlays.last() {
        Some(
            Overlay::Form(_)
            | Overlay::Plan(_)
            | Overlay::Consent(_)
            | Overlay::Run(_)
            | Overlay::Line { .. },
        ) => {
            recovery::draw_over(model, &mut pen, body);
        }
        // What asks stands over what it is about.
        Some(Overlay::Prompt(_)) if recovery::draw_over(model, &mut pen, body) => {}
        None | Some(Overlay::Palette { .. } | Overlay::Quit | Overlay::Login { .. } | Overlay::Prompt(_)) => {
            match model.pane {
                Pane::Overview => overview::draw(model, &mut pen, body),
                Pane::Points => points::draw(model, &mut pen, body),
                Pane::States => states::draw(model, &mut pen, body),
                Pane::Runbooks | Pane::Runs | Pane::Journal => recovery::draw(model, &mut pen, body),
            }
        }
        Some(Overlay::Detail { component, scroll }) => {
            detail::draw(model, &mut pen, body, component, *scroll);
        }
        Some(Overlay::Point { point, scroll }) => point::draw(model, &mut pen, body, point, *scroll),
        Some(Overlay::State(open)) => states::one::draw(model, &mut pen, body, open),
        Some(Overlay::Comparison(open)) => states::compare::draw(model, &mut pen, body, open),
        Some(Overlay::Troubles { scroll } | Overlay::About { scroll } | Overlay::Help { scroll }) => {
            sheet::draw(model, &mut pen, body, *scroll);
        }
    }
    match model.overlays.last() {
        Some(Overlay::Palette { input, cursor }) => palette::draw(model, &mut pen, body, input, *cursor),
        Some(Overlay::Login { environment, ask, input, says }) => {
            palette::draw_login(&mut pen, body, environment, ask, input, says.as_ref());
        }
        Some(Overlay::Prompt(prompt)) => recovery::draw_prompt(model, &mut pen, body, prompt),
        Some(Overlay::Quit) => palette::draw_quit(model, &mut pen, body),
        _ => {}
    }
}

/// Returns how many lines the uppermost sheet has, for scrolling.
pub fn sheet_lines(model: &Model) -> usize {
    match model.overlays.last() {
        Some(Overlay::Detail { component, .. }) => detail::lines(model, component),
        Some(Overlay::Point { point, .. }) => point::lines(model, point).len(),
        Some(Overlay::Troubles { .. } | Overlay::About { .. } | Overlay::Help { .. }) => {
            sheet::content(model).1.len()
        }
        _ => recovery::sheet_lines(model).unwrap_or(0),
    }
}
