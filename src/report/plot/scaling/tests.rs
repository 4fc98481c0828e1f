//! The picture of the scaling, mark by mark.

use super::*;

/// t = x², from 1 to 1024.
fn square() -> Vec<(f64, f64)> {
    (0..11)
        .map(|power| 2f64.powi(power))
        .map(|x| (x, 1e-6 * x * x))
        .collect()
}

#[test]
fn a_slope_is_the_power_of_a_law() {
    let points = square();
    assert!((slope(points[3], points[7]) - 2.0).abs() < 1e-12);
    assert!((slope((1.0, 3.0), (10.0, 0.3)) + 1.0).abs() < 1e-12);
}

#[test]
fn a_law_is_faster_up_to_where_it_meets_the_other() {
    let square = square();
    // 1e-4 x and 1e-6 x² meet at 100, between 64 and 128; both are straight on these axes.
    let linear: Vec<_> = square.iter().map(|(x, _)| (*x, 1e-4 * x)).collect();
    let [(from, to)] = faster(&square, &linear)[..] else {
        panic!("one range");
    };
    assert!((from - 100.0).abs() < 1e-9 && (to - 1024.0).abs() < 1e-9);
    let [(from, to)] = faster(&linear, &square)[..] else {
        panic!("one range");
    };
    assert!((from - 1.0).abs() < 1e-9 && (to - 100.0).abs() < 1e-9);
    assert_eq!(faster(&square, &square), []);
    // Faster at two sizes that do not touch.
    let flat = [(1.0, 1.0), (2.0, 1.0), (4.0, 1.0)];
    let bent = [(1.0, 0.5), (2.0, 2.0), (4.0, 0.5)];
    assert_eq!(faster(&flat, &bent).len(), 2);
}

#[test]
fn names_keep_their_order_and_do_not_touch() {
    let wanted = [100.0, 40.0, 101.0, 98.0, 399.0];
    let places = apart(&wanted, 17.0, 0.0, 400.0);
    let mut order: Vec<usize> = (0..5).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    for pair in order.windows(2) {
        assert!(
            places[pair[1]] - places[pair[0]] >= 17.0 - 1e-9,
            "{places:?}"
        );
    }
    assert_eq!((places[1], places[4]), (40.0, 399.0));
    let middle = (places[0] + places[2] + places[3]) / 3.0;
    assert!((middle - 299.0 / 3.0).abs() < 1e-9, "{places:?}");
    let low = apart(&[399.0, 400.0, 400.0], 17.0, 0.0, 400.0);
    assert_eq!(low, [366.0, 383.0, 400.0]);
}

#[test]
fn a_picture_holds_every_line_every_guide_and_no_place_outside() {
    let lines = vec![
        TimeLine {
            name: "walk".into(),
            style: 0,
            points: square(),
        },
        TimeLine {
            name: "a < b".into(),
            style: 1,
            points: square().iter().map(|(x, t)| (*x, 3.0 * t)).collect(),
        },
    ];
    let guide = |power, side| Guide {
        power,
        name: format!("N^{power}"),
        side,
    };
    let panel = TimePanel {
        title: "Time".into(),
        size: "modes N".into(),
        lines,
        guides: vec![guide(2.0, Side::Below), guide(3.0, Side::Above)],
    };
    let svg = draw_times("Times", &[panel.clone(), panel], &["one & only".into()]);
    assert_eq!(svg.matches("class=\"panel\"").count(), 2);
    assert_eq!(svg.matches("class=\"series\"").count(), 4);
    assert_eq!(svg.matches("class=\"guide\"").count(), 4);
    assert_eq!(svg.matches("class=\"mark\"").count(), 4 * 11);
    assert!(svg.contains("walk: 4 µs at 2, slope 2.00"), "{svg}");
    assert!(svg.contains("a &lt; b") && svg.contains("one &amp; only"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn one_point_is_a_picture_too() {
    let panel = TimePanel {
        title: "Time".into(),
        size: "modes N".into(),
        lines: vec![TimeLine {
            name: "walk".into(),
            style: 0,
            points: vec![(64.0, 1e-3)],
        }],
        guides: vec![Guide {
            power: 2.0,
            name: "N²".into(),
            side: Side::Below,
        }],
    };
    let svg = draw_times("Times", &[panel], &[]);
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert!(svg.contains("walk: 1 ms at 64"));
}

#[test]
fn times_and_counts_are_written_in_units_and_groups() {
    assert_eq!(
        [2.5e-7, 1e-6, 1.234e-3, 0.9999, 12.0].map(time),
        ["250 ns", "1 µs", "1.23 ms", "1 s", "12 s"]
    );
    assert_eq!(
        [16, 2048, 100_000].map(grouped),
        ["16", "2048", "100\u{202f}000"]
    );
}
