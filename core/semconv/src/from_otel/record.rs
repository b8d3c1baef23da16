//! The fields of the record itself.

use otlp::Value;

use super::attributes::All;
use super::{EcsValue, Fields, json};
use crate::severity::range_name;
use crate::table::id;
use crate::time::Iso;

pub(super) fn fields(
    fields: &Fields<'_>,
    all: &mut All<'_>,
    sink: &mut impl FnMut(&str, EcsValue<'_>),
) {
    let mut give = |index: u16, value: EcsValue<'_>| all.claim(index, value, sink);
    let time = match fields.time_unix_nano {
        0 => fields.observed_time_unix_nano,
        time => time,
    };
    if time != 0 {
        give(
            id::TIMESTAMP,
            EcsValue::text(Iso::from_nanos(time).as_str()),
        );
    }
    if fields.observed_time_unix_nano != 0 {
        let created = Iso::from_nanos(fields.observed_time_unix_nano);
        give(id::EVENT_CREATED, EcsValue::text(created.as_str()));
    }
    match fields.body {
        None | Some(Value::Empty) => {}
        Some(text @ Value::String(_)) => give(id::MESSAGE, EcsValue::Value(text)),
        Some(body) => {
            let mut text = String::new();
            json::write(&mut text, body);
            give(id::MESSAGE, EcsValue::text(&text));
        }
    }
    let level = match fields.severity_text {
        "" => range_name(fields.severity_number),
        text => Some(text),
    };
    if let Some(level) = level {
        give(id::LOG_LEVEL, EcsValue::text(level));
    }
    if !fields.event_name.is_empty() {
        give(id::EVENT_ACTION, EcsValue::text(fields.event_name));
    }
    if !fields.scope_name.is_empty() {
        give(id::LOG_LOGGER, EcsValue::text(fields.scope_name));
    }
    ids(fields, all, sink);
}

fn ids(fields: &Fields<'_>, all: &mut All<'_>, sink: &mut impl FnMut(&str, EcsValue<'_>)) {
    let mut digits = [0; 32];
    if let Some(trace) = hex(fields.trace_id, &mut digits) {
        all.claim(id::TRACE_ID, EcsValue::text(trace), sink);
    }
    if let Some(span) = hex(fields.span_id, &mut digits) {
        // An APM transaction is the entry span; it has its own field.
        let transaction = all
            .value(id::TRANSACTION_ID)
            .and_then(|value| value.as_str());
        if !transaction.is_some_and(|transaction| transaction.eq_ignore_ascii_case(span)) {
            all.claim(id::SPAN_ID, EcsValue::text(span), sink);
        }
    }
}

/// An id in hex; `None` when there is none.
fn hex<'d>(id: &[u8], digits: &'d mut [u8; 32]) -> Option<&'d str> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if id.is_empty() || id.len() > 16 {
        return None;
    }
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(id) {
        *pair = [*byte >> 4, *byte & 15].map(|half| DIGITS[usize::from(half)]);
    }
    std::str::from_utf8(digits.get(..id.len() * 2)?).ok()
}
