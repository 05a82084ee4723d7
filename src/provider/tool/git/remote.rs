//! The address of a Git remote: what is asked, what is shown of it, and what is refused.

use sha2::{Digest, Sha256};

/// A remote, by its address.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    /// The address as it is given to git.
    address: String,
    /// The address without a login, for people.
    shown: String,
    /// What must not be seen anywhere: the login and its parts.
    secrets: Vec<String>,
}

impl Remote {
    /// Takes an address.
    ///
    /// # Errors
    /// Why it is not asked.
    pub(super) fn new(address: &str) -> Result<Self, &'static str> {
        let address = address.trim();
        if address.is_empty() {
            return Err("there is no address of a remote");
        }
        if address.starts_with('-') {
            return Err("an address that begins with `-` is refused: a program would take it for an option");
        }
        let lower = address.to_ascii_lowercase();
        if lower.starts_with("ext::") || lower.starts_with("fd::") {
            return Err("an address that names a program or an open file is refused");
        }
        if address.chars().any(char::is_control) {
            return Err("an address with control characters is refused");
        }
        if !address.contains(':') && !address.starts_with('/') {
            return Err("the address of a remote is a URL, `user@host:path`, or a path from the root");
        }
        let mut secrets = Vec::new();
        if let Some((_, login, _)) = split(address) {
            let parts =
                login.split_once(':').map_or(vec![login], |(user, password)| vec![login, user, password]);
            // Short names, such as `git`, are no secrets, and taking them out would leave no sentence whole.
            secrets.extend(parts.into_iter().filter(|part| part.len() >= 6).map(str::to_owned));
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Ok(Self { address: address.to_owned(), shown: without_logins(address), secrets })
    }

    /// Returns the address as git needs it.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the address as people may see it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Says whether it is reached by SSH.
    pub(super) fn is_ssh(&self) -> bool {
        match self.address.split_once("://") {
            Some((scheme, _)) => scheme.to_ascii_lowercase().contains("ssh"),
            // `host:path`: a path from the root has no host, and `::` names a helper.
            None => !self.address.starts_with('/') && !self.address.contains("::"),
        }
    }

    /// Returns the name of the folder in which is kept what was fetched from it. The login is no part of it: a name is not
    /// as well kept as what stands in a file.
    pub(super) fn folder(&self) -> String {
        let digest = Sha256::digest(self.shown.as_bytes());
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns what a program said, without any login.
    pub(super) fn scrub(&self, said: &str) -> String {
        let mut said = without_logins(said);
        for secret in &self.secrets {
            said = said.replace(secret.as_str(), "…");
        }
        said
    }
}

/// Splits off the login of the first URL in a text: what is before, the login, and what is behind its `@`.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let begin = text.find("://")? + 3;
    let (before, rest) = text.split_at_checked(begin)?;
    let authority =
        rest.find(|c: char| c == '/' || c.is_whitespace() || "'\"`<>".contains(c)).unwrap_or(rest.len());
    let at = rest.get(..authority)?.rfind('@')?;
    Some((before, rest.get(..at)?, rest.get(at + 1..)?))
}

/// Returns a text with the logins of all URLs in it taken out.
pub(super) fn without_logins(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at_checked(at + 3).unwrap_or((rest, ""));
        out.push_str(head);
        rest = split(rest).map_or(tail, |(before, _, behind)| if before == head { behind } else { tail });
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_seen_nowhere() {
        let remote =
            Remote::new("https://robot:s3cr%40t-token@git.example.com/shop.git").expect("an address");
        assert_eq!(remote.shown(), "https://git.example.com/shop.git");
        for said in [
            "fatal: unable to access 'https://robot:s3cr%40t-token@git.example.com/shop.git/': 403",
            "fatal: could not read Password for 'https://robot@git.example.com': terminal prompts disabled",
            "remote: the token s3cr%40t-token has expired",
            "two: https://a:b@c/d and ssh://e@f/g; https://h/i@j stays",
        ] {
            let said = remote.scrub(said);
            assert!(!said.contains("robot@") && !said.contains("s3cr") && !said.contains("a:b"), "{said}");
            assert!(!said.contains("e@f"), "{said}");
        }
        assert_eq!(remote.scrub("https://h/i@j stays"), "https://h/i@j stays");
        assert_eq!(
            remote.folder(),
            Remote::new("https://git.example.com/shop.git").expect("an address").folder()
        );
        let odd = Remote::new("https://user:p@ss:w0rd@host.example/x").expect("an address");
        assert_eq!(odd.shown(), "https://host.example/x");
    }

    #[test]
    fn what_would_run_something_is_refused() {
        for address in [
            "",
            "  ",
            "-oProxyCommand=touch /tmp/x:y",
            "--upload-pack=touch",
            "ext::sh -c id",
            "EXT::sh -c id",
            "fd::7",
            "relative/path",
            "https://host/\nx",
        ] {
            assert!(Remote::new(address).is_err(), "{address:?}");
        }
    }

    #[test]
    fn addresses_of_ssh_are_told_apart() {
        for (address, is_ssh) in [
            ("git@host.example:shop.git", true),
            ("ssh://git@host.example/shop.git", true),
            ("git+ssh://host.example/shop.git", true),
            ("https://host.example/shop.git", false),
            ("/srv/git/shop.git", false),
            ("file:///srv/git/shop.git", false),
            ("codecommit::us-east-1://shop", false),
        ] {
            assert_eq!(Remote::new(address).expect("an address").is_ssh(), is_ssh, "{address}");
        }
    }
}
