//! Git remotes: whether the deployed commit can be had, by every way in which a remote may answer.

use super::remotes::{Bench, Http, block_on, codes, condition, daemon, outside, points, repository};
use lifeboat::domain::condition::Health;
use lifeboat::domain::estate::Component;
use lifeboat::domain::reading::ReadTrouble;
use lifeboat::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use lifeboat::provider::port::{Ask, Deaf, ReadConditions, ReadPoints};
use lifeboat::provider::tool::ToolAdapter;

/// Returns the only point, which must be the commit, whole.
fn whole(adapter: &ToolAdapter, component: &Component, commit: &str) -> RecoveryPoint {
    let answer = points(adapter, component);
    assert!(answer.lacking.is_empty(), "{:?}", answer.lacking);
    let all = answer.outcome.expect("it is read");
    let [point] = all.as_slice() else { panic!("not one point: {all:?}") };
    assert_eq!((point.id.as_str(), point.kind), (commit, PointKind::Commit));
    assert_eq!(
        (point.holds, &point.status, &point.place),
        (Holds::Everything, &PointStatus::Available, &outside())
    );
    assert!(point.verified.is_some_and(|verification| verification.whole), "{point:?}");
    point.clone()
}

fn trouble(adapter: &ToolAdapter, component: &Component) -> ReadTrouble {
    points(adapter, component).outcome.expect_err("it cannot be read")
}

#[test]
fn a_commit_at_the_tip_of_a_branch_is_held_whole() {
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    let (adapter, component) = (bench.adapter(), repository(&bench.remote(), &tip));
    whole(&adapter, &component, &tip);
    let found = condition(&adapter, &component).outcome.expect("it is read");
    assert_eq!(found.health, Health::Healthy);
    let status = found.status.as_str();
    assert!(status.starts_with(&format!("main is at {} (", &tip[..7])), "{status}");
    assert!(status.contains(" s ago)") || status.contains(" min ago)"), "{status}");
    assert_eq!(codes(&found), Vec::<&str>::new());
}

#[test]
fn a_commit_that_was_seen_whole_keeps_the_time_of_that() {
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    let component = repository(&bench.remote(), &tip);
    let first = whole(&bench.adapter(), &component, &tip);
    // Another process, with the same cache; the branch has moved on meanwhile.
    bench.commit("more");
    bench.push("main");
    let second = whole(&bench.adapter(), &component, &tip);
    let seconds = |point: &RecoveryPoint| point.verified.map(|verification| verification.at.as_second());
    assert_eq!(seconds(&first), seconds(&second));
}

#[test]
fn a_commit_that_only_a_tag_names_is_held() {
    let bench = Bench::new();
    bench.work(&["checkout", "-q", "--detach"]);
    let released = bench.commit("released");
    bench.work(&["tag", "-a", "-m", "first", "v1"]);
    bench.push("v1");
    // By the commit, and by the object that the tag is.
    for deployed in [released.clone(), bench.id("v1^{tag}")] {
        let component = repository(&bench.remote(), &deployed);
        whole(&bench.adapter(), &component, &released);
        let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
        assert!(found.status.as_str().ends_with("is at tag v1"), "{}", found.status);
        assert_eq!(codes(&found), Vec::<&str>::new());
    }
}

#[test]
fn a_commit_below_a_branch_is_held_and_not_doubtful() {
    let bench = Bench::new();
    let below = bench.id("HEAD~3");
    let component = repository(&bench.remote(), &below);
    whole(&bench.adapter(), &component, &below);
    let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
    assert!(found.status.as_str().ends_with("is below main"), "{}", found.status);
    assert_eq!(codes(&found), Vec::<&str>::new());
}

#[test]
fn the_beginning_of_an_id_is_enough() {
    let bench = Bench::new();
    for name in ["HEAD", "HEAD~4"] {
        let commit = bench.id(name);
        whole(&bench.adapter(), &repository(&bench.remote(), &commit[..12]), &commit);
    }
    let none = repository(&bench.remote(), "0123456789ab");
    assert_eq!(points(&bench.adapter(), &none).outcome, Ok(Vec::new()));
}

#[test]
fn a_commit_that_is_not_handed_out_by_its_id_is_fetched_by_its_branch() {
    let bench = Bench::new();
    let http = Http::of(bench.dir.path(), &["--old"]);
    let address = format!("http://127.0.0.1:{}/shop.git", http.port);
    let below = bench.id("HEAD~3");
    // The premise: this server does refuse.
    assert!(!bench.succeeds(&["fetch", "-q", "--depth=1", &address, &below]));
    let component = repository(&address, &below);
    whole(&bench.adapter(), &component, &below);
    let unknown = repository(&address, "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(points(&bench.adapter(), &unknown).outcome, Ok(Vec::new()));
}

#[test]
fn a_commit_too_far_back_is_never_said_to_be_missing() {
    let bench = Bench::new();
    let oldest = bench.long("long.git", 20_100);
    // Where it is not handed out by its id, it cannot be told whether it is there.
    let http = Http::of(bench.dir.path(), &["--old"]);
    let component = repository(&format!("http://127.0.0.1:{}/long.git", http.port), &oldest);
    let why = trouble(&bench.adapter(), &component);
    assert!(why.to_string().contains("newest 20000 of any branch"), "{why}");
    let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
    assert_eq!(codes(&found), Vec::<&str>::new());
    // Where it is, only its branch is not known.
    let component = repository(&bench.path("long.git").display().to_string(), &oldest);
    whole(&bench.adapter(), &component, &oldest);
    let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
    assert_eq!(codes(&found), ["note-commit-far-back"]);
}

#[test]
fn a_commit_that_the_remote_does_not_hold_is_no_point_and_an_alarm() {
    let bench = Bench::new();
    let local = bench.commit("never pushed");
    let component = repository(&bench.remote(), &local);
    assert_eq!(points(&bench.adapter(), &component).outcome, Ok(Vec::new()));
    let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
    assert_eq!(codes(&found), ["deployed-commit-missing"]);
    assert!(found.status.as_str().contains(&format!("does not hold {}", &local[..7])), "{}", found.status);
    // As soon as it is pushed it counts, with the same cache.
    bench.push("main");
    whole(&bench.adapter(), &component, &local);
}

#[test]
fn a_commit_on_no_branch_is_held_and_may_go_any_day() {
    let bench = Bench::new();
    let gone = bench.commit("forced away");
    bench.push("main");
    bench.work(&["reset", "-q", "--hard", "HEAD~1"]);
    bench.push("main");
    let component = repository(&bench.remote(), &gone);
    whole(&bench.adapter(), &component, &gone);
    let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
    assert_eq!(codes(&found), ["warn-commit-on-no-branch"]);
    // What was fetched once is no proof that the remote still has it.
    bench.git_in("shop.git", &["gc", "-q", "--prune=now"]);
    assert_eq!(points(&bench.adapter(), &component).outcome, Ok(Vec::new()));
}

#[test]
fn a_commit_that_cannot_be_had_whole_is_no_whole_point() {
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    let file = bench.id("HEAD:file");
    bench.git_in("shop.git", &["config", "gc.auto", "0"]);
    bench.git_in("shop.git", &["config", "receive.unpackLimit", "1000"]);
    let object = bench.path("shop.git/objects").join(&file[..2]).join(&file[2..]);
    std::fs::remove_file(&object).expect("the object lies by itself");
    let component = repository(&bench.remote(), &tip);
    let all = points(&bench.adapter(), &component).outcome.expect("it is read");
    assert_eq!(all.iter().map(|point| point.verified.map(|v| v.whole)).collect::<Vec<_>>(), [Some(false)]);
    let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
    assert_eq!(found.health, Health::Impaired);
}

#[test]
fn a_repository_that_is_gone_has_no_points_and_one_that_may_be_hidden_is_not_known() {
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    let gone = repository(&bench.path("other.git").display().to_string(), &tip);
    assert_eq!(points(&bench.adapter(), &gone).outcome, Ok(Vec::new()));
    let found = condition(&bench.adapter(), &gone).outcome.expect("it is read");
    assert_eq!(found.health, Health::Gone);
    assert!(found.status.as_str().contains("other.git"), "{}", found.status);

    // A daemon that does not tell whether there is nothing or whether we may not see it.
    let port = daemon(bench.dir.path(), &[]);
    let hidden = repository(&format!("git://127.0.0.1:{port}/other.git"), &tip);
    let why = trouble(&bench.adapter(), &hidden);
    assert!(why.to_string().contains("may see"), "{why}");
    let found = condition(&bench.adapter(), &hidden).outcome.expect("it is read");
    assert_eq!(found.health, Health::Gone);
    assert!(found.status.as_str().contains("may see"), "{}", found.status);
    // One that does.
    let port = daemon(bench.dir.path(), &["--informative-errors"]);
    let gone = repository(&format!("git://127.0.0.1:{port}/other.git"), &tip);
    assert_eq!(points(&bench.adapter(), &gone).outcome, Ok(Vec::new()));
}

#[test]
fn a_daemon_is_read_like_a_file() {
    let bench = Bench::new();
    let (tip, below) = (bench.id("HEAD"), bench.id("HEAD~2"));
    let address = format!("git://127.0.0.1:{}/shop.git", daemon(bench.dir.path(), &[]));
    whole(&bench.adapter(), &repository(&address, &tip), &tip);
    whole(&bench.adapter(), &repository(&address, &below), &below);
}

#[test]
fn nobody_there_is_not_reachable() {
    let bench = Bench::new();
    // A port that is bound and listens to nobody: no other test can get it meanwhile.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("an address").port();
    drop(socket);
    for address in [format!("http://127.0.0.1:{port}/x"), format!("git://127.0.0.1:{port}/x")] {
        let component = repository(&address, &bench.id("HEAD"));
        assert_eq!(trouble(&bench.adapter(), &component), ReadTrouble::Unreachable, "{address}");
        let found = condition(&bench.adapter(), &component).outcome;
        assert_eq!(found, Err(ReadTrouble::Unreachable), "{address}");
    }
}

#[test]
fn a_login_is_asked_of_nobody_and_seen_nowhere() {
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    let http = Http::of(bench.dir.path(), &["--login", "robot:s3cr3t-token"]);
    let denied = |address: String| match trouble(&bench.adapter(), &repository(&address, &tip)) {
        ReadTrouble::Denied { permission, identity } => (permission.to_string(), identity.to_string()),
        other => panic!("{address}: {other}"),
    };
    let place = format!("127.0.0.1:{}/shop.git", http.port);
    let (permission, identity) = denied(format!("http://{place}"));
    assert_eq!(permission, format!("read http://{place}"));
    assert!(identity.contains("asks for a login") && identity.contains("prompts are off"), "{identity}");
    let (permission, identity) = denied(format!("http://robot:wr0ng-token@{place}"));
    assert!(identity.contains("refused"), "{identity}");
    assert!(!format!("{permission}{identity}").contains("wr0ng"), "{permission} {identity}");

    let component = repository(&format!("http://robot:s3cr3t-token@{place}"), &tip);
    let point = whole(&bench.adapter(), &component, &tip);
    let answer = condition(&bench.adapter(), &component);
    let all = format!("{point:?}{answer:?}{:?}", points(&bench.adapter(), &component).source);
    assert!(!all.contains("s3cr3t"), "{all}");
    let mut folders = vec![bench.path("cache")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                let holds = bytes.windows(6).any(|window| window == b"s3cr3t");
                assert!(!holds, "{} holds the login", path.display());
            }
        }
    }
}

#[test]
fn what_is_fetched_is_ours_alone() {
    use std::os::unix::fs::MetadataExt;
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    whole(&bench.adapter(), &repository(&bench.remote(), &tip), &tip);
    condition(&bench.adapter(), &repository(&bench.remote(), &tip)).outcome.expect("it is read");
    let mut folders = vec![bench.path("cache")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let meta = entry.metadata().expect("it is there");
            assert_eq!(meta.mode() & 0o077, 0, "{} is open to others", entry.path().display());
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
}

#[test]
fn an_address_that_would_run_something_is_refused() {
    let bench = Bench::new();
    let proof = bench.path("ran");
    let touch = format!("touch {}", proof.display());
    for address in
        [format!("--upload-pack={touch}"), format!("-oProxyCommand={touch}:x"), format!("ext::{touch}")]
    {
        let why = trouble(&bench.adapter(), &repository(&address, &bench.id("HEAD")));
        assert!(why.to_string().contains("refused"), "{address}: {why}");
    }
    // Not even by way of an alias in somebody's own settings.
    let settings = bench.path("settings");
    std::fs::write(&settings, format!("[url \"ext::{touch} \"]\n\tinsteadOf = https://git.example.com/\n"))
        .expect("a file can be written");
    let adapter = bench.adapter().with_variable("GIT_CONFIG_GLOBAL", &settings);
    let why = trouble(&adapter, &repository("https://git.example.com/shop.git", &bench.id("HEAD")));
    assert!(why.to_string().contains("not allowed"), "{why}");
    assert!(!proof.exists());
}

#[test]
fn what_its_user_has_set_counts() {
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    let component = repository("https://git.example.com/shop.git", &tip);
    let alias = format!("url.{}/.insteadOf", bench.dir.path().display());
    // In the environment, as in a pipeline, and in a file.
    let adapter = { bench.adapter().with_variable("GIT_CONFIG_COUNT", "1") }
        .with_variable("GIT_CONFIG_KEY_0", &alias)
        .with_variable("GIT_CONFIG_VALUE_0", "https://git.example.com/");
    whole(&adapter, &component, &tip);
    let settings = bench.path("settings");
    bench.git(&["config", "--file", "settings", &alias, "https://git.example.com/"]);
    whole(&bench.adapter().with_variable("GIT_CONFIG_GLOBAL", &settings), &component, &tip);
}

#[test]
fn hooks_are_never_run() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let hooks = bench.path("hooks");
    std::fs::create_dir(&hooks).expect("a folder can be made");
    let proof = bench.path("ran");
    for hook in ["reference-transaction", "post-checkout", "pre-auto-gc"] {
        let path = hooks.join(hook);
        std::fs::write(&path, format!("#!/bin/sh\ntouch {}\n", proof.display()))
            .expect("a file can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("it can be made a program");
    }
    let settings = bench.path("settings");
    std::fs::write(&settings, format!("[core]\n\thooksPath = {}\n", hooks.display()))
        .expect("a file can be written");
    // The premise: with these settings they do run.
    bench.git(&["-c", &format!("core.hooksPath={}", hooks.display()), "-C", "work", "branch", "x"]);
    assert!(proof.exists());
    std::fs::remove_file(&proof).expect("it can be removed");
    let tip = bench.id("HEAD");
    let adapter = bench.adapter().with_variable("GIT_CONFIG_GLOBAL", &settings);
    whole(&adapter, &repository(&bench.remote(), &tip), &tip);
    assert!(!proof.exists());
}

#[test]
fn what_a_git_that_was_ended_left_behind_is_in_nobodys_way() {
    let bench = Bench::new();
    let tip = bench.id("HEAD");
    let component = repository(&bench.remote(), &tip);
    whole(&bench.adapter(), &component, &tip);
    let next = bench.commit("next");
    bench.push("main");
    let kept =
        std::fs::read_dir(bench.path("cache/git")).expect("a cache").flatten().next().expect("of a remote");
    for repository in ["whole", "history"] {
        let repository = kept.path().join(repository);
        for left in ["shallow.lock", "packed-refs.lock", "objects/pack/tmp_pack_x"] {
            std::fs::write(repository.join(left), "x").expect("a file can be written");
        }
    }
    whole(&bench.adapter(), &repository(&bench.remote(), &next), &next);
    // Nor is a repository that is no more than a heap of files.
    std::fs::remove_dir_all(kept.path().join("whole/objects")).expect("it can be removed");
    let third = bench.commit("third");
    bench.push("main");
    whole(&bench.adapter(), &repository(&bench.remote(), &third), &third);
}

#[test]
fn reads_of_one_remote_at_once_do_not_disturb_each_other() {
    let bench = Bench::new();
    let commits = [bench.id("HEAD"), bench.id("HEAD~1"), bench.id("HEAD~5")];
    let all: Vec<Component> = commits.iter().map(|commit| repository(&bench.remote(), commit)).collect();
    let (adapter, other, place) = (bench.adapter(), bench.adapter(), outside());
    let ask = |nth: usize| Ask { component: &all[nth], place: &place, news: &Deaf };
    // `other` shares nothing with `adapter` but the folder, as another process would.
    let (first, second, third, how) = block_on(async {
        tokio::join!(
            adapter.points(ask(0)),
            adapter.points(ask(1)),
            other.points(ask(2)),
            other.condition(ask(0))
        )
    });
    for (answer, commit) in [first, second, third].into_iter().zip(&commits) {
        let points = answer.outcome.expect("it is read");
        assert_eq!(points.iter().map(|point| point.id.as_str()).collect::<Vec<_>>(), [commit.as_str()]);
    }
    assert_eq!(how.outcome.expect("it is read").health, Health::Healthy);
}

#[test]
fn what_cannot_be_asked_says_why() {
    let bench = Bench::new();
    let remote = bench.remote();
    for (component, part) in [
        (repository(&remote, "main"), "is not the id of a commit"),
        (repository("work/shop", &bench.id("HEAD")), "a path from the root"),
    ] {
        let why = trouble(&bench.adapter(), &component);
        assert!(why.to_string().contains(part), "{why}");
        assert!(condition(&bench.adapter(), &component).outcome.is_err());
    }
    let adapter = bench.adapter().with_variable("PATH", "/nonexistent");
    let why = trouble(&adapter, &repository(&remote, &bench.id("HEAD")));
    assert!(why.to_string().contains("git is not installed"), "{why}");
}

#[test]
fn a_remote_without_a_branch_is_not_well() {
    let bench = Bench::new();
    bench.git(&["init", "-q", "--bare", "empty.git"]);
    let component = repository(&bench.path("empty.git").display().to_string(), &bench.id("HEAD"));
    assert_eq!(points(&bench.adapter(), &component).outcome, Ok(Vec::new()));
    let found = condition(&bench.adapter(), &component).outcome.expect("it is read");
    assert_eq!(found.health, Health::Impaired);
    assert_eq!(codes(&found), ["deployed-commit-missing"]);
}

#[test]
fn a_repository_of_sha_256_is_read_too() {
    let bench = Bench::new();
    bench.git(&["init", "-q", "--bare", "--object-format=sha256", "-b", "main", "long.git"]);
    bench.git(&["init", "-q", "--object-format=sha256", "-b", "main", "long"]);
    for what in ["one", "two"] {
        bench.git_in("long", &["commit", "-q", "--allow-empty", "-m", what]);
    }
    bench.git_in("long", &["push", "-q", "../long.git", "main"]);
    for name in ["HEAD", "HEAD~1"] {
        let commit = bench.git_in("long", &["rev-parse", name]);
        assert_eq!(commit.len(), 64);
        whole(&bench.adapter(), &repository(&bench.path("long.git").display().to_string(), &commit), &commit);
    }
}
