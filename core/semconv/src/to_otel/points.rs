//! Geographic points: both numbers or neither.

use otlp::Value;

use super::event::Field;
use super::place::Mapping;
use crate::convert::{to_double, unwrapped};
use crate::table::{Entry, Family, id};

/// Latitude and longitude in degrees.
type Point = (f64, f64);

impl<'a> Mapping<'_, '_, 'a> {
    /// Whether the event says anything about where its client is.
    pub(super) fn client_has_geo(&self) -> bool {
        self.event
            .fields
            .iter()
            .any(|field| field.key.starts_with("client.geo."))
    }

    /// `client.geo.location` and `source.geo.location`.
    pub(super) fn geo_point(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let other = entry.rank == 2 && self.client_has_geo();
        let point = read_point(field.value).filter(|_| !other);
        match point.map(|point| self.place_point(point)) {
            Some(true) => self.remove(field),
            _ => self.keep(field, entry),
        }
    }

    /// `.lat` and `.lon` below a location, as attributes of their own.
    pub(super) fn dotted_points(&mut self) {
        if !self.event.seen.points {
            return;
        }
        for (of, whole) in [(0, id::CLIENT_GEO_LOCATION), (1, id::SOURCE_GEO_LOCATION)] {
            let event = self.event;
            let half = |tail: &str| {
                let mut fields = event.fields.iter();
                fields.find(|field| field.family == Family::Point(of) && field.key.ends_with(tail))
            };
            let (lat, lon) = (half(".lat"), half(".lon"));
            let other = event.find(whole).is_some() || of == 1 && self.client_has_geo();
            let number = |field: Option<&Field<'a>>| to_double(unwrapped(field?.value)?);
            let placed = match (number(lat), number(lon)) {
                (Some(lat), Some(lon)) if !other => self.place_point((lat, lon)),
                _ => false,
            };
            for field in [lat, lon].into_iter().flatten() {
                if placed {
                    self.remove(field);
                } else {
                    self.keep_original(field);
                }
            }
        }
    }

    /// False when another point is there.
    fn place_point(&mut self, (lat, lon): Point) -> bool {
        let targets = [(id::GEO_LOCATION_LAT, lat), (id::GEO_LOCATION_LON, lon)];
        let free = targets.map(|(target, degrees)| {
            self.owner(target)
                .is_none_or(|there| there == Value::Double(degrees))
        });
        if free == [true, true] {
            for (target, degrees) in targets {
                self.fill(target, Value::Double(degrees));
            }
        }
        free == [true, true]
    }
}

/// All spellings of a point that name both numbers; a geohash does not.
fn read_point(value: Value<'_>) -> Option<Point> {
    match value {
        Value::String(text) => read_text(text),
        Value::Map(map) => {
            let members = map.filter(|member| !member.value.is_empty()).count();
            if members != 2 {
                return None;
            }
            if let (Some(lat), Some(lon)) = (map.get("lat"), map.get("lon")) {
                return Some((to_double(lat)?, to_double(lon)?));
            }
            // GeoJSON
            match (map.get("type")?, map.get("coordinates")?) {
                (Value::String(kind), coordinates @ Value::Array(_))
                    if kind.eq_ignore_ascii_case("Point") =>
                {
                    read_pair(coordinates)
                }
                _ => None,
            }
        }
        Value::Array(values) => read_pair(value).or_else(|| {
            // An array of one point is that point.
            let mut members = values.filter(|member| !member.is_empty());
            let one = members.next().filter(|_| members.next().is_none())?;
            match one {
                Value::Array(_) => read_pair(one),
                one => read_point(one),
            }
        }),
        _ => None,
    }
}

/// `[lon, lat]`
fn read_pair(value: Value<'_>) -> Option<Point> {
    let Value::Array(values) = value else {
        return None;
    };
    let mut values = values.filter(|member| !member.is_empty());
    let (lon, lat) = (to_double(values.next()?)?, to_double(values.next()?)?);
    values.next().is_none().then_some((lat, lon))
}

/// `lat,lon` or `POINT (lon lat)`
fn read_text(text: &str) -> Option<Point> {
    let number = |text: &str| to_double(Value::String(text.trim()));
    let text = text.trim();
    if let Some((head, rest)) = text.split_at_checked(5)
        && head.eq_ignore_ascii_case("POINT")
    {
        let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
        let (lon, lat) = inner.trim().split_once(char::is_whitespace)?;
        return Some((number(lat)?, number(lon)?));
    }
    let (lat, lon) = text.split_once(',')?;
    Some((number(lat)?, number(lon)?))
}
