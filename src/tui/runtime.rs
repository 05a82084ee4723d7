//! The loop: everything that waits is drained, then the screen is drawn once, in one write.

use super::effect::{Code, Effect};
use super::following::{follow_readings, follow_runs};
use super::message::Message;
use super::model::{Beginning, JudgeRequest, Model, News, Notice, judge};
pub use super::painter::Painter;
use super::update::update;
use super::writer::Writer;
use super::{Recover, Setup, input, signals, terminal};
use crate::collector::Request;
use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::failure::{Failure, FailureKind};
use crate::provider::port::{Clock, LogIn};
use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the way out waits for a terminal that takes nothing.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How many events may wait. A person types a few a second; readings come in at most five a second.
const WAITING: usize = 1024;
/// The shortest time between two frames.
const BETWEEN_FRAMES: Duration = Duration::from_millis(33);
/// Time on the screen moves in steps of so many seconds, so that a still screen is still.
const STEP: i64 = 10;
/// The same while a run is watched.
const LIVE_STEP: i64 = 1;
/// From how many readings on the first judgement is not waited for.
const MANY: usize = 2_000;
/// Text longer than this is not put on a clipboard through the terminal: many cut it off.
const CLIPBOARD: usize = 60_000;

/// What the loop is told.
#[derive(Debug)]
pub(super) enum Event {
    /// A fact for the model.
    Message(Message),
    /// The terminal has taken a frame.
    Drained,
    /// A signal asks us to end.
    Signal(i32),
    /// We are asked to go to the background.
    Suspend,
    /// We are back.
    Resumed,
    /// There is no terminal any more.
    TerminalGone,
    /// A thread died.
    Died(&'static str),
}

/// Runs the console.
pub(super) fn run(setup: Setup) -> Result<u8, Failure> {
    let failed = |what: &'static str| move |error: io::Error| Failure::of(what, &error);
    let Setup {
        estate,
        origin,
        sandbox,
        clock,
        snapshots,
        requests,
        logins,
        runbooks,
        runs,
        recover,
        keymap,
        look,
        presenter,
        ..
    } = setup;
    let snapshot = snapshots.borrow().clone();
    let notice =
        (!setup.notes.is_empty()).then(|| Notice { text: Text::new(&setup.notes.join("; ")), alarm: true });
    let mut model = Model::new(Beginning {
        estate,
        origin,
        sandbox,
        snapshot,
        now: in_steps(clock.now(), STEP),
        zone: TimeZone::system(),
        size: terminal::size(),
        keymap,
        look,
        presenter,
        always_redacted: setup.always_redacted,
        read_only_for_good: setup.read_only_for_good,
        library: runbooks,
        notice,
    });
    if model.snapshot.readings.len() < MANY {
        let first = judge(&model.judge_request());
        update(&mut model, Message::Judged(Arc::new(first)));
    }
    let (events, waiting) = sync_channel(WAITING);
    terminal::give_back_on_panic();
    signals::start(events.clone()).map_err(failed("cannot wait for signals"))?;
    terminal::take().map_err(failed("cannot take the terminal"))?;
    let screen = Screen::start(events.clone(), model.size).inspect_err(|_| terminal::give_back())?;
    let mut looping = Loop {
        model,
        screen,
        clock,
        requests,
        judge: JudgeSlot::default(),
        logins,
        recover,
        events: events.clone(),
        dirty: true,
        drawn: None,
        waiting,
    };
    looping.draw();
    let started = input::start(events.clone())
        .and_then(|()| looping.judge.start(events.clone()))
        .and_then(|()| runs.map_or(Ok(()), |runs| follow_runs(runs, events.clone())))
        .and_then(|()| follow_readings(snapshots, events));
    if let Err(error) = started {
        terminal::give_back();
        return Err(failed("cannot start the console")(error));
    }
    let first = vec![Effect::Judge(looping.model.judge_request())];
    let mut ended = looping.carry_out(first);
    while ended.is_none() {
        ended = looping.turn();
    }
    looping.screen.finish(&looping.waiting);
    match ended {
        Some(End::Quit) | None => Ok(0),
        Some(End::Signal(signal)) => Ok(FailureKind::Signal(signal).exit_code()),
        Some(End::Died(thread)) => {
            Err(Failure::new(FailureKind::Failed, format!("the {thread} thread of the console died"))
                .hint("the log in the state folder says why; `lifeboat status` works without the console"))
        }
    }
}

/// Why the loop ended.
enum End {
    Quit,
    Signal(i32),
    Died(&'static str),
}

struct Loop {
    model: Model,
    screen: Screen,
    clock: Arc<dyn Clock>,
    requests: tokio::sync::mpsc::Sender<Request>,
    judge: JudgeSlot,
    logins: Option<Arc<dyn LogIn>>,
    recover: Option<Arc<dyn Recover>>,
    events: SyncSender<Event>,
    dirty: bool,
    drawn: Option<Instant>,
    waiting: Receiver<Event>,
}

impl Loop {
    fn turn(&mut self) -> Option<End> {
        let first = match self.patience() {
            Some(patience) => self.waiting.recv_timeout(patience),
            None => self.waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match first {
            Ok(event) => {
                if let Some(end) = self.handle(event) {
                    return Some(end);
                }
                // Everything that waits, then one frame; but not for ever.
                for _ in 0..WAITING {
                    let Ok(event) = self.waiting.try_recv() else { break };
                    if let Some(end) = self.handle(event) {
                        return Some(end);
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Some(End::Quit),
        }
        let tick = Message::Tick(in_steps(self.clock.now(), self.step()));
        if let Some(end) = self.tell(tick) {
            return Some(end);
        }
        if self.dirty && self.screen.writer.is_idle() && self.budget().is_zero() {
            self.draw();
        }
        None
    }

    /// Returns how long nothing has to be done; `None` when only an event can change anything.
    fn patience(&self) -> Option<Duration> {
        if self.dirty && self.screen.writer.is_idle() {
            return Some(self.budget());
        }
        let speed = self.clock.speed();
        if speed <= 0.0 {
            return None;
        }
        let now = self.clock.now();
        let step = self.step();
        let left = step - now.as_second().rem_euclid(step);
        let left = Duration::from_secs(left.unsigned_abs()).div_f64(speed);
        Some(left.max(Duration::from_secs(1)))
    }

    /// Returns the steps in which time moves: by the second while a run goes on that is seen from near.
    fn step(&self) -> i64 {
        let open = self.model.open_run().and_then(|open| self.model.run_named(open.run.as_str()));
        if open.is_some_and(|run| run.worked_on) { LIVE_STEP } else { STEP }
    }

    fn budget(&self) -> Duration {
        self.drawn.map_or(Duration::ZERO, |drawn| BETWEEN_FRAMES.saturating_sub(drawn.elapsed()))
    }

    fn handle(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Message(message) => self.tell(message),
            Event::Drained => {
                self.screen.writer.drained();
                None
            }
            Event::Signal(signal) => Some(End::Signal(signal)),
            Event::TerminalGone => Some(End::Signal(signal_hook::consts::SIGHUP)),
            Event::Died(thread) => Some(End::Died(thread)),
            Event::Suspend => {
                self.suspend();
                None
            }
            Event::Resumed => {
                self.screen.forget();
                self.dirty = true;
                None
            }
        }
    }

    fn tell(&mut self, message: Message) -> Option<End> {
        #[cfg(debug_assertions)]
        panic_if_asked(&message);
        let still = matches!(&message, Message::Tick(now) if *now == self.model.now);
        let size = self.model.size;
        let effects = update(&mut self.model, message);
        if self.model.size != size {
            self.screen.resize(self.model.size);
        }
        self.dirty |= !still;
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Option<End> {
        for effect in effects {
            match effect {
                Effect::Judge(request) => self.judge.ask(request),
                // A refresh that is already asked for serves this one too.
                Effect::Refresh => drop(self.requests.try_send(Request::Everything)),
                Effect::Ask(request) => drop(self.requests.try_send(request)),
                Effect::Copy(text) => self.copy(&text),
                Effect::Mouse(on) => {
                    let bytes = if on { terminal::MOUSE_ON } else { terminal::MOUSE_OFF };
                    self.screen.writer.send(bytes.into());
                }
                Effect::Redraw => self.screen.forget(),
                Effect::Suspend => self.suspend(),
                Effect::LogIn(environment) => self.log_in(environment, None),
                Effect::LoginCode(environment, code) => self.log_in(environment, Some(code)),
                Effect::Plan(wanted) => {
                    self.recovers("plan", move |recover| News::Planned(recover.plan(&wanted).map(Arc::new)));
                }
                Effect::Begin(right, prepared, consent, secrets) => self.recovers("begin", move |recover| {
                    News::Begun(recover.begin(right.session(), &prepared, *consent, secrets))
                }),
                Effect::AskRun(right, run, ask) => self.recovers("ask", move |recover| {
                    News::Asked(recover.ask(right.session(), run.as_str(), *ask))
                }),
                Effect::Verify(run) => {
                    self.recovers("verify", move |recover| News::Told(recover.verify(run.as_str())));
                }
                Effect::Report(run) => {
                    self.recovers("report", move |recover| News::Told(recover.report(run.as_str())));
                }
                Effect::Quit => return Some(End::Quit),
            }
        }
        None
    }

    /// Logs in on a thread of its own: it asks a network, and waits for a person.
    fn log_in(&mut self, environment: EnvironmentName, code: Option<Code>) {
        let Some(logins) = self.logins.clone() else {
            self.model.notice = Some(Notice { text: "there is nothing to log in to".into(), alarm: false });
            return;
        };
        let events = self.events.clone();
        let started = std::thread::Builder::new().name("login".to_owned()).spawn(move || {
            let tell = |news| drop(events.send(Event::Message(Message::Login(environment.clone(), news))));
            match code {
                Some(code) => logins.with_code(&environment, &code.0, &tell),
                None => logins.begin(&environment, &tell),
            }
        });
        if let Err(error) = started {
            self.model.notice = Some(Notice { text: Text::new(&error.to_string()), alarm: true });
        }
    }

    /// Lets something of a recovery be done on a thread of its own: it asks networks, and waits for executors.
    fn recovers(&mut self, name: &str, does: impl FnOnce(&dyn Recover) -> News + Send + 'static) {
        let Some(recover) = self.recover.clone() else {
            self.model.notice =
                Some(Notice { text: "nothing can be recovered from here".into(), alarm: true });
            return;
        };
        let events = self.events.clone();
        let work = move || {
            let news = does(recover.as_ref());
            drop(events.send(Event::Message(Message::News(news))));
        };
        if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
            self.model.notice = Some(Notice { text: Text::new(&error.to_string()), alarm: true });
        }
    }

    fn copy(&mut self, text: &str) {
        if text.len() > CLIPBOARD {
            self.model.notice =
                Some(Notice { text: "too long for the clipboard of a terminal".into(), alarm: true });
            return;
        }
        let mut bytes = String::new();
        if CopyToClipboard::to_clipboard_from(text).write_ansi(&mut bytes).is_ok() {
            self.screen.writer.send(bytes.into_bytes());
        }
    }

    fn suspend(&mut self) {
        self.screen.wait(&self.waiting);
        terminal::give_back();
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        if stopped.is_err() || terminal::take().is_err() {
            return;
        }
        let mut enter = terminal::ENTER.as_bytes().to_vec();
        if self.model.mouse {
            enter.extend_from_slice(terminal::MOUSE_ON.as_bytes());
        }
        self.screen.writer.send(enter);
        self.model.size = terminal::size();
        self.screen.resize(self.model.size);
        self.dirty = true;
    }

    fn draw(&mut self) {
        let bytes = self.screen.frame(&self.model);
        self.screen.writer.send(bytes);
        self.dirty = false;
        self.drawn = Some(Instant::now());
    }
}

struct Screen {
    writer: Writer,
    painter: Painter,
}

impl Screen {
    fn start(events: SyncSender<Event>, size: (u16, u16)) -> Result<Self, Failure> {
        let mut writer = Writer::start(events)
            .map_err(|error| Failure::of("cannot start writing to the terminal", &error))?;
        writer.send([terminal::ENTER, terminal::MOUSE_ON].concat().into_bytes());
        Ok(Self { writer, painter: Painter::new(size) })
    }

    fn frame(&mut self, model: &Model) -> Vec<u8> {
        self.painter.frame(model)
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.painter.resize(size);
    }

    fn forget(&mut self) {
        self.painter.forget();
    }

    /// Gives the writer a moment to hand over what it has, so that nothing of it comes after the terminal is given
    /// back. What else happens meanwhile comes too late to matter.
    fn wait(&mut self, waiting: &Receiver<Event>) {
        let until = Instant::now() + LAST_WORDS;
        while !self.writer.is_idle() {
            match waiting.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Drained) => self.writer.drained(),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// Gives the terminal back, on a thread of its own, because a terminal that takes nothing must not hold us.
    fn finish(mut self, waiting: &Receiver<Event>) {
        self.wait(waiting);
        let (done, given) = sync_channel(1);
        let give = move || {
            terminal::give_back();
            let _ = done.send(());
        };
        if std::thread::Builder::new().name("give back".to_owned()).spawn(give).is_err() {
            terminal::give_back();
            return;
        }
        let _ = given.recv_timeout(LAST_WORDS);
    }
}

/// The request that is to be judged next; a newer one takes the place of one that waits.
#[derive(Debug, Clone, Default)]
struct JudgeSlot(Arc<(Mutex<Option<JudgeRequest>>, Condvar)>);

impl JudgeSlot {
    fn ask(&self, request: JudgeRequest) {
        let (slot, changed) = &*self.0;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        changed.notify_one();
    }

    fn start(&self, out: SyncSender<Event>) -> io::Result<()> {
        let slot = self.clone();
        let work = move || {
            let judging = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                loop {
                    let request = slot.take();
                    let judged = Message::Judged(Arc::new(judge(&request)));
                    if out.send(Event::Message(judged)).is_err() {
                        return;
                    }
                }
            }));
            if judging.is_err() {
                let _ = out.send(Event::Died("judging"));
            }
        };
        std::thread::Builder::new().name("judge".to_owned()).spawn(work).map(drop)
    }

    fn take(&self) -> JudgeRequest {
        let (slot, changed) = &*self.0;
        let mut waiting = slot.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(request) = waiting.take() {
                return request;
            }
            waiting = changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Panics on F12 where the environment asks for it, so that a test can see the terminal given back.
#[cfg(debug_assertions)]
fn panic_if_asked(message: &Message) {
    let asked = matches!(message, Message::Key(key) if key.code == crossterm::event::KeyCode::F(12));
    assert!(!(asked && std::env::var_os("LIFEBOAT_PANIC").is_some()), "asked for by LIFEBOAT_PANIC");
}

/// Returns `now` in the steps in which time moves on the screen.
fn in_steps(now: Timestamp, step: i64) -> Timestamp {
    Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(step)).unwrap_or(now)
}
