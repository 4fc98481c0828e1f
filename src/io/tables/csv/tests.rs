use super::*;
use crate::error::compare::{golden, value};
use crate::io::table::{Choice, Header, LABEL_NAMES, Label};
use ndarray::arr2;

/// The error for `text` without a choice of the label.
fn error(text: &str) -> Error {
    parse(text.as_bytes(), None).unwrap_err()
}

/// Position of the label and why, of a table that must be read.
fn label(text: &str, given: Option<&str>) -> (usize, Choice) {
    let columns = parse(text.as_bytes(), given).unwrap().columns;
    (columns.label, columns.choice)
}

/// Classes without names.
fn classes(of: &[usize]) -> Label {
    Label::Classes(of.to_vec(), None)
}

#[test]
fn the_last_column_is_the_label_where_nothing_else_tells() {
    let x = arr2(&[[0.5, -1e-3], [2.0, 3.0]]);
    let y = classes(&[7, 0]);
    for text in [
        "0.5, -1e-3, 7\n2,3,0\n",
        "a,b,c\r\n0.5,-1e-3,7\r\n2,3,0",
        "a,1,\n0.5,-1e-3,7\n2,3,0",
    ] {
        let table = parse(text.as_bytes(), None).unwrap();
        assert_eq!((&table.x, &table.label), (&x, &y), "{text}");
        let has_header = table.columns.header.is_some();
        assert_eq!(has_header, text.starts_with('a'), "{text}");
        assert_eq!(label(text, None), (2, Choice::Last));
    }
}

#[test]
fn a_column_with_a_name_of_a_label_is_the_label_wherever_it_stands() {
    let expected = arr2(&[[1.5, 2.0], [3.0, 4.5]]);
    for name in LABEL_NAMES {
        let upper = name.to_uppercase();
        for text in [
            format!("{name},a,b\n7,1.5,2\n0,3,4.5\n"),
            format!("a,{upper},b\n1.5,7,2\n3,0,4.5\n"),
            // Columns that are numbered.
            format!("0,1,{name}\n1.5,2,7\n3,4.5,0\n"),
            format!("1,2,{name}\n1.5,2,7\n3,4.5,0\n"),
            format!("\"{name}\",0,1\n7,1.5,2\n0,3,4.5\n"),
        ] {
            let table = parse(text.as_bytes(), None).unwrap();
            assert_eq!(
                (&table.x, &table.label),
                (&expected, &classes(&[7, 0])),
                "{text}"
            );
            assert_eq!(table.columns.choice, Choice::Named);
        }
    }
}

#[test]
fn a_label_that_is_given_is_a_name_or_else_a_position() {
    let named = "label,a,1\n7,1,2\n0,3,4\n";
    assert_eq!(label(named, Some("a")), (1, Choice::Given));
    assert_eq!(label(named, Some("0")), (0, Choice::Given));
    // A name comes first.
    assert_eq!(label(named, Some("1")), (2, Choice::Given));
    let bare = "7,1,2\n0,3,4\n";
    assert_eq!(label(bare, Some("1")), (1, Choice::Given));
    assert_eq!(
        parse(bare.as_bytes(), Some("1")).unwrap().x,
        arr2(&[[7.0, 2.0], [0.0, 4.0]])
    );
    for (text, given) in [
        (named, "labl"),
        (bare, "label"),
        (bare, "3"),
        ("a,b,a\n1,2,3\n", "a"),
    ] {
        let error = parse(text.as_bytes(), Some(given)).unwrap_err();
        golden(&format!("{given} of {text}"), error);
    }
}

#[test]
fn several_columns_that_could_be_the_label_are_a_question() {
    let text = "x,y,class\n1,2,0\n";
    golden(text, error(text));
    assert_eq!(label(text, Some("class")), (2, Choice::Given));
}

/// scikit-learn's wine has 13 features and three classes, so that its first line is shorter than all others.
#[test]
fn the_first_line_of_scikit_learn_counts_and_names_no_column() {
    for (text, width) in [
        ("2,2,a,b,c\n1.5,2,1\n3,4.5,0\n", 3),
        ("2,4,a,b,c\n1.5,2,3,4,1\n3,4.5,6,7,0\n", 5),
    ] {
        let table = parse(text.as_bytes(), None).unwrap();
        let Some(Header::Counts(cells)) = &table.columns.header else {
            panic!("{text}");
        };
        assert_eq!(cells[2..], ["a", "b", "c"]);
        assert_eq!(
            (table.columns.width, table.columns.label),
            (width, width - 1)
        );
        let names = ["a", "b", "c"].map(str::to_owned);
        let label = Label::Classes(vec![1, 0], Some(names.to_vec()));
        assert_eq!((table.x.dim(), table.label), ((2, width - 1), label));
        assert_eq!(table.columns.name(2), None);
    }
    // Names of columns, of which two happen to be numbers.
    let numbered = "2,3,a,b\n1,2,3\n";
    golden(numbered, error(numbered));
}

#[test]
fn a_first_line_with_a_missing_number_is_no_header() {
    for missing in ["", "NA", "n/a", "?", "nan", "NULL"] {
        let error = error(&format!("1,{missing},3\n4,5,6\n"));
        let cell = value("line 1, column 2", &format!("`{missing}`"));
        assert_eq!(error.refusal(), cell);
    }
}

#[test]
fn a_wrong_cell_is_named_by_line_and_column() {
    for text in ["1,2,3\n1,x,3\n", "1,2,-1\n", "1,2,3\n1,2\n", "1,2\n1,2,3\n"] {
        golden(text, error(text));
    }
}

#[test]
fn a_column_of_fractions_is_no_label() {
    for text in [
        "1,2,3\n1,2,0.5\n",
        "kind,width\n0,0.2\n",
        "target,width\nsetosa,0.2\n1,0.3\n",
        "target,width\n1,0.2\nNA,0.3\n",
    ] {
        golden(text, error(text));
    }
    // Unless it is asked for.
    let table = parse(b"1,2,3\n1,2,0.5\n", Some("2")).unwrap();
    assert_eq!(table.label, Label::Numbers(vec![3.0, 0.5]));
}

#[test]
fn tables_without_samples_are_refused() {
    for text in ["", "a,b\n", "1\n2\n", "\n\n"] {
        golden(text, error(text));
    }
    assert!(parse(&[0xff, b',', 0xfe, b'\n', 0xff], None).is_err());
}

/// What a table of the same four samples must be read as, and what is said of it.
fn read(text: &str) -> (Vec<usize>, Vec<String>, String) {
    let table = parse(text.as_bytes(), None).unwrap();
    let expected = arr2(&[[5.1, 0.2], [6.4, 1.5], [5.9, 1.8], [4.9, 0.2]]);
    assert_eq!(table.x, expected, "{text}");
    let Label::Classes(classes, names) = table.label else {
        panic!("{text}");
    };
    let said = table.columns.assumed().unwrap_or_default();
    (classes, names.unwrap_or_default(), said)
}

#[test]
fn names_of_classes_are_numbered_in_sorted_order_with_a_header_or_without() {
    let rows = "5.1,0.2,setosa\n6.4,1.5,versicolor\n5.9,1.8,virginica\n4.9,0.2,setosa\n";
    let names = ["setosa", "versicolor", "virginica"].map(str::to_owned);
    for (text, last) in [
        (format!("a,b,kind\n{rows}"), "column 2, `kind`"),
        (rows.to_owned(), "column 2; the first line is a sample"),
        // Columns that are numbered.
        (format!("0,1,kind\n{rows}"), "column 2, `kind`"),
    ] {
        let (classes, found, said) = read(&text);
        assert_eq!((classes, found), (vec![0, 1, 2, 0], names.to_vec()));
        assert_eq!(said, format!("the label is the last column, {last}"));
    }
}

#[test]
fn the_first_line_tells_the_separator() {
    let comma = "a,b,\"la;bel\"\n5.1,0.2,0\n6.4,1.5,1\n5.9,1.8,2\n4.9,0.2,0\n";
    let plain = comma.replace("la;bel", "c");
    let (classes, _, said) = read(comma);
    assert_eq!(said, "the label is the last column, column 2, `la;bel`");
    for (separator, words) in [(";", "`;`"), ("\t", "tabs")] {
        let (same, _, said) = read(&plain.replace(',', separator));
        assert_eq!(same, classes);
        let start = format!("cells are separated by {words}; the label is");
        assert!(said.starts_with(&start), "{said}");
    }
    let (_, bare) = plain.split_once('\n').unwrap();
    let (same, _, said) = read(&bare.replace(',', " "));
    assert_eq!(same, classes);
    assert!(said.starts_with("cells are separated by spaces"), "{said}");
    // As Excel writes it.
    assert_eq!(
        read(&format!("\u{feff}{}", plain.replace('\n', "\r\n"))).0,
        classes
    );
    let german = "a;b;label\n5,1;0,2;0\n";
    golden(german, error(german));
}

#[test]
fn a_column_without_a_name_that_numbers_the_rows_is_left_out_and_named() {
    let table = |name: &str, numbers: [u32; 4]| {
        let rows = ["5.1,0.2,0", "6.4,1.5,1", "5.9,1.8,2", "4.9,0.2,0"];
        let lines = numbers.iter().zip(rows);
        let lines = lines.map(|(number, row)| format!("{number},{row}\n"));
        format!("{name},a,b,label\n{}", lines.collect::<String>())
    };
    for (name, words) in [
        ("", "column 0"),
        ("\"\"", "column 0"),
        ("Unnamed: 0", "column 0, `Unnamed: 0`"),
    ] {
        // From 0, from 1, and shuffled.
        for numbers in [[0, 1, 2, 3], [1, 2, 3, 4], [17, 3, 140, 0]] {
            let (classes, _, said) = read(&table(name, numbers));
            assert_eq!(classes, [0, 1, 2, 0]);
            assert!(said.starts_with(&format!("{words} numbers the rows and is left out; ")));
        }
    }
    // The label in front of it, or behind.
    let text = "label,a,b,\n0,5.1,0.2,0\n1,6.4,1.5,1\n2,5.9,1.8,2\n0,4.9,0.2,3\n";
    assert!(read(text).2.starts_with("column 3 numbers the rows"));
    // Numbers that repeat are a feature.
    let text = table("", [0, 1, 1, 0]);
    let parsed = parse(text.as_bytes(), None).unwrap();
    assert_eq!((parsed.x.ncols(), parsed.columns.row_numbers), (3, None));
}

#[test]
fn signs_are_two_classes_and_it_is_said() {
    let (classes, _, said) = read("5.1,0.2,-1\n6.4,1.5,1\n5.9,1.8,1\n4.9,0.2,-1\n");
    assert_eq!(classes, [0, 1, 1, 0]);
    assert!(
        said.ends_with("; labels -1 and 1 are classes 0 and 1"),
        "{said}"
    );
    let (classes, names, _) = read("5.1,0.2,False\n6.4,1.5,True\n5.9,1.8,True\n4.9,0.2,False\n");
    assert_eq!((classes, &*names[1]), (vec![0, 1, 1, 0], "True"));
}
