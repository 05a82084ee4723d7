//! Sessions and what only an operator's can mint.

use super::armed::ArmedStep;
use crate::domain::Text;
use crate::domain::estate::EnvironmentClass;
use crate::runbook::consent::Consent;
use crate::runbook::event::Direction;
use crate::runbook::plan::{PlanHash, PlannedStep, Undo};
use std::marker::PhantomData;

mod sealed {
    pub trait Sealed {}
}

/// What a session may do.
pub trait Mode: sealed::Sealed {}

/// It may look.
#[derive(Debug)]
pub struct ReadOnly;

/// It may act.
#[derive(Debug)]
pub struct Operator;

impl sealed::Sealed for ReadOnly {}
impl sealed::Sealed for Operator {}
impl Mode for ReadOnly {}
impl Mode for Operator {}

/// A person at work, in a mode that is part of the type.
#[derive(Debug)]
pub struct Session<M: Mode> {
    /// Why this session may act; empty while it may not.
    purpose: Text,
    /// Whether it can ever be elevated.
    for_good: bool,
    mode: PhantomData<M>,
}

/// Why a right was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The process was started with `--read-only`.
    #[error("this process was started read-only for good")]
    ReadOnlyForGood,
    /// No purpose was given.
    #[error("an operator names the incident or purpose")]
    NoPurpose,
    /// The consent is for another plan, or too weak for this step.
    #[error("the consent given does not cover this step")]
    ConsentDoesNotCover,
    /// The step has no undo.
    #[error("this step cannot be taken back")]
    NoUndo,
}

impl Session<ReadOnly> {
    /// Returns a session that can be elevated.
    pub fn read_only() -> Self {
        Self { purpose: Text::default(), for_good: false, mode: PhantomData }
    }

    /// Returns a session that can never be elevated.
    pub fn read_only_for_good() -> Self {
        Self { for_good: true, ..Self::read_only() }
    }

    /// Gives this session up for one that may act, for a purpose that the journal will name.
    ///
    /// # Errors
    /// When the process is read-only for good, or no purpose is given; the session is given back.
    pub fn elevate(self, purpose: &str) -> Result<Session<Operator>, (Self, Refused)> {
        if self.for_good {
            return Err((self, Refused::ReadOnlyForGood));
        }
        if purpose.trim().is_empty() {
            return Err((self, Refused::NoPurpose));
        }
        Ok(Session { purpose: Text::new(purpose.trim()), for_good: false, mode: PhantomData })
    }
}

impl Session<Operator> {
    /// Returns why it may act.
    pub fn purpose(&self) -> &Text {
        &self.purpose
    }

    /// Arms a step of `plan` that a person agreed to, in an environment of `class`.
    ///
    /// # Errors
    /// When `consent` is for another plan or too weak; or when it is to be taken back and cannot be.
    pub fn arm(
        &self,
        plan: &PlanHash,
        class: EnvironmentClass,
        step: PlannedStep,
        direction: Direction,
        consent: &Consent,
    ) -> Result<ArmedStep, Refused> {
        let worst = match (direction, &step.undo) {
            (Direction::Forward, _) => step.class,
            (Direction::Undo, Undo::Calls { class, .. }) => *class,
            (Direction::Undo, Undo::Nothing | Undo::Impossible(_)) => return Err(Refused::NoUndo),
        };
        if !consent.covers(plan, worst, class) {
            return Err(Refused::ConsentDoesNotCover);
        }
        Ok(ArmedStep { step, plan: plan.clone(), purpose: self.purpose.clone(), direction })
    }

    /// Gives the right to act up.
    pub fn stand_down(self) -> Session<ReadOnly> {
        Session::read_only()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::ActionClass;
    use crate::domain::estate::EnvironmentClass;
    use crate::runbook::consent::Strength;
    use crate::runbook::plan::PlanHash;

    fn step(class: ActionClass) -> PlannedStep {
        PlannedStep { class, ..crate::runbook::plan::fixtures::step("drop", "rds:DeleteDBInstance") }
    }

    fn hash(byte: &str) -> PlanHash {
        PlanHash::parse(&byte.repeat(32)).unwrap()
    }

    #[test]
    fn a_process_that_is_read_only_for_good_is_never_elevated() {
        let refused = Session::read_only_for_good().elevate("INC-4711").map_err(|(_, why)| why);
        assert_eq!(refused.err(), Some(Refused::ReadOnlyForGood));
    }

    #[test]
    fn only_a_consent_to_this_plan_and_strong_enough_arms_a_step() {
        let session = Session::read_only().elevate("INC-4711").unwrap();
        let plan = hash("a1");
        let arm = |class, consent: &Consent| {
            session
                .arm(&plan, EnvironmentClass::Production, step(class), Direction::Forward, consent)
                .map(drop)
        };
        let enter = Consent { plan: plan.clone(), strength: Strength::Enter };
        assert_eq!(arm(ActionClass::Destructive, &enter), Err(Refused::ConsentDoesNotCover));
        let other = Consent { plan: hash("b2"), strength: Strength::TypedAndSigned };
        assert_eq!(arm(ActionClass::Destructive, &other), Err(Refused::ConsentDoesNotCover));
        let typed = Consent { plan: plan.clone(), strength: Strength::Typed };
        assert_eq!(arm(ActionClass::Destructive, &typed), Ok(()));
        assert_eq!(arm(ActionClass::DataLoss, &typed), Err(Refused::ConsentDoesNotCover));
    }
}
