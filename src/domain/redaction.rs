//! Redaction: what must not be seen on a shared screen, replaced by names that stay the same.
//!
//! Account ids, ARNs' accounts, e-mail addresses, IP addresses and whatever looks like a credential always; the same
//! thing gets the same pseudonym everywhere, so that people can still talk about it.

use sha2::{Digest, Sha256};

/// Replaces what must not be shown. The same `salt` gives the same pseudonyms.
#[derive(Debug, Clone)]
pub struct Redactor {
    salt: String,
}

/// Prefixes of AWS credentials and of common tokens.
const SECRET_PREFIXES: [&str; 9] =
    ["AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_", "xoxb-", "xoxp-", "eyJ"];

impl Redactor {
    /// Returns a redactor whose pseudonyms follow from `salt`, such as the estate's name.
    pub fn new(salt: &str) -> Self {
        Self { salt: salt.to_owned() }
    }

    /// Returns `text` with everything in it that must not be shown replaced.
    pub fn redact(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars() {
            if c.is_alphanumeric() || matches!(c, '.' | '@' | '_' | '-' | '+' | ':' | '/' | '=' | '%') {
                word.push(c);
            } else {
                self.push(&mut out, &word);
                word.clear();
                out.push(c);
            }
        }
        self.push(&mut out, &word);
        out
    }

    fn push(&self, out: &mut String, word: &str) {
        // Sentence punctuation belongs to no address.
        let trimmed = word.trim_end_matches(['.', ':']);
        if let Some(name) = self.whole(trimmed) {
            out.push_str(&name);
            out.push_str(word.get(trimmed.len()..).unwrap_or_default());
            return;
        }
        // Parts of ARNs, paths and queries.
        let mut part = String::new();
        for c in word.chars() {
            if matches!(c, ':' | '/' | '=') {
                out.push_str(&self.whole(&part).unwrap_or_else(|| self.digits(&part)));
                part.clear();
                out.push(c);
            } else {
                part.push(c);
            }
        }
        out.push_str(&self.whole(&part).unwrap_or_else(|| self.digits(&part)));
    }

    fn whole(&self, word: &str) -> Option<String> {
        if word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit()) {
            return Some(self.name("account", word));
        }
        if SECRET_PREFIXES.iter().any(|prefix| word.starts_with(prefix)) && word.len() >= 16 {
            return Some("[secret]".to_owned());
        }
        if !word.contains('/') && !word.contains(':') {
            if let Some((local, domain)) = word.split_once('@')
                && !local.is_empty()
                && !domain.is_empty()
            {
                return Some(self.name("person", word));
            }
            let octets: Vec<_> = word.split('.').collect();
            if octets.len() == 4 && octets.iter().all(|octet| octet.parse::<u8>().is_ok()) {
                return Some(self.name("address", word));
            }
        }
        let colons = word.matches(':').count();
        if (2..=7).contains(&colons) && word.parse::<std::net::Ipv6Addr>().is_ok() {
            return Some(self.name("address", word));
        }
        let long = word.len() >= 40 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        let mixed = word.bytes().any(|b| b.is_ascii_uppercase()) && word.bytes().any(|b| b.is_ascii_digit());
        (long && mixed).then(|| "[secret]".to_owned())
    }

    /// Replaces twelve digits in a row inside a longer word, such as a bucket's name.
    fn digits(&self, word: &str) -> String {
        let mut out = String::with_capacity(word.len());
        let mut run = String::new();
        for c in word.chars().chain(std::iter::once('\0')) {
            if c.is_ascii_digit() {
                run.push(c);
                continue;
            }
            if run.len() == 12 {
                out.push_str(&self.name("account", &run));
            } else {
                out.push_str(&run);
            }
            run.clear();
            if c != '\0' {
                out.push(c);
            }
        }
        out
    }

    fn name(&self, what: &str, word: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.salt.as_bytes());
        hash.update([0]);
        hash.update(word.as_bytes());
        let digest = hash.finalize();
        let tail: String = digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
        format!("{what}-{tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_identifies_an_account_or_a_person_is_replaced_and_stays_the_same() {
        let redactor = Redactor::new("harbour");
        let said = redactor.redact(
            "denied: rds:DescribeDBSnapshots as arn:aws:sts::012345678901:assumed-role/observe/amira@example.com \
             from 10.1.4.9 in 012345678901, bucket logs-012345678901-eu.",
        );
        for secret in ["012345678901", "amira", "10.1.4.9"] {
            assert!(!said.contains(secret), "{said}");
        }
        assert!(said.contains("rds:DescribeDBSnapshots"), "{said}");
        let account = redactor.redact("012345678901");
        assert_eq!(said.matches(account.as_str()).count(), 3, "{said}");
    }

    #[test]
    fn names_and_figures_stay() {
        let redactor = Redactor::new("harbour");
        let said = "orders-db loses 26 h if us-east-2 is gone; 2026-11-21T03:14:00Z, 3 of 14.";
        assert_eq!(redactor.redact(said), said);
    }
}
