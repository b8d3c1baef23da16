//! What a plain YAML scalar means: the rules of the YAML library that the
//! upstream collector uses (YAML 1.2 with 1.1's numbers), so that a file means
//! the same in both. Dates stay text.

use crate::node::Value;

/// Resolves an unquoted scalar.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'0'..=b'9' | b'+' | b'-' | b'.' => {
            number(text).unwrap_or_else(|| Value::String(text.to_owned()))
        }
        _ => Value::String(text.to_owned()),
    }
}

/// Numbers may contain `_` anywhere after the first character.
fn number(text: &str) -> Option<Value> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain.as_str()),
    };
    if let Some(magnitude) = integer(digits) {
        let signed = i128::try_from(magnitude).ok()?;
        let signed = if negative { -signed } else { signed };
        return Some(match i64::try_from(signed) {
            Ok(whole) => Value::Int(whole),
            Err(_) => Value::Float(signed as f64),
        });
    }
    is_float(digits).then(|| plain.parse().ok().map(Value::Float))?
}

/// `0x1f`, `0b101`, `0o17`, `017` and decimal numbers, without sign. `None`
/// also where more than 127 bits would be needed: decimal ones then become
/// floats, as any number beyond 64 bits.
fn integer(digits: &str) -> Option<u128> {
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    // `from_str_radix` would accept a second sign.
    if !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    u128::from_str_radix(digits, base)
        .ok()
        .filter(|n| *n <= i128::MAX as u128)
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, with an optional exponent.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let good_exponent = exponent.is_none_or(|e| {
        let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
        !digits.is_empty() && all_digits(digits)
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some_digit = !whole.is_empty() || !fraction.is_empty();
    good_exponent && some_digit && all_digits(whole) && all_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_resolve_as_upstream_does() {
        let text = |t: &str| Value::String(t.to_owned());
        for (plain, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("null", Value::Null),
            ("NULL", Value::Null),
            ("nULL", text("nULL")),
            ("true", Value::Bool(true)),
            ("True", Value::Bool(true)),
            ("FALSE", Value::Bool(false)),
            ("yes", text("yes")),
            ("no", text("no")),
            ("on", text("on")),
            ("off", text("off")),
            ("y", text("y")),
            ("0", Value::Int(0)),
            ("-0", Value::Int(0)),
            ("5", Value::Int(5)),
            ("+5", Value::Int(5)),
            ("-5", Value::Int(-5)),
            ("0123", Value::Int(83)),
            ("0o17", Value::Int(15)),
            ("0x1F", Value::Int(31)),
            ("-0x1f", Value::Int(-31)),
            ("0b101", Value::Int(5)),
            ("1_000", Value::Int(1000)),
            ("9223372036854775807", Value::Int(i64::MAX)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
            (
                "9223372036854775808",
                Value::Float(9.223_372_036_854_776e18),
            ),
            ("08", Value::Float(8.0)),
            ("1.5", Value::Float(1.5)),
            ("1.", Value::Float(1.0)),
            (".5", Value::Float(0.5)),
            ("1e3", Value::Float(1000.0)),
            ("1.048576e+06", Value::Float(1_048_576.0)),
            (".inf", Value::Float(f64::INFINITY)),
            ("-.INF", Value::Float(f64::NEG_INFINITY)),
            ("0x", text("0x")),
            ("0b12", text("0b12")),
            ("1e", text("1e")),
            (".", text(".")),
            ("-", text("-")),
            ("+-5", text("+-5")),
            ("1.2.3", text("1.2.3")),
            ("5s", text("5s")),
            ("10.0.0.0/8", text("10.0.0.0/8")),
            ("2024-09-01", text("2024-09-01")),
            ("2024-09-01T10:00:00Z", text("2024-09-01T10:00:00Z")),
            ("12:30", text("12:30")),
            ("nan", text("nan")),
            ("Infinity", text("Infinity")),
        ] {
            assert_eq!(resolve(plain), value, "{plain}");
        }
        assert!(matches!(resolve(".nan"), Value::Float(f) if f.is_nan()));
    }
}
