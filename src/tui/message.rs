//! What happened: facts that the model is told.

use super::model::{Judgement, News};
use crate::collector::Snapshot;
use crate::domain::ids::EnvironmentName;
use crate::engine::watch::Seen;
use crate::provider::port::LoginNews;
use crossterm::event::{KeyEvent, MouseEvent};
use jiff::Timestamp;
use std::sync::Arc;

/// A fact.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has another size: columns and rows.
    Resize(u16, u16),
    /// It is so late in the environment that is shown.
    Tick(Timestamp),
    /// Something was read. Lossy: the newest wins.
    Read(Arc<Snapshot>),
    /// A login has come to something.
    Login(EnvironmentName, LoginNews),
    /// Runs have gone on. Lossy: the newest wins.
    Runs(Arc<Seen>),
    /// Something that was asked for has come to something.
    News(News),
    /// What was read has been judged. Lossy: the newest wins.
    Judged(Arc<Judgement>),
}
