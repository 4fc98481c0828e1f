//! Integration tests: one binary, a module a subject.

mod architecture;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod batches;
mod circles;
#[cfg(feature = "cli")]
mod cli;
mod corpus;
#[cfg(feature = "cli")]
mod correction;
#[cfg(feature = "cli")]
mod crossbar;
#[cfg(feature = "cli")]
mod damage;
#[cfg(feature = "cli")]
mod data;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod described;
#[cfg(feature = "cli")]
mod doors;
#[cfg(feature = "cli")]
mod ergonomics;
#[cfg(feature = "cli")]
mod export;
#[cfg(feature = "cli")]
mod extend;
#[cfg(feature = "cli")]
mod files;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod generate;
#[cfg(feature = "cli")]
mod geometries;
mod given;
#[cfg(feature = "cli")]
mod golden;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod graphs;
mod inference;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod inputs;
#[cfg(feature = "cli")]
mod inspect;
mod instrument;
#[cfg(all(feature = "cli", unix))]
mod interrupt;
mod keys;
#[cfg(feature = "cli")]
mod kills;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod language;
mod measured;
#[cfg(feature = "cli")]
mod misled;
mod mnist;
#[cfg(feature = "cli")]
mod networks;
#[cfg(feature = "cli")]
mod numbers;
#[cfg(feature = "cli")]
mod on_chip;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod onnx;
#[cfg(feature = "cli")]
mod outputs;
#[cfg(feature = "cli")]
mod pages;
mod physics;
mod placement;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod probabilities;
#[cfg(feature = "cli")]
mod programs;
mod properties;
#[cfg(feature = "cli")]
mod refusals;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod remarks;
#[cfg(feature = "cli")]
mod report;
#[cfg(feature = "cli")]
mod report_axes;
#[cfg(feature = "cli")]
mod report_figures;
#[cfg(feature = "cli")]
mod report_folder;
mod rooms;
#[cfg(all(feature = "cli", feature = "onnx"))]
mod scores;
mod seam;
#[cfg(feature = "cli")]
mod sweep;
#[cfg(feature = "cli")]
mod train;
#[cfg(feature = "cli")]
mod tutorial;
#[cfg(feature = "cli")]
mod twin;
#[cfg(feature = "cli")]
mod unstated;
mod watch;
#[cfg(all(feature = "cli", unix))]
mod writes;
