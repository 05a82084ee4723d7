//! The recovery points that a protection has made by a moment.

use super::chance::Chance;
use super::world::{Protection, Resource, Rhythm, World};
use crate::domain::duration::{after, before};
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint, Verification};
use crate::domain::retention::{self, Rule};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// RDS ships its logs about every five minutes (R1); the window ends at the last of them.
const SHIPPED_EVERY: i64 = 300;
/// The most points that one protection shows.
const MOST: usize = 100_000;

/// Returns the points of `protection` at `now`. `ended` is when its source stopped to make any.
pub(super) fn points(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    protection: &Protection,
    ended: Option<Timestamp>,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let stop = [protection.stopped_at, ended].into_iter().flatten().min().unwrap_or(now).min(now);
    let point = |name: &str, holds| {
        let mut point = RecoveryPoint::new(name, protection.kind, protection.place.clone(), holds);
        point.key.clone_from(&protection.key);
        point.retrieval = protection.retrieval;
        point.hold = protection.hold.clone().map(Box::new);
        if resource.kind == Kind::DnsRecord {
            point.control_plane = Some("us-east-1".into());
        }
        point
    };
    match &protection.rhythm {
        Rhythm::Window { reach } => {
            let shipped = stop.as_second() - stop.as_second().rem_euclid(SHIPPED_EVERY);
            let latest = Timestamp::from_second(shipped).unwrap_or(stop);
            let earliest = before(latest, *reach).max(resource.created_at);
            vec![point(&format!("{id} window"), Holds::Window { earliest, latest })]
        }
        Rhythm::Replica { lag } => {
            // A replica whose source is gone holds what it held.
            let holds =
                if stop < now { Holds::Until(before(stop, *lag)) } else { Holds::Behind { lag: *lag } };
            vec![point(&format!("{id}-{}", protection.place.region), holds)]
        }
        Rhythm::Everything => {
            let mut chance = Chance::new(world.seed, id.as_str());
            let name = match protection.kind {
                PointKind::Commit | PointKind::Definition => format!("commit {}", chance.hex(12)),
                PointKind::RecordedValue => format!("{id} A 10.{}.4.9", chance.between(1, 250)),
                _ => format!("versions of {id}"),
            };
            vec![point(&name, Holds::Everything)]
        }
        Rhythm::Every { period, offset, ready_after, keep, rules } => {
            let rules: Vec<Rule> =
                rules.iter().filter_map(|rule| retention::parse(rule.as_str()).ok()).collect();
            let made = Made { world, id, resource, protection, period: *period, offset: *offset };
            made.moments(stop, *ready_after, *keep, &rules, now)
                .into_iter()
                .enumerate()
                .map(|(rank, moment)| made.point(rank, moment, *ready_after, now, &point))
                .collect()
        }
    }
}

struct Made<'a> {
    world: &'a World,
    id: &'a ComponentId,
    resource: &'a Resource,
    protection: &'a Protection,
    period: Duration,
    offset: Duration,
}

impl Made<'_> {
    /// Returns the moments of the points that are there, the newest first.
    fn moments(
        &self,
        stop: Timestamp,
        ready_after: Duration,
        keep: Duration,
        rules: &[Rule],
        now: Timestamp,
    ) -> Vec<Timestamp> {
        let period = i64::try_from(self.period.as_secs()).unwrap_or(i64::MAX).max(60);
        let offset = i64::try_from(self.offset.as_secs()).unwrap_or(0);
        let horizon = rules.iter().map(|rule| rule.since(now)).chain([before(now, keep)]).min();
        let horizon = horizon.unwrap_or(Timestamp::MIN).max(self.resource.created_at);
        let mut at = (stop.as_second() - offset).div_euclid(period) * period + offset;
        let mut moments = Vec::new();
        while let Ok(moment) = Timestamp::from_second(at) {
            if moment < horizon || moments.len() >= MOST {
                break;
            }
            at -= period;
            let kept = moment >= before(now, keep) || rules.iter().any(|rule| rule.keeps(moment, now));
            let days = self.world.began.duration_since(moment).as_hours().div_euclid(24);
            let missing = self.protection.missing_days.iter().any(|day| i64::try_from(*day) == Ok(days));
            // What is not complete yet is shown as pending, but only the newest can be.
            let complete = after(moment, ready_after) <= now;
            if kept && !missing && (complete || moments.is_empty()) {
                moments.push(moment);
            }
        }
        moments
    }

    fn point(
        &self,
        rank: usize,
        moment: Timestamp,
        ready_after: Duration,
        now: Timestamp,
        point: &dyn Fn(&str, Holds) -> RecoveryPoint,
    ) -> RecoveryPoint {
        let seed =
            format!("{}{:?}{}{}", self.id, self.protection.kind, self.protection.place, moment.as_second());
        let mut chance = Chance::new(self.world.seed, &seed);
        let stamp = moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d-%H-%M").to_string();
        let name = match self.protection.kind {
            PointKind::Image => format!("ami-{}", chance.hex(17)),
            PointKind::Snapshot | PointKind::SnapshotCopy if self.resource.kind == Kind::EbsVolume => {
                format!("snap-{}", chance.hex(17))
            }
            // One that was taken by hand outlives its database, and its name says whose it is.
            PointKind::Snapshot if !self.protection.dies_with_component => {
                format!("{}-daily-{stamp}", self.id)
            }
            PointKind::Snapshot => format!("rds:{}-{stamp}", self.id),
            PointKind::SnapshotCopy => format!("copy-{}-{stamp}", self.id),
            PointKind::VaultPoint => {
                format!("arn:aws:backup:{}:recovery-point:{}", self.protection.place.region, chance.uuid())
            }
            PointKind::Dump => format!("{}_{stamp}.sql.gz", self.id),
            PointKind::SearchSnapshot => format!("snapshot_{stamp}"),
            PointKind::Export => format!("{}_{stamp}.yaml", self.id),
            _ => format!("{}-{stamp}", self.id),
        };
        let mut made = point(&name, Holds::Until(moment));
        let complete = after(moment, ready_after);
        if complete > now {
            made.status = PointStatus::Pending;
        }
        // It grew by about a thousandth a day, give or take two per cent.
        let days = self.world.began.duration_since(moment).as_hours().max(0).unsigned_abs() / 24;
        let grown = u128::from(self.resource.size_bytes) * 1000 / (1000 + u128::from(days));
        let size = grown * u128::from(980 + chance.between(0, 40)) / 1000;
        let size = match self.protection.newest_percent {
            Some(percent) if rank == 0 => size * u128::from(percent) / 100,
            _ => size,
        };
        made.size_bytes = Some(u64::try_from(size).unwrap_or(u64::MAX));
        if self.protection.verified && complete <= now {
            made.verified = Some(Verification { at: complete, whole: true });
        }
        made
    }
}
