//! A network alone, as program files hold it: the same tensors without tiles, and a header of its own.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::header::{BodyHeader, MapHeader};
use super::tensors::{put_body, put_map, take_body, take_linear};
use crate::error::{Error, Result};
use crate::io::Tensors;
use crate::io::safetensors::{self, Bundle};
use crate::nn::{Input, Network, Readout};

/// The metadata key that marks a network.
const KEY: &str = "lightloom-network";

/// The version that is written.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkHeader {
    version: u32,
    input: Input,
    readout: Readout,
    maps: Vec<MapHeader>,
    body: BodyHeader,
}

/// Writes `network` so that [`read_network`] makes the same of it, to the bit.
///
/// # Errors
/// [`Error::Io`] if `writer` fails.
pub fn write_network(network: &Network, writer: impl Write) -> Result<()> {
    let mut tensors = Tensors::new();
    let maps = network.linears();
    let maps = maps.map(|(id, linear)| put_map(&mut tensors, id, linear));
    let maps = maps.collect::<Result<_>>()?;
    let header = NetworkHeader {
        version: VERSION,
        input: network.input.clone(),
        readout: network.readout,
        maps,
        body: put_body(&mut tensors, network)?,
    };
    let header = serde_json::to_string(&header).expect("a header is plain data");
    safetensors::write(writer, &tensors, (KEY, &header))
}

/// Whether `bytes` claim to be a network that [`write_network`] wrote.
pub fn is_network(bytes: &[u8]) -> bool {
    safetensors::has_metadata(bytes, KEY)
}

/// The network that [`write_network`] wrote.
///
/// # Errors
/// [`Error::Format`], [`Error::Value`], [`Error::Shape`] or [`Error::NotFinite`] if `bundle` is no whole network of this
/// version.
///
/// ```
/// use lightloom::compile::{read_network, write_network};
/// use lightloom::io::safetensors;
/// use lightloom::nn::{Network, Readout, Weight};
///
/// let weight = Weight::Real(ndarray::arr2(&[[1.0, -0.5]]));
/// let network = Network::of_weight(weight, Readout::Real)?;
/// let mut bytes = Vec::new();
/// write_network(&network, &mut bytes)?;
/// assert_eq!(read_network(safetensors::parse(&bytes)?)?, network);
/// # Ok::<(), lightloom::Error>(())
/// ```
pub fn read_network(bundle: Bundle) -> Result<Network> {
    let Bundle {
        mut tensors,
        metadata,
    } = bundle;
    let header = metadata
        .get(KEY)
        .ok_or_else(|| Error::format("network", "is a safetensors file without its header"))?;
    let malformed = |error| Error::json("network header", header, &error);
    let value: serde_json::Value = serde_json::from_str(header).map_err(malformed)?;
    let version = &value["version"];
    if version.as_u64() != Some(VERSION.into()) {
        return Err(Error::value(
            "network version",
            version,
            VERSION.to_string(),
        ));
    }
    let header: NetworkHeader = serde_json::from_str(header).map_err(malformed)?;
    let maps = header.maps.iter().enumerate();
    let linears = maps.map(|(index, map)| take_linear(&mut tensors, &format!("maps.{index}"), map));
    let linears = linears.collect::<Result<_>>()?;
    let body = take_body(&mut tensors, header.body, linears)?;
    if let Some(name) = tensors.keys().next() {
        let what = format!("tensor `{name}`");
        return Err(Error::format(what, "is not part of a network"));
    }
    let network = Network {
        input: header.input,
        body,
        readout: header.readout,
    };
    network.check()?;
    Ok(network)
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};
    use num_complex::Complex;

    use super::*;
    use crate::error::compare::{format, value};
    use crate::nn::{Activation, Bias, Encoding, Layer, Scale, Weight};

    fn network() -> Network {
        let complex = arr2(&[[Complex::new(0.1, 0.2), Complex::new(1.0 / 3.0, -1e-300)]]);
        let layers = vec![
            Layer::new(
                "first",
                Weight::Real(arr2(&[[0.1, 0.2], [-0.0, 1e100]])),
                Some(Bias::Real(arr1(&[0.5, -0.25]))),
                Activation::ModulusSoftplus { temperature: 0.03 },
            ),
            Layer::new(
                "second",
                Weight::Complex(complex),
                Some(Bias::Complex(arr1(&[Complex::new(0.0, 1.0)]))),
                Activation::Identity,
            ),
        ];
        let input = Input {
            scale: Scale::Factor(vec![0.1, 0.2, 0.3, 0.4].into()),
            mean: 0.3.into(),
            encoding: Encoding::ComplexHalves,
            ..Input::default()
        };
        Network::new(input, layers, Readout::Intensity).unwrap()
    }

    fn bytes(network: &Network) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_network(network, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_network_is_read_as_it_was_written() {
        let network = network();
        let bytes = bytes(&network);
        let read = read_network(safetensors::parse(&bytes).unwrap()).unwrap();
        assert_eq!(read, network);
    }

    #[test]
    fn what_is_no_network_of_this_version_is_refused() {
        let bundle = || safetensors::parse(&bytes(&network())).unwrap();
        let refused = |bundle| read_network(bundle).unwrap_err();
        let mut unmarked = bundle();
        unmarked.metadata.clear();
        assert_eq!(refused(unmarked).refusal(), format("network"));
        let mut newer = bundle();
        let header = newer.metadata.get_mut(KEY).unwrap();
        *header = header.replace("\"version\":1", "\"version\":2");
        assert_eq!(refused(newer).refusal(), value("network version", "2"));
        let mut more = bundle();
        let bias = more.tensors["layers.0.bias"].clone();
        more.tensors.insert("extra".to_owned(), bias);
        assert_eq!(refused(more).refusal(), format("tensor `extra`"));
        let mut fewer = bundle();
        fewer.tensors.remove("maps.1.weight");
        assert_eq!(refused(fewer).refusal(), format("tensor `maps.1.weight`"));
    }
}
