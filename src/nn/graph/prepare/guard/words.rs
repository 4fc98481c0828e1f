//! What tract says of a node, in the words of ONNX.

/// What tract `said` of a node, as a sentence goes on behind its name: what does not fit in its lengths, axes, inputs and
/// attributes, and else what tract said.
pub(super) fn plain(said: &str) -> String {
    let said = said.split(" Stack backtrace").next().unwrap_or(said);
    lengths(said)
        .or_else(|| axes(said))
        .or_else(|| places(said))
        .or_else(|| others(said))
        .unwrap_or_else(|| format!("cannot be evaluated: {}", untagged(said)))
}

/// Lengths that do not fit.
fn lengths(said: &str) -> Option<String> {
    if let Some([a, b]) = broadcast(said) {
        return Some(format!(
            "lengths {a} and {b} do not fit: they must be the same, or one of them 1"
        ));
    }
    if let Some((a, b)) = pair(said, "Impossible to unify ", " with ", "") {
        let what = match (a.contains('('), a.parse::<u64>().is_ok()) {
            (true, _) => "lengths",
            // tract compares counts as bare numbers.
            (false, true) => "numbers of axes",
            (false, false) => "types",
        };
        let (a, b) = (untagged(a), untagged(b));
        return Some(format!(
            "{what} {a} and {b} do not fit: they must be the same"
        ));
    }
    if let Some((a, rest)) = pair(said, "Inconsistent matmul: a: ", " b: ", "") {
        let b = rest.split(", a_trans").next()?;
        let (a, b) = (a.replace(',', ", "), b.replace(',', ", "));
        return Some(format!("factors of shapes [{a}] and [{b}] do not fit"));
    }
    if let Some((given, asked)) = pair(said, "Reshape volume mismatch: input ", " vs shape ", "") {
        let shape = |text: &str| text.split(" (vol").next().map(untagged);
        let (given, asked) = (shape(given)?, shape(asked)?);
        return Some(format!(
            "{given} cannot take the shape {asked}: they have other numbers of elements"
        ));
    }
    let (_, shape) = pair(
        said,
        "Attempt to squeeze an axis which dimension is not one",
        "}, ",
        "",
    )?;
    let shape = untagged(shape);
    Some(format!("removes an axis of {shape} that is longer than 1"))
}

/// Axes that are not there.
fn axes(said: &str) -> Option<String> {
    let beyond = |axis: &str, axes: &str| format!("asks for axis {axis} of {axes} axes");
    let forms = [
        (
            "StridedSlice: axis ",
            " out of range for input of rank ",
            "",
        ),
        ("range end index ", " out of range for slice of length ", ""),
    ];
    for (start, middle, end) in forms {
        if let Some((axis, axes)) = pair(said, start, middle, end) {
            return Some(beyond(axis, axes));
        }
    }
    let reversed = [
        (
            "Condition failed: `input_shape.len() > self.axis` (",
            " vs ",
            ")",
        ),
        (
            "Illegal combination of values for rank and axis: ",
            " and ",
            "",
        ),
    ];
    for (start, middle, end) in reversed {
        if let Some((axes, axis)) = pair(said, start, middle, end) {
            return Some(beyond(axis, axes));
        }
    }
    let (takes, has) = pair(
        said,
        "Op expects tensor of rank ",
        ", input is actually of rank ",
        "",
    )?;
    Some(format!("takes {takes} axes, and is given {has}"))
}

/// Places that are cut out of an axis which has fewer.
fn places(said: &str) -> Option<String> {
    if let Some((end, length)) = pair(said, "Condition failed: `end <= len` (", " vs ", ")") {
        return Some(format!("cuts up to {end} out of an axis of {length}"));
    }
    let (range, rest) = pair(said, "Invalid range ", " for slicing ", "")?;
    let (shape, axis) = rest.rsplit_once(" on axis ")?;
    let length = shape.split(',').nth(axis.parse().ok()?)?;
    Some(format!("cuts {range} out of an axis of {length}"))
}

/// Inputs and attributes that are not there.
fn others(said: &str) -> Option<String> {
    if let Some((takes, has)) = pair(said, "Wrong input number. Rules expect ", ", node has ", "") {
        return Some(format!("has {has} inputs: must have {takes}"));
    }
    if let Some((name, _)) = pair(said, "expected attribute '", "'", "") {
        return Some(format!("lacks the attribute `{name}`"));
    }
    if said.starts_with("Evaluating #") && said.contains("expected ") {
        return Some("gives another shape than its inputs let expect".to_owned());
    }
    match said {
        "invalid" => {
            Some("asks for a shape of another number of elements than it is given".to_owned())
        }
        _ => None,
    }
}

/// What stands between `start` and `middle`, and between `middle` and `end`; to the end of the text where that is empty.
fn pair<'a>(said: &'a str, start: &str, middle: &str, end: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = said.split_once(start)?;
    let (first, rest) = rest.split_once(middle)?;
    let second = match end {
        "" => rest,
        end => rest.split_once(end)?.0,
    };
    Some((first.trim(), second.trim()))
}

/// The first two lengths that tract would broadcast.
fn broadcast(said: &str) -> Option<[&str; 2]> {
    let (_, inner) = said.rsplit_once("broadcast((")?;
    let (a, rest) = inner.split_once(')')?;
    let (_, rest) = rest.split_once('(')?;
    let (b, _) = rest.split_once(')')?;
    Some([a, b])
}

/// `said` without the words in which tract wraps lengths: `N` of `Sym(N)`.
fn untagged(said: &str) -> String {
    let mut plain = String::with_capacity(said.len());
    let mut rest = said;
    while let Some((at, tag)) = ["Val(", "Sym("]
        .iter()
        .filter_map(|tag| Some((rest.find(tag)?, *tag)))
        .min()
    {
        plain += &rest[..at];
        let inner = &rest[at + tag.len()..];
        let Some((length, behind)) = inner.split_once(')') else {
            return plain + &rest[at..];
        };
        plain += length;
        rest = behind;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tract_says_of_shapes_names_lengths_and_axes() {
        for (said, wanted) in [
            (
                "Impossible to unify Val(2) with Sym(N)",
                "lengths 2 and N do not fit: they must be the same",
            ),
            (
                "Impossible to unify 4 with 3",
                "numbers of axes 4 and 3 do not fit: they must be the same",
            ),
            (
                "Impossible to unify F32 with I64",
                "types F32 and I64 do not fit: they must be the same",
            ),
            (
                "Output mismatch after rewiring expansion for output #0: expected N,6,F32 got N,broadcast((6), (5)),F32",
                "lengths 6 and 5 do not fit: they must be the same, or one of them 1",
            ),
            (
                "Inconsistent matmul: a: N,4 b: 5,6, a_trans: false b_trans: false c_trans: false",
                "factors of shapes [N, 4] and [5, 6] do not fit",
            ),
            (
                "Reshape volume mismatch: input [Sym(N), Val(6)] (vol=6*N) vs shape [Sym(N), Val(4), Val(2)] (vol=8*N)",
                "[N, 6] cannot take the shape [N, 4, 2]: they have other numbers of elements",
            ),
            (
                "Attempt to squeeze an axis which dimension is not one Squeeze { axes: Some([1]) }, [Sym(N), Val(6)]",
                "removes an axis of [N, 6] that is longer than 1",
            ),
            (
                "called `Result::unwrap()` on an `Err` value: Illegal combination of values for rank and axis: 2 and 3 \
                 Stack backtrace: 0: anyhow",
                "asks for axis 3 of 2 axes",
            ),
            (
                "Invalid range 0..9 for slicing 1,8,5,F32 0, 0, 0... on axis 1",
                "cuts 0..9 out of an axis of 8",
            ),
            (
                "Condition failed: `end <= len` (7 vs 6)",
                "cuts up to 7 out of an axis of 6",
            ),
            (
                "StridedSlice: axis 5 out of range for input of rank 2",
                "asks for axis 5 of 2 axes",
            ),
            (
                "Op expects tensor of rank 3, input is actually of rank 2",
                "takes 3 axes, and is given 2",
            ),
            (
                "Wrong input number. Rules expect at least 2, node has 1",
                "has 1 inputs: must have at least 2",
            ),
            ("expected attribute 'to'", "lacks the attribute `to`"),
            ("of Sym(N), Val(3", "cannot be evaluated: of N, Val(3"),
        ] {
            assert_eq!(plain(said), wanted);
        }
    }
}
