//! Attributes of record and resource to ECS fields: the table backwards.

use std::net::IpAddr;

use otlp::{KeyValue, Value};
use smallvec::SmallVec;

use super::EcsValue;
use crate::convert::unwrapped;
use crate::enums;
use crate::table::{self, Conversion, Entry, NONE, id};

/// One attribute on its way back.
#[derive(Clone, Copy)]
struct Item<'a> {
    key: &'a str,
    value: Value<'a>,
    /// The entry of its name, or [`NONE`].
    index: u16,
}

/// Merged attributes, record first.
pub(super) struct All<'a> {
    items: SmallVec<[Item<'a>; 32]>,
    /// Entries whose names are given out, one bit each.
    taken: [u64; table::COUNT.div_ceil(64)],
}

/// What an attribute becomes.
enum Back<'a> {
    /// A field of another name.
    Field(u16, Value<'a>),
    /// Itself.
    Own,
    /// Nothing of its own: others speak for it.
    Nothing,
}

impl<'a> All<'a> {
    pub(super) fn gather(
        record: impl Iterator<Item = KeyValue<'a>>,
        resource: impl Iterator<Item = KeyValue<'a>>,
    ) -> Self {
        let mut all = All {
            items: SmallVec::new(),
            taken: [0; table::COUNT.div_ceil(64)],
        };
        let mut seen = all.taken;
        for KeyValue { key, value } in record.chain(resource) {
            let index = table::find(key).unwrap_or(NONE);
            let double = match index {
                NONE => all
                    .items
                    .iter()
                    .any(|item| item.index == NONE && item.key == key),
                index => !mark(&mut seen, index),
            };
            if !double && !value.is_empty() {
                all.items.push(Item { key, value, index });
            }
        }
        all
    }

    /// The value of the attribute with this entry.
    pub(super) fn value(&self, index: u16) -> Option<Value<'a>> {
        self.items
            .iter()
            .find(|item| item.index == index)
            .map(|item| item.value)
    }

    fn text(&self, index: u16) -> Option<&'a str> {
        unwrapped(self.value(index)?)?.as_str()
    }

    /// Gives a field out unless its path was given before.
    pub(super) fn claim(
        &mut self,
        index: u16,
        value: EcsValue<'_>,
        sink: &mut impl FnMut(&str, EcsValue<'_>),
    ) {
        if mark(&mut self.taken, index) {
            sink(table::entry(index).name, value);
        }
    }

    /// Gives out everything that is not given out yet.
    pub(super) fn emit(&mut self, sink: &mut impl FnMut(&str, EcsValue<'_>)) {
        let items = std::mem::take(&mut self.items);
        // Names that are ECS already are owned before anything becomes them.
        let all = All {
            items,
            taken: self.taken,
        };
        for item in &all.items {
            if let Back::Own = all.back(item)
                && (item.index == NONE || mark(&mut self.taken, item.index))
                && !all.made(item, sink)
            {
                sink(item.key, EcsValue::Value(item.value));
            }
        }
        for item in &all.items {
            match all.back(item) {
                Back::Field(index, value) if mark(&mut self.taken, index) => {
                    sink(table::entry(index).name, EcsValue::Value(value));
                }
                // Somebody else has the name: nothing is lost unless it is the same.
                Back::Field(index, value) if all.value(index) != Some(value) => {
                    self.claim(item.index, EcsValue::Value(item.value), sink);
                }
                _ => {}
            }
        }
        all.point(&mut self.taken, sink);
        all.variables(sink);
        all.unix(&mut self.taken, sink);
        all.addresses(&mut self.taken, sink);
    }

    /// Names that are made from a template: given out under their ECS name. False for all others.
    fn made(&self, item: &Item<'a>, sink: &mut impl FnMut(&str, EcsValue<'_>)) -> bool {
        if item.index != NONE {
            // The list comes with the variables, if there are any.
            return item.index == id::PROCESS_ENV_VARS
                && self.rest_of_variables().is_some()
                && self.items.iter().any(|item| variable(item).is_some());
        }
        if variable(item).is_some() && self.rest_of_variables().is_some() {
            return true;
        }
        let Some(key) = item.key.strip_prefix("container.label.") else {
            return false;
        };
        let name = ["container.labels.", key].concat();
        if self.items.iter().any(|other| other.key == name) {
            return false;
        }
        sink(&name, EcsValue::Value(item.value));
        true
    }

    fn back(&self, item: &Item<'a>) -> Back<'a> {
        let entry = match item.index {
            NONE => return Back::Own,
            index => table::entry(index),
        };
        match entry.reverse().map(|field| (field, field.conversion)) {
            None => self.back_without_row(item, entry),
            // What a rule of its own brings back.
            Some((field, conversion)) => self.back_by_rule(item, entry.reverse, field, conversion),
        }
    }

    fn back_without_row(&self, item: &Item<'a>, entry: &Entry) -> Back<'a> {
        match entry.name {
            "exception.type" => match self.value(id::ERROR_TYPE) {
                None => Back::Field(id::ERROR_TYPE, item.value),
                Some(there) if there == item.value => Back::Nothing,
                Some(_) => Back::Own,
            },
            "http.request.method_original" => Back::Field(id::HTTP_REQUEST_METHOD, item.value),
            "deployment.environment" => match self.value(id::DEPLOYMENT_ENVIRONMENT_NAME) {
                None => Back::Field(id::SERVICE_ENVIRONMENT, item.value),
                Some(there) if there == item.value => Back::Nothing,
                Some(_) => Back::Own,
            },
            "geo.location.lon" if self.value(id::GEO_LOCATION_LAT).is_some() => Back::Nothing,
            _ => Back::Own,
        }
    }

    fn back_by_rule(
        &self,
        item: &Item<'a>,
        index: u16,
        field: &Entry,
        conversion: Conversion,
    ) -> Back<'a> {
        let value = match conversion {
            Conversion::Method if self.value(id::HTTP_REQUEST_METHOD_ORIGINAL).is_some() => {
                return Back::Nothing;
            }
            Conversion::OneString => match unwrapped(item.value) {
                Some(one) => one,
                None => return Back::Own,
            },
            Conversion::HttpVersion => match self.text(id::NETWORK_PROTOCOL_NAME) {
                None if self.value(id::NETWORK_PROTOCOL_NAME).is_some() => return Back::Own,
                None | Some("http") => item.value,
                Some(_) => return Back::Own,
            },
            Conversion::GeoPoint if self.value(id::GEO_LOCATION_LON).is_some() => {
                return Back::Nothing;
            }
            Conversion::GeoPoint => return Back::Own,
            Conversion::Architecture => self.spelled(item.value, enums::architecture_back),
            Conversion::CloudPlatform => self.spelled(item.value, enums::platform_back),
            Conversion::OsType => self.spelled(item.value, |os| self.os_back(os)),
            _ => item.value,
        };
        let own = index == item.index
            || field.name == "faas.id" && self.value(id::FAAS_NAME).is_none()
            || field.name == "dns.resolved_ip" && !is_list_of_texts(item.value);
        if own {
            Back::Own
        } else {
            Back::Field(index, value)
        }
    }

    fn spelled(&self, value: Value<'a>, back: impl Fn(&str) -> Option<&'static str>) -> Value<'a> {
        value.as_str().and_then(back).map_or(value, Value::String)
    }

    fn os_back(&self, os: &str) -> Option<&'static str> {
        let name = self.text(id::OS_NAME);
        match os {
            "darwin" if name == Some("iOS") => Some("ios"),
            "darwin" => Some("macos"),
            "linux" if name == Some("Android") => Some("android"),
            os => enums::unix(os).map(|_| "unix"),
        }
    }

    /// `unix` says too little: the platform names the system.
    fn unix(&self, taken: &mut Taken, sink: &mut impl FnMut(&str, EcsValue<'_>)) {
        let Some(unix) = self
            .value(id::OS_TYPE)
            .and_then(|os| enums::unix(os.as_str()?))
        else {
            return;
        };
        if mark(taken, id::HOST_OS_PLATFORM) {
            sink("host.os.platform", EcsValue::text(unix));
        }
    }

    fn point(&self, taken: &mut Taken, sink: &mut impl FnMut(&str, EcsValue<'_>)) {
        let (Some(lat), Some(lon)) = (
            self.value(id::GEO_LOCATION_LAT),
            self.value(id::GEO_LOCATION_LON),
        ) else {
            return;
        };
        if mark(taken, id::CLIENT_GEO_LOCATION) {
            sink("client.geo.location", EcsValue::Point { lat, lon });
        } else {
            sink("geo.location.lat", EcsValue::Value(lat));
            sink("geo.location.lon", EcsValue::Value(lon));
        }
    }

    /// Back to `K=V`, with what stayed there.
    fn variables(&self, sink: &mut impl FnMut(&str, EcsValue<'_>)) {
        let Some(rest) = self.rest_of_variables() else {
            return;
        };
        let mut texts: Vec<String> = self
            .items
            .iter()
            .filter_map(variable)
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if !texts.is_empty() {
            texts.extend(rest.iter().map(|text| (*text).to_owned()));
            sink("process.env_vars", EcsValue::Texts(&texts));
        }
    }

    /// The entries that are still in `process.env_vars`; `None` when they are not all texts.
    fn rest_of_variables(&self) -> Option<SmallVec<[&'a str; 8]>> {
        match self.value(id::PROCESS_ENV_VARS) {
            None => Some(SmallVec::new()),
            Some(Value::Array(values)) => values.map(|value| value.as_str()).collect(),
            Some(value) => value.as_str().map(|text| SmallVec::from_elem(text, 1)),
        }
    }

    /// An address is copied to what it is.
    fn addresses(&self, taken: &mut Taken, sink: &mut impl FnMut(&str, EcsValue<'_>)) {
        for [address, ip, domain] in [
            [id::CLIENT_ADDRESS, id::CLIENT_IP, id::CLIENT_DOMAIN],
            [id::SERVER_ADDRESS, id::SERVER_IP, id::SERVER_DOMAIN],
            [id::SOURCE_ADDRESS, id::SOURCE_IP, id::SOURCE_DOMAIN],
            [
                id::DESTINATION_ADDRESS,
                id::DESTINATION_IP,
                id::DESTINATION_DOMAIN,
            ],
        ] {
            let Some(text) = self.value(address).and_then(|value| value.as_str()) else {
                continue;
            };
            let copy = if text.parse::<IpAddr>().is_ok() {
                ip
            } else {
                domain
            };
            if mark(taken, copy) {
                sink(table::entry(copy).name, EcsValue::text(text));
            }
        }
    }
}

/// Name and value of an environment variable.
fn variable<'a>(item: &Item<'a>) -> Option<(&'a str, &'a str)> {
    let key = item.key.strip_prefix("process.environment_variable.")?;
    Some((key, item.value.as_str()?))
}

/// One bit an entry.
type Taken = [u64; table::COUNT.div_ceil(64)];

/// Sets a bit; false when it was set.
fn mark(bits: &mut Taken, index: u16) -> bool {
    let Some(word) = bits.get_mut(usize::from(index / 64)) else {
        return true;
    };
    let bit = 1 << (index % 64);
    let free = *word & bit == 0;
    *word |= bit;
    free
}

fn is_list_of_texts(value: Value<'_>) -> bool {
    match value {
        Value::Array(mut values) => values.all(|value| matches!(value, Value::String(_))),
        value => matches!(value, Value::String(_)),
    }
}
