//! Lines become statements: each ends at a semicolon outside of quotes and comments.

/// Lines that are not yet a statement.
#[derive(Debug, Default)]
pub(super) struct Statements {
    text: String,
}

/// Where a character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Quoted(char),
    Line,
    Block,
}

impl Statements {
    /// Adds a line.
    pub(super) fn push(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }

    /// The next complete statement, without its semicolon.
    pub(super) fn next(&mut self) -> Option<String> {
        while let Some(end) = end(&self.text) {
            let rest = self.text.split_off(end + 1);
            let statement = std::mem::replace(&mut self.text, rest.trim_start().to_owned());
            let statement = statement[..end].trim();
            if !statement.is_empty() {
                return Some(statement.to_owned());
            }
        }
        None
    }

    /// Whether nothing waits for its semicolon.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What waits for its semicolon.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Where the first semicolon is that ends a statement.
fn end(text: &str) -> Option<usize> {
    let mut state = State::Code;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        state = match (state, char) {
            (State::Code, ';') => return Some(at),
            (State::Code, '\'' | '"' | '`') => State::Quoted(char),
            (State::Code, '-') if next == Some('-') => State::Line,
            (State::Code, '/') if next == Some('*') => State::Block,
            // A doubled quote leaves and enters again.
            (State::Quoted(quote), _) if char == quote => State::Code,
            (State::Line, '\n') => State::Code,
            (State::Block, '*') if next == Some('/') => {
                chars.next();
                State::Code
            }
            (same, _) => same,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &[&str]) -> Vec<String> {
        let mut statements = Statements::default();
        let mut found = Vec::new();
        for line in lines {
            statements.push(line);
            while let Some(statement) = statements.next() {
                found.push(statement);
            }
        }
        found
    }

    #[test]
    fn statements_end_at_semicolons_that_count() {
        assert_eq!(all(&["select 1;"]), ["select 1"]);
        assert_eq!(all(&["select", "  1", ";"]), ["select\n  1"]);
        assert_eq!(
            all(&["select ';', \"a;b\" -- no; end", ", 'it''s;' /* ; */;"]).len(),
            1
        );
        assert_eq!(
            all(&["select 1; select 2; select"]),
            ["select 1", "select 2"]
        );
        assert_eq!(all(&[";;"]), Vec::<String>::new());
    }

    #[test]
    fn what_is_incomplete_waits() {
        let mut statements = Statements::default();
        assert!(statements.is_empty());
        statements.push("select 'a;");
        assert_eq!(statements.next(), None);
        assert!(!statements.is_empty());
        assert_eq!(statements.take(), "select 'a;");
        assert!(statements.is_empty());
    }
}
