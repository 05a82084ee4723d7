//! lifeboat: a terminal console for disaster recovery on AWS and Kubernetes.
//!
//! It says of each component of an estate whether it could be recovered right now, at what loss, and what stands in
//! the way. The README is for those who use it; this page is the map for those who work on it. `main.rs` does nothing
//! but call [`cli`].
//!
//! # Layers
//!
//! Each layer uses only those below it, and a test enforces it. Every folder begins with what is in it, who may use
//! it, and what must stay true.
//!
//! | layer | what it is |
//! |---|---|
//! | [`cli`] | The commands, their documents, and [`cli::wire`]: the only place that names concrete adapters. |
//! | [`tui`] | The console: a pure model, a pure view, and a small runtime around them. |
//! | [`audit`] | Journals as people read them: verified, told as a report, exported. |
//! | [`engine`] | Carries plans out: journal, executor, requests, what is in doubt. |
//! | [`action`] | What a step can do, one file each: its calls, how it is told whether they happened, how they are undone. |
//! | [`collector`] | Reads the ports on their cadence, keeps readings on disk, publishes the newest. |
//! | [`provider`] | Adapters: [`provider::sandbox`], AWS behind a feature, [`provider::tool`] for what lies outside, [`provider::local`] for calls that go to no cloud, and [`provider::absent`] for what a build has not. |
//! | [`provider::port`], [`authority`] | What can be asked or done, one trait each; and who may do it, as types. |
//! | [`config`] | The estate file and runbooks, their schemas and diagnostics; where our own files lie. |
//! | [`runbook`] | What a recovery is: definition, plan, events, the state that follows from them, and consent. |
//! | [`domain`] | Facts and rules. No input or output, no clock, no async. |
//! | [`failure`], [`telemetry`] | Failures as people meet them, with exit codes; diagnostics for us. |
//!
//! The collector, the engine, the actions and the console know ports, never adapters.
//!
//! # How facts flow
//!
//! ```text
//! lifeboat.yaml ─► config ───────────────────► Estate ──┐
//!                                                       ├─► assess ─► verdicts, troubles ─┬─► cli ─► one document
//! the world ─► adapter ─► port ─► collector ─► Readings ┘                                 └─► tui
//!                                    ▲ │
//!                                    │ ▼
//!                             readings on disk
//!
//! in the tui:  keys, ticks, readings ─► update(&mut Model) ─► view(&Model) ─► cells ─► one write
//!                                              └─► effects: judge, ask the collector, copy, quit
//! ```
//!
//! A reading is a value with its source and age, or the reason why there is none. A failed read keeps the last value;
//! [`domain::readiness`] decides what that is still worth. Unknown never looks better than known. From the same
//! readings [`domain::readiness::recover_to`] says what everything could be brought back to at a chosen moment.
//!
//! Two things are read only when somebody looks at them, by a [`collector::Request`]: all versions of a state that is
//! no component, and how two versions differ. What is in a state is masked where it is read, and never written to disk.
//!
//! # Where to add a thing
//!
//! - **A kind of component**: a row in [`domain::kind`]; what counts as a point for it in [`domain::readiness`]; what
//!   is read of it in [`collector`]; how it is simulated in [`provider::sandbox`], and read in
//!   `provider::aws::adapter` or [`provider::tool`]; what is proposed for it in [`config::proposal`].
//! - **A command of the program**: a variant and its texts in [`cli::args`], a file in [`cli::command`], a type in
//!   [`cli::document`] if it prints facts; its schema follows.
//! - **A command of the console**: a row in [`tui::command`], what it does in [`tui::update`], a key in
//!   `assets/keymap.toml`. Help, palette and README follow.
//! - **A service or operation of AWS**: its row in the table of `provider::aws::operation`, then the call in the file
//!   of its service. Guard, rights and rates follow from the row.
//! - **A call of a plan**: its row in the same table, then its arguments and its answer in `provider::aws::call`, in the
//!   file of its service; what it must bring in `tests/aws/contract/calls.rs`, for the sandbox too.
//! - **Something that is wrong with a state, or speaks for a lock's holder being gone**: [`domain::state`] or
//!   [`domain::lock`], then its code in [`domain::readiness`]; commands, pane and README follow.
//! - **A call that goes to no cloud**: its name in [`provider::local`] and a file there; it is routed by its service.
//! - **A pane**: a variant in [`tui::model::Pane`], a file of its name in `model`, `update` and `view`, an arm in
//!   `update/pane.rs`.
//! - **A port**: a trait in [`provider::port`], a capability and a fact in [`domain::reading`], an answer in every
//!   adapter, a line in what the collector asks.
//! - **A theme**: a file in `themes/` that covers every role, and its line in [`tui::theme`].
//! - **A scenario**: a row in the list of [`provider::sandbox`], and what happens in it. The README follows.
//! - **A call of the sandbox**: its answer in the file of its service under `provider::sandbox::act`, by the same names and
//!   codes as the service's own.
//! - **A key of the estate file**: a field in [`config::estate_file`], its meaning in [`config::resolve`], what is
//!   doubtful about it in [`config::check`]; the schema follows.
//! - **A key of a runbook**: a field in [`config::runbook_file`], its meaning in [`config::runbooks`], and a file for
//!   each mistake that can be made with it in `tests/fixtures/runbooks`; the schema follows.
pub mod action;
pub mod audit;
pub mod authority;
pub mod cli;
pub mod collector;
pub mod config;
pub mod domain;
pub mod engine;
pub mod failure;
pub mod provider;
pub mod runbook;
pub mod telemetry;
pub mod tui;
