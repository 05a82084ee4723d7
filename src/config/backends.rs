//! Backends of the estate file: where Terraform states lie.

use super::diagnostic::Diagnostic;
use super::estate_file::ReplicaFile;
use super::others::check_name;
use super::resolve::{Resolver, entries};
use super::yaml::Field;
use crate::domain::Text;
use crate::domain::backend::{Backend, Replica, WORKSPACES};
use crate::domain::ids::Region;
use crate::domain::place::Place;

impl Resolver<'_> {
    /// Returns the backends of the file; what is wrong with them is said.
    pub(super) fn backends(&mut self) -> Vec<Backend> {
        let file = self.file;
        let text = |field: &Field<String>| field.get().map(|text| Text::new(text));
        let mut all: Vec<Backend> = Vec::new();
        for (name, place, field) in entries(&file.backends) {
            check_name(&mut self.wrong, name, place, "backend");
            let Some(given) = field.get() else { continue };
            let environment = self.environment_of(&given.environment, name, place);
            if given.bucket.is_absent() {
                self.error(
                    place,
                    format!("backend `{name}` has no `bucket`"),
                    "write the bucket that keeps the states",
                );
            }
            if let (Some(prefix), Some(at)) = (given.workspace_prefix.get(), given.workspace_prefix.place())
                && (prefix.is_empty() || prefix.ends_with('/'))
            {
                let help = "write it as Terraform has it, such as `workspace_prefix: workspaces`";
                self.error(at, "this cannot be what the names of workspaces stand under", help);
            }
            let (Some(environment), Some(bucket)) = (environment, text(&given.bucket)) else { continue };
            let mut home = environment.home();
            if let Some(region) = given.region.get() {
                home.region = Region::new(&region.0);
            }
            let backend = Backend {
                name: name.into(),
                environment: environment.name.clone(),
                prefix: text(&given.prefix).unwrap_or_default(),
                lock_table: text(&given.lock_table),
                lockfile: given.lockfile.get().copied().unwrap_or(given.lock_table.is_absent()),
                workspaces: text(&given.workspace_prefix).unwrap_or_else(|| WORKSPACES.into()),
                replica: self.replica(name, &given.replica, &home, &bucket),
                home,
                bucket,
            };
            let alike = |other: &&Backend| other.bucket == backend.bucket && other.prefix == backend.prefix;
            if let Some(other) = all.iter().find(alike) {
                let says = format!("backend `{name}` has the bucket and prefix of `{}`", other.name);
                self.wrong
                    .push(Diagnostic::warning(place, says).help("its states are shown twice; remove one"));
            }
            all.push(backend);
        }
        all
    }

    fn replica(
        &mut self,
        name: &str,
        field: &Field<ReplicaFile>,
        home: &Place,
        bucket: &Text,
    ) -> Option<Replica> {
        let (given, at) = (field.get()?, field.place()?);
        if given.bucket.is_absent() {
            self.error(at, format!("the replica of `{name}` has no `bucket`"), "write the bucket it lies in");
        }
        let there = Text::new(given.bucket.get()?);
        let region = given.region.get().map_or(home.region.clone(), |region| Region::new(&region.0));
        if there == *bucket {
            self.error(at, format!("the replica of `{name}` is the bucket itself"), "name another bucket");
            return None;
        }
        if region == home.region {
            let says = format!("the replica of `{name}` lies in the Region of the backend");
            let help = "nothing of it is left when that is lost; write its `region:`";
            self.wrong.push(Diagnostic::warning(at, says).help(help));
        }
        Some(Replica {
            place: Place { region, ..home.clone() },
            bucket: there,
            lock_table: given.lock_table.get().map(|table| Text::new(table)),
        })
    }
}
