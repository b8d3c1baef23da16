//! `json_get(text, key, ...)`: a value out of JSON text, such as a structured body.

use std::sync::Arc;

use deltalake::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use deltalake::arrow::compute::cast;
use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::common::{Result, ScalarValue, plan_err};
use deltalake::datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use serde_json::Value;

/// The function, to be registered.
pub(crate) fn json_get() -> ScalarUDF {
    ScalarUDF::from(JsonGet {
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonGet {
    signature: Signature,
}

/// A step into a value.
enum Step {
    Key(String),
    At(usize),
}

impl ScalarUDFImpl for JsonGet {
    fn name(&self) -> &str {
        "json_get"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        if arguments.is_empty() {
            return plan_err!(
                "json_get needs a text and the keys that lead to the value: json_get(body, 'user', 'id')"
            );
        }
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((text, steps)) = arguments.args.split_first() else {
            return plan_err!("json_get needs a text");
        };
        let steps = steps.iter().map(step).collect::<Result<Vec<_>>>()?;
        let text = cast(&text.to_array(arguments.number_rows)?, &DataType::Utf8)?;
        let text = text.as_string::<i32>();
        let mut found = StringBuilder::new();
        for row in 0..text.len() {
            if text.is_null(row) {
                found.append_null();
            } else {
                found.append_option(get(text.value(row), &steps));
            }
        }
        Ok(ColumnarValue::Array(Arc::new(found.finish()) as ArrayRef))
    }
}

fn step(argument: &ColumnarValue) -> Result<Step> {
    let ColumnarValue::Scalar(scalar) = argument else {
        return plan_err!("the keys of json_get must be the same for all rows");
    };
    if let Some(Some(key)) = scalar.try_as_str() {
        return Ok(Step::Key(key.to_owned()));
    }
    match scalar.cast_to(&DataType::UInt64) {
        Ok(ScalarValue::UInt64(Some(at))) => {
            Ok(Step::At(usize::try_from(at).unwrap_or(usize::MAX)))
        }
        _ => plan_err!("the keys of json_get are texts, or numbers from 0 for places in a list"),
    }
}

/// Text as it is, anything else as JSON; nothing for text that is no JSON.
fn get(text: &str, steps: &[Step]) -> Option<String> {
    let whole: Value = serde_json::from_str(text).ok()?;
    let value = steps.iter().try_fold(&whole, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::At(at) => value.get(at),
    })?;
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_along_the_keys() {
        let text = r#"{"user":{"id":7,"tags":["a",{"b":true}]},"none":null}"#;
        let key = |key: &str| Step::Key(key.to_owned());
        assert_eq!(get(text, &[key("user"), key("id")]).as_deref(), Some("7"));
        assert_eq!(
            get(text, &[key("user"), key("tags"), Step::At(0)]).as_deref(),
            Some("a")
        );
        assert_eq!(
            get(text, &[key("user"), key("tags"), Step::At(1)]).as_deref(),
            Some(r#"{"b":true}"#)
        );
        assert_eq!(get(text, &[key("none")]), None);
        assert_eq!(get(text, &[key("user"), Step::At(0)]), None);
        assert_eq!(get("no json", &[]), None);
    }
}
