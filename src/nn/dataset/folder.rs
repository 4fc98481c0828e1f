//! Folders of data: IDX files under MNIST's names, and what people have instead.

use std::path::{Path, PathBuf};

use super::Split;
use crate::error::{Error, Result};
use crate::io;

/// Where torchvision puts the files of its data sets, below the folder that it is given.
const FOLDERS: [&str; 12] = [
    "",
    "raw",
    "MNIST/raw",
    "FashionMNIST/raw",
    "KMNIST/raw",
    "MNIST",
    "FashionMNIST",
    "KMNIST",
    "mnist/raw",
    "fashion-mnist",
    "mnist",
    "kmnist",
];

/// Endings of pictures.
const PICTURES: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp"];

/// Images and labels of one part of the folder at `path`.
pub(super) fn find(path: &Path, split: Split) -> Result<[PathBuf; 2]> {
    let refused = |reason: String| Error::format(path.display().to_string(), reason);
    let found: Vec<[PathBuf; 2]> = folders(path)
        .filter_map(|folder| files(&folder, split))
        .collect();
    match &*found {
        [only] => return Ok(only.clone()),
        [] => {}
        [first, second, ..] => {
            let folder = |files: &[PathBuf; 2]| match files[0].parent() {
                Some(folder) => folder.display().to_string(),
                None => String::new(),
            };
            let (first, second) = (folder(first), folder(second));
            let reason =
                format!("holds several data sets: must be one of them, {first} or {second}");
            return Err(refused(reason));
        }
    }
    let other = split.other();
    if folders(path).any(|folder| files(&folder, other).is_some()) {
        let reason = format!(
            "holds the {} part only: --split {} (split = \"{}\" in an experiment) takes it",
            other.name(),
            other.name(),
            other.name()
        );
        return Err(refused(reason));
    }
    if let Some(pictures) = class_folders(path) {
        let reason = format!(
            "holds pictures in folders of classes, such as {}: must be arrays, such as an .npz file with x [sample, height, \
             width] and y [sample] (docs/data.md)",
            pictures.display()
        );
        return Err(refused(reason));
    }
    let mut missing = names(split)
        .into_iter()
        .filter(|name| file(path, name).is_none());
    let missing = missing.next().unwrap_or_default();
    Err(refused(format!("holds neither {missing} nor {missing}.gz")))
}

/// Whether the folder at `path` holds a part of a data set, or pictures.
pub(super) fn holds(path: &Path) -> bool {
    let has = |split| folders(path).any(|folder| files(&folder, split).is_some());
    Split::ALL.into_iter().any(has) || class_folders(path).is_some()
}

/// The folder at `path`, and those below it in which data may stand. Where names differ by their case alone, they may be
/// one folder.
fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    let mut known = Vec::new();
    let folders = FOLDERS.map(|folder| match folder {
        "" => path.to_owned(),
        _ => path.join(folder),
    });
    folders.into_iter().filter(move |folder| {
        let Ok(real) = folder.canonicalize() else {
            return false;
        };
        let is_new = !known.contains(&real);
        known.push(real);
        is_new
    })
}

/// The names of images and labels.
fn names(split: Split) -> [String; 2] {
    let prefix = match split {
        Split::Test => "t10k",
        Split::Train => "train",
    };
    ["images-idx3", "labels-idx1"].map(|kind| format!("{prefix}-{kind}-ubyte"))
}

/// Images and labels in `folder` itself.
fn files(folder: &Path, split: Split) -> Option<[PathBuf; 2]> {
    let [images, labels] = names(split).map(|name| file(folder, &name));
    Some([images?, labels?])
}

/// The file called `name` in `folder`, packed or not.
fn file(folder: &Path, name: &str) -> Option<PathBuf> {
    let files = [folder.join(name), folder.join(format!("{name}.gz"))];
    files.into_iter().find(|path| path.is_file())
}

/// The first picture of a folder that holds pictures in folders of classes.
fn class_folders(path: &Path) -> Option<PathBuf> {
    let entries = |path: &Path| {
        let entries = std::fs::read_dir(path).ok().into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        paths.sort();
        paths
    };
    let classes = entries(path).into_iter().filter(|path| path.is_dir());
    let mut files = classes.take(16).flat_map(|class| entries(&class));
    files.find(|file| PICTURES.contains(&&*io::extension(file)))
}
