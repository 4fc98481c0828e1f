//! Tables of the page that belong to no figure.

use super::curves::Band;
use crate::experiment::Summary;
use crate::experiment::rows::Row;
use crate::io::record::Cell;
use crate::report::plot::table::Table;
use crate::report::sweep::results::Results;
use crate::units::counted;

/// A chip is worse than digital if samples as unevenly split or more are less likely than this.
const SIGNIFICANT: f64 = 0.05;

/// One row a point.
pub(crate) fn points(results: &Results) -> Table {
    let measure = results.measure;
    let mut table = Table::new(["point"]);
    let keys = results.sweep.keys().map(|key| key.name().to_owned());
    table.columns.extend(keys);
    let [low, high] = results.options.quantile_names();
    let numbers = [
        "chips",
        "mean",
        "std",
        "min",
        &low,
        "median",
        &high,
        "max",
        measure.score.beside_digital(),
        "digital",
        "ideal",
        "loss",
    ];
    table.columns.extend(numbers.map(str::to_owned));
    measure.show(&mut table, &numbers[1..]);
    let has_classes = measure.score.has_classes();
    if has_classes {
        table.columns.push("chips_worse".to_owned());
    }
    let errors = results
        .layers
        .iter()
        .map(|name| format!("layer.{name}.matrix_error"));
    table.columns.extend(errors);
    for point in &results.points {
        let of = |value: &dyn Fn(&Row) -> f64| Summary::of(point.trials.iter().map(value));
        let values = of(&Row::value);
        let beside = |row: &Row| row.trial.worth.part(measure.score.beside_digital());
        let band = Band::of(
            point.trials.iter().map(Row::value),
            results.options.quantiles,
        );
        let band = band.expect("a point has trials");
        let mut row: Vec<Cell> = vec![point.number.into()];
        let axes = results.axes().iter().zip(&point.at);
        row.extend(
            axes.flat_map(|(axis, index)| axis.values.iter().map(|values| values[*index].clone())),
        );
        row.push(point.trials.len().into());
        let numbers = [
            values.mean,
            values.std,
            values.min,
            band.low,
            band.middle,
            band.high,
            values.max,
            of(&|row| beside(row).unwrap_or(f64::NAN)).mean,
            of(&|row| row.digital.value()).mean,
            of(&|row| row.ideal.value()).mean,
            of(&|row| measure.lost(row.digital.value(), row.value())).mean,
        ];
        row.extend(numbers.map(Cell::from));
        // Of all chips in one table the test would take the same samples for further ones.
        let is_worse = |row: &&Row| {
            row.trial.paired.is_some_and(|paired| {
                paired.only_digital_right > paired.only_chip_right
                    && paired.mcnemar_p() < SIGNIFICANT
            })
        };
        if has_classes {
            row.push(point.trials.iter().filter(is_worse).count().into());
        }
        row.extend((0..results.layers.len()).map(|layer| {
            let layers = point.trials.iter().map(|row| row.trial.layers[layer]);
            let errors: Vec<f64> = layers.filter_map(|layer| layer.matrix_error).collect();
            match errors.is_empty() {
                true => Cell::Null,
                false => Summary::of(errors).mean.into(),
            }
        }));
        table.push(row);
    }
    table
}

/// What the manifest says.
pub(crate) fn origin(results: &Results) -> Table {
    let manifest = &results.manifest;
    let mut table = Table::new(["what", "value"]);
    let mut add = |what: &str, value: String| table.push(vec![what.into(), Cell::Text(value)]);
    add("lightloom", manifest.lightloom.clone());
    add("processors", manifest.cpus.join(", "));
    add("seed", results.sweep.seed.0.to_string());
    add("planned chips of a point", results.sweep.trials.to_string());
    add(
        "SHA-256 of experiment.toml",
        manifest.experiment_sha256.clone(),
    );
    for input in &manifest.inputs {
        let what = format!("{}: {}", input.key, input.path);
        add(
            &what,
            format!("{} bytes, SHA-256 {}", input.bytes, input.sha256),
        );
    }
    for reference in &manifest.references {
        let tile = reference
            .tile
            .map_or("one tile a layer".to_owned(), |modes| {
                format!("tiles of {modes} modes")
            });
        let layers: Vec<String> = reference
            .layers
            .iter()
            .map(|layer| {
                format!(
                    "layer {}: {}, {}",
                    layer.name,
                    counted(layer.tiles, "tile"),
                    counted(layer.mzis, "MZI")
                )
            })
            .collect();
        let name = reference.network.as_ref().or(reference.program.as_ref());
        let what = format!("compiled: {}", name.map_or("", String::as_str));
        add(
            &what,
            format!(
                "{tile}, {}, {}; {}",
                match reference.geometry.as_str() {
                    "crossbar" => "crossbars".to_owned(),
                    geometry => format!(
                        "{geometry} meshes, singular values {}, for {} chips",
                        reference.arrange, reference.aim
                    ),
                },
                reference.precision,
                layers.join("; ")
            ),
        );
    }
    table
}
