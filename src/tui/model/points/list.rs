//! Which points are shown, in which order and under which headings; made by the worker, because there may be many.

use super::super::filter::{Filter, means};
use super::inventory::{Flaw, Holder, Inventory, NO_MOMENT, component};
use crate::domain::estate::{Component, Estate};
use crate::domain::ids::EnvironmentName;
use crate::domain::place::OUTSIDE;
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::scope::FailureScope;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// In which order points are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// By component.
    Component,
    /// The largest first.
    Largest,
    /// What does not count first.
    Flawed,
}

impl Order {
    /// Returns the next one.
    pub fn next(self) -> Self {
        match self {
            Self::Newest => Self::Component,
            Self::Component => Self::Largest,
            Self::Largest => Self::Flawed,
            Self::Flawed => Self::Newest,
        }
    }

    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Newest => "newest first",
            Self::Component => "by name",
            Self::Largest => "largest first",
            Self::Flawed => "unusable first",
        }
    }
}

/// Under which headings points are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// None.
    #[default]
    None,
    /// Components.
    Component,
    /// Kinds of point.
    Kind,
    /// Places.
    Place,
}

impl Grouping {
    /// Returns the next one.
    pub fn next(self) -> Self {
        match self {
            Self::None => Self::Component,
            Self::Component => Self::Kind,
            Self::Kind => Self::Place,
            Self::Place => Self::None,
        }
    }

    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "ungrouped",
            Self::Component => "by component",
            Self::Kind => "by kind",
            Self::Place => "by place",
        }
    }
}

/// What is to be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListWanted {
    /// The failure that is judged for.
    pub scope: FailureScope,
    /// The environment that is shown, or all.
    pub environment: Option<EnvironmentName>,
    /// What is filtered for.
    pub filter: String,
    /// In which order.
    pub order: Order,
    /// Under which headings.
    pub group: Grouping,
}

/// A heading over rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The first row under it.
    pub first: usize,
    /// How many rows are under it.
    pub count: usize,
    /// How many of them count for the failure.
    pub counting: usize,
    /// How large they are together, as far as it is known.
    pub bytes: u64,
    /// What they have in common.
    pub title: String,
}

/// What stands in a line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListLine {
    /// The heading of that number.
    Heading(usize),
    /// The row of that number.
    Row(usize),
}

/// The points that are shown.
#[derive(Debug, Clone)]
pub struct List {
    /// What was asked for.
    pub wanted: ListWanted,
    /// The numbers of their entries, in order.
    pub rows: Vec<u32>,
    /// The headings over them; none where they are not grouped.
    pub headings: Vec<Heading>,
    /// How many there are without the filter.
    pub all: usize,
    /// The longest name of a component that is shown, in characters.
    pub widest: usize,
    /// The longest place that is shown, its account too where it is a foreign one, in characters.
    pub widest_place: usize,
    /// The sentence that says it all.
    pub says: String,
    /// What could not be read, in words, one sentence for each place and reason.
    pub blind: Vec<String>,
    /// How many places are still being read.
    pub unfinished: usize,
}

impl List {
    /// Returns how many lines it has, headings included.
    pub fn lines(&self) -> usize {
        self.rows.len() + self.headings.len()
    }

    /// Returns the line that a row stands in.
    pub fn line_of(&self, row: usize) -> usize {
        row + self.headings.partition_point(|heading| heading.first <= row)
    }

    /// Returns what stands in a line.
    pub fn at(&self, line: usize) -> Option<ListLine> {
        // The heading of number n stands n lines below its first row's number.
        let mut over = 0;
        let (mut low, mut high) = (0, self.headings.len());
        while low < high {
            let middle = low.midpoint(high);
            let stands = self.headings.get(middle)?.first + middle;
            if stands == line {
                return Some(ListLine::Heading(middle));
            }
            if stands < line {
                over = middle + 1;
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let row = line.checked_sub(over)?;
        (row < self.rows.len()).then_some(ListLine::Row(row))
    }

    /// Lists what is wanted.
    pub(super) fn of(estate: &Estate, inventory: &Inventory, wanted: &ListWanted) -> Self {
        let scope = wanted.scope;
        let filter = Filter::parse(&wanted.filter);
        let columns: Vec<Option<Columns<'_>>> =
            inventory.holders.iter().map(|holder| Columns::of(estate, holder, wanted)).collect();
        let names = ranks(columns.iter().flatten().map(|columns| columns.component.id.as_str()));
        let places = ranks(columns.iter().flatten().map(|columns| columns.place.as_str()));
        let mut tally = Tally::default();
        for (holder, columns) in inventory.holders.iter().zip(&columns) {
            if let Some(Columns { component, .. }) = columns
                && holder.place.survives(scope, &component.home)
            {
                tally.place(component, holder.why_not.is_some());
            }
        }
        let mut keyed: Vec<(u32, i64, i64, u32)> = Vec::new();
        let (mut widest, mut widest_place) = (0, 0);
        for (number, entry) in inventory.entries.iter().enumerate() {
            let Some(columns) = usize::try_from(entry.holder).ok().and_then(|nth| columns.get(nth)?.as_ref())
            else {
                continue;
            };
            let Some((point, _)) = inventory.point(entry) else { continue };
            let flaw = inventory.flaw(entry, scope);
            tally.count(columns.component, flaw);
            if !filter.accepts(|column, value| columns.has(point, flaw, column, value)) {
                continue;
            }
            widest = widest.max(columns.name_width);
            widest_place = widest_place.max(columns.place_width);
            let name = names.get(columns.component.id.as_str()).copied().unwrap_or(0);
            let newest = if entry.moment == NO_MOMENT { i64::MAX } else { entry.moment.saturating_neg() };
            let (first, second) = match wanted.order {
                Order::Newest => (newest, i64::from(name)),
                Order::Component => (i64::from(name), newest),
                Order::Largest => {
                    let size = point.size_bytes.and_then(|size| i64::try_from(size).ok());
                    (size.map_or(i64::MAX, i64::saturating_neg), newest)
                }
                Order::Flawed => (flaw.map_or(4, |flaw| flaw as i64), newest),
            };
            let group = match wanted.group {
                Grouping::None => 0,
                Grouping::Component => name,
                Grouping::Kind => point.kind as u32,
                Grouping::Place => places.get(columns.place.as_str()).copied().unwrap_or(0),
            };
            keyed.push((group, first, second, u32::try_from(number).unwrap_or(u32::MAX)));
        }
        keyed.sort_unstable();
        let headings = headings(inventory, &columns, wanted, &keyed);
        let (blind, unfinished) = blind(inventory, &columns);
        Self {
            wanted: wanted.clone(),
            rows: keyed.iter().map(|(.., number)| *number).collect(),
            headings,
            all: tally.all,
            widest,
            widest_place,
            says: tally.says(estate, wanted, !blind.is_empty() || unfinished > 0),
            blind,
            unfinished,
        }
    }
}

/// What a holder brings to the columns of its points, in lower case.
struct Columns<'a> {
    component: &'a Component,
    name_width: usize,
    place_width: usize,
    place: String,
    texts: [(&'static str, String); 6],
}

impl<'a> Columns<'a> {
    /// Returns the columns; `None` for a holder that is not shown.
    fn of(estate: &'a Estate, holder: &Holder, wanted: &ListWanted) -> Option<Self> {
        let component = estate.components.get(component(estate, holder)?)?;
        if wanted.environment.as_ref().is_some_and(|shown| *shown != component.environment) {
            return None;
        }
        let texts = [
            ("component", component.id.as_str()),
            ("kind", component.kind.name()),
            ("kind", component.kind.words()),
            ("region", holder.place.region.as_str()),
            ("account", holder.place.account.as_str()),
            ("environment", component.environment.as_str()),
        ];
        Some(Self {
            component,
            name_width: unicode_width::UnicodeWidthStr::width(component.id.as_str()),
            place_width: {
                let region = holder.place.region.as_str().len();
                let foreign = holder.place.account != component.home.account
                    && holder.place.account.as_str() != OUTSIDE;
                if foreign { region + 2 + holder.place.account.as_str().len() } else { region }
            },
            place: holder.place.to_string(),
            texts: texts.map(|(name, text)| (name, text.to_lowercase())),
        })
    }

    fn has(&self, point: &RecoveryPoint, flaw: Option<Flaw>, column: Option<&str>, value: &str) -> bool {
        let usable = match flaw {
            None => "yes",
            Some(Flaw::Unclear) => "unknown",
            Some(Flaw::Broken | Flaw::Slow | Flaw::Lost) => "no",
        };
        // Not among the words that any column may have: `no` is part of too many names.
        if column.is_some_and(|column| !column.is_empty() && "usable".starts_with(column)) {
            return !value.is_empty() && usable.starts_with(value);
        }
        let has = |text: &str| text.to_lowercase().contains(value);
        self.texts.iter().any(|(name, text)| means(column, name) && text.contains(value))
            || (means(column, "kind") && has(point.kind.words()))
            || (means(column, "id") && has(point.id.as_str()))
            || (means(column, "key") && point.key.as_ref().is_some_and(|key| has(key.as_str())))
            || (means(column, "hold") && point.hold.as_ref().is_some_and(|hold| has(hold.what.as_str())))
    }
}

/// Numbers texts by their order.
fn ranks<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<String, u32> {
    let sorted: BTreeSet<&str> = texts.collect();
    sorted.into_iter().zip(0..).map(|(text, rank)| (text.to_owned(), rank)).collect()
}

fn headings(
    inventory: &Inventory,
    columns: &[Option<Columns<'_>>],
    wanted: &ListWanted,
    keyed: &[(u32, i64, i64, u32)],
) -> Vec<Heading> {
    if wanted.group == Grouping::None {
        return Vec::new();
    }
    let mut made: Vec<Heading> = Vec::new();
    let mut last = None;
    for (row, (group, .., number)) in keyed.iter().enumerate() {
        let Some(entry) = inventory.entry(*number) else { continue };
        let Some((point, _)) = inventory.point(entry) else { continue };
        if last != Some(*group) {
            last = Some(*group);
            let columns = usize::try_from(entry.holder).ok().and_then(|nth| columns.get(nth)?.as_ref());
            let title = match (wanted.group, columns) {
                (Grouping::Kind, _) => point.kind.words().to_owned(),
                (Grouping::Component, Some(columns)) => columns.component.id.to_string(),
                (Grouping::Place, Some(columns)) => columns.place.clone(),
                (Grouping::None, _) | (_, None) => String::new(),
            };
            made.push(Heading { first: row, count: 0, counting: 0, bytes: 0, title });
        }
        if let Some(heading) = made.last_mut() {
            heading.count += 1;
            heading.counting += usize::from(inventory.flaw(entry, wanted.scope).is_none());
            heading.bytes = heading.bytes.saturating_add(point.size_bytes.unwrap_or(0));
        }
    }
    made
}

/// Says what could not be read, and counts what is still being read.
fn blind(inventory: &Inventory, columns: &[Option<Columns<'_>>]) -> (Vec<String>, usize) {
    let mut unfinished = 0;
    let mut why: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for (holder, columns) in inventory.holders.iter().zip(columns) {
        let (Some(columns), Some(says)) = (columns, &holder.why_not) else { continue };
        if holder.unfinished {
            unfinished += 1;
        } else {
            let place = (holder.place.region.to_string(), says.to_string());
            why.entry(place).or_default().push(columns.component.id.as_str());
        }
    }
    let mut said: Vec<_> = why.into_iter().collect();
    said.sort_by_key(|(_, whose)| Reverse(whose.len()));
    let said = said.into_iter().map(|((region, why), whose)| match whose.as_slice() {
        [one] => format!("{one} in {region}: {why}"),
        several => format!("{region}, {} components: {why}", several.len()),
    });
    (said.collect(), unfinished)
}

/// What the sentence counts.
#[derive(Default)]
struct Tally<'a> {
    all: usize,
    broken: usize,
    unclear: usize,
    slow: usize,
    lost: usize,
    /// Components: whether a point counts, and whether one cannot be told.
    components: BTreeMap<&'a str, (bool, bool)>,
}

impl<'a> Tally<'a> {
    /// Counts a place that would still be there, be there points or not; what could not be read might have some.
    fn place(&mut self, component: &'a Component, blind: bool) {
        self.components.entry(component.id.as_str()).or_default().1 |= blind;
    }

    fn count(&mut self, component: &'a Component, flaw: Option<Flaw>) {
        self.all += 1;
        let known = self.components.entry(component.id.as_str()).or_default();
        match flaw {
            None => known.0 = true,
            Some(Flaw::Unclear) => {
                known.1 = true;
                self.unclear += 1;
            }
            Some(Flaw::Broken) => self.broken += 1,
            // Late is not lost: where there is nothing else, it is what would be used.
            Some(Flaw::Slow) => {
                known.0 = true;
                self.slow += 1;
            }
            Some(Flaw::Lost) => self.lost += 1,
        }
    }

    fn says(&self, estate: &Estate, wanted: &ListWanted, partly: bool) -> String {
        if self.all == 0 {
            return if partly {
                "No recovery point has been read yet.".to_owned()
            } else {
                "There is no recovery point.".to_owned()
            };
        }
        let points = if self.all == 1 { "point" } else { "points" };
        let of = self.components.len();
        let components = if of == 1 { "component" } else { "components" };
        let mut says = format!("{} {points} of {of} {components}", thousands(self.all));
        let mut flaws = Vec::new();
        if self.lost > 0 {
            flaws.push(format!(
                "{} would not survive the loss of {}",
                thousands(self.lost),
                lost(estate, wanted)
            ));
        }
        if self.broken > 0 {
            let more = if self.lost > 0 { " more" } else { "" };
            flaws.push(format!("{}{more} cannot be used", thousands(self.broken)));
        }
        if self.slow > 0 {
            flaws.push(format!("{} would be readable too late", thousands(self.slow)));
        }
        if self.unclear > 0 {
            flaws.push(format!("{} cannot be told", thousands(self.unclear)));
        }
        if flaws.is_empty() {
            says.push_str("; all of them count.");
        } else {
            says.push_str(&format!("; {}.", flaws.join(", ")));
        }
        let left = |wants: (bool, bool)| {
            let names = self.components.iter().filter(move |(_, known)| **known == wants);
            names.map(|(name, _)| *name).collect::<Vec<_>>()
        };
        for (names, what) in [
            (left((false, false)), "Nothing is left for"),
            (left((false, true)), "Nothing certain is left for"),
        ] {
            if let Some((first, rest)) = names.split_first() {
                let (shown, more) = rest.split_at(rest.len().min(2));
                let mut all = vec![(*first).to_owned()];
                all.extend(shown.iter().map(|name| (*name).to_owned()));
                let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                says.push_str(&format!(" {what} {}{more}.", all.join(", ")));
            }
        }
        says
    }
}

/// Names what is lost.
fn lost(estate: &Estate, wanted: &ListWanted) -> String {
    let shown = estate
        .environments
        .iter()
        .filter(|environment| wanted.environment.as_ref().is_none_or(|name| *name == environment.name));
    let (what, several): (BTreeSet<String>, &str) = match wanted.scope {
        FailureScope::Account => (
            shown.map(|environment| format!("account {}", environment.account_alias)).collect(),
            "their accounts",
        ),
        FailureScope::Local | FailureScope::Region => {
            (shown.map(|environment| environment.region.to_string()).collect(), "their Regions")
        }
    };
    match (what.len(), what.into_iter().next()) {
        (1, Some(one)) => one,
        _ => several.to_owned(),
    }
}

/// Says a number with a space between thousands.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut said = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            said.push(' ');
        }
        said.push(digit);
    }
    said
}
