//! Fields that follow from others once all are placed.

use otlp::Value;

use super::fields::hex;
use super::place::{Level, Mapping};
use super::special::ip_literals;
use crate::convert::text;
use crate::severity::{number_of_level, number_of_syslog};
use crate::table::{id, role};

/// What severity may be taken from.
const SYSLOG: u32 = role::LOG_SYSLOG_SEVERITY_CODE | role::LOG_SYSLOG_SEVERITY_NAME;
/// What makes an event an exception.
const EXCEPTION: u32 = role::ERROR_MESSAGE | role::ERROR_STACK_TRACE;

impl<'a> Mapping<'_, '_, 'a> {
    pub(super) fn derive(&mut self) {
        self.derive_severity();
        let event = self.event;
        if event.has(role::TRANSACTION_ID) && self.log.span_id().is_empty() {
            // An APM transaction is the entry span.
            if let Some(id) = self.transaction_id().and_then(hex::<8>) {
                self.log.set_span_id(Some(id));
            }
        }
        if event.has(role::ERROR_TYPE) && event.has(EXCEPTION) {
            let kind = event
                .find(id::ERROR_TYPE)
                .and_then(|field| text(self.arena, field.value));
            if let Some(kind) = kind {
                self.fill(id::EXCEPTION_TYPE, Value::String(kind));
            }
        }
        if self.http_version {
            self.fill(id::NETWORK_PROTOCOL_NAME, Value::String("http"));
        }
        if event.has(role::HOST_OS_TYPE) {
            self.derive_os_name();
        }
        if event.has(role::DNS_ANSWERS | role::DNS_ANSWERS_DATA)
            && !event.has(role::DNS_RESOLVED_IP)
        {
            self.derive_answers();
        }
    }

    fn derive_severity(&mut self) {
        let level = self.level;
        if !self.event.has(SYSLOG) && !matches!(level, Level::Given(Some(_))) {
            return;
        }
        let number_free = self.log.severity_number() == 0;
        if level == Level::Absent
            && number_free
            && self.log.severity_text().is_empty()
            && let Some(name) = self.syslog_name()
        {
            self.log.set_severity_text(name);
        }
        if !number_free {
            return;
        }
        let own = match level {
            Level::Given(number) => number,
            Level::Absent | Level::Kept => None,
        };
        let number = own
            .or_else(|| number_of_syslog(self.syslog_code()?))
            .or_else(|| number_of_level(self.syslog_name()?));
        if let Some(number) = number {
            self.log.set_severity_number(number);
        }
    }

    /// What `darwin` and `linux` would lose.
    fn derive_os_name(&mut self) {
        let os = self
            .event
            .find(id::HOST_OS_TYPE)
            .and_then(|field| text(self.arena, field.value));
        let name = match os {
            Some(os) if os.eq_ignore_ascii_case("ios") => "iOS",
            Some(os) if os.eq_ignore_ascii_case("android") => "Android",
            _ => return,
        };
        self.fill(id::OS_NAME, Value::String(name));
    }

    /// The addresses among the data of the answers.
    fn derive_answers(&mut self) {
        let Some(data) = self.log.attributes().get("dns.answers.data") else {
            return;
        };
        let addresses = ip_literals(data);
        if !addresses.is_empty() {
            let list = self.arena.build(|value| {
                value.array(|array| {
                    addresses
                        .iter()
                        .for_each(|ip| array.push(Value::String(ip)))
                });
            });
            self.fill(id::DNS_ANSWERS, list);
        }
    }
}
