//! What the host keeps for a plugin, and what it knows: counters, keys, configuration, clocks, entropy, the log.

use serde::Deserialize;
use witgate_sdk::counter::{Counter as _, Host as Counters};

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::config::store as config;
use crate::bindings::wasi::keyvalue::{atomics, store};
use crate::bindings::wasi::logging::logging;
use crate::bindings::wasi::random::random;

/// Things to do with them.
#[derive(Deserialize)]
#[serde(tag = "op", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Local {
    /// Opens a bucket and keeps it until the call ends.
    KvOpen {
        #[serde(default)]
        bucket: String,
    },
    KvGet {
        key: String,
    },
    /// Sets a key to a text or to so many zeros.
    KvSet {
        key: String,
        #[serde(default)]
        text: String,
        #[serde(default)]
        zeros: usize,
    },
    KvDelete {
        key: String,
    },
    KvExists {
        key: String,
    },
    KvList {
        cursor: Option<u64>,
    },
    KvIncrement {
        key: String,
        delta: u64,
    },
    CounterAdd {
        key: String,
        amount: u32,
        expires_in_ms: u32,
    },
    CounterRead {
        key: String,
    },
    /// One key of the configuration, or all of it.
    Config {
        key: Option<String>,
    },
    /// Wall clock and monotonic clock in nanoseconds, with their resolutions.
    Now {},
    Random {
        length: u64,
    },
    Log {
        text: String,
    },
}

/// The buckets that were not given back.
#[derive(Default)]
pub(crate) struct Held(Vec<store::Bucket>);

impl Local {
    pub(crate) fn run(&self, held: &mut Held) -> Result<String, String> {
        match self {
            Self::KvOpen { bucket } => {
                held.0.push(store::open(bucket).map_err(debug)?);
                Ok("open".to_owned())
            }
            Self::Config { key: Some(key) } => match config::get(key).map_err(debug)? {
                Some(value) => Ok(value),
                None => Err("none".to_owned()),
            },
            Self::Config { key: None } => Ok(format!("{:?}", config::get_all().map_err(debug)?)),
            Self::CounterAdd { key, amount, expires_in_ms } => {
                Ok(Counters.add(key, *amount, *expires_in_ms).map_err(debug)?.value.to_string())
            }
            Self::CounterRead { key } => match Counters.read(key).map_err(debug)? {
                Some(reading) => Ok(reading.value.to_string()),
                None => Err("none".to_owned()),
            },
            Self::Now {} => {
                let (wall, step) = (wall_clock::now(), wall_clock::resolution());
                let since = |time: wall_clock::Datetime| {
                    u128::from(time.seconds) * 1_000_000_000 + u128::from(time.nanoseconds)
                };
                let (tick, tick_step) = (monotonic_clock::now(), monotonic_clock::resolution());
                Ok(format!("{} {} {tick} {tick_step}", since(wall), since(step)))
            }
            Self::Random { length } => Ok(format!("{} bytes", random::get_random_bytes(*length).len())),
            Self::Log { text } => {
                logging::log(logging::Level::Info, "probe", text);
                Ok(format!("{} bytes", text.len()))
            }
            _ => self.keys(),
        }
    }

    fn keys(&self) -> Result<String, String> {
        let bucket = store::open("").map_err(debug)?;
        match self {
            Self::KvGet { key } => match bucket.get(key).map_err(debug)? {
                Some(value) => Ok(String::from_utf8_lossy(&value).into_owned()),
                None => Err("none".to_owned()),
            },
            Self::KvSet { key, text, zeros } => {
                let mut value = text.clone().into_bytes();
                value.resize(value.len() + zeros, 0);
                bucket.set(key, &value).map_err(debug)?;
                Ok(format!("{} bytes", value.len()))
            }
            Self::KvDelete { key } => bucket.delete(key).map_err(debug).map(|()| "gone".to_owned()),
            Self::KvExists { key } => Ok(bucket.exists(key).map_err(debug)?.to_string()),
            Self::KvList { cursor } => {
                let page = bucket.list_keys(*cursor).map_err(debug)?;
                Ok(format!("{:?} then {:?}", page.keys, page.cursor))
            }
            Self::KvIncrement { key, delta } => {
                Ok(atomics::increment(&bucket, key, *delta).map_err(debug)?.to_string())
            }
            _ => Err("no operation on keys".to_owned()),
        }
    }
}

fn debug(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
