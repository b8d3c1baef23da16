//! What browsers and media players report by themselves.

use std::borrow::Cow;

use super::read::{Scratch, Sum, batch_name, is_left_out};
use super::{Intake, Request};
use crate::answer::Answer;
use crate::cmcd;
use crate::frames::Envelope;
use crate::metrics::Reason;
use crate::record::Context;
use crate::reports::reports;
use crate::times::ClientClock;

impl Intake {
    /// The reports of a browser.
    pub(super) fn reports(
        &self,
        text: &str,
        request: &Request,
        scratch: &mut Scratch,
        sum: &mut Sum,
    ) -> Result<(), Answer> {
        let site = self.open(request.key.as_deref(), None, request)?;
        let (reports, bad) =
            reports(text, request.received).map_err(|error| self.unreadable(error))?;
        self.counted(reports.len() + bad, sum)?;
        if bad > 0 {
            sum.drop(Reason::Parse, bad);
        }
        if let Some(reason) = self.unwanted(request) {
            sum.drop(reason, reports.len());
            return Ok(());
        }
        // Browsers say how long ago it was: there is no clock to doubt.
        let clock = ClientClock {
            received: request.received,
            skew: Some(0),
        };
        let context = self.context(clock, request, site);
        self.resource(site, &Envelope::default(), &context, scratch);
        for report in &reports {
            let mut facts = Cow::Borrowed(&request.facts);
            if let Some(user_agent) = &report.user_agent {
                facts.to_mut().user_agent = Some(user_agent.clone());
            }
            // The page that is reported about is in the report, if anywhere.
            facts.to_mut().referer = None;
            let context = Context {
                facts: &facts,
                severity: Some(report.severity),
                ..context
            };
            self.event(&report.text, site, &context, scratch, sum)?;
        }
        Ok(())
    }

    /// The reports of a media player.
    pub(super) fn cmcd(
        &self,
        text: &str,
        request: &Request,
        scratch: &mut Scratch,
        sum: &mut Sum,
    ) -> Result<(), Answer> {
        let site = self.open(request.key.as_deref(), None, request)?;
        let lines = cmcd::lines(text);
        let count = lines.clone().count();
        self.counted(count, sum)?;
        if let Some(name) = &request.batch {
            sum.batch = Some(batch_name(request.key.as_deref(), name));
        }
        if let Some(reason) = self.unwanted(request) {
            sum.drop(reason, count);
            return Ok(());
        }
        let session = self.session(site, request);
        let context = Context {
            session: session.as_ref(),
            ..self.context(ClientClock::new(request.received, None), request, site)
        };
        let mut reader = self.players(site.map_or("", |site| &site.name));
        let is_alone = sum.is_alone && count == 1 && sum.batch.is_none();
        if let (true, Some(line)) = (is_alone, lines.clone().next()) {
            let event = reader.event(line).map_err(|error| self.unreadable(error))?;
            if scratch.fields.read(event, self.shape).is_err() {
                self.event(event, site, &context, scratch, sum)?;
            } else if is_left_out(site, &scratch.fields, event, &context) {
                sum.drop(Reason::Sampled, 1);
            } else {
                let (fields, escaped) = (&scratch.fields, &mut scratch.text);
                let write = |writer: &mut _| self.write(event, &context, fields, escaped, writer);
                sum.gathered = Some(self.gathering.add(site, write));
            }
            return Ok(());
        }
        self.resource(site, &Envelope::default(), &context, scratch);
        for line in lines {
            match reader.event(line) {
                Ok(event) => self.event(event, site, &context, scratch, sum)?,
                Err(_) => sum.drop(Reason::Parse, 1),
            }
        }
        Ok(())
    }
}
