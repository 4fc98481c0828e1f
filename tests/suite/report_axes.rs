//! Which figures a sweep gets, by its axes.

use std::path::Path;

use lightloom::io::record::Cell;
use lightloom::report::{FigureOptions, Rendered, render};

use crate::cli::{DEMO, ok};
use crate::mnist::shared;

/// Chips of every point.
const TRIALS: usize = 2;

/// The report on a small sweep over `axes`, which checks what holds for all of them: no number is that of chips of several
/// points.
fn report(axes: &str) -> Rendered {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for name in [
        "digits.program.safetensors",
        "digits.safetensors",
        "network.toml",
        "digits-test.npz",
    ] {
        std::fs::copy(Path::new(DEMO).join(name), path.join(name)).unwrap();
    }
    let program = match axes.contains("tile") {
        true => "network = \"network.toml\"",
        false => "program = \"digits.program.safetensors\"",
    };
    let experiment =
        format!("{program}\ndata = \"digits-test.npz\"\nlimit = 20\ntrials = {TRIALS}\n{axes}");
    std::fs::write(path.join("small.toml"), experiment).unwrap();
    ok(path, &["sweep", "small.toml", "--out", "out", "--quiet"]);
    let rendered = render(&path.join("out"), None, &FigureOptions::default()).unwrap();
    for figure in &rendered.figures {
        let columns = &figure.table.columns;
        if let Some(chips) = columns.iter().position(|name| name == "chips") {
            let all = Cell::from(TRIALS);
            let is_pooled = figure.table.rows.iter().any(|row| row[chips] != all);
            assert!(!is_pooled, "{}: {:?}", figure.id, figure.table);
        }
    }
    rendered
}

fn ids(rendered: &Rendered) -> Vec<&str> {
    rendered
        .figures
        .iter()
        .map(|figure| figure.id.as_str())
        .collect()
}

fn caption<'a>(rendered: &'a Rendered, id: &str) -> &'a str {
    let figure = rendered.figures.iter().find(|figure| figure.id == id);
    &figure
        .unwrap_or_else(|| panic!("{id} of {:?}", ids(rendered)))
        .caption
}

#[test]
fn numbers_are_the_axis_of_figures_wherever_they_stand_and_names_are_lines() {
    let rendered = report(
        "[axes]\ncorrect = [\"none\", \"local\"]\n\"coupler.splitting_error_rad\" = [0.0, 0.05, 0.1]\n",
    );
    assert_eq!(
        ids(&rendered)[..7],
        [
            "accuracy-coupler-splitting-error-rad",
            "yield-coupler-splitting-error-rad",
            "yield-correct-none",
            "yield-correct-local",
            "effects",
            "variance-shares",
            "layer-errors-correct-none",
        ]
    );
    // Two lines of three marks; the names have no figure of their own, and no map.
    assert_eq!(rendered.figures[0].table.rows.len(), 6);
    assert!(
        ids(&rendered)
            .iter()
            .all(|id| !id.starts_with("map") && *id != "accuracy-correct")
    );
}

#[test]
fn an_axis_that_is_not_shown_stays_at_the_best_point_and_the_caption_says_so() {
    let rendered = report(
        "[axes]\ncorrect = [\"none\", \"local\", \"progressive\"]\n\
         \"coupler.splitting_error_rad\" = [0.0, 0.05, 0.1, 0.2]\n\
         \"phase_shifter.phase_error_rad\" = [0.0, 0.3, 0.6]\n",
    );
    let main = "accuracy-coupler-splitting-error-rad";
    assert!(caption(&rendered, main).contains("stay where accuracy is best: σ phase 0 rad."));
    assert_eq!(ids(&rendered)[0], main);
    assert_eq!(rendered.figures[0].table.rows.len(), 3 * 4);
    let maps = ids(&rendered)
        .iter()
        .filter(|id| id.starts_with("map"))
        .count();
    assert_eq!(maps, 3, "one for each correction");
}

#[test]
fn of_many_pairs_of_axes_few_get_maps_and_the_page_names_the_others() {
    let rendered = report(
        "[axes]\n\"coupler.splitting_error_rad\" = [0.0, 0.1]\n\"phase_shifter.phase_error_rad\" = [0.0, 0.2]\n\
         \"phase_shifter.offset_rad\" = [0.0, 0.001]\n\"mesh.insertion_loss_spread_db\" = [0.0, 0.001]\n",
    );
    let maps: Vec<&str> = ids(&rendered)
        .into_iter()
        .filter(|id| id.starts_with("map"))
        .collect();
    assert_eq!(maps.len(), 4, "{maps:?}");
    // The pair without influence is none of them.
    assert!(!maps.contains(&"map-phase-shifter-offset-rad-mesh-insertion-loss-spread-db"));
    let left_out = rendered.html.split("Left out: ").nth(1).unwrap();
    let left_out = left_out.split('<').next().unwrap();
    assert!(left_out.contains("σ offset and σ cell loss"), "{left_out}");
    assert_eq!(left_out.matches(" and ").count(), 6 - 4);
}

#[test]
fn keys_that_change_together_are_one_axis_even_if_one_repeats_its_value() {
    let rendered = report(
        "[axes]\n\"phase_shifter.phase_error_rad\" = { from = 0.001, to = 0.1, steps = 3, log = true }\n\
         [[zip]]\n\"mesh.insertion_loss_spread_db\" = [0.0, 0.0, 0.1]\n\"phase_shifter.dac_bits\" = [\"none\", 6, 6]\n",
    );
    assert_eq!(ids(&rendered)[0], "accuracy-phase-shifter-phase-error-rad");
    let table = &rendered.figures[0].table;
    let told = table
        .rows
        .iter()
        .filter(|row| row[1] == Cell::from("0 / 6"));
    assert_eq!((table.rows.len(), told.count()), (9, 3));
    assert!(
        rendered
            .html
            .contains("σ cell loss 0 dB and heater supply 6 bits")
    );
    let points = rendered.html.split("id=\"every-point\"").nth(1).unwrap();
    assert!(points.contains("<th scope=\"col\">phase_shifter.dac_bits</th>"));
}

/// No number between two points belongs to one of several keys that change together.
#[test]
fn a_value_that_costs_a_share_is_told_of_single_keys_alone() {
    let tells = |axes: &str| {
        let rendered = report(axes);
        let id = ids(&rendered)[0].to_owned();
        caption(&rendered, &id).contains("The mean loss")
    };
    assert!(tells(
        "[axes]\n\"phase_shifter.phase_error_rad\" = [0.0, 0.2]\n"
    ));
    assert!(!tells(
        "[[zip]]\n\"phase_shifter.phase_error_rad\" = [0.0, 0.2]\n\"phase_shifter.dac_bits\" = [\"none\", 7]\n"
    ));
}

#[test]
fn names_alone_have_their_figures_and_no_axis_at_all_has_a_yield() {
    let rendered = report("[axes]\ncell = [\"mzi\", \"3-splitter\"]\ntile = [\"none\", 32, 16]\n");
    assert_eq!(ids(&rendered)[0], "accuracy-tile");
    assert_eq!(rendered.figures[0].table.rows.len(), 6);
    assert!(ids(&rendered).contains(&"yield-mesh-cell-mzi"));
    // Over names there are no lines and no bands.
    let says = caption(&rendered, "accuracy-tile");
    assert!(
        says.starts_with("Marks: median over the chips. Bars: "),
        "{says}"
    );
    let rendered = report("");
    assert_eq!(ids(&rendered)[..3], ["yield", "confusion", "class-losses"]);
    assert!(rendered.html.contains("<dt>Only point, mean</dt>"));
    assert!(!rendered.html.contains("Best point") && !rendered.html.contains("Worst point"));
}

#[test]
fn more_numbers_than_colours_are_thinned_out_and_more_names_have_a_figure_of_their_own() {
    let rendered = report(
        "[axes]\n\"coupler.splitting_error_rad\" = { from = 0.0, to = 0.08, steps = 9 }\n\
         \"phase_shifter.phase_error_rad\" = { from = 0.0, to = 0.07, steps = 8 }\n",
    );
    let main = "accuracy-coupler-splitting-error-rad";
    assert!(
        caption(&rendered, main)
            .contains("Lines are 7 of the 8 values of the σ of the programmed phase.")
    );
    assert_eq!(rendered.figures[0].table.rows.len(), 7 * 9);
    let rendered = report(
        "[axes]\n\"coupler.splitting_error_rad\" = [0.0, 0.05]\n\
         \"readout.adc_bits\" = [\"none\", 2, 3, 4, 5, 6, 7, 8]\n",
    );
    assert!(caption(&rendered, "accuracy-coupler-splitting-error-rad").contains("ADC "));
    assert_eq!(rendered.figures[0].table.rows.len(), 2);
    let own = rendered
        .figures
        .iter()
        .find(|figure| figure.id == "accuracy-readout-adc-bits");
    assert_eq!(own.unwrap().table.rows.len(), 2 * 8);
}

#[test]
fn a_key_without_a_value_says_what_that_means_and_the_names_of_files_say_the_key() {
    let rendered = report(
        "[axes]\n\"coupler.splitting_error_rad\" = { from = 0.005, to = 0.08, steps = 5, log = true }\n\
         \"readout.adc_bits\" = [\"none\", 4]\n",
    );
    let layers = "layer-errors-readout-adc-bits-none";
    let figure = rendered.figures.iter().find(|figure| figure.id == layers);
    let title = &figure
        .unwrap_or_else(|| panic!("{:?}", ids(&rendered)))
        .title;
    assert!(title.ends_with(", ADC: no quantization"), "{title}");
    assert!(!rendered.html.contains("ADC none"));
    // The axis of equal ratios is logarithmic: 0.005, 0.01, 0.02 and 0.04 are equally far apart.
    let main = &rendered.figures[0];
    let ticks = [0.005, 0.01, 0.02].map(|tick| {
        let label = format!(">{tick}</text>");
        let before = main.svg.split(&label).next().unwrap();
        assert!(before.len() < main.svg.len(), "{tick}");
        let element = before.rsplit("<text x=\"").next().unwrap();
        element.split('"').next().unwrap().parse::<f64>().unwrap()
    });
    let steps = [ticks[1] - ticks[0], ticks[2] - ticks[1]];
    assert!((steps[0] - steps[1]).abs() < 0.2, "{ticks:?}");
    // Every line has its place or says that it has none.
    let says = caption(&rendered, &main.id);
    let places = says.split("The mean loss, which no line shows, reaches 1 % of all samples ");
    let places = places.last().unwrap();
    assert_eq!(places.matches("; ").count(), 1, "{says}");
}

#[test]
fn the_picture_of_three_networks_is_the_report_on_the_experiment_beside_it() {
    let id = "accuracy-coupler-splitting-error-rad";
    let names = ["dense", "convolutional", "transformer"];
    // Of its texts those that are no numbers: the legend and the axes.
    let words = |svg: &str| -> Vec<String> {
        let texts = svg.split("<text").skip(1).map(|text| {
            let (_, text) = text.split_once('>').unwrap();
            text.split_once('<').unwrap().0.to_owned()
        });
        texts.filter(|text| text.parse::<f64>().is_err()).collect()
    };
    let picture = words(include_str!("../../docs/architectures.svg"));
    for name in names {
        assert!(picture.iter().any(|word| word == name), "{picture:?}");
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let models = ["mnist_mlp_small", "mnist_depthwise", "mnist_vit"];
    for (model, name) in models.iter().zip(names) {
        let Some(model) = shared(&format!("models/{model}.onnx")) else {
            return;
        };
        std::fs::copy(model, path.join(format!("{name}.onnx"))).unwrap();
    }
    let data = std::fs::canonicalize(shared("data/mnist").unwrap()).unwrap();
    let mut experiment = include_str!("../../docs/architectures.toml").to_owned();
    for (from, to) in [
        ("\"mnist\"", &format!("{:?}", data.to_str().unwrap())[..]),
        ("limit = 2000", "limit = 10"),
        ("trials = 20", "trials = 1"),
        ("steps = 17", "steps = 2"),
    ] {
        assert!(experiment.contains(from), "{from}");
        experiment = experiment.replace(from, to);
    }
    std::fs::write(path.join("architectures.toml"), experiment).unwrap();
    ok(
        path,
        &["sweep", "architectures.toml", "--out", "out", "--quiet"],
    );
    ok(path, &["report", "out", "--quiet"]);
    let drawn = std::fs::read_to_string(path.join(format!("out/figures/{id}.svg"))).unwrap();
    assert_eq!(words(&drawn), picture);
}
