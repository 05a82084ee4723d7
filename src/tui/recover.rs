//! What the console asks of the program around it, to plan a recovery and to have it carried out.

use super::model::{PlanWanted, Prepared, Secrets};
use crate::authority::{Operator, Session};
use crate::domain::Text;
use crate::failure::Failure;
use crate::runbook::event::{Ask, ConsentGiven};

/// Plans, begins and asks. Every call may take long: it waits for networks and for executors.
pub trait Recover: Send + Sync {
    /// Makes a plan; looks only.
    ///
    /// # Errors
    /// When something was not said, or a step cannot be planned.
    fn plan(&self, wanted: &PlanWanted) -> Result<Prepared, Failure>;

    /// Begins a run of a plan that was agreed to, by an executor of its own, and returns the run's name.
    ///
    /// # Errors
    /// When the consent does not count, or no executor can be started.
    fn begin(
        &self,
        by: &Session<Operator>,
        prepared: &Prepared,
        consent: ConsentGiven,
        secrets: Secrets,
    ) -> Result<Text, Failure>;

    /// Asks something of a run, and returns what stands in its journal now, in words.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    fn ask(&self, by: &Session<Operator>, run: &str, ask: Ask) -> Result<Text, Failure>;

    /// Verifies the journal of a run; says what was found.
    ///
    /// # Errors
    /// When it does not verify.
    fn verify(&self, run: &str) -> Result<Text, Failure>;

    /// Writes the report of a run; says where it lies.
    ///
    /// # Errors
    /// When it cannot be written.
    fn report(&self, run: &str) -> Result<Text, Failure>;
}
