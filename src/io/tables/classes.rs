//! Labels as files have them → classes from 0.

/// Largest number of a class; none is ever near it.
const CLASS_LIMIT: f64 = 1e9;

/// What numbers are as labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Numbered {
    /// Whole numbers from 0: the classes themselves.
    Classes(Vec<usize>),
    /// −1 and 1: classes 0 and 1.
    Signs(Vec<usize>),
    /// Anything else; the position of the first number that is no class.
    Other(usize),
}

/// The classes that `numbers` are.
pub fn of_numbers(numbers: &[f64]) -> Numbered {
    let is_class = |number: &f64| (0.0..=CLASS_LIMIT).contains(number) && number.fract() == 0.0;
    let Some(other) = numbers.iter().position(|number| !is_class(number)) else {
        return Numbered::Classes(numbers.iter().map(|number| *number as usize).collect());
    };
    // Of −1 alone nobody knows what it is one of.
    if numbers.contains(&1.0) && numbers.iter().all(|number| number.abs() == 1.0) {
        return Numbered::Signs(numbers.iter().map(|n| usize::from(*n == 1.0)).collect());
    }
    Numbered::Other(other)
}

/// The names of the classes of [`Numbered::Signs`].
pub fn signs() -> Vec<String> {
    ["-1", "1"].map(str::to_owned).to_vec()
}

/// Classes with names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The class of every sample.
    pub classes: Vec<usize>,
    /// The names of the classes by number: sorted as text.
    pub names: Vec<String>,
}

/// The classes that `texts` name, numbered in the order of their sorted names, as scikit-learn's `LabelEncoder` does.
pub fn of_texts(texts: &[String]) -> Named {
    let mut names = texts.to_vec();
    names.sort_unstable();
    names.dedup();
    let number = |text: &String| names.binary_search(text).expect("every text is a name");
    Named {
        classes: texts.iter().map(number).collect(),
        names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_signs_are_classes_and_nothing_else_is() {
        assert_eq!(of_numbers(&[2.0, 0.0]), Numbered::Classes(vec![2, 0]));
        assert_eq!(of_numbers(&[1.0, 1.0]), Numbered::Classes(vec![1, 1]));
        assert_eq!(of_numbers(&[1.0, -1.0]), Numbered::Signs(vec![1, 0]));
        for (numbers, other) in [
            (&[1.0, -1.0, 0.0][..], 1),
            (&[0.0, 0.5], 1),
            (&[-1.0, -1.0], 0),
            (&[f64::NAN], 0),
            (&[1.0, 2e9], 1),
        ] {
            assert_eq!(of_numbers(numbers), Numbered::Other(other), "{numbers:?}");
        }
    }

    /// `LabelEncoder().fit_transform(["b", "a", "B", "b"])` of scikit-learn 1.7 is `[2, 1, 0, 2]`.
    #[test]
    fn names_are_numbered_in_their_sorted_order() {
        let texts = ["b", "a", "B", "b"].map(str::to_owned);
        let named = of_texts(&texts);
        assert_eq!(named.classes, [2, 1, 0, 2]);
        assert_eq!(named.names, ["B", "a", "b"]);
    }
}
