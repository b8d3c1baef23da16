//! A table for people.

use std::io::Write;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::{DataType, SchemaRef};
use deltalake::arrow::util::display::FormatOptions;
use lake_table::text::{Cells, json_options};
use unicode_width::UnicodeWidthStr;

use super::Printer;
use crate::error::QueryError;

/// Rows that decide how wide the columns are; later rows must do with that.
const LOOK_AHEAD: usize = 1_000;
/// Bytes of these rows that are kept at most.
const LOOK_AHEAD_BYTES: usize = 8 << 20;

/// Prints a table with a frame, or one value a line where rows are wider than the terminal.
pub(super) struct Table {
    names: Vec<String>,
    right: Vec<bool>,
    terminal: Option<usize>,
    /// The first rows, until the widths are known.
    ahead: Vec<Vec<String>>,
    ahead_bytes: usize,
    form: Option<Form>,
    count: u64,
}

/// What was decided after the first rows.
enum Form {
    Framed(Vec<usize>),
    /// One value a line; names padded to this width.
    Upright(usize),
}

impl Table {
    pub(super) fn new(schema: &SchemaRef, terminal: Option<usize>) -> Table {
        let fields = schema.fields();
        Table {
            names: fields
                .iter()
                .map(|field| tame(field.name().clone()))
                .collect(),
            right: fields
                .iter()
                .map(|field| is_number(field.data_type()))
                .collect(),
            terminal,
            ahead: Vec::new(),
            ahead_bytes: 0,
            form: None,
            count: 0,
        }
    }

    /// Decides on the form and prints what was kept.
    fn decide(&mut self, out: &mut dyn Write) -> Result<(), QueryError> {
        let mut widths: Vec<usize> = self.names.iter().map(|name| name.width()).collect();
        for row in &self.ahead {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let whole = widths.iter().map(|width| width + 3).sum::<usize>() + 1;
        let fits = self.terminal.is_none_or(|terminal| whole <= terminal);
        if fits || self.ahead.is_empty() {
            line(&widths, out)?;
            framed(&self.names, &widths, &[], out)?;
            line(&widths, out)?;
            self.form = Some(Form::Framed(widths));
        } else {
            let longest = self
                .names
                .iter()
                .map(|name| name.width())
                .max()
                .unwrap_or(0);
            self.form = Some(Form::Upright(longest));
        }
        for row in std::mem::take(&mut self.ahead) {
            self.print(&row, out)?;
        }
        Ok(())
    }

    fn print(&mut self, row: &[String], out: &mut dyn Write) -> Result<(), QueryError> {
        self.count += 1;
        match &self.form {
            Some(Form::Framed(widths)) => framed(row, widths, &self.right, out)?,
            Some(Form::Upright(longest)) => {
                writeln!(
                    out,
                    "-- row {} {}",
                    self.count,
                    "-".repeat(longest.saturating_sub(4))
                )?;
                for (name, cell) in self.names.iter().zip(row) {
                    writeln!(out, "{name}{} | {cell}", " ".repeat(longest - name.width()))?;
                }
            }
            None => {}
        }
        Ok(())
    }
}

impl Printer for Table {
    fn rows(&mut self, rows: &RecordBatch, out: &mut dyn Write) -> Result<(), QueryError> {
        let text = FormatOptions::default();
        let json = json_options();
        let mut cells = Cells::new(rows, &text, &json)?;
        for row in 0..rows.num_rows() {
            let mut printed = Vec::with_capacity(cells.columns());
            for column in 0..cells.columns() {
                let mut value = String::new();
                if !cells.write(row, column, &mut value)? {
                    value.push_str("NULL");
                }
                printed.push(tame(value));
            }
            if self.form.is_some() {
                self.print(&printed, out)?;
                continue;
            }
            self.ahead_bytes += printed.iter().map(String::len).sum::<usize>();
            self.ahead.push(printed);
            if self.ahead.len() >= LOOK_AHEAD || self.ahead_bytes >= LOOK_AHEAD_BYTES {
                self.decide(out)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), QueryError> {
        if self.form.is_none() {
            self.decide(out)?;
        }
        if let Some(Form::Framed(widths)) = &self.form {
            line(widths, out)?;
        }
        writeln!(
            out,
            "({} {})",
            self.count,
            if self.count == 1 { "row" } else { "rows" }
        )?;
        Ok(())
    }
}

fn line(widths: &[usize], out: &mut dyn Write) -> Result<(), QueryError> {
    let mut text = String::from("+");
    for width in widths {
        text.push_str(&"-".repeat(width + 2));
        text.push('+');
    }
    writeln!(out, "{text}")?;
    Ok(())
}

fn framed(
    cells: &[String],
    widths: &[usize],
    right: &[bool],
    out: &mut dyn Write,
) -> Result<(), QueryError> {
    let mut text = String::from("|");
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let blank = " ".repeat(width.saturating_sub(cell.width()));
        text.push(' ');
        if right.get(at) == Some(&true) {
            text.push_str(&blank);
            text.push_str(cell);
        } else {
            text.push_str(cell);
            text.push_str(&blank);
        }
        text.push_str(" |");
    }
    writeln!(out, "{text}")?;
    Ok(())
}

fn is_number(data: &DataType) -> bool {
    match data {
        DataType::Dictionary(_, values) => is_number(values),
        other => other.is_numeric(),
    }
}

/// Control characters are written out: a beacon must not steer the terminal of who reads it.
fn tame(text: String) -> String {
    if !text.chars().any(char::is_control) {
        return text;
    }
    let mut tamed = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if char.is_control() {
            tamed.extend(char.escape_default());
        } else {
            tamed.push(char);
        }
    }
    tamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(tame("a\n\u{1b}[31mb".to_owned()), "a\\n\\u{1b}[31mb");
        assert_eq!(tame("für".to_owned()), "für");
    }
}
