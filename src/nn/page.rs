//! What tests show on `docs/networks.md`.

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/networks.md");

/// Fails unless `text` stands on the page between `<!-- name -->` and `<!-- end of name -->`;
/// `LIGHTLOOM_WRITE_DOCS=1 cargo test --lib` writes it anew.
#[track_caller]
pub(in crate::nn) fn assert_shows(name: &str, text: &str) {
    let (start, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->\n"),
    );
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(&start).unwrap();
    let (shown, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("LIGHTLOOM_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, format!("{before}{start}{text}{end}{after}")).unwrap();
    } else {
        assert_eq!(shown, text);
    }
}
