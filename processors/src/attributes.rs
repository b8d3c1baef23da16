//! Changes the attributes of log records, spans and data points.

pub(crate) mod actions;
mod config;
mod convert;
mod matching;

use otlp::Signal;
use otlp::edit::{AttributesDraft, Edit, Facts, LogDraft, PointDraft, SpanDraft, Touches, Verdict};
use pipeline::registry::{self, Factory, ProcessorConfig, Stability};

use self::actions::Actions;
pub use config::Config;
use matching::{Matcher, Subject};

/// The factory of `attributes`.
pub fn factory() -> Factory<dyn ProcessorConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::processor::<Config>("attributes", &[], signals, Stability::Beta)
}

struct Attributes {
    actions: Actions,
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

impl Attributes {
    /// Includes are asked first, excludes take away from them.
    fn is_meant(
        &self,
        facts: &Facts<'_>,
        subject: &Subject<'_>,
        attributes: &AttributesDraft<'_, '_>,
    ) -> bool {
        self.include
            .as_ref()
            .is_none_or(|include| include.matches(facts, subject, attributes))
            && !self
                .exclude
                .as_ref()
                .is_some_and(|exclude| exclude.matches(facts, subject, attributes))
    }

    fn apply(
        &self,
        facts: &Facts<'_>,
        subject: &Subject<'_>,
        attributes: &mut AttributesDraft<'_, '_>,
    ) {
        if self.is_meant(facts, subject, attributes) {
            self.actions.apply(attributes);
        }
    }
}

impl Edit for Attributes {
    fn touches(&self) -> Touches {
        let asks = self.include.is_some() || self.exclude.is_some();
        Touches {
            logs: true,
            spans: true,
            points: true,
            ignores_facts: !asks,
            ..Touches::default()
        }
    }

    fn log(&self, facts: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let subject = match &self.include.as_ref().or(self.exclude.as_ref()) {
            Some(_) => Subject::Log(log.read()),
            None => Subject::Any,
        };
        self.apply(facts, &subject, &mut log.attributes());
        Verdict::Keep
    }

    fn span(&self, facts: &Facts<'_>, span: &mut SpanDraft<'_, '_>) -> Verdict {
        let subject = match &self.include.as_ref().or(self.exclude.as_ref()) {
            Some(_) => Subject::Span(span.read()),
            None => Subject::Any,
        };
        self.apply(facts, &subject, &mut span.attributes());
        Verdict::Keep
    }

    fn point(&self, facts: &Facts<'_>, point: &mut PointDraft<'_, '_>) -> Verdict {
        self.apply(facts, &Subject::Any, &mut point.attributes());
        Verdict::Keep
    }
}
