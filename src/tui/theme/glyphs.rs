//! The glyphs, and what stands in their place where only ASCII can be shown.

use crate::domain::readiness::{Severity, Verdict};

/// Which glyphs a screen uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Those of Unicode that every font has and that are one column wide everywhere.
    Unicode,
    /// ASCII.
    Ascii,
}

impl Glyphs {
    fn pick<T>(self, unicode: T, ascii: T) -> T {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }

    /// Returns the glyph of a verdict. Its word always stands beside it.
    pub fn verdict(self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Met => self.pick("✓", "+"),
            Verdict::AtRisk => self.pick("▲", "!"),
            Verdict::Breached => self.pick("✗", "x"),
            Verdict::Unknown => "?",
            Verdict::Unproven => self.pick("○", "o"),
            Verdict::NoObjective => self.pick("·", "."),
        }
    }

    /// Returns the glyph of a severity.
    pub fn severity(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Alarm => self.pick("✗", "x"),
            Severity::Warning => self.pick("▲", "!"),
            Severity::Note => self.pick("·", "."),
        }
    }

    /// Returns the marks of the steps of a run. Their words always stand beside them.
    pub fn steps(self) -> Steps {
        match self {
            Self::Unicode => Steps {
                waiting: "·",
                gate: "▮",
                running: "▶",
                done: "✓",
                failed: "✗",
                left_out: "–",
                undone: "◂",
                branch: "├─ ",
                critical: "┃",
            },
            Self::Ascii => Steps {
                waiting: ".",
                gate: "|",
                running: ">",
                done: "+",
                failed: "x",
                left_out: "-",
                undone: "<",
                branch: "|- ",
                critical: "!",
            },
        }
    }

    /// Returns the line of a rule.
    pub fn rule(self) -> &'static str {
        self.pick("─", "-")
    }

    /// Returns what stands between an estate and its environment.
    pub fn into(self) -> &'static str {
        self.pick("▸", ">")
    }

    /// Returns what stands around the chosen failure.
    pub fn chosen(self) -> (&'static str, &'static str) {
        self.pick(("▌", "▐"), ("[", "]"))
    }

    /// Returns a dash for what has no value.
    pub fn none(self) -> &'static str {
        self.pick("–", "-")
    }

    /// Returns the ellipsis.
    pub fn more(self) -> &'static str {
        self.pick("…", "...")
    }

    /// Returns an arrow from a Region to where it recovers to.
    pub fn to(self) -> &'static str {
        self.pick("→", "->")
    }

    /// Returns the marks of a time axis.
    pub fn axis(self) -> Axis {
        match self {
            Self::Unicode => Axis {
                point: "•",
                several: "●",
                flawed: "×",
                replica: "◆",
                bar: "━",
                flawed_bar: "┄",
                gap: "╌",
                tick: "╵",
                cursor: "│",
            },
            Self::Ascii => Axis {
                point: "o",
                several: "O",
                flawed: "x",
                replica: ">",
                bar: "=",
                flawed_bar: "-",
                gap: ".",
                tick: "'",
                cursor: "|",
            },
        }
    }

    /// Returns the parts of a gauge: its left end, its fillings by eighths, empty, its right end, and overflow.
    pub fn gauge(self) -> Gauge {
        match self {
            Self::Unicode => Gauge {
                left: "▕",
                full: "█",
                eighths: [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"],
                empty: " ",
                right: "▏",
                over: "▶",
            },
            Self::Ascii => Gauge {
                left: "[",
                full: "#",
                eighths: [" ", " ", " ", "-", "-", "-", "=", "="],
                empty: " ",
                right: "]",
                over: ">",
            },
        }
    }

    /// Returns `text` with what this set cannot show replaced.
    pub fn text(self, text: &str) -> String {
        match self {
            Self::Unicode => text.to_owned(),
            Self::Ascii => text
                .chars()
                .map(|c| match c {
                    c if c.is_ascii() => c,
                    '–' | '—' => '-',
                    _ => '?',
                })
                .collect(),
        }
    }
}

/// The marks of the steps of a run.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    /// It waits.
    pub waiting: &'static str,
    /// It waits at its gate.
    pub gate: &'static str,
    /// It is under way.
    pub running: &'static str,
    /// It is done.
    pub done: &'static str,
    /// It has failed.
    pub failed: &'static str,
    /// It was left out.
    pub left_out: &'static str,
    /// It was taken back.
    pub undone: &'static str,
    /// It is one of several that wait for the same.
    pub branch: &'static str,
    /// The end depends on it.
    pub critical: &'static str,
}

/// The marks of a time axis.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// A point.
    pub point: &'static str,
    /// Several points.
    pub several: &'static str,
    /// Points of which none counts.
    pub flawed: &'static str,
    /// A replica.
    pub replica: &'static str,
    /// Any moment.
    pub bar: &'static str,
    /// Any moment, of what does not count.
    pub flawed_bar: &'static str,
    /// No point although one was promised.
    pub gap: &'static str,
    /// The place of a label.
    pub tick: &'static str,
    /// The chosen moment.
    pub cursor: &'static str,
}

/// The parts of a gauge.
#[derive(Debug, Clone, Copy)]
pub struct Gauge {
    /// Its left end.
    pub left: &'static str,
    /// A full cell.
    pub full: &'static str,
    /// A cell filled by so many eighths.
    pub eighths: [&'static str; 8],
    /// An empty cell.
    pub empty: &'static str,
    /// Its right end.
    pub right: &'static str,
    /// The last cell when the limit is exceeded.
    pub over: &'static str,
}
