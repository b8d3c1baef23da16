use proptest::prelude::*;

use super::*;

fn read(line: &str) -> Result<Vec<Member<'_>>> {
    let mut dictionary = Dictionary::new(line);
    let mut members = Vec::new();
    while let Some(member) = dictionary.next()? {
        members.push(member);
    }
    Ok(members)
}

fn only(line: &str) -> Result<Item<'_>> {
    let mut members = read(line)?;
    assert_eq!((members.len(), members[0].elements.len()), (1, 1), "{line}");
    Ok(members.remove(0).elements.remove(0).item)
}

#[test]
fn items_of_every_kind() {
    let text = |text: &str| Item::Text(text.to_owned().into());
    let table = [
        ("a", Item::Boolean(true)),
        ("a=?1", Item::Boolean(true)),
        ("a=?0", Item::Boolean(false)),
        ("a=007", Item::Integer(7)),
        ("a=-42", Item::Integer(-42)),
        (
            "a=1700000000000000000",
            Item::Integer(1_700_000_000_000_000_000),
        ),
        ("a=1.08", Item::Decimal(1.08)),
        ("a=-0.333333333333333333", Item::Decimal(-1.0 / 3.0)),
        ("a=ps", text("ps")),
        ("a=*x/y:z", text("*x/y:z")),
        ("a=\"\"", text("")),
        ("a=\"b, c=1;(d)\"", text("b, c=1;(d)")),
        (r#"a="\"x\\ \"""#, text(r#""x\ ""#)),
        ("a=\"é😀\"", text("é😀")),
        ("a=:cHJldGVuZA==:", text("cHJldGVuZA==")),
        ("a=@1659578233", Item::Integer(1_659_578_233)),
        ("a=%\"f%c3%bc+\"", text("fü+")),
        ("  a=1 \t", Item::Integer(1)),
    ];
    for (line, expected) in table {
        assert_eq!(only(line), Ok(expected), "{line}");
    }
}

#[test]
fn keys_lists_and_parameters() {
    let line =
        "br=(3200;v  128;a ), com.Example-Name=1;x=2; y,\tnor=(\"a\" \"b\";r=\"0-9\");z,e=ps, bs";
    let members = read(line).unwrap();
    let keys: Vec<&str> = members.iter().map(|member| member.key).collect();
    assert_eq!(keys, ["br", "com.Example-Name", "nor", "e", "bs"]);
    let lists: Vec<bool> = members.iter().map(|member| member.is_list).collect();
    assert_eq!(lists, [true, false, true, false, false]);
    let bitrates: Vec<_> = members[0]
        .elements
        .iter()
        .map(|e| (&e.item, e.label()))
        .collect();
    let (video, audio) = (Item::Integer(3200), Item::Integer(128));
    assert_eq!(bitrates, [(&video, Some("v")), (&audio, Some("a"))]);
    let yes = || Item::Boolean(true);
    let parameters = vec![("x", Item::Integer(2)), ("y", yes())];
    assert_eq!(members[1].elements[0].parameters, parameters);
    let range = vec![("r", Item::Text("0-9".into()))];
    assert_eq!(members[2].elements[1].parameters, range);
    assert_eq!(members[2].parameters, [("z", yes())]);
    assert_eq!(read("a=()").unwrap()[0].elements, []);
}

#[test]
fn what_is_no_dictionary_says_where() {
    let many = |n: usize, what: &str| what.repeat(n);
    // the line, where it ends to be one
    let table = [
        ("".to_owned(), 0),
        ("=1".to_owned(), 0),
        ("1=a".to_owned(), 0),
        ("a=1,".to_owned(), 4),
        ("a=1,,b".to_owned(), 4),
        ("a=1 b=2".to_owned(), 4),
        ("a=".to_owned(), 2),
        ("a= 1".to_owned(), 2),
        ("a=\"b".to_owned(), 4),
        ("a=\"b\\n\"".to_owned(), 4),
        ("a=\"b\u{1}\"".to_owned(), 4),
        ("a=\"b\\".to_owned(), 4),
        ("a=-".to_owned(), 3),
        ("a=1.".to_owned(), 4),
        ("a=1e5".to_owned(), 3),
        ("a=99999999999999999999".to_owned(), 22),
        ("a=9999999999999999.5".to_owned(), 20),
        ("a=?2".to_owned(), 3),
        ("a=(1".to_owned(), 4),
        ("a=(1,2)".to_owned(), 4),
        ("a=((1))".to_owned(), 3),
        ("a=:x".to_owned(), 4),
        ("a=@1.5".to_owned(), 6),
        ("a=%x".to_owned(), 3),
        ("é=1".to_owned(), 0),
        ("a=é".to_owned(), 2),
        ("{\"e\":\"ps\"}".to_owned(), 0),
        (format!("{}=1", many(257, "k")), 257),
        (format!("a=({})", many(257, "1 ")), 3 + 2 * 256),
        (format!("a=1{}", many(257, ";x")), 3 + 2 * 256 + 1),
        (format!("a=({})", many(200, "1;x;y ")), 3 + 6 * 128 + 2),
    ];
    for (line, at) in table {
        let fault = read(&line).expect_err(&line);
        assert_eq!(fault.at, at, "{line}: {fault:?}");
    }
    assert!(read(&format!("{}=({})", many(256, "k"), many(256, "1;x "))).is_ok());
}

/// An item as it is written, and as it is read.
fn item() -> impl Strategy<Value = (String, Item<'static>)> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    prop_oneof![
        any::<i64>().prop_map(|number| (number.to_string(), Item::Integer(number))),
        (-999_999_999_999i64..999_999_999_999, 0..1000u32).prop_map(|(whole, part)| {
            let text = format!("{whole}.{part:03}");
            let number = Item::Decimal(text.parse().unwrap());
            (text, number)
        }),
        any::<bool>().prop_map(|is| (format!("?{}", u8::from(is)), Item::Boolean(is))),
        "[ -~é😀]{0,12}"
            .prop_map(move |text| { (format!("\"{}\"", quoted(&text)), Item::Text(text.into())) }),
        "[*a-zA-Z][a-zA-Z0-9:/!#$%&'*+.^_`|~-]{0,8}"
            .prop_map(|text| (text.clone(), Item::Text(text.into()))),
        "[a-zA-Z0-9+/]{0,8}={0,2}".prop_map(|text| (format!(":{text}:"), Item::Text(text.into()))),
    ]
}

fn key() -> impl Strategy<Value = String> {
    "[a-zA-Z*][a-zA-Z0-9_.*-]{0,10}"
}

type Written = (String, Item<'static>, Vec<(String, String, Item<'static>)>);

fn element() -> impl Strategy<Value = Written> {
    let parameter = (key(), item()).prop_map(|(key, (text, item))| match item {
        Item::Boolean(true) => (key.clone(), format!(";{key}"), item),
        item => (key.clone(), format!("; {key}={text}"), item),
    });
    let parameters = proptest::collection::vec(parameter, 0..3);
    (item(), parameters).prop_map(|((text, item), parameters)| {
        let written = parameters.iter().map(|(_, text, _)| text.as_str());
        let written: String = written.collect();
        (text + &written, item, parameters)
    })
}

proptest! {
    #[test]
    fn every_dictionary_is_read_back(
        members in proptest::collection::vec(
            (key(), any::<bool>(), proptest::collection::vec(element(), 1..4)), 1..6),
        comma in "[ \t]{0,2},[ \t]{0,2}",
    ) {
        let written: Vec<String> = members.iter().map(|(key, is_list, elements)| {
            let texts: Vec<&str> = elements.iter().map(|(text, ..)| text.as_str()).collect();
            match (is_list, &elements[0]) {
                (true, _) => format!("{key}=( {})", texts.join("  ")),
                (false, (text, Item::Boolean(true), _)) => {
                    format!("{key}{}", text.strip_prefix("?1").unwrap())
                }
                (false, (text, ..)) => format!("{key}={text}"),
            }
        }).collect();
        let line = written.join(&comma);
        let read = read(&line);
        let read = read.unwrap_or_else(|fault| panic!("{line}: {fault:?}"));
        prop_assert_eq!(read.len(), members.len());
        for (read, (key, is_list, elements)) in read.iter().zip(&members) {
            prop_assert_eq!((read.key, read.is_list), (key.as_str(), *is_list));
            let count = if *is_list { elements.len() } else { 1 };
            prop_assert_eq!(read.elements.len(), count);
            for (read, (_, item, parameters)) in read.elements.iter().zip(elements) {
                prop_assert_eq!(&read.item, item);
                let read = read.parameters.iter().map(|(key, item)| (*key, item));
                let expected = parameters.iter().map(|(key, _, item)| (key.as_str(), item));
                prop_assert!(read.eq(expected));
            }
        }
    }
}
