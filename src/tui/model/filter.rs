//! What a filter asks for: words that must all match, `!` in front turns it round, `column=value` asks one column.

/// A filter, in lower case.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    inverse: bool,
    words: Vec<(Option<String>, String)>,
}

impl Filter {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        let (inverse, text) = text.strip_prefix('!').map_or((false, text.as_str()), |rest| (true, rest));
        let words = text
            .split_whitespace()
            .map(|word| match word.split_once('=') {
                Some((column, value)) => (Some(column.to_owned()), value.to_owned()),
                None => (None, word.to_owned()),
            })
            .collect();
        Self { inverse, words }
    }

    /// Says whether a row is shown; `matches` says whether a value is in a column, or in any where none is named.
    pub(super) fn accepts(&self, mut matches: impl FnMut(Option<&str>, &str) -> bool) -> bool {
        if self.words.is_empty() {
            return true;
        }
        self.words.iter().all(|(column, value)| matches(column.as_deref(), value)) != self.inverse
    }
}

/// Says whether `column`, as somebody began to write it, means the one called `name`.
pub(super) fn means(column: Option<&str>, name: &str) -> bool {
    column.is_none_or(|column| name.starts_with(column))
}
