//! Configuration files: written as a whole, only while they are what was seen, and never through a link.

use super::local::{act, call, calls, look};
use crate::tool::local::block_on;
use lifeboat::provider::port::{CallTrouble, Look};
use lifeboat::runbook::call::Reply;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn read(path: &Path) -> Value {
    look("file:Read", &json!({ "Path": path })).expect("it can be read").body
}

fn code(told: &Result<Reply, CallTrouble>) -> Option<&str> {
    told.as_ref().err().and_then(CallTrouble::code)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_file_is_replaced_as_a_whole_with_its_mode_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("app.conf");
    fs::write(&path, "old\n").expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("its mode can be set");
    let seen = read(&path);
    assert_eq!(
        (&seen["Exists"], &seen["Content"], &seen["Mode"]),
        (&json!(true), &json!("old\n"), &json!("640"))
    );
    let write = |content: &str, seen: &Value| {
        act("file:Write", &json!({"Path": path, "Content": content, "IfSha256": seen["Sha256"]}))
    };
    write("new\n", &seen).expect("it is written");
    assert_eq!((fs::read_to_string(&path).expect("it is there").as_str(), mode(&path)), ("new\n", 0o640));
    assert_eq!(
        code(&write("other\n", &seen)),
        Some("PreconditionFailed"),
        "it is not what was seen any more"
    );
    write("old\n", &read(&path)).expect("it is written");
    assert_eq!(read(&path), seen);
    let left: Vec<_> = fs::read_dir(folder.path()).expect("it can be listed").flatten().collect();
    assert_eq!(left.len(), 1, "nothing else is left behind: {left:?}");
}

#[test]
fn a_new_file_is_for_its_owner_alone_and_writes_over_nothing() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("kubeconfig");
    assert_eq!(read(&path)["Exists"], json!(false));
    let write = json!({"Path": path, "Content": "{}", "IfAbsent": true});
    let made = act("file:Write", &write).expect("it is written").body;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(code(&act("file:Write", &write)), Some("PreconditionFailed"));
    let blind = act("file:Write", &json!({"Path": path, "Content": "x"}));
    assert!(matches!(blind, Err(CallTrouble::NotSent(_))), "{blind:?}");
    fs::write(&path, "theirs").expect("it can be written");
    let remove = json!({"Path": path, "IfSha256": made["Sha256"]});
    assert_eq!(code(&act("file:Remove", &remove)), Some("PreconditionFailed"), "what others wrote stays");
    fs::write(&path, "{}").expect("it can be written");
    act("file:Remove", &remove).expect("it is removed");
    assert!(!path.exists());
}

#[test]
fn nothing_is_written_through_a_link_or_into_what_is_no_file() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "kept").expect("it can be written");
    symlink(&target, &link).expect("a link can be made");
    for path in [&link, &folder.path().to_path_buf()] {
        assert_eq!(code(&look("file:Read", &json!({ "Path": path }))), Some("NoPlainFile"));
        let write = act("file:Write", &json!({"Path": path, "Content": "x", "IfAbsent": true}));
        assert!(write.is_err(), "{write:?}");
    }
    assert_eq!(fs::read_to_string(&target).expect("it is there"), "kept");
    // A folder that is a link is said by its real name, so that nobody is led elsewhere unseen.
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).expect("a folder can be made");
    symlink(&inside, folder.path().join("way")).expect("a link can be made");
    let seen = block_on(calls().within(folder.path()).look(&call("file:Read", &json!({"Path": "way/x"}))));
    let seen = seen.expect("it can be read").body;
    assert!(seen["Path"].as_str().is_some_and(|path| path.ends_with("/inside/x")), "{seen}");
}
