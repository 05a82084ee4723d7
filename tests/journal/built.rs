//! Journals for the tests: every kind of event in an order that can follow, with texts in them that somebody hostile
//! could have sent; their plan and their side files; and a folder in memory to lay them in.

use jiff::{SignedDuration, Timestamp};
use lifeboat::domain::Text;
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::estate::EnvironmentClass;
use lifeboat::domain::place::Place;
use lifeboat::engine::fault::NoFaults;
use lifeboat::engine::folder::{Folder, JOURNAL, PLAN, RunFolder, Tail};
use lifeboat::engine::journal::{Journal, sha256};
use lifeboat::engine::line::{Actor, FORMAT, Head};
use lifeboat::engine::replay;
use lifeboat::runbook::call::Call;
use lifeboat::runbook::consent::Strength;
use lifeboat::runbook::dedupe::Dedupe;
use lifeboat::runbook::definition::RunbookKind;
use lifeboat::runbook::event::{
    Approval, Ask, CallPlace, ConsentGiven, Direction, Ending, Event, Observation, Outcome, Rest, SideFile,
    Verdict,
};
use lifeboat::runbook::plan::{
    Mode, PLAN_FORMAT, Person, Plan, PlanHash, PlannedCall, PlannedStep, RunbookRef, Undo,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// What becomes of the steps of a round, by the ends of their names.
const FATES: [&str; 8] = ["plain", "throttled", "doubt", "refused", "needless", "gate", "undone", "manual"];

/// A journal with what belongs to it.
pub(super) struct Built {
    /// Its plan.
    pub(super) plan: Plan,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// The events that were written.
    pub(super) events: Vec<Event>,
    /// The other files of the run, by name.
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl Built {
    /// Returns where each line ends, after 0: the journal as a whole ends with the last.
    pub(super) fn ends(&self) -> Vec<usize> {
        ends(&self.bytes)
    }

    /// Returns where the journal stands after each line, after its beginning.
    pub(super) fn heads(&self) -> Vec<Head> {
        let read = replay::read(&self.bytes, &Head::default()).expect("it is sound");
        let heads = read.lines.into_iter().map(|line| Head { seq: line.seq, hash: line.hash });
        std::iter::once(Head::default()).chain(heads).collect()
    }

    /// Lays the run in a new folder.
    pub(super) fn lay(&self, path: &Path) -> RunFolder {
        let folder = RunFolder::create(path, &self.plan.bytes(), b"").expect("it can be made");
        for (name, bytes) in &self.files {
            folder.put(name, bytes).expect("it can be written");
        }
        folder.put(JOURNAL, &self.bytes).expect("it can be written");
        folder
    }
}

/// Returns where the lines of `bytes` end, after 0.
pub(super) fn ends(bytes: &[u8]) -> Vec<usize> {
    let breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(breaks).collect()
}

/// Returns a journal of more than 200 lines, in which texts of 8 KB stand.
pub(super) fn large() -> &'static Built {
    static LARGE: OnceLock<Built> = OnceLock::new();
    LARGE.get_or_init(|| built("large", 4, 8192))
}

/// Returns a journal with one of every kind, and short texts.
pub(super) fn small() -> &'static Built {
    static SMALL: OnceLock<Built> = OnceLock::new();
    SMALL.get_or_init(|| built("small", 1, 40))
}

/// Returns who writes.
pub(super) fn actor() -> Actor {
    Actor { user: "ada \"the first\" \\".into(), host: "žába\u{202e}\u{7}".into(), identity: None }
}

/// Writes the journal of a run of so many rounds on a disk, with texts of about so many bytes, and reads it back.
pub(super) fn built(name: &str, rounds: u32, long: usize) -> Built {
    let place = tempfile::tempdir().expect("a folder can be made");
    let plan = plan(name, rounds);
    let folder = RunFolder::create(&place.path().join(name), &plan.bytes(), b"").expect("it can be made");
    let mut told = Told { events: Vec::new(), files: BTreeMap::new(), long };
    let mut written = 0;
    for round in 0..rounds {
        // Each round is written by another executor.
        let (mut journal, read) =
            Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it can be opened");
        assert_eq!(journal.term(), u64::from(round) + 1, "each executor counts one more");
        if round == 0 {
            told.opened(&plan);
        }
        told.round(&plan, round, read.torn);
        for event in told.events.get(written..).expect("events are only added").to_vec() {
            if let Event::Identified { identity, .. } = &event {
                journal.acts_as(identity.clone());
            }
            let number = u64::try_from(written).expect("it fits") + 1;
            let at = moment(i64::try_from(number).expect("it fits"));
            let done = journal.append(event.clone(), at).expect("it can be written");
            assert_eq!((done.seq(), done.event()), (number, &event), "what was written is what was given");
            written += 1;
        }
        let half = b"{\"seq\":0,\"torn";
        drop(journal);
        if round + 1 < rounds {
            folder.tail().expect("it can be opened").write(half).expect("half a line can be written");
        }
    }
    for (name, bytes) in &told.files {
        folder.put(name, bytes).expect("a side file can be written");
    }
    let bytes = folder.read(JOURNAL).expect("it can be read").expect("it is there");
    Built { plan, bytes, events: told.events, files: told.files }
}

/// Returns a moment of the run.
pub(super) fn moment(n: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-21T03:12:07.123456789Z".parse().expect("a time");
    begin + SignedDuration::from_millis(n * 1234)
}

/// Returns a text that may have come from outside.
pub(super) fn hostile(n: usize) -> String {
    const KINDS: [&str; 9] = [
        "plain",
        "say \"no\" \\ \\\" \\n \\u0000 '",
        "\u{1b}[2J\u{7}\0\r\n\t\u{7f}\u{9b}",
        "one\u{2028}two\u{2029}three\u{85}four",
        "žluťoučký 日本語 🦀 e\u{301}\u{301}",
        "\u{202e}turned\u{2066} \u{feff}\u{200b}",
        "{\"seq\":1,\"hash\":\"0\"}",
        ",\"hash\":\"0000\"}\n{\"seq\":2",
        "</script>${steps.x}`$(id)`%s|",
    ];
    format!("{n} {}", KINDS[n % KINDS.len()])
}

fn step(id: &str) -> PlannedStep {
    let call = call(id, 0, 8);
    PlannedStep {
        uses: "test".into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::SetState,
        calls: vec![PlannedCall {
            call,
            says: "it is done".into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }],
        undo: Undo::Impossible("nothing is known".into()),
        ..PlannedStep::join(id, &hostile(id.len()))
    }
}

/// Returns the plan of a run of so many rounds.
pub(super) fn plan(name: &str, rounds: u32) -> Plan {
    let person = Person { user: "ada".into(), host: "bridge".into() };
    Plan {
        format: PLAN_FORMAT.to_owned(),
        lifeboat: "1.0.0".into(),
        run: format!("r-20261121-031207-{name}").into(),
        made_at: moment(0),
        made_by: person,
        runbook: RunbookRef {
            id: "restore-orders".into(),
            title: hostile(4).into(),
            digest: sha256(b"runbook").into(),
            kind: RunbookKind::Recover,
        },
        mode: Mode::Recover,
        environment: "production".into(),
        class: EnvironmentClass::Production,
        place: Place::new("123456789012", "us-east-2"),
        account_alias: "acme".into(),
        phrase_prefix: None,
        break_glass: true,
        component: None,
        estate: sha256(b"").into(),
        sandbox: None,
        parameters: BTreeMap::new(),
        secrets: Vec::new(),
        failure: None,
        since: None,
        promised_s: None,
        steps: (0..rounds)
            .flat_map(|round| FATES.iter().map(move |fate| step(&format!("{fate}-{round}"))))
            .collect(),
    }
}

fn call(step: &str, n: usize, long: usize) -> Call {
    let text: String = hostile(n).chars().cycle().take(long).collect();
    Call::new("rds:ModifyDBInstance", &"production".into(), &Place::new("123456789012", "us-east-2"))
        .with("DBInstanceIdentifier", step)
        .with("Text", text)
        .with("Nested", json!({ "b": [1, -2, 1.5, null, true], "a": { "": hostile(n + 1) } }))
}

struct Told {
    events: Vec<Event>,
    files: BTreeMap<String, Vec<u8>>,
    long: usize,
}

impl Told {
    fn add(&mut self, event: Event) {
        self.events.push(event);
    }

    fn text(&self) -> Text {
        hostile(self.events.len()).into()
    }

    fn side(&mut self, name: String, bytes: Vec<u8>) -> SideFile {
        let side = SideFile {
            name: name.as_str().into(),
            sha256: sha256(&bytes).into(),
            bytes: u64::try_from(bytes.len()).expect("it fits"),
        };
        self.files.insert(name, bytes);
        side
    }

    fn opened(&mut self, plan: &Plan) {
        let bytes = plan.bytes();
        let size = u64::try_from(bytes.len()).expect("it fits");
        self.add(Event::Opened {
            format: FORMAT.into(),
            lifeboat: "1.0.0".into(),
            run: plan.run.clone(),
            runbook: plan.runbook.id.clone(),
            title: plan.runbook.title.clone(),
            environment: plan.environment.clone(),
            class: plan.class,
            place: plan.place.clone(),
            mode: plan.mode,
            plan: SideFile { name: PLAN.into(), sha256: sha256(&bytes).into(), bytes: size },
            purpose: hostile(1).into(),
            virtual_time: false,
        });
    }

    fn asked(&mut self, ask: Ask, refused: bool) {
        let id = format!("q-{}", self.events.len());
        let by = Person { user: self.text(), host: "bridge".into() };
        let sent_at = moment(i64::try_from(self.events.len()).expect("it fits"));
        let refused = refused.then(|| self.text());
        self.add(Event::Asked {
            id: id.into(),
            by,
            terminal: Some("/dev/pts/3".into()),
            sent_at,
            ask,
            refused,
        });
    }

    fn consent(&self, plan: &Plan) -> ConsentGiven {
        ConsentGiven {
            plan: PlanHash::of(&plan.bytes()),
            strength: Strength::TypedAndSigned,
            phrase: Some(hostile(self.events.len())),
            by_flag: false,
            approval: Some(Approval {
                approver: "grace".into(),
                expires: moment(100_000),
                signature: "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n".to_owned(),
            }),
            break_glass: Some(self.text()),
        }
    }

    /// Tells what becomes of one set of steps.
    fn round(&mut self, plan: &Plan, round: u32, cut_bytes: u64) {
        let program = Some(sha256(b"program").into());
        self.add(Event::TookOver { pid: 4711 + round, lifeboat: "1.0.0".into(), cut_bytes, program });
        let given = self.consent(plan);
        self.asked(Ask::Consent(given.clone()), false);
        self.add(Event::BreakGlass { reason: self.text(), opens_at: moment(50) });
        self.asked(Ask::Veto { reason: self.text() }, true);
        let approver = Some(("grace".into(), "SHA256:abc".into()));
        let scope = "plan".into();
        self.add(Event::Consented { scope, strength: Strength::TypedAndSigned, approver, break_glass: true });
        self.add(Event::Identified {
            environment: "production".into(),
            identity: format!("arn:aws:sts::123456789012:assumed-role/recovery/ada-{round}").into(),
            account: "123456789012".into(),
            ends_at: Some(moment(9000)),
        });
        self.asked(Ask::Pause, false);
        self.asked(Ask::Resume, false);
        self.asked(Ask::Note { text: self.text() }, false);
        for fate in FATES {
            self.fate(plan, fate, &format!("{fate}-{round}").into());
        }
        self.asked(Ask::Abandon { reason: self.text() }, true);
        let rests =
            [Rest::Finished, Rest::Paused, Rest::Stuck, Rest::Abandoned, Rest::WaitingForLogin, Rest::Undone];
        for rest in rests {
            self.add(Event::Rested { rest, why: self.text() });
        }
    }

    fn fate(&mut self, plan: &Plan, fate: &str, step: &Text) {
        let forward =
            |attempt| CallPlace { step: step.clone(), direction: Direction::Forward, attempt, index: 0 };
        let of = forward(1);
        match fate {
            "throttled" => {
                self.began(&of);
                for outcome in [Outcome::Throttled, Outcome::NotSent, Outcome::Succeeded] {
                    self.intended(&of);
                    self.answered(&of, outcome);
                }
                self.arrived(&of);
                self.ended(&of, Ending::Succeeded);
            }
            "doubt" => {
                self.began(&of);
                self.intended(&of);
                self.answered(&of, Outcome::InDoubt);
                self.observed(&of, Verdict::Unclear);
                self.add(Event::Questioned { step: step.clone(), question: self.text() });
                self.asked(Ask::Settle { step: step.clone(), happened: false, reason: self.text() }, false);
                self.observed(&of, Verdict::DidNot);
                self.intended(&of);
                self.observed(&of, Verdict::Happened);
                self.arrived(&of);
                self.ended(&of, Ending::Succeeded);
            }
            "refused" => {
                self.began(&of);
                self.intended(&of);
                self.answered(&of, Outcome::Refused);
                self.ended(&of, Ending::Failed);
                self.asked(Ask::Retry { step: step.clone() }, false);
                self.carried_out(&forward(2));
            }
            "needless" => self.ended(&of, Ending::NotNeeded),
            "gate" => {
                self.add(Event::GateReached { step: step.clone() });
                let consent = self.consent(plan);
                self.asked(Ask::OpenGate { step: step.clone(), consent }, true);
                self.asked(Ask::Skip { step: step.clone(), reason: self.text() }, false);
            }
            "undone" => {
                self.carried_out(&of);
                let consent = self.consent(plan);
                self.asked(Ask::Undo { step: Some(step.clone()), consent }, false);
                let back = |attempt| CallPlace { direction: Direction::Undo, ..forward(attempt) };
                self.began(&back(1));
                self.ended(&back(1), Ending::UndoFailed);
                self.began(&back(2));
                self.intended(&back(2));
                self.answered(&back(2), Outcome::Succeeded);
                self.arrived(&back(2));
                self.ended(&back(2), Ending::Undone);
            }
            "manual" => {
                self.began(&of);
                self.add(Event::Questioned { step: step.clone(), question: self.text() });
                self.asked(Ask::Answer { step: step.clone(), answer: self.text(), done: true }, false);
                self.arrived(&of);
                self.ended(&of, Ending::Succeeded);
            }
            _ => self.carried_out(&of),
        }
    }

    fn carried_out(&mut self, of: &CallPlace) {
        self.began(of);
        self.intended(of);
        self.answered(of, Outcome::Succeeded);
        self.arrived(of);
        self.add(Event::Verified { step: of.step.clone(), index: 0, says: self.text(), since: moment(3) });
        let deviations = json!([{ "setting": hostile(self.events.len()), "was": 1, "is": null }]);
        self.add(Event::Compared { step: of.step.clone(), differ: 1, deviations });
        self.ended(of, Ending::Succeeded);
    }

    fn began(&mut self, of: &CallPlace) {
        let name = format!("side/{}-{}-{}-before.json", of.step, of.direction.name(), of.attempt);
        let before = Some(self.side(name, hostile(self.events.len()).into_bytes()));
        let found = json!({ "Status": hostile(self.events.len()) });
        let observed = vec![Observation { says: self.text(), holds: true, found }];
        let (step, direction, attempt) = (of.step.clone(), of.direction, of.attempt);
        self.add(Event::Began { step, direction, attempt, calls: 1, observed, before });
    }

    fn intended(&mut self, of: &CallPlace) {
        // Not every text is long: most lines are not.
        let long = if self.events.len().is_multiple_of(20) { self.long } else { 20 };
        let call = call(of.step.as_str(), self.events.len(), long);
        let digest = call.digest().into();
        self.add(Event::Intended { of: of.clone(), call, digest, dedupe: Dedupe::UniqueName });
    }

    fn answered(&mut self, of: &CallPlace, outcome: Outcome) {
        let done = outcome == Outcome::Succeeded;
        let text = self.text();
        let reply = match self.events.len() % 3 {
            0 if done => {
                let name = format!("side/{}-{}-{}.json", of.step, of.direction.name(), of.attempt);
                json!({ "side": self.side(name, hostile(self.events.len()).into_bytes()) })
            }
            1 if done => json!({ "Endpoint": hostile(self.events.len()), "side": "left" }),
            2 if done => json!([hostile(self.events.len())]),
            _ => Value::Null,
        };
        self.add(Event::Answered {
            of: of.clone(),
            outcome,
            request_id: done.then(|| "9f2c".into()),
            status: if done { 200 } else { 0 },
            code: (!done).then(|| text.clone()),
            says: text.clone(),
            reply,
            hint: (!done).then_some(text),
        });
    }

    fn observed(&mut self, of: &CallPlace, verdict: Verdict) {
        let by = Some(Person { user: self.text(), host: "bridge".into() });
        let reply = json!({ "side": "right" });
        self.add(Event::Observed { of: of.clone(), verdict, evidence: self.text(), reply, by });
    }

    fn arrived(&mut self, of: &CallPlace) {
        let mut outputs = Map::new();
        outputs.insert("endpoint".to_owned(), hostile(self.events.len()).into());
        self.add(Event::Arrived { of: of.clone(), outputs });
    }

    fn ended(&mut self, of: &CallPlace, ending: Ending) {
        let (step, direction) = (of.step.clone(), of.direction);
        self.add(Event::Ended { step, direction, ending, why: self.text(), hint: Some(self.text()) });
    }
}

/// What happens at the next uses of a disk.
pub(super) type Trouble = Arc<Mutex<dyn FnMut(&str) -> Option<io::Error> + Send>>;

/// A folder in memory, whose disk fails when it is told to.
#[derive(Clone)]
pub(super) struct Memory {
    pub(super) files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    trouble: Trouble,
}

impl Memory {
    /// Returns a folder with a journal.
    pub(super) fn with(journal: &[u8]) -> Self {
        Self::troubled(journal, Arc::new(Mutex::new(|_: &str| None)))
    }

    /// Returns a folder with a journal, where each `write`, `sync` and `cut` may fail.
    pub(super) fn troubled(journal: &[u8], trouble: Trouble) -> Self {
        let files = BTreeMap::from([(JOURNAL.to_owned(), journal.to_vec())]);
        Self { files: Arc::new(Mutex::new(files)), trouble }
    }

    /// Returns the bytes of the journal.
    pub(super) fn journal(&self) -> Vec<u8> {
        self.files.lock().expect("nobody died")[JOURNAL].clone()
    }

    fn fails(&self, what: &str) -> io::Result<()> {
        let mut trouble = self.trouble.lock().expect("nobody died");
        trouble(what).map_or(Ok(()), Err)
    }
}

impl Folder for Memory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.lock().expect("nobody died").get(name).cloned())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.lock().expect("nobody died").insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn publish(&self, name: &str, bytes: &[u8]) {
        let _ = self.put(name, bytes);
    }

    fn tail(&self) -> io::Result<Box<dyn Tail>> {
        Ok(Box::new(self.clone()))
    }

    fn requests(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        Ok(Vec::new())
    }

    fn forget(&self, _: &str) {}

    fn is_watched(&self) -> bool {
        false
    }

    fn say_last(&self, _: &str) {}
}

impl Tail for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let failed = self.fails("write");
        // A disk that is full takes what still fits.
        let taken = if failed.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        let mut files = self.files.lock().expect("nobody died");
        files.entry(JOURNAL.to_owned()).or_default().extend_from_slice(taken);
        failed
    }

    fn sync(&mut self) -> io::Result<()> {
        self.fails("sync")
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.fails("cut")?;
        let length = usize::try_from(length).expect("it fits");
        self.files.lock().expect("nobody died").entry(JOURNAL.to_owned()).or_default().truncate(length);
        Ok(())
    }

    fn free_reserve(&mut self) {
        let _ = self.fails("free");
    }
}

#[test]
fn the_journals_of_the_tests_hold_what_they_are_to_hold() {
    for (built, lines) in [(small(), 60), (large(), 200)] {
        let read = replay::read(&built.bytes, &Head::default()).expect("it is sound");
        assert!(read.lines.len() >= lines, "{} lines", read.lines.len());
        assert_eq!((read.torn, read.newer), (0, false));
        let events: Vec<Event> = read.lines.iter().filter_map(|line| line.event.clone()).collect();
        assert_eq!(events, built.events, "what is read is what was written");
        replay::fold(&built.plan, &read.lines).expect("every line can follow");
        println!("{} lines, {} bytes", read.lines.len(), built.bytes.len());
    }
    assert!(large().ends().windows(2).any(|ends| ends[1] - ends[0] > 8192), "a long text stands in it");
}
