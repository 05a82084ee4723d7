//! The commands: one table from which the keymap, the palette, the help, the manual page and the README are made.

macro_rules! commands {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// What a key or the palette can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each has its documentation in the table below")]
        pub enum Command { $($variant,)* }

        /// A command with its name and documentation.
        #[derive(Debug, Clone, Copy)]
        pub struct CommandRow {
            /// The command.
            pub command: Command,
            /// The name used in keymaps and in the palette.
            pub name: &'static str,
            /// One sentence.
            pub doc: &'static str,
        }

        /// All commands.
        pub const COMMANDS: &[CommandRow] = &[
            $(CommandRow { command: Command::$variant, name: $name, doc: $doc },)*
        ];
    };
}

commands! {
    Help = "help", "Show the keys.";
    Palette = "palette", "Search the commands and run one.";
    Filter = "filter", "Show only what matches; ! before it shows the rest, kind=… and the like match one column.";
    Back = "back", "Go back one step; never quits, never stops anything.";
    Quit = "quit", "Quit the screen.";
    AskQuit = "ask-quit", "Ask whether to quit.";
    Down = "down", "Go down.";
    Up = "up", "Go up.";
    Top = "top", "Go to the top.";
    Bottom = "bottom", "Go to the bottom.";
    PageDown = "page-down", "Go down a page.";
    PageUp = "page-up", "Go up a page.";
    Open = "open", "Show the details of what is selected; a version of a state beside the one before it.";
    Mark = "mark", "Mark a version of a state, to compare another with it.";
    Compare = "compare", "Compare this version of a state with the marked one, or with the one before it.";
    Local = "local", "Judge for: the component is lost.";
    Region = "region", "Judge for: its Region is lost.";
    Account = "account", "Judge for: its account is lost.";
    NextFailure = "next-failure", "Judge for the next failure.";
    Environment = "environment", "Show the next environment, or all of them.";
    Troubles = "troubles", "Show everything that is wrong or in the way.";
    About = "about", "Show the estate, its accounts, credentials and readings.";
    Overview = "overview", "Go to the overview.";
    Points = "points", "Go to the recovery points and the time cursor.";
    States = "states", "Go to the locks and states.";
    Runbooks = "runbooks", "Go to the runbooks.";
    Runs = "runs", "Go to the runs.";
    Journal = "journal", "Go to the journal of a run.";
    Recover = "recover", "Show the runbooks that fit the selected component, the best first.";
    Operate = "operate", "Take the right to act, for a purpose that the journal names; again gives it up.";
    Pause = "pause", "Let the run rest, or go on with it; asks first.";
    Skip = "skip", "Leave a step of the run out, with a reason.";
    Retry = "retry", "Begin a failed step again; asks first.";
    Undo = "undo", "Take the selected step back; asks for consent.";
    UndoAll = "undo-all", "Take everything back that the run has done; asks for consent.";
    Gate = "gate", "Let the run go past the gate of a step; asks for consent.";
    Answer = "answer", "Answer a manual step.";
    Happened = "happened", "Say that a call in doubt has happened, and how you know.";
    DidNot = "did-not", "Say that a call in doubt has not happened, and how you know.";
    Abandon = "abandon", "Give the run up, with a reason; it is never begun again.";
    Veto = "veto", "Stand against a break-glass that waits.";
    Verify = "verify", "Verify the journal of the run.";
    Report = "report", "Write the report of the run: Markdown and JSON.";
    TimeCursor = "time-cursor", "See what everything could be brought back to at a chosen moment; again shows the points.";
    ToMoment = "to-moment", "Type the moment: 14:32, 2026-11-20 14:32 or 3 h ago, in UTC.";
    Earlier = "earlier", "Move the time cursor back by a step of the axis.";
    Later = "later", "Move the time cursor on by a step of the axis.";
    EarlierMark = "earlier-mark", "Move the time cursor back to the point or event before.";
    LaterMark = "later-mark", "Move the time cursor on to the next point or event.";
    Now = "now", "Move the time cursor to now.";
    Sort = "sort", "Take the next order of points or states: by name, newest, largest, trouble first and the like.";
    Group = "group", "Group the points: by component, by kind, by place, or not.";
    ZoomIn = "zoom-in", "Show less time on the axis.";
    ZoomOut = "zoom-out", "Show more time on the axis.";
    Timeline = "timeline", "Give the timeline the whole pane, or a part of it.";
    Refresh = "refresh", "Read everything now.";
    Login = "login", "Log in, where a code or a browser is asked for.";
    Presenter = "presenter", "For a shared screen: hide accounts and addresses, give more room.";
    Theme = "theme", "Take the next theme.";
    Mouse = "mouse", "Free the mouse for selecting text, or take it back.";
    Copy = "copy", "Copy what is selected.";
    Redraw = "redraw", "Draw the screen anew.";
    Suspend = "suspend", "Go to the background; fg comes back.";
}

impl Command {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        COMMANDS.iter().find(|row| row.command == self).map_or("", |row| row.name)
    }

    /// Returns the command called `name`.
    pub fn named(name: &str) -> Option<Self> {
        COMMANDS.iter().find(|row| row.name == name).map(|row| row.command)
    }
}
