//! What runs of the built program need: an account with things to recover, the gateway before it, and a home for each run.
//! Executors are processes of their own, and AWS is the AWS test server behind the gateway.

use crate::support::fast::{Fast, program, reap};
use crate::support::gateway::Gateway;
use crate::support::gear::Gear;
use crate::support::run::{Home, Ran};
use lifeboat::audit::verify::verify;
use lifeboat::engine::folder::{JOURNAL, RunFolder};
use lifeboat::engine::line::Head;
use lifeboat::engine::replay::read;
use lifeboat::engine::store::{Run, load};
use lifeboat::runbook::event::{CallPlace, Direction, Event, Rest, Verdict};
use lifeboat::runbook::state::Phase;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// The variable at which a debug build looks for where it dies.
const FAULT: &str = "LIFEBOAT_FAULT";
/// The variable at which `clock.c` looks for whether a call is to leave by half.
const HALF: &str = "LIFEBOAT_HALF_SENT";

/// What is run: a step of each way of telling whether its call has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    Restore,
    Volume,
    Snapshot,
    Version,
    Undelete,
    Stop,
    Failover,
}

impl Case {
    pub(crate) const ALL: [Self; 7] = [
        Self::Restore,
        Self::Volume,
        Self::Snapshot,
        Self::Version,
        Self::Undelete,
        Self::Stop,
        Self::Failover,
    ];

    /// Says how it is told whether its call has happened.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Restore => "unique name",
            Self::Volume => "token",
            Self::Snapshot => "tag",
            Self::Version | Self::Undelete => "conditional",
            Self::Stop => "set state",
            Self::Failover => "no return",
        }
    }

    /// Returns the operations that change something, each once: those of the step, and those that take it back.
    pub(crate) fn changes(self, direction: Direction) -> &'static [&'static str] {
        match (self, direction) {
            (Self::Restore, Direction::Forward) => &["RestoreDBInstanceFromDBSnapshot"],
            (Self::Restore, Direction::Undo) => &["DeleteDBInstance"],
            (Self::Volume, Direction::Forward) => &["CreateVolume"],
            (Self::Volume, Direction::Undo) => &["DeleteVolume"],
            (Self::Snapshot, Direction::Forward) => &["CreateSnapshot"],
            (Self::Snapshot, Direction::Undo) => &["DeleteSnapshot"],
            (Self::Version, _) => &["CopyObject"],
            (Self::Undelete, _) => &["DeleteObject"],
            (Self::Stop, Direction::Forward) => &["StopInstances"],
            (Self::Stop, Direction::Undo) => &["StartInstances"],
            (Self::Failover, Direction::Forward) => &["FailoverDBCluster"],
            (Self::Failover, Direction::Undo) => &[],
        }
    }

    pub(crate) fn can_be_undone(self) -> bool {
        self != Self::Failover
    }
}

/// Accounts with things to recover: one for each run, so that none waits for the lists of others.
pub(crate) struct Stage {
    gear: &'static Gear,
    pub(crate) gateway: &'static Gateway,
    /// What was made, by case.
    made: Mutex<BTreeMap<Case, Vec<Value>>>,
}

impl Stage {
    /// Makes accounts for a run of each of these.
    pub(crate) fn of(cases: impl IntoIterator<Item = Case>) -> Self {
        let gear = Gear::shared();
        let cases: Vec<_> = cases.into_iter().collect();
        let wanted: Vec<_> =
            cases.iter().map(|case| json!([Gear::new_account(), format!("{case:?}")])).collect();
        let program = format!("from account import *\nWANTED = {}\n{THINGS}", json!(wanted));
        let told = gear.python(&["-c", &program, &gear.port().to_string(), &Gear::new_account()]);
        let told: Vec<Value> = serde_json::from_str(told.trim()).expect("what was made is JSON");
        let mut made = BTreeMap::<Case, Vec<Value>>::new();
        for (case, told) in cases.into_iter().zip(told) {
            made.entry(case).or_default().push(told);
        }
        Self { gear, gateway: Gateway::shared(), made: Mutex::new(made) }
    }
}

/// Makes what a run recovers, in an account of its own.
const THINGS: &str = "
account = ['']
for service in ('rds', 'ec2', 's3'):
    client(service).meta.events.register(
        'before-sign', lambda request, **_: request.headers.add_header('x-moto-account-id', account[0]))
rds, ec2, made = client('rds'), client('ec2'), []

def restore():
    # moto asks for the option group of a restore, and has none of those that AWS makes by itself.
    rds.create_option_group(OptionGroupName='orders', EngineName='postgres', MajorEngineVersion='13',
                            OptionGroupDescription='orders')
    database('orders', EngineVersion='13.7', OptionGroupName='orders')
    rds.create_db_snapshot(DBInstanceIdentifier='orders', DBSnapshotIdentifier='orders-1')
    return {'id': 'orders'}

def volume():
    volume = ec2.create_volume(AvailabilityZone=HOME + 'a', Size=8, VolumeType='gp3')['VolumeId']
    return {'id': volume, 'snapshot': ec2.create_snapshot(VolumeId=volume)['SnapshotId']}

def object(*versions):
    bucket = 'objects-' + account[0]
    versioned(bucket)
    laid = gear('objects', account=account[0], bucket=bucket, objects=[{'key': 'a/key', 'versions': list(versions)}])
    return {'id': bucket, 'version': laid['version_ids']['a/key'][0]}

def stop():
    run = ec2.run_instances(ImageId='ami-12c6146b', MinCount=1, MaxCount=1, InstanceType='t3.small')
    return {'id': run['Instances'][0]['InstanceId']}

def failover():
    rds.create_db_cluster(DBClusterIdentifier='ledger', Engine='aurora-postgresql', MasterUsername='observer',
                          MasterUserPassword='not-a-secret')
    for name in ('ledger-a', 'ledger-b'):
        rds.create_db_instance(DBInstanceIdentifier=name, DBClusterIdentifier='ledger', Engine='aurora-postgresql',
                               DBInstanceClass='db.r6g.large')
    return {'id': 'ledger'}

makes = {'Restore': restore, 'Volume': volume, 'Snapshot': volume, 'Stop': stop, 'Failover': failover,
         'Version': lambda: object({'text': 'good'}, {'text': 'bad'}),
         'Undelete': lambda: object({'text': 'good'}, {'delete_marker': True})}
for account[0], case in WANTED:
    made.append({'account': account[0], **makes[case]()})
print(json.dumps(made))
";

/// Runbooks of one step, where those that are built in have more.
const RUNBOOKS: [(&str, &str); 2] = [
    (
        "restore",
        "version: 1\ntitle: Restore\nscenario: A test.\nkind: recover\nfailures: [local]\nparameters:\n  database:\n    \
         type: component\n    kinds: [rds-instance]\n    says: The database.\nsteps:\n  - id: act\n    title: Restore\n    \
         uses: rds-restore-from-snapshot\n    with:\n      component: ${params.database}\n      snapshot: orders-1\n",
    ),
    (
        "stop",
        "version: 1\ntitle: Stop\nscenario: A test.\nkind: recover\nfailures: [local]\nparameters:\n  instance:\n    \
         type: component\n    kinds: [ec2-instance]\n    says: The instance.\nsteps:\n  - id: act\n    title: Stop\n    \
         uses: ec2-stop\n    with:\n      component: ${params.instance}\n",
    ),
];

/// How a command, and the executor that it began, ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ran: Ran,
    /// Whether an executor was killed.
    pub(crate) killed: bool,
}

/// One run, from its plan to its rest.
pub(crate) struct Play<'a> {
    stage: &'a Stage,
    account: String,
    pub(crate) case: Case,
    home: Home,
    time: Option<Fast>,
    words: Vec<String>,
    /// The journal, as it was seen last.
    seen: Vec<u8>,
    /// When its lines were really written, in nanoseconds since 1970: time is moved between executors.
    written: Vec<i128>,
    wrong: Vec<String>,
}

impl<'a> Play<'a> {
    /// Prepares a run in a time that goes faster.
    pub(crate) fn new(stage: &'a Stage, case: Case) -> Self {
        Self::within(stage, case, Some(Fast::begun()))
    }

    /// Prepares a run in the time that there is.
    pub(crate) fn slow(stage: &'a Stage, case: Case) -> Self {
        Self::within(stage, case, None)
    }

    fn within(stage: &'a Stage, case: Case, time: Option<Fast>) -> Self {
        let made = stage.made.lock().expect("nobody panics here").get_mut(&case).and_then(Vec::pop);
        let made = made.expect("there is an account for each run");
        let home = Home::new();
        let one = |name: &str| made[name].as_str().expect("it was made").to_owned();
        let kind = match case {
            Case::Restore => "rds-instance",
            Case::Volume | Case::Snapshot => "ebs-volume",
            Case::Version | Case::Undelete => "s3-bucket",
            Case::Stop => "ec2-instance",
            Case::Failover => "rds-cluster",
        };
        let (account, id) = (one("account"), one("id"));
        let estate = format!(
            "version: 1\nestate: real\nrunbooks: [runbooks]\nenvironments:\n  staging:\n    class: staging\n    account: \
             \"{}\"\n    account_alias: gear\n    region: us-east-2\n    endpoints: {{ default: \"{}\" }}\ncomponents:\n  \
             it: {{ kind: {kind}, select: {{ id: \"{id}\" }} }}\npolicy:\n  unattended: [staging]\n",
            account,
            stage.gateway.url(),
        );
        home.write("lifeboat.yaml", &estate);
        for (name, text) in RUNBOOKS {
            home.write(&format!("runbooks/{name}.yaml"), text);
        }
        let (runbook, parameters) = match case {
            Case::Restore => ("restore", vec!["database=it".to_owned()]),
            Case::Volume => (
                "volume-from-snapshot",
                vec![
                    "volume=it".to_owned(),
                    format!("snapshot={}", one("snapshot")),
                    "zone=us-east-2a".to_owned(),
                ],
            ),
            Case::Snapshot => ("volume-snapshot", vec!["volume=it".to_owned()]),
            Case::Version => (
                "object-version",
                vec!["bucket=it".to_owned(), "key=a/key".to_owned(), format!("version={}", one("version"))],
            ),
            Case::Undelete => ("object-undelete", vec!["bucket=it".to_owned(), "key=a/key".to_owned()]),
            Case::Stop => ("stop", vec!["instance=it".to_owned()]),
            Case::Failover => ("cluster-failover", vec!["cluster=it".to_owned()]),
        };
        let mut words = vec!["run".to_owned(), runbook.to_owned(), "--yes".to_owned(), "--detach".to_owned()];
        for parameter in parameters {
            words.extend(["-p".to_owned(), parameter]);
        }
        Self {
            stage,
            account,
            case,
            home,
            time,
            words,
            seen: Vec::new(),
            written: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Lets so much of its time pass at once.
    pub(crate) fn later(&mut self, span: std::time::Duration) {
        self.time = self.time.map(|time| time.later(span));
    }

    /// Gives a program what it needs to work here.
    fn at_home(&self, command: &mut Command) {
        command
            .env_clear()
            .env("HOME", self.home.dir.path())
            .env("PATH", "/nonexistent")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("USER", "ann")
            .envs(self.stage.gear.aws_env(&self.account))
            .env_remove("AWS_ENDPOINT_URL")
            .current_dir(self.home.dir.path())
            .stdin(Stdio::null());
        if let Some(time) = self.time {
            time.give(command);
        }
    }

    /// Runs a command, and waits until it and the executor that it starts have ended.
    pub(crate) fn command(&mut self, words: &[&str], fault: Option<&str>) -> Ended {
        self.command_with(words, fault.map(|fault| (FAULT, fault)))
    }

    /// Goes on with it by an executor that sends half of its next call and is killed.
    pub(crate) fn half_sent(&mut self, direction: Direction) -> Ended {
        assert!(!self.is_done(direction), "there is nothing left to send");
        let name = self.name();
        self.command_with(&["resume", &name, "--detach"], Some((HALF, "1")))
    }

    fn command_with(&mut self, words: &[&str], variable: Option<(&str, &str)>) -> Ended {
        let told = self.home.dir.path().join("ended");
        let mut command = Command::new(reap());
        command.arg(&told).arg(program()).args(["--state-dir", "state"]).args(words);
        self.at_home(&mut command);
        command.envs(variable);
        let ran = Ran::of(command);
        let told = std::fs::read_to_string(told).expect("it is told how they ended");
        let killed = told.lines().any(|line| line.ends_with(" 9"));
        self.look();
        Ended { ran, killed }
    }

    /// Makes the plan, agrees to it and lets it be carried out.
    pub(crate) fn begin(&mut self, fault: Option<&str>) -> Ended {
        let words = self.words.clone();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        // In a time that goes faster, a server that is busy answers too late: then nothing was planned.
        for _ in 0..5 {
            let ended = self.command(&words, fault);
            if self.has_begun() {
                return ended;
            }
            println!("planned anew: {}", ended.ran);
        }
        panic!("{:?} cannot be planned", self.case)
    }

    fn has_begun(&self) -> bool {
        self.home.dir.path().join("state/runs").read_dir().is_ok_and(|mut runs| runs.next().is_some())
    }

    /// Prepares an executor that is a child of the test, and can be killed by it.
    pub(crate) fn executor(&self) -> Command {
        let mut command = Command::new(program());
        command.args(["--state-dir", "state", "__execute"]).arg(self.folder());
        self.at_home(&mut command);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Returns the folder of the run.
    pub(crate) fn folder(&self) -> PathBuf {
        let runs = self.home.dir.path().join("state/runs");
        let mut found = std::fs::read_dir(&runs).map_or(Vec::new(), |entries| entries.flatten().collect());
        found.retain(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(found.len(), 1, "there is one run in {}", runs.display());
        found.remove(0).path()
    }

    pub(crate) fn run(&self) -> Run {
        load(&RunFolder::at(&self.folder()))
            .unwrap_or_else(|failure| panic!("{}: {:?}", failure.message, failure.causes))
    }

    pub(crate) fn name(&self) -> String {
        self.run().plan.run.to_string()
    }

    /// Looks at the journal: what was acknowledged is still there, and every line verifies.
    pub(crate) fn look(&mut self) {
        if !self.has_begun() {
            return;
        }
        let folder = self.folder();
        let journal = std::fs::read(folder.join(JOURNAL)).unwrap_or_default();
        let whole = self.seen.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if !journal.starts_with(&self.seen[..whole]) {
            self.wrong.push("lines that were in the journal are there no more".to_owned());
        }
        self.seen = journal;
        let lines = read(&self.seen, &Head::default()).map(|read| read.lines).unwrap_or_default();
        for line in lines.get(self.written.len()..).unwrap_or_default() {
            self.written.push(self.time.map_or(line.at.as_nanosecond(), |time| time.real(line.at)));
        }
        if self.seen.contains(&b'\n')
            && let Err(failure) = verify(&RunFolder::at(&folder))
        {
            self.wrong.push(format!("the journal does not verify: {}", failure.message));
        }
    }

    /// Goes on with it in this direction, whatever that takes: asking for it, a word of a person who has looked, or
    /// another executor.
    pub(crate) fn go_on(&mut self, direction: Direction, fault: Option<&str>) -> Ended {
        let run = self.run();
        let name = run.plan.run.to_string();
        let undone = run.state.steps.values().any(|known| known.phase == Phase::Undone);
        if direction == Direction::Undo && run.state.wishes.undo.is_empty() && !undone {
            return self.command(&["undo", &name, "--yes", "--detach"], fault);
        }
        let asked = run
            .state
            .steps
            .iter()
            .find(|(_, known)| known.phase == Phase::InDoubt && known.question.is_some());
        if let Some((step, _)) = asked {
            let place = self.last_intended().expect("a call is in doubt");
            let happened = if self.effects_of(&place).is_empty() { "--did-not" } else { "--happened" };
            let step = step.to_string();
            let words = ["settle", &name, &step, happened, "--reason", "I looked at the console of AWS"];
            return self.command(&words, fault);
        }
        self.command(&["resume", &name, "--detach"], fault)
    }

    /// Says whether everything that was asked for is done.
    pub(crate) fn is_done(&self, direction: Direction) -> bool {
        let wanted = match direction {
            Direction::Forward => Rest::Finished,
            Direction::Undo => Rest::Undone,
        };
        self.run().state.rest.is_some_and(|(rest, ..)| rest == wanted)
    }

    /// Goes on until everything that was asked for is done.
    pub(crate) fn finish(&mut self, direction: Direction) {
        let mut last = String::new();
        for _ in 0..12 {
            if self.is_done(direction) {
                return;
            }
            last = self.go_on(direction, None).ran.to_string();
        }
        let rest = self.run().state.rest;
        self.wrong.push(format!("{} does not come to rest: {rest:?}\n{last}", direction.name()));
    }

    /// Returns the events of the journal.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.run().read.lines.into_iter().filter_map(|line| line.event).collect()
    }

    fn last_intended(&self) -> Option<CallPlace> {
        self.events().into_iter().rev().find_map(|event| match event {
            Event::Intended { of, .. } => Some(of),
            _ => None,
        })
    }

    /// Returns what a call has changed, as the gateway saw it.
    pub(crate) fn effects_of(&self, of: &CallPlace) -> Vec<Value> {
        let (name, direction) = (self.name(), of.direction.name());
        let effects =
            self.stage.gateway.list(&format!("effects?run={name}&step={}&direction={direction}", of.step));
        let own =
            |effect: &Value| effect["attempt"] == json!(of.attempt) && effect["call"] == json!(of.index);
        effects.into_iter().filter(own).collect()
    }

    /// Returns where a look said of something that has happened that it did not.
    fn false_absences(&self) -> Vec<String> {
        let (mut wrong, mut immediate) = (Vec::new(), false);
        for (line, at) in self.run().read.lines.into_iter().zip(&self.written) {
            match line.event {
                Some(Event::Intended { dedupe, .. }) => immediate = dedupe.shows_within().is_zero(),
                Some(Event::Observed { of, verdict: Verdict::DidNot, by: None, .. }) => {
                    // What changes nothing more may be made again while the first is on its way: it may arrive after
                    // the look, and before the line.
                    let at = if immediate { at - 200_000_000 } else { *at };
                    let before =
                        |effect: &Value| effect["at_ns"].as_i64().is_some_and(|then| i128::from(then) < at);
                    if self.effects_of(&of).iter().any(before) {
                        wrong.push(format!("line {} says that {of:?} did not happen, and it did", line.seq));
                    }
                }
                _ => {}
            }
        }
        wrong
    }

    /// Says what was done wrong, in the end.
    pub(crate) fn ended(mut self, undone: bool) -> Came {
        let name = self.name();
        let verified = self.command(&["audit", "verify", &name], None);
        if verified.ran.code != 0 {
            self.wrong.push(format!("audit verify: {}", verified.ran));
        }
        for by in ["", "&by=step"] {
            let twice = self.stage.gateway.list(&format!("twice?run={name}{by}"));
            if !twice.is_empty() {
                self.wrong.push(format!("twice: {twice:?}"));
            }
        }
        let absences = self.false_absences();
        self.wrong.extend(absences);
        for direction in [Direction::Forward, Direction::Undo] {
            if direction == Direction::Undo && !undone {
                continue;
            }
            for operation in self.case.changes(direction) {
                let asked =
                    format!("effects?run={name}&direction={}&operation={operation}", direction.name());
                let count = self.stage.gateway.list(&asked).len();
                if count != 1 {
                    self.wrong.push(format!("{count} times {operation} {}", direction.name()));
                }
            }
        }
        let folder = self.folder();
        Came { wrong: self.wrong, folder, home: self.home }
    }
}

/// What came of a run.
pub(crate) struct Came {
    pub(crate) wrong: Vec<String>,
    pub(crate) folder: PathBuf,
    /// Keeps the folder.
    #[expect(dead_code, reason = "the folder is there for as long as this is")]
    pub(crate) home: Home,
}

/// Does this with each, several at a time: most of what they do is waiting.
pub(crate) fn several<T: Send, R: Send>(things: Vec<T>, one: impl Fn(T) -> R + Sync) -> Vec<R> {
    let (queue, done) = (Mutex::new(things.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("nobody panics here").next();
                    let Some(thing) = next else { return };
                    let came = one(thing);
                    done.lock().expect("nobody panics here").push(came);
                }
            });
        }
    });
    done.into_inner().expect("nobody panics here")
}
