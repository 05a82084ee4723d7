//! How things look: roles, never colours, in the views; themes give each role a style.
//!
//! Themes are files (`themes/*.toml`), embedded at build. What must stay true: every theme covers every role, a
//! colour only ever repeats what a glyph and a word already say, and what the terminal cannot show is brought down to
//! what it can.

mod glyphs;
mod load;
mod look;
mod role;

pub use glyphs::{Axis, Glyphs};
pub use load::{BUILT_IN, Theme, ThemeError, parse};
pub use look::{Capability, Look, capability, utf8_locale};
pub use role::Role;
