use miette::Diagnostic;
use thiserror::Error;

pub use grant::GrantCause;

mod grant;

/// Everything that can be wrong with a configuration, before any plugin is loaded.
#[derive(Debug, Error, Diagnostic)]
pub enum Cause {
    /// The file cannot be read.
    #[error("cannot read {name}: {cause}")]
    #[diagnostic(help("name a file with --config or WITGATE_CONFIG, or write ./witgate.toml"))]
    Unreadable {
        /// The file.
        name: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The file is not text.
    #[error("{name} is not UTF-8 from byte {byte} on")]
    #[diagnostic(help("TOML is UTF-8: save the file in that encoding"))]
    NotText {
        /// The file.
        name: String,
        /// The first bad byte.
        byte: usize,
    },
    /// The file is larger than any configuration.
    #[error("{name} is {bytes} bytes, more than the {limit} that a configuration may have")]
    TooLarge {
        /// The file.
        name: String,
        /// Its length.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// Not TOML.
    #[error("not TOML: {message}")]
    #[diagnostic(help("the format is TOML 1.0: `key = value` and `[table]`, strings in quotes"))]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// Variables without a value.
    #[error("{count} environment {} not set: {variables}", if *count == 1 { "variable is" } else { "variables are" })]
    #[diagnostic(help("set them, or write a default as ${{VAR:-default}}; a plain `${{` is written `$${{`"))]
    Unset {
        /// How many.
        count: usize,
        /// Each with its line.
        variables: String,
    },
    /// `${` that begins no variable.
    #[error("this is not of the form ${{VAR}} or ${{VAR:-default}}")]
    #[diagnostic(help("a name is letters, digits and `_`; a plain `${{` is written `$${{`"))]
    BadVariable,
    /// A secret where none is filled in.
    #[error("${{secret:NAME}} is filled in only in the settings of a plugin")]
    #[diagnostic(help(
        "to show an upstream a secret, use a plugin as builtin:credential-static with grants.secrets; ${{VAR}} stands \
         for an environment variable"
    ))]
    SecretOutside,
    /// A key that the file does not have.
    #[error("`{key}` is not a key of {place}")]
    #[diagnostic(help("{near}the keys here are {known}"))]
    UnknownKey {
        /// What is written.
        key: String,
        /// Where.
        place: String,
        /// What could be written.
        known: String,
        /// `did you mean …; ` or nothing.
        near: String,
    },
    /// A word outside an enumeration.
    #[error("`{place}` cannot be `{word}`")]
    #[diagnostic(help("{near}it is one of {known}"))]
    UnknownWord {
        /// What is written.
        word: String,
        /// Where.
        place: String,
        /// What could be written.
        known: String,
        /// `did you mean …; ` or nothing.
        near: String,
    },
    /// A value of another type.
    #[error("`{place}` is {got}, and must be {want}")]
    #[diagnostic(help("write {example}"))]
    WrongType {
        /// Where.
        place: String,
        /// What it must be.
        want: &'static str,
        /// What it is.
        got: &'static str,
        /// A value of the right type.
        example: String,
    },
    /// A number out of its bounds.
    #[error("`{place}` is {number}, and must be from {minimum} to {maximum}")]
    OutOfBounds {
        /// Where.
        place: String,
        /// What is written.
        number: i64,
        /// The least.
        minimum: i64,
        /// The greatest.
        maximum: i64,
    },
    /// A key that has to be there.
    #[error("`{place}` needs a key `{key}`")]
    #[diagnostic(help("{key}: {what}"))]
    MissingKey {
        /// Where.
        place: String,
        /// The key.
        key: String,
        /// What it is for.
        what: String,
    },
    /// What the types of the file refuse beyond its schema.
    #[error("the configuration is not of its schema: {message}")]
    #[diagnostic(help("`witgate schema` prints the schema"))]
    Unfit {
        /// serde's words.
        message: String,
    },
    /// An address that is none.
    #[error("`{text}` is not an address and port to listen on")]
    #[diagnostic(help("write as 127.0.0.1:8931, [::1]:8931, localhost:8931, or 0.0.0.0:8931 for all interfaces"))]
    BadListen {
        /// What is written.
        text: String,
    },
    /// A name with other characters.
    #[error("`{text}` cannot be the name of {what}")]
    #[diagnostic(help("a name is 1 to {max} of a-z, 0-9 and `-`, and begins and ends with no `-`{}", near(hint.as_ref())))]
    BadName {
        /// What is written.
        text: String,
        /// A tenant, an upstream, …
        what: &'static str,
        /// A name that would do.
        hint: Option<String>,
        /// Characters.
        max: usize,
    },
    /// A path that is none.
    #[error("`{text}` cannot be the path of a tenant: {why}")]
    #[diagnostic(help("write as /mcp or /acme/mcp"))]
    BadPath {
        /// What is written.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two tenants at one path.
    #[error("the tenants `{first}` and `{second}` both have the path `{path}`")]
    #[diagnostic(help("give one of them another `path`"))]
    DuplicatePath {
        /// The path.
        path: String,
        /// The tenant that comes first.
        first: String,
        /// The other.
        second: String,
    },
    /// A file without a tenant.
    #[error("there is nothing to serve: the file has no upstream")]
    #[diagnostic(help(
        "add one, as:\n\n[upstream.files]\ncommand = \"npx\"\nargs = [\"-y\", \"@modelcontextprotocol/server-filesystem\", \".\"]"
    ))]
    NothingToServe,
    /// A tenant without upstreams.
    #[error("the tenant `{tenant}` has no upstream")]
    #[diagnostic(help("add [{table}upstream.NAME] with a `command` or a `url`"))]
    NoUpstream {
        /// The tenant.
        tenant: String,
        /// What comes before `upstream` in its tables.
        table: String,
    },
    /// The default tenant twice.
    #[error("the tenant `default` is written twice: at the top level, and as [tenant.default]")]
    #[diagnostic(help("keys of a tenant at the top level are those of `default`: keep one of the two"))]
    DefaultTwice,
    /// None or several of `command`, `url` and `builtin`.
    #[error("`{place}` has {} of `command`, `url` and `builtin`, and must have one", if *count == 0 { "none" } else { "several" })]
    #[diagnostic(help(
        "`command` starts a server as a child process, `url` reaches one by HTTP, `builtin` is one inside the gate"
    ))]
    UpstreamForm {
        /// Where.
        place: String,
        /// How many there are.
        count: usize,
    },
    /// A key that says nothing for this form of upstream.
    #[error("`{key}` goes with `{form}`, and `{place}` has none")]
    #[diagnostic(help("remove `{key}`"))]
    KeyOfOtherForm {
        /// Where.
        place: String,
        /// The key.
        key: &'static str,
        /// What it goes with.
        form: &'static str,
    },
    /// A URL that is none.
    #[error("this is not a URL for {what}: {why}")]
    #[diagnostic(help("write as https://host.example/path"))]
    /// What is written is not repeated: it may hold a password.
    BadUrl {
        /// What it is for.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A header that HTTP does not know.
    #[error("`{name}` is not {what} (RFC 9110)")]
    BadHeader {
        /// The header's name.
        name: String,
        /// A name, or a name with a good value.
        what: &'static str,
    },
    /// Text with a NUL, which no program can be given.
    #[error("`{place}` holds a NUL character, or is empty")]
    BadArgument {
        /// Where.
        place: String,
    },
    /// A prefix with other characters.
    #[error("`{text}` cannot be a prefix")]
    #[diagnostic(help("a prefix is up to 32 of A-Z, a-z, 0-9 and `-`; clients see PREFIX__NAME"))]
    BadPrefix {
        /// What is written.
        text: String,
    },
    /// Upstreams of one group with different prefixes.
    #[error("the upstreams of group `{group}` do not agree on a prefix: `{first}` and `{second}`")]
    #[diagnostic(help("upstreams of a group serve the same names: write one `prefix`, at one of them"))]
    PrefixDisagrees {
        /// The group.
        group: String,
        /// One prefix.
        first: String,
        /// Another.
        second: String,
    },
    /// Two groups with one prefix.
    #[error("the groups `{first}` and `{second}` both have {}", if prefix.is_empty() { "an empty prefix".to_owned() } else { format!("the prefix `{prefix}`") })]
    #[diagnostic(help("names of different groups must differ: give one another `prefix`, or leave it out"))]
    PrefixTaken {
        /// The prefix.
        prefix: String,
        /// The group that comes first.
        first: String,
        /// The other.
        second: String,
    },
    /// Two plugins with one name.
    #[error("two plugins of the tenant `{tenant}` are named `{name}`")]
    #[diagnostic(help("names tell plugins apart in logs and in their counters: rename one"))]
    DuplicatePlugin {
        /// The tenant.
        tenant: String,
        /// The name.
        name: String,
    },
    /// No such plugin inside the gate.
    #[error("there is no built-in plugin `{name}`")]
    #[diagnostic(help("{near}the built-in plugins are {known}"))]
    UnknownBuiltin {
        /// What is written.
        name: String,
        /// What could be written.
        known: String,
        /// `did you mean …; ` or nothing.
        near: String,
    },
    /// A source of a form that is not known.
    #[error("`{text}` is no source of a plugin")]
    #[diagnostic(help("a source is builtin:NAME or the path of a .wasm file"))]
    BadSource {
        /// What is written.
        text: String,
    },
    /// A plugin's file that is not there.
    #[error("the plugin's file {path} cannot be read: {cause}")]
    #[diagnostic(help("a relative path starts at the folder of the configuration file"))]
    NoPluginFile {
        /// The file.
        path: String,
        /// The system's words.
        cause: String,
    },
    /// Not a digest.
    #[error("`{text}` is not a SHA-256")]
    #[diagnostic(help("write 64 hex digits; `witgate plugin inspect` prints the digest of a component"))]
    BadDigest {
        /// What is written.
        text: String,
    },
    /// What should be an origin, or a pattern of them, is none.
    #[error("`{text}` is not an origin: {cause}")]
    #[diagnostic(help(
        "write scheme, host and port, as https://api.example.com, https://*.example.com or http://127.0.0.1:8080"
    ))]
    BadOrigin {
        /// What is written.
        text: String,
        /// Why.
        cause: witgate_policy::origin::OriginError,
    },
    /// Not a glob.
    #[error(transparent)]
    #[diagnostic(help(
        "`*` matches any run of characters, `?` one, `[ab]` one of some, `{{a,b}}` either; `\\` escapes"
    ))]
    BadGlob(#[from] witgate_policy::WhenError),
    /// A condition on an upstream that is not there.
    #[error("no upstream of the tenant is meant by `{glob}`, so the plugin would never be asked for it")]
    #[diagnostic(help("the upstreams are {known}"))]
    NoSuchUpstream {
        /// What is written.
        glob: String,
        /// The upstreams.
        known: String,
    },
    /// A grant of a secret that is not there.
    #[error("there is no secret `{name}`")]
    #[diagnostic(help("{near}{known}"))]
    UnknownSecret {
        /// What is written.
        name: String,
        /// What could be written.
        known: String,
        /// `did you mean …; ` or nothing.
        near: String,
    },
    /// A secret with none or several of its sources.
    #[error("the secret `{name}` needs one of `env`, `file` and `command`")]
    SecretForm {
        /// The secret's name.
        name: String,
    },
    /// A secret that cannot be read.
    #[error("the secret `{name}` cannot be read: {why}")]
    SecretUnreadable {
        /// The secret's name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Not a log level.
    #[error("`{text}` is no log level: {why}")]
    #[diagnostic(help("write error, warn, info, debug or trace, or directives as \"info,witgate_sandbox=debug\""))]
    BadLevel {
        /// What is written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A grant, or a ceiling of grants.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Grant(#[from] GrantCause),
    /// A folder for compiled components that cannot be one.
    #[error("compiled components cannot be kept in {path}: {why}")]
    #[diagnostic(help("name a folder, which is made when it is not there, or write cache = \"off\""))]
    BadCache {
        /// The folder.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not the address of a name server.
    #[error("`{text}` is not the address of a name server")]
    #[diagnostic(help("write an address, with a port if it is not 53, as 127.0.0.1, 127.0.0.1:5353 or [::1]:5353"))]
    BadNameServer {
        /// What is written.
        text: String,
    },
    /// Certificates that cannot be read.
    #[error("the certificates in {path} cannot be used: {why}")]
    #[diagnostic(help(
        "name a file with certificates in PEM; a relative path starts at the folder of the configuration file"
    ))]
    BadCaFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Everybody is let in from everywhere.
    #[error("the tenant `{tenant}` lets everybody in, and the gate listens on {listen}, which others can reach")]
    #[diagnostic(
        severity(Warning),
        help("listen on 127.0.0.1, or take `anonymous` away and add a plugin of kind auth, as builtin:auth-api-key")
    )]
    OpenToAll {
        /// The tenant.
        tenant: String,
        /// The address.
        listen: String,
    },
}

fn near(hint: Option<&String>) -> String {
    hint.map_or_else(String::new, |hint| format!(": write `{hint}`"))
}
