//! Redaction: what must not be seen on a shared screen, replaced by names that stay the same.
//!
//! Here: the policy. Always hidden are account ids, who acts in ARNs, hosts, addresses, people, logins in URLs, and
//! whatever is a secret by its form or by its label; and the names that an estate chose. The same thing gets the same
//! pseudonym everywhere, so that people can still talk about it; secrets get none. What operators need and what gives
//! nothing away stays: services, Regions, operations, ids of resources, digests, times, sizes and files.
//!
//! Who may use it: everybody. What must stay true: redacting twice changes nothing, no pseudonym contains what it
//! hides, and the work grows with the length of the text only. When in doubt, it is hidden.
//!
//! Each rule settles its part of a text, and later rules see only what is left: private keys and labelled values come
//! first, because anything may be in them; names and bare digits come last, because they stand in everything.

mod account;
mod address;
mod arn;
mod entropy;
mod host;
mod label;
mod letter;
mod name;
mod person;
mod piece;
mod pseudonym;
mod secret;
mod secret_name;
mod top_level;
mod url;
mod value;

pub use secret::looks_secret;
pub use secret_name::is_secret_name;

use name::Names;
use piece::{Mask, Pieces};
use pseudonym::{Kind, SECRET};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What pseudonyms follow from: the same everywhere, so that people can talk about what they see.
pub const SALT: &str = "lifeboat";

/// How often a text is redacted until nothing changes. One pass does it for what people and services write.
const PASSES: usize = 8;

/// Replaces what must not be shown. The same `salt` gives the same pseudonyms.
#[derive(Clone)]
pub struct Redactor {
    salt: Arc<str>,
    names: Arc<Names>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the names nor the salt: who knows it can try out what a pseudonym hides.
        f.debug_struct("Redactor").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

impl Redactor {
    /// Returns a redactor whose pseudonyms follow from `salt`, such as the estate's name.
    pub fn new(salt: &str) -> Self {
        Self { salt: salt.into(), names: Arc::default() }
    }

    /// Returns the redactor with `names` hidden as well, instead of those that it hid before.
    ///
    /// They count as whole words and as words of longer names, in any case, the longest first.
    #[must_use]
    pub fn with_names(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { names: Arc::new(Names::new(names)), ..self }
    }

    /// Returns `text` with everything in it that must not be shown replaced.
    pub fn redact(&self, text: &str) -> String {
        let mut shown = self.pass(text);
        let mut last = text.to_owned();
        for _ in 1..PASSES {
            if shown == last {
                return shown;
            }
            last = shown;
            shown = self.pass(&last);
        }
        // What never comes to rest is made to get through. Nothing of it is shown, and that stays so.
        if shown == last { shown } else { SECRET.to_owned() }
    }

    fn pass(&self, text: &str) -> String {
        Pieces::new(text)
            .settle(secret::blocks)
            .settle(label::find)
            .settle(|text, masks| secret::tokens(self, text, masks))
            .settle(|text, masks| url::find(self, text, masks))
            .settle(|text, masks| arn::find(self, text, masks))
            .settle(|text, masks| person::find(self, text, masks))
            .settle(pseudonym::find)
            .settle(|text, masks| host::find(self, text, masks))
            .settle(|text, masks| address::find(self, text, masks))
            .settle(|text, masks| entropy::find(self, text, masks))
            .settle(|text, masks| name::find(self, text, masks))
            .settle(|text, masks| account::find(self, text, masks))
            .join()
    }

    fn mask(&self, kind: Kind, text: &str, range: Range<usize>) -> Mask {
        let shown = self.pseudonym(kind, text.get(range.clone()).unwrap_or_default());
        Mask::new(range, shown)
    }

    fn pseudonym(&self, kind: Kind, hidden: &str) -> String {
        pseudonym::pseudonym(&self.salt, kind, hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::{Redactor, looks_secret};
    use std::time::{Duration, Instant};

    fn harbour() -> Redactor {
        Redactor::new("harbour").with_names(["orders-db", "orders", "atlas-backups", "db"].map(String::from))
    }

    /// What is shown for `text`, with a sharp sign for the end of every pseudonym.
    fn shape(text: &str) -> String {
        let shown = harbour().redact(text);
        let mut parts = shown.split('-');
        let mut shape = parts.next().unwrap().to_owned();
        for part in parts {
            let tail: String = part.chars().take_while(|c| matches!(c, '0'..='9' | 'a'..='f')).collect();
            let known =
                ["account", "address", "group", "host", "id", "name", "person", "role", "session", "user"];
            let kind = known.iter().any(|kind| shape.ends_with(kind));
            shape.push('-');
            shape.push_str(&if kind && tail.len() == 6 {
                format!("#{}", part.get(6..).unwrap())
            } else {
                part.to_owned()
            });
        }
        shape
    }

    /// Secrets by their form, put together here so that no scanner takes this file for a leak.
    fn secrets() -> Vec<String> {
        let tail = "1aB2cD3eF4gH5iJ6kL7mN8oP9qR0sT1u";
        let mut all: Vec<_> = [
            "ghp_",
            "gho_",
            "github_pat_",
            "glpat-",
            "xoxb-",
            "sk_live_",
            "rk_live_",
            "AIza",
            "npm_",
            "pypi-",
            "hvs.",
            "sk-",
            "SG.",
            "eyJ",
        ]
        .map(|prefix| format!("{prefix}{tail}"))
        .into();
        all.extend(["AKIA", "ASIA", "ABIA", "ACCA"].map(|prefix| format!("{prefix}IOSFODNN7EXAMPLE")));
        all.push(["wJalrXUtnFEMI", "K7MDENG", "bPxRfiCYEXAMPLEKEY"].join("/"));
        all.push(format!("{}{}", "IQoJb3JpZ2luX2Vj", tail.repeat(4)));
        all.push(format!("s.{}", tail.get(..24).unwrap()));
        all.push(format!("{}{}.{}.{}", "eyJ", tail, tail, "abc_def-x"));
        all
    }

    const HIDDEN: [(&str, &str); 46] = [
        // Accounts and ARNs.
        ("012345678901", "account-#"),
        ("0123-4567-8901", "account-#"),
        ("s3://logs-012345678901-eu/exports/", "s3://logs-account-#-eu/exports/"),
        (
            "denied: rds:DescribeDBSnapshots as arn:aws:sts::012345678901:assumed-role/observe/botocore-1.",
            "denied: rds:DescribeDBSnapshots as arn:aws:sts::account-#:assumed-role/role-#/session-#.",
        ),
        (
            "arn:aws:sts::012345678901:assumed-role/observe/i-0abc1234",
            "arn:aws:sts::account-#:assumed-role/role-#/i-0abc1234",
        ),
        ("arn:aws:iam::012345678901:role/service/observe", "arn:aws:iam::account-#:role/service/role-#"),
        ("arn:aws:iam::012345678901:user/amira,", "arn:aws:iam::account-#:user/user-#,"),
        (
            "arn:aws-cn:iam::012345678901:instance-profile/web",
            "arn:aws-cn:iam::account-#:instance-profile/role-#",
        ),
        (
            "arn:aws:ssm:eu-west-1:012345678901:session/amira-0abc",
            "arn:aws:ssm:eu-west-1:account-#:session/session-#",
        ),
        ("(arn:aws:rds:us-east-2:012345678901:db:orders-db)", "(arn:aws:rds:us-east-2:account-#:db:name-#)"),
        ("AROAIOSFODNN7EXAMPLE1:amira@example.com", "id-#:person-#"),
        // Hosts.
        ("db.example.com:5432", "host-#:5432"),
        ("orders.c1.us-east-2.rds.amazonaws.com.", "host-#."),
        ("ip-10-1-4-9, ip-10-1-4-9.us-east-2.compute.internal", "host-#, host-#"),
        ("ec2-3-120-4-9.eu-central-1.compute.amazonaws.com", "host-#"),
        ("<nas.local> 'vault.corp' \"x.svc.cluster.local\"", "<host-#> 'host-#' \"host-#\""),
        ("bücher.example, db.xn--p1ai", "host-#, host-#"),
        ("example.com-logs www.example.com.sql.gz", "host-#-logs host-#.sql.gz"),
        // Addresses.
        (
            "zone.10.1.4.9.x, 10.1.4.9/32, 10.1.4.9:5432, from 10.1.4.9.",
            "zone.address-#.x, address-#/32, address-#:5432, from address-#.",
        ),
        ("[2001:db8::1]:443 2001:db8::/32 fe80::1%eth0", "[address-#]:443 address-#/32 address-#%eth0"),
        // People and logins.
        ("amira@example.com amira@deploy-2", "person-# person-#"),
        ("git@github.com:atlas/core.git", "person-#:atlas/core.git"),
        ("postgres://amira:hunter2@db:5432/x?ssl=on", "postgres://person-#:[secret]@host-#:5432/x?ssl=on"),
        ("postgres://amira:hun/t@r2@db/x", "postgres://person-#:[secret]@host-#/x"),
        ("http://search:9200/_snapshot", "http://host-#:9200/_snapshot"),
        ("amira:hunter2@db.example.com", "person-#:[secret]@host-#"),
        ("owner:amira@example.com", "owner:person-#"),
        ("https://hooks.slack.com/services/T0/B0/x1", "https://host-#/[secret]"),
        // Secrets behind a label.
        (
            "password=hunter2 token: x1, 'secret' => 'a b'",
            "password=[secret] token: [secret], 'secret' => '[secret]'",
        ),
        ("{\"api_key\": \"a, \\\"b\", \"user\": 1}", "{\"api_key\": \"[secret]\", \"user\": 1}"),
        ("{\\\"token\\\":\\\"x1\\\"}", "{\\\"token\\\":\\\"[secret]\\\"}"),
        ("--password hunter2 --token=x1 --verbose", "--password [secret] --token=[secret] --verbose"),
        ("-H 'Authorization: Bearer x1' -v", "-H 'Authorization: Bearer [secret]' -v"),
        ("Cookie: a=1; b=2", "Cookie: [secret]"),
        ("PGPASSWORD=p&ss,w;rd psql", "PGPASSWORD=[secret] psql"),
        ("k?X-Amz-Signature=ab12&X-Amz-Expires=60", "k?X-Amz-Signature=[secret]&X-Amz-Expires=60"),
        ("<SecretAccessKey>x1</SecretAccessKey>", "<SecretAccessKey>[secret]</SecretAccessKey>"),
        ("AWS secret access key = x1", "AWS secret access key = [secret]"),
        ("Password=x1;Server=db.example.com", "Password=[secret];Server=host-#"),
        // Chance, which may be a secret or the id of a version.
        ("v tTQ.cM0WbW1mXMeWXQ.B7rPn5ymQkX5W", "v id-#"),
        ("s3://b/exports/tTQ7cM0WbW1mXMeWXQ2B7rPn5ymQkX5W", "s3://b/exports/id-#"),
        ("d41d8cd98f00b204e9800998ecf8427ed41d8cd98f00b204", "id-#"),
        // Names.
        (
            "orders-db ORDERS-DB orders-db-2026-11-21 dump_orders.gz",
            "name-# name-# name-#-2026-11-21 dump_name-#.gz",
        ),
        ("db, db-instance, reorders, ordersx", "name-#, db-instance, reorders, ordersx"),
        ("s3://atlas-backups/orders/", "s3://name-#/name-#/"),
        // What is glued to a pseudonym stands apart from it.
        ("a012345678901b", "a-account-#-b"),
    ];

    #[test]
    fn what_identifies_somebody_or_something_gets_a_pseudonym_and_secrets_get_none() {
        for (text, shown) in HIDDEN {
            assert_eq!(shape(text), shown, "{text}");
        }
    }

    const KEPT: [&str; 17] = [
        "loses 26 h if us-east-2 is gone; 2026-11-21T03:14:00.123Z, 03:14:00, 3 of 14, 12.5 GB, 0.123456789012",
        "terraform.tfstate notes.txt backup.sql.gz lifeboat.yaml README.md part-001.gz x.tar.zst run.sh lib.rs:10:5",
        "1.13.4 v1.2.3-rc.1 1.2.3.4.5 tool@1.13.4 actions/checkout@v4 app@sha256:abc",
        "rds:DescribeDBSnapshots sts:AssumeRole self.id std::io::Error a::b aws_db_instance.dev module.app",
        "snap-0abc123def4567890 db-ABCDEFGHIJKL01234MNOPQRSTU cluster-ABCDEFGHIJKL01234MNOPQRSTU Z0123456789ABCDEFGHIJ",
        "d41d8cd98f00b204e9800998ecf8427e 0123456789abcdef0123456789abcdef01234567 12345678-1234-1234-1234-123456789012",
        "exports/2026/11/21/T03-14/part-0001.parquet dump-202611210314.sql.gz 20261121T031400Z 123456789012 bytes",
        "pg_2026-11-21T03-14-00Z_d41d8cd98f00b204e9800998ecf8427e.gz lifeboat-controller-manager-7d9f8b6c5d-x2k9z",
        "arn:aws:iam::aws:policy/ReadOnlyAccess rds.us-east-2.amazonaws.com app.kubernetes.io/name http://localhost:80/",
        "0.0.0.0/0 127.0.0.1 ::1 :: ● web → eu │ ▲ 東 é e\u{301}",
        "ExpiredToken: The security token included in the request is expired; token: it has expired; credentials: none",
        "no credentials: profile observe is not there; token_ttl=60 secret_arn=x1 kms_key_id: x1 password_length: 14",
        "password = (sensitive value) PASSWORD=${DB_PASSWORD} --token <TOKEN> secret: *** token: ",
        "arn:aws:secretsmanager:us-east-2::secret:prod/main-AbCdEf Token::new gone.It is e.g. so",
        "prod-stack-TableOfThings-1A2B3C4D5E6F7 OperationTypeApply DescribeDBClusterSnapshotAttributesAndMore",
        "",
        " \n\t",
    ];

    #[test]
    fn what_operators_need_stays() {
        for text in KEPT {
            assert_eq!(harbour().redact(text), text);
        }
    }

    #[test]
    fn a_secret_is_found_in_any_punctuation() {
        for secret in secrets() {
            for (open, close) in [
                ("", ""),
                ("(", ")"),
                ("\"", "\""),
                ("'", "',"),
                ("<", ">"),
                ("{\"k\":\"", "\"}"),
                ("[", "]"),
                ("see ", "..."),
                ("k=", "&x=1"),
                ("%22", "%22"),
                ("\\n", "\\n"),
                ("→", "←"),
                ("`", "`;"),
                ("a|", "|b"),
                ("http://x1?", ""),
            ] {
                let shown = harbour().redact(&format!("{open}{secret}{close}"));
                assert!(shown.contains("[secret]"), "{open}{secret}{close}: {shown}");
                assert!(
                    !shown.contains(secret.get(secret.len() - 6..).unwrap()),
                    "{open}{secret}{close}: {shown}"
                );
            }
            assert!(looks_secret(&secret), "{secret}");
        }
        let key = format!("a\n-----BEGIN {0}-----\nMIIE\nxyz=\n-----END {0}-----\nb", "RSA PRIVATE KEY");
        assert_eq!(harbour().redact(&key), "a\n[secret]\nb");
        assert_eq!(harbour().redact(key.split("-----END").next().unwrap()), "a\n[secret]");
        assert!(looks_secret(&key) && looks_secret("password=x1") && looks_secret("amqp://a:b@c/"));
        assert!(looks_secret("https://hooks.slack.com/services/T0/B0/x1"));
        for open in ["orders-db", "2026-11-21", "d41d8cd98f00b204e9800998ecf8427e", "amira@example.com", ""] {
            assert!(!looks_secret(open), "{open}");
        }
    }

    #[test]
    fn the_same_thing_has_the_same_pseudonym_everywhere_and_another_under_another_salt() {
        let redactor = harbour();
        let shown = redactor.redact(
            "DB.example.com. db.example.com:5432 https://db.example.com/x amira:x1@db.example.com 'db.example.com'",
        );
        let host = redactor.redact("db.example.com");
        assert_eq!(shown.matches(&host).count(), 5, "{shown}");
        let shown =
            redactor.redact("012345678901 arn:aws:iam::012345678901:root logs-012345678901 0123-4567-8901");
        assert_eq!(shown.matches(&redactor.redact("012345678901")).count(), 4, "{shown}");
        let shown = redactor
            .redact("amira@example.com arn:aws:sts::012345678901:assumed-role/observe/amira@example.com");
        assert_eq!(shown.matches(&redactor.redact("amira@example.com")).count(), 2, "{shown}");
        assert_ne!(host, Redactor::new("atlas").redact("db.example.com"));
        assert_eq!(host, redactor.clone().redact("db.example.com"));
    }

    #[test]
    fn a_pseudonym_does_not_contain_what_it_hides() {
        let names = ["name", "thing", "host", "n", "e", "a", "0", "d1", "secret", "東", "e\u{301}", "person"];
        for name in names {
            let shown = Redactor::new("harbour").with_names([name.to_owned()]).redact(&format!("({name})"));
            assert!(!shown.contains(name), "{name}: {shown}");
        }
        assert!(!harbour().redact("http://host:80/").contains("host"));
        assert!(!harbour().redact("arn:aws:iam::012345678901:role/role").ends_with("role/role"));
    }

    #[test]
    fn debugging_shows_neither_names_nor_salt() {
        assert_eq!(format!("{:?}", harbour()), "Redactor { names: 4, .. }");
    }

    /// Texts without an end, always the same: pieces of the tables above, punctuation, and characters of every kind.
    fn texts() -> impl Iterator<Item = String> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut below = move |count: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 11).unwrap() % count
        };
        let tables = HIDDEN.map(|(text, _)| text).into_iter().chain(KEPT).map(str::to_owned).chain(secrets());
        let mut pieces: Vec<String> =
            tables.flat_map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
        for piece in pieces.clone() {
            pieces.extend(piece.split_inclusive(|c: char| !c.is_alphanumeric()).map(str::to_owned));
        }
        let marks = ": / @ = ' \" \\\" [ ] { } ( ) < > , ; . - _ % & ? | :// :: [secret] host-1a2b3c e\u{301} 😀 \u{200d} \u{fffd} --";
        for _ in 0..30 {
            pieces.extend(marks.split(' ').chain([" ", "\n"]).map(str::to_owned));
        }
        std::iter::from_fn(move || {
            let mut text: String =
                (0..=below(12)).map(|_| pieces.get(below(pieces.len())).unwrap().as_str()).collect();
            if below(3) == 0 {
                text = text.chars().filter(|_| below(8) > 0).collect();
            }
            if below(8) == 0 {
                text.extend(
                    (0..below(20)).filter_map(|_| char::from_u32(u32::try_from(below(0x11_0000)).unwrap())),
                );
            }
            Some(text)
        })
    }

    #[test]
    fn redacting_twice_changes_nothing_and_nothing_makes_it_panic() {
        let redactor = harbour();
        let plain = Redactor::new("");
        for text in texts().take(4000) {
            for redactor in [&redactor, &plain] {
                let once = redactor.redact(&text);
                assert_eq!(redactor.redact(&once), once, "{text:?}");
            }
        }
    }

    #[test]
    fn the_work_grows_with_the_length_only() {
        // A quarter of a megabyte takes well below a second; work that grew with the square would take a minute.
        for piece in [
            "a",
            "1",
            "é",
            "a.",
            "://",
            "a://b:c/",
            "http://[",
            "password=",
            "password=${",
            "token=\"",
            "token=[",
            "token=a&",
            "<token>",
            "arn:aws:",
            "arn:aws:iam::1:role/",
            "@",
            "a@",
            "a:b@",
            "sk-",
            "eyJ",
            "s.",
            "BEGIN ",
            "--BEGIN x",
            ":",
            "1:",
            "ip-1-",
            "aB3/",
            "[secret]",
            "orders-",
            "\\",
            " ",
            "10.1.4.9 ",
            "db.example.com ",
        ] {
            let text = piece.repeat((256 << 10) / piece.len());
            let begun = Instant::now();
            assert!(!harbour().redact(&text).is_empty());
            assert!(begun.elapsed() < Duration::from_secs(10), "{piece:?} took {:?}", begun.elapsed());
        }
    }
}
