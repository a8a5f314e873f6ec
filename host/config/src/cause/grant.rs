use miette::Diagnostic;
use thiserror::Error;

/// Everything that can be wrong with what a plugin is granted, or with what it may be granted.
#[derive(Debug, Error, Diagnostic)]
pub enum GrantCause {
    /// A folder that a plugin is granted, or a ceiling names, and that is none.
    #[error("the folder {path} cannot be granted: {why}")]
    #[diagnostic(help(
        "make the folder, or name another; a relative path starts at the folder of the configuration file"
    ))]
    NoFolder {
        /// The folder.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A plugin could change what the gate goes by.
    #[error("the plugin could change {path}, by which the gate itself goes")]
    #[diagnostic(help(
        "grant a folder of its own, or take `write` away; nothing that a plugin may write to can hold the configuration, \
         a plugin, certificates, or a program that the gate starts"
    ))]
    OwnFile {
        /// The file or folder.
        path: String,
    },
    /// A plugin could read what no plugin may.
    #[error("the plugin could read {path}, which is the gate's alone")]
    #[diagnostic(help(
        "grant a folder of its own; none that a plugin is granted can hold a secret's file or the compiler's \
         cache, or lie within the latter"
    ))]
    HiddenFile {
        /// The file or folder.
        path: String,
    },
    /// A folder's name in a plugin's eyes that cannot be one.
    #[error("`{text}` cannot be what a plugin calls a folder: {why}")]
    #[diagnostic(help("write an absolute path, as /data"))]
    BadGuestPath {
        /// What is written.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two folders with one name in a plugin's eyes.
    #[error("two folders are called {guest}")]
    #[diagnostic(help("the plugin could not tell them apart: give one another name with `as`"))]
    GuestPathTwice {
        /// The name.
        guest: String,
    },
    /// A quota for a folder to which nothing is written.
    #[error("`quota-bytes` bounds what is written, and this folder is read-only")]
    #[diagnostic(help("remove `quota-bytes`, or add `write = true` if the plugin may change the folder"))]
    QuotaWithoutWrite,
    /// Not a network.
    #[error("`{text}` is not a network of addresses: {why}")]
    #[diagnostic(help("write as 10.0.0.0/8, fd00::/8 or 192.168.1.7"))]
    BadNetwork {
        /// What is written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a method that a plugin may use.
    #[error("`{text}` cannot be a method of a plugin's requests: {why}")]
    BadMethod {
        /// What is written.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A network grant with which nothing can be asked.
    #[error("no method is allowed, so that nothing could be asked")]
    #[diagnostic(help("list the methods, as methods = [\"GET\"], or leave `methods` out for GET, HEAD and POST"))]
    NoMethods,
    /// Not the name of an environment variable.
    #[error("`{}` cannot be the name of an environment variable", name.escape_debug())]
    #[diagnostic(help("a name is not empty, and holds neither `=` nor control characters"))]
    BadVariableName {
        /// What is written.
        name: String,
    },
    /// More text than is handed to an instance.
    #[error("`{place}` has {bytes} bytes, more than the {limit} that a plugin can be given")]
    #[diagnostic(help("hand longer text over as a file, with grants.files"))]
    TooMuchText {
        /// Where.
        place: String,
        /// How many.
        bytes: usize,
        /// How many may be.
        limit: usize,
    },
    /// A secret that is granted and can go nowhere.
    #[error("the secret `{name}` is granted for no origin, so it is never filled in")]
    #[diagnostic(
        severity(Warning),
        help("list where it may go, as {name} = [\"https://api.example.com\"], or remove the grant")
    )]
    SecretGoesNowhere {
        /// The secret.
        name: String,
    },
    /// A secret for an origin that nobody asks.
    #[error(
        "the secret `{name}` may go to {origin}, which is no upstream that the plugin is asked for, and nothing that it may ask itself"
    )]
    #[diagnostic(
        severity(Warning),
        help("mend the origin, which has scheme, host and port as the upstream's `url` has them, or remove it")
    )]
    OriginNotAsked {
        /// The secret.
        name: String,
        /// The origin.
        origin: String,
    },
    /// More than the tenant may have.
    #[error("plugin `{plugin}` is granted {what}, which is not within `{ceiling}`")]
    #[diagnostic(help("take it away from the plugin, or raise the ceiling of the tenant"))]
    AboveCeiling {
        /// The plugin.
        plugin: String,
        /// What it is granted.
        what: String,
        /// The key of the ceiling.
        ceiling: String,
    },
    /// A limit above what the tenant may set.
    #[error("the limit `{key}` of plugin `{plugin}` is {value}, above the tenant's ceiling of {most}")]
    #[diagnostic(help("lower the limit, or raise the ceiling of the tenant"))]
    LimitAboveCeiling {
        /// The plugin.
        plugin: String,
        /// The limit.
        key: &'static str,
        /// What is written.
        value: u64,
        /// The ceiling.
        most: u64,
    },
}
