//! Reading `${…}` in a string, left to right: `$$` is a dollar, `$NAME` is
//! text, `${…}` is a reference and may contain references.

/// A piece of a string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Segment {
    /// Text, escapes already undone.
    Text(String),
    /// `${…}`.
    Reference(Reference),
}

/// One `${…}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    /// As written, with `${` and `}`.
    pub(crate) written: String,
    /// What stands between the braces.
    pub(crate) inner: Vec<Segment>,
}

/// Most references inside of one another.
const MAX_NESTING: usize = 16;

/// The pieces of a string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pieces {
    pub(crate) segments: Vec<Segment>,
    /// A `${` was never closed, and is text.
    pub(crate) unclosed: bool,
}

/// Splits a string into text and references.
pub(crate) fn pieces(text: &str) -> Result<Pieces, String> {
    let mut segments = Vec::new();
    let mut plain = String::new();
    let mut unclosed = false;
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        let from = &rest[at..];
        if let Some(after) = from.strip_prefix("$$") {
            plain.push('$');
            rest = after;
        } else if let Some(after_brace) = from.strip_prefix("${") {
            match reference(from, 1)? {
                Some((reference, after)) => {
                    push_text(&mut segments, &mut plain);
                    segments.push(Segment::Reference(reference));
                    rest = after;
                }
                None => {
                    unclosed = true;
                    plain.push_str("${");
                    rest = after_brace;
                }
            }
        } else {
            plain.push('$');
            rest = &from[1..];
        }
    }
    plain.push_str(rest);
    push_text(&mut segments, &mut plain);
    Ok(Pieces { segments, unclosed })
}

fn push_text(segments: &mut Vec<Segment>, plain: &mut String) {
    if !plain.is_empty() {
        segments.push(Segment::Text(std::mem::take(plain)));
    }
}

/// Reads one reference at the start of `text`; `None` when it is not closed.
/// Braces inside are counted, so that `${env:X:-{a: b}}` is one reference.
fn reference(text: &str, nesting: usize) -> Result<Option<(Reference, &str)>, String> {
    if nesting > MAX_NESTING {
        return Err(format!(
            "more than {MAX_NESTING} references inside of one another"
        ));
    }
    let mut inner = Vec::new();
    let mut plain = String::new();
    let mut braces = 0usize;
    let mut rest = &text[2..];
    while let Some(at) = rest.find(['$', '{', '}']) {
        plain.push_str(&rest[..at]);
        let from = &rest[at..];
        match from.as_bytes()[0] {
            b'$' if from.starts_with("${") => match reference(from, nesting + 1)? {
                Some((found, after)) => {
                    push_text(&mut inner, &mut plain);
                    inner.push(Segment::Reference(found));
                    rest = after;
                    continue;
                }
                None => return Ok(None),
            },
            b'$' => {
                return Err(
                    "inside of ${…} a $ must begin another ${…}; put text with a dollar into a variable"
                        .to_owned(),
                );
            }
            b'{' => {
                braces += 1;
                plain.push('{');
            }
            _ if braces > 0 => {
                braces -= 1;
                plain.push('}');
            }
            _ => {
                push_text(&mut inner, &mut plain);
                let after = &from[1..];
                let written = text[..text.len() - after.len()].to_owned();
                return Ok(Some((Reference { written, inner }, after)));
            }
        }
        rest = &from[1..];
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// References in angle brackets, text as it stands.
    fn shown(segments: &[Segment]) -> String {
        let one = |segment: &Segment| match segment {
            Segment::Text(text) => text.clone(),
            Segment::Reference(reference) => format!("<{}>", shown(&reference.inner)),
        };
        segments.iter().map(one).collect()
    }

    #[test]
    fn escapes_and_references_left_to_right() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${X}", "<X>"),
            ("${env:X}", "<env:X>"),
            ("a${X}b${Y}c", "a<X>b<Y>c"),
            ("$X", "$X"),
            ("$", "$"),
            ("a$", "a$"),
            ("$$", "$"),
            ("$$$$", "$$"),
            ("$${X}", "${X}"),
            ("$$${X}", "$<X>"),
            ("$$$${X}", "$${X}"),
            ("$${A} ${env:B}", "${A} <env:B>"),
            ("${env:A:-${env:B}}", "<env:A:-<env:B>>"),
            ("${yaml:{a: {b: c}}}", "<yaml:{a: {b: c}}>"),
            ("${unclosed", "${unclosed"),
            ("${a ${b}", "${a <b>"),
            ("}{", "}{"),
        ] {
            assert_eq!(shown(&pieces(text).unwrap().segments), expected, "{text}");
        }
        assert!(pieces("${a ${b}").unwrap().unclosed);
        assert!(!pieces("$${a").unwrap().unclosed);
        assert!(
            pieces("${env:A:-$B}")
                .unwrap_err()
                .contains("a $ must begin another")
        );
        let deep = format!("{}x{}", "${".repeat(17), "}".repeat(17));
        assert!(
            pieces(&deep)
                .unwrap_err()
                .contains("more than 16 references")
        );
    }

    proptest! {
        #[test]
        fn escaped_text_is_itself(text in "[a-z${} ]{0,30}") {
            let escaped = text.replace('$', "$$");
            let found = pieces(&escaped).unwrap();
            prop_assert_eq!(shown(&found.segments), text);
            prop_assert!(!found.unclosed);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a-z${}:-]{0,60}") {
            let _ = pieces(&text);
        }
    }
}
