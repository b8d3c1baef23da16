//! From what the components reported to one verdict: pure.
//!
//! The tree and its words are those of upstream's health check v2: the whole,
//! below it extensions and pipelines, below those their components. What is
//! most relevant bubbles up.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::health::{Composition, Report, Status};

use crate::full::Full;

/// Where a failed reload is reported. It is shown and judges nothing: the
/// configuration from before it is at work.
const CONFIGURATION: &str = "configuration";

/// What errors mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) include_permanent: bool,
    pub(crate) include_recoverable: bool,
    /// Nanoseconds that an error may last.
    pub(crate) recovery: u64,
}

/// What is known at one moment.
pub(crate) struct Known<'a> {
    pub(crate) composition: &'a Composition,
    pub(crate) reports: &'a BTreeMap<String, Report>,
    /// Queues that have been nearly full for too long, by component.
    pub(crate) full: &'a BTreeMap<String, Full>,
    /// What holds for components that report nothing of their own, and since when.
    pub(crate) life: Report,
    pub(crate) now: u64,
}

/// The state of one part, and of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) status: Status,
    pub(crate) since: u64,
    pub(crate) healthy: bool,
    pub(crate) components: BTreeMap<String, Verdict>,
}

impl Rules {
    /// Judges the whole collector.
    pub(crate) fn judge(&self, known: &Known<'_>) -> Verdict {
        let composition = known.composition;
        let mut parts: BTreeMap<String, Verdict> = composition
            .pipelines
            .iter()
            .map(|pipeline| {
                let name = format!("pipeline:{}", pipeline.name);
                (name, self.pipeline(pipeline, known))
            })
            .collect();
        if !composition.extensions.is_empty() {
            let extensions = composition.extensions.iter();
            let extensions = extensions
                .map(|name| (name.clone(), self.of(known.reports.get(name), None, known)));
            let extensions = extensions.collect();
            parts.insert("extensions".to_owned(), self.sum(extensions, known));
        }
        let mut whole = self.sum(parts, known);
        if let Some(report) = known.reports.get(CONFIGURATION) {
            let shown = Verdict {
                healthy: !is_error(&report.status),
                ..self.of(Some(report), None, known)
            };
            whole.components.insert(CONFIGURATION.to_owned(), shown);
        }
        whole
    }

    fn pipeline(
        &self,
        pipeline: &pipeline::health::composition::Pipeline,
        known: &Known<'_>,
    ) -> Verdict {
        let components = pipeline.components.iter().map(|name| {
            let full = known
                .full
                .get(&format!("{name}/{}", pipeline.signal.name()));
            let report = pipeline.report(name, known.reports);
            (name.clone(), self.of(report, full, known))
        });
        self.sum(components.collect(), known)
    }

    /// One component: its own word, and that of its queue.
    fn of(&self, report: Option<&Report>, full: Option<&Full>, known: &Known<'_>) -> Verdict {
        let report = report.unwrap_or(&known.life);
        let mut verdict = Verdict {
            healthy: self.is_healthy(report, known.now),
            status: report.status.clone(),
            since: report.since_unix_nano,
            components: BTreeMap::new(),
        };
        let Some(full) = full else { return verdict };
        verdict.healthy &= !self.include_recoverable;
        match &mut verdict.status {
            Status::RecoverableError(why) | Status::PermanentError(why) => {
                *why = format!("{why}; {full}").into();
            }
            Status::Ok => {
                verdict.status = Status::RecoverableError(full.to_string().into());
                verdict.since = full.since;
            }
            Status::Starting | Status::Stopping => {}
        }
        verdict
    }

    fn is_healthy(&self, report: &Report, now: u64) -> bool {
        match report.status {
            Status::PermanentError(_) => !self.include_permanent,
            Status::RecoverableError(_) if self.include_recoverable => {
                now.saturating_sub(report.since_unix_nano) < self.recovery
            }
            _ => true,
        }
    }

    /// The sum of parts: life cycle before errors, the more relevant error
    /// first; since when the first of them holds, or the last success.
    fn sum(&self, components: BTreeMap<String, Verdict>, known: &Known<'_>) -> Verdict {
        let permanent_first = self.include_permanent || !self.include_recoverable;
        let rank = |status: &Status| match status {
            Status::Starting => 0,
            Status::Stopping => 1,
            Status::PermanentError(_) if permanent_first => 2,
            Status::RecoverableError(_) => 3,
            Status::PermanentError(_) => 4,
            Status::Ok => 5,
        };
        let order = |part: &Verdict| {
            let since = match is_error(&part.status) {
                true => part.since,
                false => u64::MAX - part.since,
            };
            (rank(&part.status), since)
        };
        let first = components.values().min_by_key(|part| order(part));
        let (status, since) = match first {
            Some(part) => (part.status.clone(), part.since),
            None => (known.life.status.clone(), known.life.since_unix_nano),
        };
        Verdict {
            status,
            since,
            healthy: components.values().all(|part| part.healthy),
            components,
        }
    }
}

impl Verdict {
    /// What failing says, if this fails.
    pub(crate) fn error(&self) -> Option<&Arc<str>> {
        match &self.status {
            Status::RecoverableError(why) | Status::PermanentError(why) => Some(why),
            _ => None,
        }
    }
}

fn is_error(status: &Status) -> bool {
    matches!(
        status,
        Status::RecoverableError(_) | Status::PermanentError(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::Signal;
    use pipeline::health::composition::Pipeline;

    const STRICT: Rules = Rules {
        include_permanent: true,
        include_recoverable: true,
        recovery: 100,
    };
    const UPSTREAM: Rules = Rules {
        include_permanent: false,
        include_recoverable: false,
        recovery: 100,
    };

    fn composition() -> Composition {
        let pipeline = |name: &str, signal, exporter: &str| Pipeline {
            name: name.to_owned(),
            signal,
            components: vec![
                "receiver:otlp".into(),
                "processor:memory_limiter".into(),
                exporter.into(),
            ],
        };
        Composition {
            pipelines: vec![
                pipeline("logs/app", Signal::Logs, "exporter:otlp"),
                pipeline("traces", Signal::Traces, "exporter:otlp"),
            ],
            extensions: vec!["extension:health_check".into()],
            configuration: "{}".into(),
        }
    }

    fn report(status: Status, since: u64) -> Report {
        Report {
            status,
            since_unix_nano: since,
        }
    }

    fn away() -> Status {
        Status::RecoverableError("connection refused".into())
    }

    struct Case {
        rules: Rules,
        reports: BTreeMap<String, Report>,
        full: BTreeMap<String, Full>,
        life: Status,
    }

    impl Case {
        fn new(rules: Rules, reports: &[(&str, Status, u64)]) -> Case {
            let mut all = BTreeMap::from([
                ("exporter:otlp/logs".to_owned(), report(Status::Ok, 5)),
                ("exporter:otlp/traces".to_owned(), report(Status::Ok, 6)),
            ]);
            for (name, status, since) in reports {
                all.insert((*name).to_owned(), report(status.clone(), *since));
            }
            Case {
                rules,
                reports: all,
                full: BTreeMap::new(),
                life: Status::Ok,
            }
        }

        fn at(&self, now: u64) -> Verdict {
            self.rules.judge(&Known {
                composition: &composition(),
                reports: &self.reports,
                full: &self.full,
                life: report(self.life.clone(), 9),
                now,
            })
        }
    }

    #[test]
    fn an_error_is_red_once_it_is_older_than_the_recovery_duration() {
        let case = Case::new(STRICT, &[("exporter:otlp/logs", away(), 20)]);
        let whole = case.at(119);
        assert_eq!((&whole.status, whole.since), (&away(), 20));
        assert!(whole.healthy, "it may still recover");
        let whole = case.at(120);
        assert!(!whole.healthy);
        let logs = &whole.components["pipeline:logs/app"];
        assert_eq!((&logs.status, logs.healthy), (&away(), false));
        assert!(!logs.components["exporter:otlp"].healthy);
        assert!(logs.components["receiver:otlp"].healthy);
        let traces = &whole.components["pipeline:traces"];
        assert_eq!((&traces.status, traces.healthy), (&Status::Ok, true));
    }

    #[test]
    fn as_upstream_errors_are_shown_and_not_red_unless_asked_for() {
        let permanent = Status::PermanentError("wrong token".into());
        let reports = [
            ("exporter:otlp/logs", away(), 20),
            ("exporter:otlp/traces", permanent.clone(), 30),
        ];
        let whole = Case::new(UPSTREAM, &reports).at(10_000);
        assert_eq!((&whole.status, whole.healthy), (&permanent, true));
        let recoverable_only = Rules {
            include_recoverable: true,
            ..UPSTREAM
        };
        let whole = Case::new(recoverable_only, &reports).at(10_000);
        assert_eq!((&whole.status, whole.healthy), (&away(), false));
        let permanent_only = Rules {
            include_permanent: true,
            ..UPSTREAM
        };
        let whole = Case::new(permanent_only, &reports).at(31);
        assert_eq!((&whole.status, whole.healthy), (&permanent, false));
    }

    #[test]
    fn of_several_errors_the_oldest_tells_since_when() {
        let reports = [
            ("exporter:otlp/logs", away(), 40),
            ("exporter:otlp/traces", away(), 30),
        ];
        assert_eq!(Case::new(STRICT, &reports).at(50).since, 30);
        assert_eq!(
            Case::new(STRICT, &[]).at(50).since,
            9,
            "of successes the last"
        );
    }

    #[test]
    fn a_report_for_all_signals_shows_in_every_pipeline() {
        let memory = Status::RecoverableError("over 160 MiB".into());
        let reports = [("processor:memory_limiter", memory.clone(), 20)];
        let whole = Case::new(STRICT, &reports).at(50);
        for pipeline in ["pipeline:logs/app", "pipeline:traces"] {
            let part = &whole.components[pipeline].components["processor:memory_limiter"];
            assert_eq!(part.status, memory);
        }
    }

    #[test]
    fn a_full_queue_is_an_error_of_its_exporter() {
        let mut case = Case::new(STRICT, &[]);
        let full = Full {
            used: 95,
            limit: 100,
            since: 15,
        };
        case.full.insert("exporter:otlp/logs".to_owned(), full);
        let whole = case.at(30);
        assert_eq!((whole.healthy, whole.since), (false, 15));
        let why = whole.error().expect("an error");
        assert!(why.contains("95 of 100"), "{why}");
        let part = |whole: &Verdict| {
            whole.components["pipeline:logs/app"].components["exporter:otlp"].clone()
        };
        let beside = report(away(), 20);
        case.reports.insert("exporter:otlp/logs".to_owned(), beside);
        let both = part(&case.at(30));
        let why = both.error().expect("an error");
        assert!(
            why.starts_with("connection refused; ") && why.contains("95 of 100"),
            "{why}"
        );
        case.rules = UPSTREAM;
        assert!(part(&case.at(30)).healthy);
    }

    #[test]
    fn a_failed_reload_is_shown_and_judges_nothing() {
        let broken = Status::PermanentError("line 3: unknown key".into());
        let whole = Case::new(STRICT, &[("configuration", broken.clone(), 20)]).at(10_000);
        assert_eq!((&whole.status, whole.healthy), (&Status::Ok, true));
        let shown = &whole.components["configuration"];
        assert_eq!((&shown.status, shown.healthy), (&broken, false));
    }

    #[test]
    fn before_and_after_the_life_cycle_comes_before_errors() {
        let mut case = Case::new(STRICT, &[("exporter:otlp/logs", away(), 20)]);
        for life in [Status::Starting, Status::Stopping] {
            case.life = life.clone();
            assert_eq!(case.at(50).status, life);
        }
    }
}
