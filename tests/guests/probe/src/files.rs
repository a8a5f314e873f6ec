//! Everything that `wasi:filesystem` has.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::bindings::wasi::filesystem::preopens;
use crate::bindings::wasi::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorStat, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
    filesystem_error_code,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::stream;

/// What is read unless the test says otherwise.
const READ_BYTES: u64 = 512;

/// Things to do with files. `dir`, `to_dir` and `file` are names of handles, or of preopened directories.
#[derive(Deserialize)]
#[serde(tag = "op", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Files {
    /// The names of the preopened directories.
    Preopens {},
    /// Opens `path`, and keeps the handle under the name `as`, or else nameless until the call ends.
    Open {
        dir: String,
        path: String,
        #[serde(default)]
        nofollow: bool,
        #[serde(default)]
        flags: Flags,
        #[serde(rename = "as")]
        name: Option<String>,
    },
    /// Gives a handle back.
    Close {
        file: String,
    },
    /// Opens, reads and closes.
    Cat {
        dir: String,
        path: String,
        #[serde(default)]
        nofollow: bool,
    },
    Read {
        file: String,
        #[serde(default)]
        offset: u64,
        length: Option<u64>,
        #[serde(default)]
        stream: bool,
        /// Shows the length of what was read rather than the text.
        #[serde(default)]
        count: bool,
    },
    /// Writes a text, and then so many zeros.
    Write {
        file: String,
        #[serde(default)]
        text: String,
        #[serde(default)]
        zeros: usize,
        #[serde(default)]
        offset: u64,
        #[serde(default)]
        stream: bool,
    },
    Append {
        file: String,
        #[serde(default)]
        text: String,
        #[serde(default)]
        zeros: usize,
    },
    SetSize {
        file: String,
        size: u64,
    },
    /// Of a handle, or of what is at a path.
    Stat {
        dir: String,
        path: Option<String>,
        #[serde(default)]
        nofollow: bool,
    },
    Hash {
        dir: String,
        path: Option<String>,
        #[serde(default)]
        nofollow: bool,
    },
    SetTimes {
        dir: String,
        path: Option<String>,
        #[serde(default)]
        nofollow: bool,
    },
    /// The entries with their types, in order.
    List {
        dir: String,
    },
    Mkdir {
        dir: String,
        path: String,
    },
    Rmdir {
        dir: String,
        path: String,
    },
    Unlink {
        dir: String,
        path: String,
    },
    Rename {
        dir: String,
        path: String,
        to_dir: String,
        to: String,
    },
    Link {
        dir: String,
        path: String,
        to_dir: String,
        to: String,
        #[serde(default)]
        follow: bool,
    },
    Symlink {
        dir: String,
        target: String,
        path: String,
    },
    Readlink {
        dir: String,
        path: String,
    },
    Sync {
        file: String,
    },
    Advise {
        file: String,
    },
    Flags {
        file: String,
    },
    Same {
        file: String,
        other: String,
    },
}

/// How a file is opened; reading is always asked for unless `write-only`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the interface")]
pub(crate) struct Flags {
    create: bool,
    exclusive: bool,
    truncate: bool,
    directory: bool,
    write: bool,
    write_only: bool,
    mutate: bool,
}

impl Flags {
    fn open(&self) -> OpenFlags {
        let set = |on: bool, flag: OpenFlags| if on { flag } else { OpenFlags::empty() };
        set(self.create, OpenFlags::CREATE)
            | set(self.exclusive, OpenFlags::EXCLUSIVE)
            | set(self.truncate, OpenFlags::TRUNCATE)
            | set(self.directory, OpenFlags::DIRECTORY)
    }

    fn descriptor(&self) -> DescriptorFlags {
        let set = |on: bool, flag: DescriptorFlags| if on { flag } else { DescriptorFlags::empty() };
        set(!self.write_only, DescriptorFlags::READ)
            | set(self.write || self.write_only, DescriptorFlags::WRITE)
            | set(self.mutate, DescriptorFlags::MUTATE_DIRECTORY)
    }
}

/// The handles of one call.
#[derive(Default)]
pub(crate) struct Held {
    opened: bool,
    named: BTreeMap<String, Descriptor>,
    nameless: Vec<Descriptor>,
}

impl Held {
    fn get(&mut self, name: &str) -> Result<&Descriptor, String> {
        self.preopens();
        self.named.get(name).ok_or_else(|| format!("no handle `{name}`"))
    }

    fn pair(&mut self, one: &str, other: &str) -> Result<(&Descriptor, &Descriptor), String> {
        self.preopens();
        let get = |name: &str| self.named.get(name).ok_or_else(|| format!("no handle `{name}`"));
        Ok((get(one)?, get(other)?))
    }

    fn preopens(&mut self) -> Vec<String> {
        if !std::mem::replace(&mut self.opened, true) {
            let preopened = preopens::get_directories().into_iter();
            self.named.extend(preopened.map(|(directory, name)| (name, directory)));
        }
        self.named.keys().cloned().collect()
    }
}

/// What an operation says.
type Said = Result<String, String>;

impl Files {
    pub(crate) fn run(&self, held: &mut Held) -> Said {
        match self {
            Self::Preopens {} => Ok(held.preopens().join(" ")),
            Self::Open { dir, path, nofollow, flags, name } => {
                let opened = open(held.get(dir)?, path, *nofollow, flags)?;
                let kind = opened.get_type().map_err(code)?;
                match name {
                    Some(name) => drop(held.named.insert(name.clone(), opened)),
                    None => held.nameless.push(opened),
                }
                Ok(short(kind, "DescriptorType::"))
            }
            Self::Close { file } => match held.named.remove(file) {
                Some(_) => Ok("closed".to_owned()),
                None => Err(format!("no handle `{file}`")),
            },
            Self::Cat { dir, path, nofollow } => {
                let file = open(held.get(dir)?, path, *nofollow, &Flags::default())?;
                let (bytes, _) = file.read(READ_BYTES, 0).map_err(code)?;
                Ok(text(&bytes))
            }
            Self::Rename { dir, path, to_dir, to } => {
                let (from, into) = held.pair(dir, to_dir)?;
                done(from.rename_at(path, into, to))
            }
            Self::Link { dir, path, to_dir, to, follow } => {
                let (from, into) = held.pair(dir, to_dir)?;
                done(from.link_at(path_flags(!follow), path, into, to))
            }
            _ => self.content(held),
        }
    }

    /// What is in a file.
    fn content(&self, held: &mut Held) -> Said {
        match self {
            Self::Read { file, offset, length, stream, count } => {
                let (file, length) = (held.get(file)?, length.unwrap_or(READ_BYTES));
                let bytes = if *stream {
                    let most = usize::try_from(length).unwrap_or(usize::MAX);
                    stream::read(&file.read_via_stream(*offset).map_err(code)?, most).map_err(|e| failure(&e))?
                } else {
                    file.read(length, *offset).map_err(code)?.0
                };
                Ok(if *count { format!("{} bytes", bytes.len()) } else { text(&bytes) })
            }
            Self::Write { file, text, zeros, offset, stream } => {
                let (file, bytes) = (held.get(file)?, filled(text, *zeros));
                if *stream {
                    let stream = file.write_via_stream(*offset).map_err(code)?;
                    stream::write(&stream, &bytes).map_err(|e| failure(&e))?;
                    return Ok(format!("{} bytes", bytes.len()));
                }
                Ok(format!("{} bytes", file.write(&bytes, *offset).map_err(code)?))
            }
            Self::Append { file, text, zeros } => {
                let (file, bytes) = (held.get(file)?, filled(text, *zeros));
                let stream = file.append_via_stream().map_err(code)?;
                stream::write(&stream, &bytes).map_err(|e| failure(&e))?;
                Ok(format!("{} bytes", bytes.len()))
            }
            Self::SetSize { file, size } => done(held.get(file)?.set_size(*size)),
            Self::Sync { file } => {
                let file = held.get(file)?;
                done(file.sync_data().and_then(|()| file.sync()))
            }
            Self::Advise { file } => done(held.get(file)?.advise(0, 1, Advice::WillNeed)),
            _ => self.facts(held),
        }
    }

    /// What is known of a file.
    fn facts(&self, held: &mut Held) -> Said {
        match self {
            Self::Stat { dir, path: Some(path), nofollow } => {
                held.get(dir)?.stat_at(path_flags(*nofollow), path).map(stat).map_err(code)
            }
            Self::Stat { dir, path: None, .. } => held.get(dir)?.stat().map(stat).map_err(code),
            Self::Hash { dir, path: Some(path), nofollow } => {
                done(held.get(dir)?.metadata_hash_at(path_flags(*nofollow), path))
            }
            Self::Hash { dir, path: None, .. } => done(held.get(dir)?.metadata_hash()),
            Self::SetTimes { dir, path: Some(path), nofollow } => {
                let flags = path_flags(*nofollow);
                done(held.get(dir)?.set_times_at(flags, path, NewTimestamp::Now, NewTimestamp::NoChange))
            }
            Self::SetTimes { dir, path: None, .. } => {
                done(held.get(dir)?.set_times(NewTimestamp::Now, NewTimestamp::NoChange))
            }
            Self::Flags { file } => Ok(format!("{:?}", held.get(file)?.get_flags().map_err(code)?)),
            Self::Same { file, other } => {
                let (one, other) = held.pair(file, other)?;
                Ok(one.is_same_object(other).to_string())
            }
            _ => self.entries(held),
        }
    }

    /// What is in a directory.
    fn entries(&self, held: &mut Held) -> Said {
        match self {
            Self::List { dir } => {
                let stream = held.get(dir)?.read_directory().map_err(code)?;
                let mut entries = Vec::new();
                while let Some(entry) = stream.read_directory_entry().map_err(code)? {
                    entries.push(format!("{}:{}", entry.name, short(entry.type_, "DescriptorType::")));
                }
                entries.sort();
                Ok(entries.join(" "))
            }
            Self::Mkdir { dir, path } => done(held.get(dir)?.create_directory_at(path)),
            Self::Rmdir { dir, path } => done(held.get(dir)?.remove_directory_at(path)),
            Self::Unlink { dir, path } => done(held.get(dir)?.unlink_file_at(path)),
            Self::Symlink { dir, target, path } => done(held.get(dir)?.symlink_at(target, path)),
            Self::Readlink { dir, path } => held.get(dir)?.readlink_at(path).map_err(code),
            _ => Err("no operation on files".to_owned()),
        }
    }
}

fn open(dir: &Descriptor, path: &str, nofollow: bool, flags: &Flags) -> Result<Descriptor, String> {
    dir.open_at(path_flags(nofollow), path, flags.open(), flags.descriptor()).map_err(code)
}

fn path_flags(nofollow: bool) -> PathFlags {
    if nofollow { PathFlags::empty() } else { PathFlags::SYMLINK_FOLLOW }
}

fn filled(text: &str, zeros: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(bytes.len() + zeros, 0);
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn stat(stat: DescriptorStat) -> String {
    format!("{} {} bytes {} links", short(stat.type_, "DescriptorType::"), stat.size, stat.link_count)
}

fn done<T>(result: Result<T, ErrorCode>) -> Said {
    result.map(|_| "done".to_owned()).map_err(code)
}

/// The error's name in the interface: `not-permitted`.
fn code(error: ErrorCode) -> String {
    error.name().to_owned()
}

/// The name of an enum's case without the enum's.
fn short(value: impl std::fmt::Debug, prefix: &str) -> String {
    format!("{value:?}").trim_start_matches(prefix).to_owned()
}

fn failure(error: &StreamError) -> String {
    if let StreamError::LastOperationFailed(io) = error
        && let Some(error) = filesystem_error_code(io)
    {
        return code(error);
    }
    stream::failure(error)
}
