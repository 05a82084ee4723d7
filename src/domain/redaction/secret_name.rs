//! Names of settings and attributes whose values are never shown.

use super::letter::among;

/// Words that mean a secret wherever they stand in a name.
const SECRETS: &str = "\
    apikey auth authorization bearer connectionstring cookie cookies cred credential credentials creds \
    dsn jwt otp pass passcode passphrase passwd password passwords privatekey pwd secret secretkey \
    secrets sig signature token tokens totp accesskey webhook";

/// Words that mean a secret even with others glued to them: `pgpassword`, `masterpasswd`.
const WITHIN: [&str; 3] = ["password", "passwd", "passphrase"];

/// Words that mean a secret with others glued before them: `clientsecret`, `authtoken`.
const AT_THE_END: [&str; 4] = ["secret", "token", "apikey", "accesskey"];

/// Second words that mean a secret together with one of the first words beside them. `key` alone is the name of something
/// in a bucket, or of a tag; an `encryption_key` is the name of a key in KMS.
const PAIRS: [(&str, &str); 5] = [
    (
        "key",
        "access account api app application auth certificate client hmac license private secret shared signing storage webhook",
    ),
    ("string", "conn connect connection"),
    ("str", "conn connect connection"),
    ("private", "cert certificate key"),
    ("data", "key"),
];

/// Words at the end that say something about a secret without giving it away.
///
/// `secret_arn` is among them on purpose: an ARN says which secret it is, not what it is, and who recovers something
/// has to know. The account in it is hidden by itself.
const ABOUT: &str = "\
    age algorithm alias arn arns at changed command count created date days dir directory enabled \
    endpoint env error exception exists expiration expired expires expiring expiry failure file folder \
    format found helper id ids invalid issuer kind last len length lifetime limit loaded manager max \
    method min mode name names path policy present process prefix provider providers ref reference \
    region required role recoverable rotated rotation scheme size source state status time ttl type \
    types until uri url used user username version versions json toml txt yaml yml";

/// Words at the start that make it a question, a figure or an operation.
const ASKING: &str = "\
    allow create decode delete describe enable expired expiring get has have invalid is list max min \
    missing no num number put require rotate use";

/// Names that the rules above get wrong: these are secrets, or as good as one.
const ALWAYS: [&str; 4] = ["access_key_id", "secret_id", "webhook_url", "webhook_uri"];

/// Says whether the values of a setting or an attribute called `name` are never shown, such as `db_password`.
///
/// Names are read word by word, in any case and however they are joined. What tells something about a secret, such as
/// `token_ttl`, `password_length` or `secret_arn`, is no secret; `key_name` and `kms_key_id` name keys and are none.
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    let several = words.len() > 1;
    if several && among(ASKING, first) {
        return false;
    }
    let joined = words.join("_");
    if ALWAYS.iter().any(|name| joined.strip_suffix(name).is_some_and(|r| r.is_empty() || r.ends_with('_'))) {
        return true;
    }
    if several && among(ABOUT, last) {
        return false;
    }
    words.iter().any(|word| is_secret_word(word))
        || words.iter().zip(words.iter().skip(1)).any(|(left, right)| is_pair(left, right))
}

fn is_secret_word(word: &str) -> bool {
    among(SECRETS, word)
        || (WITHIN.iter().any(|part| word.contains(part)) && !word.ends_with("less"))
        || AT_THE_END.iter().any(|part| word.ends_with(part))
}

/// Says whether `left` and `right` together mean a secret, such as `api` and `key`.
pub(super) fn is_pair(left: &str, right: &str) -> bool {
    let right = if right == "keys" { "key" } else { right };
    PAIRS.iter().any(|(second, firsts)| right == *second && among(firsts, left))
}

/// Splits a name at whatever is no letter, and where capitals begin a word; figures at the end of a word go.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = name.chars().peekable();
    let mut last = ' ';
    while let Some(c) = characters.next() {
        let next_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        // `masterUser`, and the last capital of `APIKey`.
        let starts = c.is_uppercase() && (!last.is_uppercase() || next_lower);
        if starts || !c.is_alphanumeric() {
            finish(&mut word, &mut words);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        last = c;
    }
    finish(&mut word, &mut words);
    words
}

fn finish(word: &mut String, words: &mut Vec<String>) {
    let plain = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if !plain.is_empty() {
        words.push(plain.to_owned());
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::is_secret_name;

    #[test]
    fn names_of_secrets_are_known_and_names_about_secrets_are_not() {
        let secret = "password passwd PGPASSWORD MYSQL_PWD db.password spring.datasource.password MasterUserPassword \
            user_password password_hash secret clientSecret SecretString token auth_token AUTH sessionToken token2 \
            X-Amz-Security-Token X-Amz-Signature api_key api_keys ssl_certificate_key private_key_pem apiKey APIKey x-api-key private_key access_key \
            aws_secret_access_key AccessKeyId credentials connection_string connectionString certificate_private \
            certificate_private_key client-key-data SharedAccessKey Authorization Set-Cookie webhook_url secret_id \
            refresh_token --password MasterUserSecret";
        for name in secret.split_whitespace() {
            assert!(is_secret_name(name), "{name}");
        }
        let open = "1 _ secret_arn SecretArn MasterUserSecretArn token_ttl key_name key kms_key_id KmsKeyId public_key \
            password_length min_password_length PasswordLastUsed secret_name token_expires_at auth_type author authority \
            authentication tokenizer bypass compass secretary monkey private_subnet passwordless requirePassword \
            has_secret max_tokens encryption_key primary_key ExpiredToken InvalidAccessKeyId InvalidClientTokenId \
            GetSessionToken credential_process secretsmanager orders-db credentials-expiring signature_version";
        for name in open.split_whitespace() {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(!is_secret_name(""));
    }
}
