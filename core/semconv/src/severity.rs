//! Log levels to OTLP severity numbers and back (mapping, section 6).

/// The severity number of a level, without surrounding blanks and regardless of case.
///
/// `None` for a spelling that is not in the table, numbers included: `30` is information to one logger and
/// something else to the next.
pub fn number_of_level(level: &str) -> Option<i32> {
    let level = level.trim();
    let mut lower = [0u8; 13];
    let lower = lower.get_mut(..level.len())?;
    for (to, from) in lower.iter_mut().zip(level.bytes()) {
        *to = from.to_ascii_lowercase();
    }
    Some(match &*lower {
        b"trace" | b"trc" | b"trce" | b"finest" | b"silly" | b"t" => 1,
        b"debug" | b"dbg" | b"dbug" | b"verbose" | b"vrb" | b"finer" | b"d" | b"v" => 5,
        b"fine" => 6,
        b"config" => 7,
        b"info" | b"information" | b"informational" | b"inf" | b"i" => 9,
        b"notice" | b"n" => 10,
        b"warn" | b"warning" | b"wrn" | b"w" => 13,
        b"error" | b"err" | b"severe" | b"fail" | b"e" => 17,
        b"critical" | b"crit" | b"dpanic" | b"c" => 18,
        b"alert" | b"panic" | b"a" => 19,
        b"fatal" | b"ftl" | b"emergency" | b"emerg" | b"f" => 21,
        [name @ .., digit @ b'2'..=b'4'] => {
            let first = match name {
                b"trace" => 1,
                b"debug" => 5,
                b"info" => 9,
                b"warn" => 13,
                b"error" => 17,
                b"fatal" => 21,
                _ => return None,
            };
            first + i32::from(digit - b'1')
        }
        _ => return None,
    })
}

/// The severity number of a syslog severity code, 0 (emergency) to 7 (debug).
pub const fn number_of_syslog(code: i64) -> Option<i32> {
    Some(match code {
        0 => 21,
        1 => 19,
        2 => 18,
        3 => 17,
        4 => 13,
        5 => 10,
        6 => 9,
        7 => 5,
        _ => return None,
    })
}

/// The name of the range of a severity number, in lower case; `None` outside 1 to 24.
pub const fn range_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_table() {
        let table: [(i32, &str); 11] = [
            (1, "trace trc trce finest silly t"),
            (5, "debug dbg dbug verbose vrb finer d v"),
            (6, "fine"),
            (7, "config"),
            (9, "info information informational inf i"),
            (10, "notice n"),
            (13, "warn warning wrn w"),
            (17, "error err severe fail e"),
            (18, "critical crit dpanic c"),
            (19, "alert panic a"),
            (21, "fatal ftl emergency emerg f"),
        ];
        for (number, spellings) in table {
            for spelling in spellings.split(' ') {
                assert_eq!(number_of_level(spelling), Some(number), "{spelling}");
                let padded = format!("\t {} ", spelling.to_uppercase());
                assert_eq!(number_of_level(&padded), Some(number), "{padded}");
            }
        }
    }

    #[test]
    fn short_names_have_their_own_number() {
        let names = ["trace", "debug", "info", "warn", "error", "fatal"];
        for (name, first) in names.iter().zip((1..).step_by(4)) {
            for step in 1..4 {
                let short = format!("{name}{}", step + 1);
                assert_eq!(number_of_level(&short), Some(first + step), "{short}");
            }
            for not in ["1", "5", "0", "22"] {
                assert_eq!(number_of_level(&format!("{name}{not}")), None);
            }
            assert_eq!(range_name(first), Some(*name));
            assert_eq!(range_name(first + 3), Some(*name));
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for level in [
            "",
            "  ",
            "30",
            "7",
            "2",
            "audit",
            "off",
            "all",
            "warn ing",
            "wärn",
            "informationally",
        ] {
            assert_eq!(number_of_level(level), None, "{level}");
        }
        assert_eq!(number_of_syslog(-1), None);
        assert_eq!(number_of_syslog(8), None);
        assert_eq!(
            (0..8).filter_map(number_of_syslog).collect::<Vec<_>>(),
            [21, 19, 18, 17, 13, 10, 9, 5]
        );
        assert_eq!(range_name(0), None);
        assert_eq!(range_name(25), None);
    }
}
