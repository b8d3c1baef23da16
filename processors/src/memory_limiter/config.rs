//! Settings of `memory_limiter`, under upstream's names and defaults.

use otlp::Signal;
use pipeline::registry::ProcessorConfig;
use pipeline::{Processor, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Duration, Validate};

use super::MemoryLimiter;
use super::limits::Limits;

const MIB: usize = 1 << 20;

/// Limits of memory, in MiB or as a share of what the process may use. With
/// both the MiB count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often memory is looked at. Required; 1s is good.
    pub check_interval: Duration,
    /// Hard limit in MiB.
    pub limit_mib: usize,
    /// How far below the hard limit refusing begins, in MiB; 0 is a fifth of the limit.
    pub spike_limit_mib: usize,
    /// Hard limit in percent of what the process may use.
    pub limit_percentage: usize,
    /// How far below the hard limit refusing begins, in percent of what the process may use.
    pub spike_limit_percentage: usize,
    /// Has no meaning here (there is no garbage collector); accepted.
    pub min_gc_interval_when_soft_limited: Option<Duration>,
    /// Has no meaning here; accepted.
    pub min_gc_interval_when_hard_limited: Option<Duration>,
    /// Has no meaning here; accepted.
    pub max_gc_interval_when_soft_limited: Option<Duration>,
    /// Has no meaning here; accepted.
    pub max_gc_interval_when_hard_limited: Option<Duration>,
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.check_interval.is_zero() {
            at.error("check_interval", "must be greater than 0 (1s is good)");
        }
        if self.limit_mib == 0 && self.limit_percentage == 0 {
            at.error("", "limit_mib or limit_percentage must be greater than 0");
        }
        if self.limit_percentage > 100 || self.spike_limit_percentage > 100 {
            at.error(
                "limit_percentage",
                "a percentage must not be greater than 100",
            );
        }
        if self.limit_mib > 0 && self.spike_limit_mib >= self.limit_mib {
            at.error("spike_limit_mib", "must be smaller than limit_mib");
        }
        if self.limit_mib == 0
            && self.limit_percentage > 0
            && self.spike_limit_percentage >= self.limit_percentage
        {
            at.error(
                "spike_limit_percentage",
                "must be smaller than limit_percentage",
            );
        }
        for (key, given) in [
            (
                "min_gc_interval_when_soft_limited",
                self.min_gc_interval_when_soft_limited,
            ),
            (
                "min_gc_interval_when_hard_limited",
                self.min_gc_interval_when_hard_limited,
            ),
            (
                "max_gc_interval_when_soft_limited",
                self.max_gc_interval_when_soft_limited,
            ),
            (
                "max_gc_interval_when_hard_limited",
                self.max_gc_interval_when_hard_limited,
            ),
        ] {
            if given.is_some() {
                at.warn(key, "has no meaning here: there is no garbage collector");
            }
        }
    }
}

impl Config {
    /// The limits in bytes where the process may use `available` bytes.
    fn limits(&self, available: usize) -> Limits {
        let share = |percentage: usize| available / 100 * percentage;
        let (hard, spike) = match self.limit_mib {
            0 => (
                share(self.limit_percentage),
                share(self.spike_limit_percentage),
            ),
            mib => (
                mib.saturating_mul(MIB),
                self.spike_limit_mib.saturating_mul(MIB),
            ),
        };
        let spike = if spike == 0 { hard / 5 } else { spike };
        Limits {
            soft: hard - spike,
            hard,
        }
    }
}

impl ProcessorConfig for Config {
    fn build(&self, id: &ComponentId, signal: Signal) -> Result<Processor, StartError> {
        let available = match (self.limit_mib, pipeline::memory::available()) {
            (0, None) => {
                return Err(StartError::new(
                    "limit_percentage: cannot tell how much memory there is, set limit_mib instead",
                ));
            }
            (_, available) => available.unwrap_or(usize::MAX),
        };
        // A share of a group's limit is about all that the group holds; a number
        // of MiB is about this process.
        let group = (self.limit_mib == 0)
            .then(pipeline::memory::group)
            .flatten();
        let gate = MemoryLimiter::new(
            id.to_string(),
            signal,
            self.limits(available),
            group,
            self.check_interval.get(),
        );
        Ok(Processor::Gate(Box::new(gate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(config: Config) -> (usize, usize) {
        let limits = config.limits(1000 * MIB);
        (limits.soft / MIB, limits.hard / MIB)
    }

    #[test]
    fn mib_win_over_percentages_and_the_spike_defaults_to_a_fifth() {
        let percentages = Config {
            limit_percentage: 50,
            spike_limit_percentage: 20,
            ..Config::default()
        };
        assert_eq!(limits(percentages.clone()), (300, 500));
        assert_eq!(
            limits(Config {
                spike_limit_percentage: 0,
                ..percentages.clone()
            }),
            (400, 500)
        );
        assert_eq!(
            limits(Config {
                limit_mib: 100,
                ..percentages.clone()
            }),
            (80, 100)
        );
        assert_eq!(
            limits(Config {
                limit_mib: 100,
                spike_limit_mib: 10,
                ..percentages
            }),
            (90, 100)
        );
    }
}
