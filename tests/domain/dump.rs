//! Which files make a dump, what they must hash to, and how long archives take.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use lifeboat::domain::dump::{
    Algorithm, Checksum, Dump, Expected, Part, Unreadable, dumps, parse_checksums, retrieval,
};
use std::time::Duration;

fn day(day: i8) -> Timestamp {
    date(2026, 11, day).at(3, 0, 0, 0).to_zoned(TimeZone::UTC).expect("a moment").timestamp()
}

fn listed(names: &[&str]) -> Vec<Part> {
    names.iter().map(|name| Part::new(name, 10, day(20))).collect()
}

/// Says which dumps there are, each with its parts.
fn found(names: &[&str]) -> Vec<(String, Vec<String>)> {
    let parts = listed(names);
    let mut all: Vec<_> = dumps(&parts)
        .into_iter()
        .map(|dump| (dump.id, dump.parts.iter().map(|part| part.name.clone()).collect()))
        .collect();
    all.sort();
    all
}

fn ids(names: &[&str]) -> Vec<String> {
    found(names).into_iter().map(|(id, _)| id).collect()
}

#[test]
fn a_file_is_a_dump_and_so_is_a_folder_of_parts() {
    assert_eq!(
        found(&["a.dump", "2026-11-20/part-002.gz", "2026-11-20/part-001.gz", "full/x.gz", "full/deep/y.gz"]),
        [
            (
                "2026-11-20".to_owned(),
                vec!["2026-11-20/part-001.gz".to_owned(), "2026-11-20/part-002.gz".to_owned()]
            ),
            ("a.dump".to_owned(), vec!["a.dump".to_owned()]),
            ("full".to_owned(), vec!["full/deep/y.gz".to_owned(), "full/x.gz".to_owned()]),
        ]
    );
}

#[test]
fn days_and_times_tell_dumps_apart() {
    for (names, dumps) in [
        // By the day, also over several folders.
        (vec!["2026/11/20/a.gz", "2026/11/20/b.gz", "2026/11/21/a.gz"], vec!["2026/11/20", "2026/11/21"]),
        // By the time of the day, as folders or as files.
        (vec!["2026-11-20/01/a.gz", "2026-11-20/02/a.gz"], vec!["2026-11-20/01", "2026-11-20/02"]),
        (vec!["20261120/0100.dump", "20261120/0200.dump"], vec!["20261120/0100.dump", "20261120/0200.dump"]),
        // Files with a day in a folder without one.
        (vec!["db/x-20261120.gz", "db/x-20261121.gz"], vec!["db/x-20261120.gz", "db/x-20261121.gz"]),
        (vec!["db/x_20-11-2026.gz", "db/x_21-11-2026.gz"], vec!["db/x_20-11-2026.gz", "db/x_21-11-2026.gz"]),
        (vec!["db/1795190400.gz", "db/1795276800.gz"], vec!["db/1795190400.gz", "db/1795276800.gz"]),
        // What no calendar knows is no day.
        (vec!["db/x-20261320.gz", "db/x-99999999.gz"], vec!["db"]),
    ] {
        assert_eq!(ids(&names), dumps, "{names:?}");
    }
}

#[test]
fn what_a_tool_makes_of_a_folder_is_one_dump() {
    assert_eq!(ids(&["pg/orders-20261120/toc.dat", "pg/orders-20261120/1.dat.gz"]), ["pg/orders-20261120"]);
    assert_eq!(ids(&["pg/a/toc.dat", "pg/a/20261120.dat", "pg/b/toc.dat"]), ["pg/a", "pg/b"]);
}

#[test]
fn pieces_of_a_split_file_are_one_dump_and_rotated_files_are_not() {
    assert_eq!(
        found(&["x.gz.aa", "x.gz.ab", "x.gz.ac"]),
        [("x.gz".to_owned(), ["x.gz.aa", "x.gz.ab", "x.gz.ac"].map(str::to_owned).to_vec())]
    );
    assert_eq!(ids(&["x.001", "x.002"]), ["x"]);
    assert_eq!(ids(&["x.dump.1", "x.dump.2"]), ["x.dump.1", "x.dump.2"]);
    assert_eq!(ids(&["x.gz", "x.xz"]), ["x.gz", "x.xz"]);
}

#[test]
fn what_only_lies_beside_a_dump_is_none() {
    let beside = [
        "x.tmp",
        "x.part",
        "x.partial",
        "x.swp",
        "x~",
        ".hidden",
        ".snapshot/x.dump",
        "x.sha256",
        "SHA256SUMS",
        "MD5SUMS",
        "x.md5",
        "x.sha1",
        "README",
        "README.first",
        "backup.log",
        "backup.log.gz",
        "notes.txt",
        "notes.md",
        "report.json",
        "x.dump.asc",
        "folder/",
        "",
        "notes/readme.md",
        "notes/run.log",
    ];
    assert_eq!(ids(&beside), Vec::<String>::new());
    let dumps = ["x.sql", "orders.dump.json", "orders.json.gz", "x", "x.tar.zst.gpg", "customers.csv"];
    assert_eq!(ids(&dumps).len(), dumps.len());
}

#[test]
fn notes_in_the_folder_of_a_dump_are_parts_of_it() {
    let names = ["2026-11-20/db.bson", "2026-11-20/db.metadata.json", "2026-11-20/next.bson.tmp"];
    let parts = listed(&names);
    let all = dumps(&parts);
    let [dump] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(dump.parts.len(), 2);
    assert!(dump.is_unfinished());
}

#[test]
fn a_copy_of_an_old_dump_holds_nothing_of_today() {
    let old = [Part::new("orders-20261103.dump", 1, day(20))];
    let until = dumps(&old).first().and_then(Dump::until).expect("a moment");
    assert!(until < day(5) && until > day(4), "{until}");
    let own = [Part::new("2026-11-20/a", 1, day(19)), Part::new("2026-11-20/b", 1, day(20))];
    assert_eq!(dumps(&own).first().and_then(Dump::until), Some(day(20)));
}

#[test]
fn nothing_can_be_in_a_dump_without_bytes() {
    let parts = [
        Part::new("a.dump", 0, day(20)),
        Part::new("b/1.gz", 0, day(20)),
        Part::new("b/2.gz", 9, day(20)),
        Part::new("c/blobs.toc", 0, day(20)),
        Part::new("c/1.gz", 9, day(20)),
    ];
    let hollow: Vec<_> = dumps(&parts).into_iter().map(|dump| (dump.id.clone(), dump.is_hollow())).collect();
    assert_eq!(hollow, [("a.dump".to_owned(), true), ("b".to_owned(), true), ("c".to_owned(), false)]);
}

const A: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const B: &str = "d41d8cd98f00b204e9800998ecf8427e";

fn sha(hex: &str) -> Checksum {
    Checksum { algorithm: Algorithm::Sha256, hex: hex.to_owned() }
}

#[test]
fn checksums_are_read_in_every_form_that_is_in_use() {
    let read =
        |text: &str, file: &str| parse_checksums(text, file).map(|all| all.into_keys().collect::<Vec<_>>());
    let upper = A.to_ascii_uppercase();
    for (text, file, names) in [
        (format!("{A}  a.dump\n{A} *b.dump\n"), "SHA256SUMS", vec!["a.dump", "b.dump"]),
        (format!("{A}  ./x/a.dump\r\n"), "SHA256SUMS", vec!["x/a.dump"]),
        (format!("{A}  a b.dump\n"), "db/SHA256SUMS", vec!["db/a b.dump"]),
        (format!("SHA256 (a (1).dump) = {A}\n"), "SHA256SUMS", vec!["a (1).dump"]),
        (format!("SHA256 (a.dump) = {A}\nMD5 (a.dump) = {B}\n"), "checksums.txt", vec!["a.dump"]),
        (format!("{B}  a.dump\n"), "MD5SUMS", vec!["a.dump"]),
        (format!("\\{A}  a\\nb\\\\c\n"), "SHA256SUMS", vec!["a\nb\\c"]),
        (format!("{upper}\n"), "a.dump.sha256", vec!["a.dump"]),
        (format!("{A}  -\n"), "x/a.dump.sha256", vec!["x/a.dump"]),
        // Made before the dump got its last name, or elsewhere.
        (format!("{A}  a.dump.tmp\n"), "a.dump.sha256", vec!["a.dump"]),
        (format!("{A}  /var/tmp/b\n"), "a.dump.sha256", vec!["a.dump"]),
        (format!("# made by hand\n\n{A}  /var/tmp/b\n{A}  ../c\n"), "SHA256SUMS", vec!["b"]),
    ] {
        let names: Vec<_> = names.into_iter().map(str::to_owned).collect();
        assert_eq!(read(&text, file), Ok(names), "{text}");
    }
    let lower = parse_checksums(&format!("{upper}\n"), "a.sha256").expect("it is one");
    assert_eq!(lower.get("a"), Some(&sha(A)));
}

#[test]
fn a_list_that_is_not_understood_is_not_used_at_all() {
    for (text, file, why) in [
        (format!("{A}  a\nnot a checksum\n"), "SHA256SUMS", Unreadable::Line(2)),
        (format!("{B}  a\n"), "SHA256SUMS", Unreadable::Line(1)),
        (format!("{A}\n"), "SHA256SUMS", Unreadable::Line(1)),
        ("zz\n".to_owned(), "a.sha256", Unreadable::Line(1)),
        (format!("{}  a\n", &A[..40]), "checksums.txt", Unreadable::Algorithm),
        (format!("{}  a\n", &A[..40]), "a.sha1", Unreadable::Algorithm),
        ("\n".to_owned(), "SHA256SUMS", Unreadable::Empty),
        (format!("{A}  a\n{}  a\n", A.replace('e', "f")), "SHA256SUMS", Unreadable::Twice("a".to_owned())),
    ] {
        assert_eq!(parse_checksums(&text, file), Err(why), "{file}: {text}");
    }
}

fn expected(names: &[&str], lists: &[(&str, String)]) -> String {
    let parts = listed(names);
    let read = lists
        .iter()
        .map(|(file, text)| ((*file).to_owned(), parse_checksums(text, file).expect("a list")))
        .collect();
    let all = dumps(&parts);
    match all.first().expect("a dump").expected(&read) {
        Expected::Nothing => "nothing".to_owned(),
        Expected::Missing(names) => format!("missing {}", names.join(" ")),
        Expected::Contradiction(part) => format!("contradiction {}", part.name),
        Expected::Each(each) => {
            let of =
                |(part, checksum): (&Part, Checksum)| format!("{} {}", part.name, checksum.algorithm.name());
            each.into_iter().map(of).collect::<Vec<_>>().join(", ")
        }
    }
}

#[test]
fn every_part_needs_a_checksum_and_none_may_be_missing() {
    let folder = ["2026-11-20/1.gz", "2026-11-20/2.gz"];
    let both = format!("{A}  1.gz\n{A}  2.gz\n");
    let with = |list: &'static str| [folder.as_slice(), &[list]].concat();
    for (list, text, says) in [
        ("2026-11-20/SHA256SUMS", both.clone(), "2026-11-20/1.gz sha256, 2026-11-20/2.gz sha256"),
        ("2026-11-20.sha256", both.clone(), "2026-11-20/1.gz sha256, 2026-11-20/2.gz sha256"),
        (
            "SHA256SUMS",
            format!("{A}  2026-11-20/1.gz\n{A}  2026-11-20/2.gz\n{A}  2026-11-01/gone.gz\n"),
            "2026-11-20/1.gz sha256, 2026-11-20/2.gz sha256",
        ),
        ("2026-11-20/SHA256SUMS", format!("{A}  1.gz\n"), "nothing"),
        ("2026-11-20/SHA256SUMS", format!("{both}{A}  3.gz\n"), "missing 2026-11-20/3.gz"),
        ("2026-11-20.sha256", format!("{both}{A}  3.gz\n"), "missing 2026-11-20/3.gz"),
    ] {
        assert_eq!(expected(&with(list), &[(list, text)]), says, "{list}");
    }
    let one = ["2026-11-20/1.gz", "2026-11-20.sha256"];
    assert_eq!(expected(&one, &[("2026-11-20.sha256", format!("{A}  1.gz\n"))]), "2026-11-20/1.gz sha256");
    assert_eq!(expected(&folder, &[]), "nothing");
}

#[test]
fn the_strongest_checksum_counts_and_contradictions_are_seen() {
    let names = ["a.dump", "a.dump.sha256", "a.dump.md5", "SHA256SUMS"];
    let sums = |hex: &str| ("SHA256SUMS", format!("{hex}  a.dump\n"));
    let own = [("a.dump.sha256", format!("{A}\n")), ("a.dump.md5", format!("{B}\n"))];
    assert_eq!(expected(&names, &own), "a.dump sha256");
    assert_eq!(expected(&names, &[own[0].clone(), sums(A)]), "a.dump sha256");
    assert_eq!(expected(&names, &[own[0].clone(), sums(&A.replace('e', "f"))]), "contradiction a.dump");
}

#[test]
fn archives_take_their_time() {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    assert_eq!(retrieval("GLACIER", None), hours(5));
    assert_eq!(retrieval("DEEP_ARCHIVE", None), hours(12));
    assert_eq!(retrieval("GLACIER_IR", None), None);
    assert_eq!(retrieval("STANDARD", None), None);
    assert_eq!(retrieval("INTELLIGENT_TIERING", None), None);
    assert_eq!(retrieval("INTELLIGENT_TIERING", Some("ARCHIVE_ACCESS")), hours(5));
    assert_eq!(retrieval("INTELLIGENT_TIERING", Some("DEEP_ARCHIVE_ACCESS")), hours(12));
    let mut parts = [Part::new("2026-11-20/1", 1, day(20)), Part::new("2026-11-20/2", 1, day(20))];
    parts[1].storage_class = Some("DEEP_ARCHIVE".into());
    assert_eq!(dumps(&parts)[0].retrieval(), hours(12), "the slowest part counts");
}
