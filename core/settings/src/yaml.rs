//! YAML text to a tree with positions.
//!
//! Limits, so that a hostile text costs no more than a large one: nesting
//! [`MAX_DEPTH`]; [`MAX_NODES`] nodes and [`MAX_BYTES`] bytes of text after
//! aliases are copied.

mod build;

use crate::node::Node;
use crate::origin::{Origin, SourceName};
use crate::problems::Problems;
use build::Builder;
pub(crate) use build::height;
use saphyr_parser::{Event, Marker, Parser};
use std::sync::Arc;

/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 100;
/// Most nodes of one text, counting every use of an alias.
pub const MAX_NODES: usize = 200_000;
/// Most bytes of scalars of one text, counting every use of an alias.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Why a text was given up.
pub(crate) struct Stop {
    pub(crate) origin: Origin,
    pub(crate) message: String,
}

/// Parses one document. `None` after a syntax error; a duplicate key is
/// reported and the rest is kept. An empty text is null.
pub fn parse(text: &str, source: &Arc<SourceName>, problems: &mut Problems) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match build_tree(text, source, problems) {
        Ok(node) => Some(node),
        Err(stop) => {
            problems.error(Some(&stop.origin), "", stop.message);
            None
        }
    }
}

fn build_tree(text: &str, source: &Arc<SourceName>, problems: &mut Problems) -> Result<Node, Stop> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::new(source, problems);
    let mut documents = 0;
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| syntax_error(text, source, &error))?;
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
        }
        if documents > 1 {
            return Err(Stop {
                origin: at(source, &span.start),
                message: "a second YAML document starts here; a configuration is one document, so \
                          put it in a file of its own and pass both with --config"
                    .to_owned(),
            });
        }
        builder.take(event, at(source, &span.start))?;
    }
    Ok(builder.finish())
}

fn at(source: &Arc<SourceName>, mark: &Marker) -> Origin {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Origin {
        source: source.clone(),
        line: narrow(mark.line()).max(1),
        column: narrow(mark.col()).saturating_add(1),
        reference: None,
    }
}

fn syntax_error(text: &str, source: &Arc<SourceName>, error: &saphyr_parser::ScanError) -> Stop {
    let origin = at(source, error.marker());
    let line = (text.lines().nth(origin.line as usize - 1)).unwrap_or_default();
    let mut message = format!("not valid YAML: {}", error.info());
    if let Some(hint) = hint(error.info(), line) {
        message.push_str("; ");
        message.push_str(hint);
    }
    if !line.trim().is_empty() {
        let excerpt: String = line.trim().chars().take(60).collect();
        message.push_str(&format!("; near: {excerpt}"));
    }
    Stop { origin, message }
}

/// What people mostly got wrong when the parser says this.
fn hint(info: &str, line: &str) -> Option<&'static str> {
    let indent = &line[..line.len() - line.trim_start().len()];
    if indent.contains('\t') {
        return Some("this line is indented with a tab, YAML wants spaces");
    }
    if info.contains("parsing a flow") && line.contains("${") {
        return Some("inside of { } and [ ] a ${…} must stand in quotes");
    }
    if info.contains("unknown anchor") || info.contains("scanning an anchor or alias") {
        return Some("text that begins with * or & must stand in quotes");
    }
    if info.contains("unexpected character") {
        return Some("text that begins with @, ` or % must stand in quotes");
    }
    if info.contains("mapping values are not allowed") {
        return Some("look at the indentation, and put text that contains \": \" in quotes");
    }
    None
}

#[cfg(test)]
mod tests;
