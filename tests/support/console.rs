//! A console without a terminal: messages in, cells out; what is asked of the runtime is done at once.

use crossterm::event::{KeyEvent, MouseEvent};
use jiff::tz::{TimeZone, offset};
use lifeboat::collector::{Collector, Snapshot};
use lifeboat::config;
use lifeboat::config::runbooks::{Folders, Rules};
use lifeboat::domain::estate::{Estate, Provider};
use lifeboat::provider::port::Clock;
use lifeboat::provider::sandbox::{DEMO_ESTATE, Opening, SandboxAdapter, WorldFile};
use lifeboat::runbook::definition::Runbook;
use lifeboat::tui::effect::Effect;
use lifeboat::tui::keymap::{Chord, Keymap};
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{Beginning, Model, judge};
use lifeboat::tui::theme::{Capability, Glyphs, Look};
use lifeboat::tui::update::update;
use lifeboat::tui::view::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;

/// A console without a terminal.
pub(crate) struct Console {
    pub(crate) model: Model,
    /// What was asked of the runtime besides judging.
    pub(crate) asked: Vec<Effect>,
}

/// Returns the demo estate, in a scenario.
pub(crate) fn demo(scenario: &str) -> Estate {
    let mut estate = config::load_text(DEMO_ESTATE).expect("the demo estate loads").estate;
    for environment in &mut estate.environments {
        environment.provider = Provider::Sandbox { scenario: scenario.into(), seed: 1 };
    }
    estate
}

/// Returns the runbooks that are built in.
pub(crate) fn library() -> Vec<Runbook> {
    let rules = Rules { catalogue: &[], today: jiff::civil::date(2026, 11, 21) };
    let (library, failed) = Folders { folders: Vec::new(), files: Vec::new() }.load(&rules);
    assert!(failed.is_empty(), "they can be read");
    library.runbooks().cloned().collect()
}

/// Reads an estate once in the sandbox, its clock stopped at the start of the tests.
pub(crate) fn read(estate: &Estate, scenario: &str) -> (Arc<Snapshot>, Arc<dyn Clock>) {
    let (mut collector, clock) = collector(estate, scenario);
    wait_for(collector.once(None));
    (Arc::new(collector.snapshot()), clock)
}

/// Waits for what a collector does.
pub(crate) fn wait_for<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(what)
}

/// Returns a collector of the sandbox, its clock stopped at the start of the tests.
pub(crate) fn collector(estate: &Estate, scenario: &str) -> (Collector, Arc<dyn Clock>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let start = super::run::START.parse().expect("a moment");
    let opening = Opening { speed: Some(0.0), start: Some(start), fresh: true };
    let (file, _) = WorldFile::open(folder.path(), estate, scenario, 1, opening).expect("a world is made");
    let observers = SandboxAdapter::new(file).observers();
    let clock = observers.clock.clone();
    let all =
        estate.environments.iter().map(|environment| (environment.name.clone(), observers.clone())).collect();
    let collector = Collector::new(
        Arc::new(estate.clone()),
        all,
        clock.clone(),
        None,
        lifeboat::domain::reading::Readings::default(),
    );
    (collector, clock)
}

impl Console {
    /// Returns the console on the demo estate in a scenario, everything read and judged.
    pub(crate) fn new(scenario: &str, size: (u16, u16)) -> Self {
        let estate = demo(scenario);
        let (snapshot, clock) = read(&estate, scenario);
        Self::of(estate, snapshot, clock.now(), Some(scenario), size)
    }

    /// Returns the console on what was read of an estate.
    pub(crate) fn of(
        estate: Estate,
        snapshot: Arc<Snapshot>,
        now: jiff::Timestamp,
        sandbox: Option<&str>,
        size: (u16, u16),
    ) -> Self {
        let look = Look::new("dark", Capability::TrueColour, Glyphs::Unicode).expect("the theme is there");
        let model = Model::new(Beginning {
            estate: Arc::new(estate),
            origin: "the built-in estate".to_owned(),
            sandbox: sandbox.map(Into::into),
            snapshot,
            now,
            zone: TimeZone::fixed(offset(-5)),
            size,
            keymap: Keymap::default(),
            look,
            presenter: false,
            always_redacted: false,
            read_only_for_good: false,
            library: library(),
            notice: None,
        });
        let mut console = Self { model, asked: Vec::new() };
        let request = console.model.judge_request();
        console.carry_out(vec![Effect::Judge(request)]);
        console
    }

    /// Takes another theme.
    pub(crate) fn look(mut self, theme: &str, capability: Capability, glyphs: Glyphs) -> Self {
        self.model.look = Look::new(theme, capability, glyphs).expect("the theme is there");
        self
    }

    /// Tells the console something.
    pub(crate) fn tell(&mut self, message: Message) {
        let effects = update(&mut self.model, message);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Judge(request) => {
                    let judged = judge(&request);
                    self.tell(Message::Judged(Arc::new(judged)));
                }
                other => self.asked.push(other),
            }
        }
    }

    /// Presses keys, written as in a keymap: `j j enter`.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let chord = Chord::parse(key).unwrap_or_else(|error| panic!("{error}"));
            self.tell(Message::Key(KeyEvent::new(chord.code, chord.modifiers)));
        }
        self
    }

    /// Types text.
    pub(crate) fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.tell(Message::Key(KeyEvent::from(crossterm::event::KeyCode::Char(c))));
        }
        self
    }

    /// Moves the mouse.
    pub(crate) fn mouse(&mut self, event: MouseEvent) {
        self.tell(Message::Mouse(event));
    }

    /// Returns the cells of the screen.
    pub(crate) fn cells(&self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.model.size.0, self.model.size.1));
        view(&self.model, &mut buffer);
        buffer
    }

    /// Returns the screen as lines of text, without the space at their ends.
    pub(crate) fn text(&self) -> String {
        lines(&self.cells()).join("\n")
    }
}

/// Returns the glyphs of cells as lines.
pub(crate) fn lines(buffer: &Buffer) -> Vec<String> {
    let area = *buffer.area();
    (0..area.height)
        .map(|y| {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..area.width {
                let symbol = buffer[(x, y)].symbol();
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            line.trim_end().to_owned()
        })
        .collect()
}
