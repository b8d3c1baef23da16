//! What the server knows, written behind what an event says.

use otlp::Value;
use otlp::write::LogWriter;

use super::{Brought, Context};
use crate::client::shown;
use crate::config::Timestamps;
use crate::json::{Text, Writing, cut};
use crate::url::parts;

/// The parts of `url.full` that an event may bring itself.
const URL_PARTS: [&str; 6] = ["scheme", "domain", "port", "path", "query", "fragment"];

/// The bit of a field that is a part of the URL; none of what is none.
#[inline]
pub(super) fn url_part(path: &str) -> u8 {
    let Some(part) = path.strip_prefix("url.") else {
        return 0;
    };
    let place = URL_PARTS.iter().position(|known| *known == part);
    place.map_or(0, |place| 1 << place)
}

impl Context<'_> {
    /// What the server knows.
    pub(super) fn add(
        &self,
        log: &mut LogWriter<'_>,
        brought: &Brought<'_>,
        writing: &mut Writing<'_>,
    ) {
        let facts = self.facts;
        let mut referred = None;
        if let (None, Some(referer)) = (&brought.url, &facts.referer) {
            referred = Some(self.urls.left_of_url(&shown(referer)).into_owned());
        }
        let mut string = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                let value = cut(value, writing.limits.text, &mut writing.cut);
                log.attribute(key, Value::String(value));
            }
        };
        if !brought.address {
            string("client.ip", facts.address.as_deref());
        }
        if !brought.user_agent {
            string(
                "user_agent.original",
                facts.user_agent.as_ref().map(shown).as_deref(),
            );
        }
        if let Some(url) = &referred {
            string("url.full", Some(url));
            string("beacon.url.source", Some("referer"));
        }
        if self.tag && !brought.synthetic {
            string(
                "user_agent.synthetic.type",
                facts.synthetic.map(|kind| kind.name()),
            );
        }
        string("browser.platform", facts.platform.as_deref());
        if let Some(asked) = &facts.asked {
            string("user_agent.os.version", asked.platform_version.as_deref());
            string("user_agent.device.name", asked.model.as_deref());
        }
        if let (false, Some(session)) = (brought.session, self.session) {
            string("session.id", session.get().map(|session| &*session.id));
        }
        if let (false, Some(place)) = (brought.place, &facts.place) {
            place.write(log);
        }
        let url = brought
            .url
            .as_ref()
            .map(Text::as_ref)
            .or(referred.as_deref());
        if let (true, Some(url)) = (self.urls.split, url) {
            self.split(log, url, brought.url_parts, writing);
        }
        self.add_numbers(log, brought);
        if !facts.brands.is_empty() {
            let limit = writing.limits.text;
            log.attribute_with("browser.brands", |value| {
                value.array(|list| {
                    for brand in &facts.brands {
                        list.push(Value::String(cut(brand, limit, &mut writing.cut)));
                    }
                });
            });
        }
        if !brought.time && self.timestamps == Timestamps::Correct {
            log.time_unix_nano(self.clock.received);
        }
        if let Some((number, text)) = self.severity {
            log.severity_number(number);
            log.severity_text(text);
        }
    }

    fn add_numbers(&self, log: &mut LogWriter<'_>, brought: &Brought<'_>) {
        if let Some(mobile) = self.facts.mobile {
            log.attribute("browser.mobile", Value::Bool(mobile));
        }
        if self.facts.lacks_origin {
            log.attribute("beacon.origin.missing", Value::Bool(true));
        }
        if let Some(rate) = self.sample_rate {
            let rate = rate * brought.sample_rate.unwrap_or(1.0);
            log.attribute("beacon.sample_rate", Value::Double(rate));
        }
        if let Some(skew) = self.clock.corrected() {
            log.attribute("beacon.clock_skew", Value::Int(skew / 1_000_000));
        }
    }

    /// Writes the parts of a URL that the event did not bring, but for those that a
    /// trusted sender says or leaves out.
    fn split(&self, log: &mut LogWriter<'_>, url: &str, brought: u8, writing: &mut Writing<'_>) {
        let Some(parts) = parts(url) else { return };
        let lacks = |place: u8, key: &str| {
            brought & (1 << place) == 0
                && !self.trusts(key)
                && self.rules.is_none_or(|rules| rules.permit(key))
        };
        let strings = [
            (0, "url.scheme", parts.scheme),
            (1, "url.domain", parts.domain),
            (3, "url.path", parts.path),
            (4, "url.query", parts.query),
            (5, "url.fragment", parts.fragment),
        ];
        for (place, key, value) in strings {
            if !value.is_empty() && lacks(place, key) {
                let value = cut(value, writing.limits.text, &mut writing.cut);
                log.attribute(key, Value::String(value));
            }
        }
        if let Some(port) = parts.port.filter(|_| lacks(2, "url.port")) {
            log.attribute("url.port", Value::Int(i64::from(port)));
        }
    }
}
