use std::io;
use std::path::PathBuf;

/// Why something could not be done for an author: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `plugin.toml`.
    #[error("{} is no plugin's folder: it has no plugin.toml; `witgate plugin new` makes one", folder.display())]
    NoProject {
        /// The folder.
        folder: PathBuf,
    },
    /// A `plugin.toml` that cannot be understood.
    #[error("{}: {cause}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        cause: String,
    },
    /// No such kind.
    #[error("there is no kind `{found}`; the kinds are auth, credential, validate, route, retry and sanitize")]
    Kind {
        /// What was asked for.
        found: String,
    },
    /// No such language.
    #[error(
        "there is no template for `{found}`; there are templates for {known}. Any language that compiles to a component will do: witgate has the contract in wit/"
    )]
    Language {
        /// What was asked for.
        found: String,
        /// What there is.
        known: String,
    },
    /// Nothing that can be imported.
    #[error("a plugin of the kind {kind} cannot import `{found}`; it can\n  {}", known.join("\n  "))]
    Import {
        /// What was asked for.
        found: String,
        /// For what.
        kind: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A language whose SDK has what can be imported.
    #[error("a plugin in {language} imports what it uses of its SDK; begin it without --import")]
    OwnImports {
        /// The language.
        language: &'static str,
    },
    /// What was built, or is to be built, is not of the kind that the manifest says.
    #[error(
        "plugin.toml says `kind = \"{kind}\"`, and so a world with `export {wanted};`; this one exports {}",
        if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
    )]
    OtherKind {
        /// The kind.
        kind: String,
        /// Its interface.
        wanted: String,
        /// What there is.
        found: Vec<String>,
    },
    /// Not a name.
    #[error(
        "`{found}` cannot be a plugin's name: lower-case letters, digits and single hyphens, beginning with a letter, as `my-rule`"
    )]
    Name {
        /// What was asked for.
        found: String,
    },
    /// Something is there already.
    #[error("{} is there already, and not empty; choose another name, or remove it", folder.display())]
    Occupied {
        /// The folder.
        folder: PathBuf,
    },
    /// Programs that a build needs and did not find.
    #[error("the build needs {}", .0.join("\n  and "))]
    Missing(
        /// Each with how to get it.
        Vec<String>,
    ),
    /// A step of a build failed.
    #[error("`{command}` {how}{}", hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default())]
    Step {
        /// What was run.
        command: String,
        /// How it ended.
        how: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A build left nothing.
    #[error("the build ended well, but there is no {}", path.display())]
    NoArtifact {
        /// What was expected.
        path: PathBuf,
    },
    /// No bindings.
    #[error(transparent)]
    Bindings(#[from] crate::bindings::BindingsError),
    /// No component.
    #[error(transparent)]
    Component(#[from] crate::component::ComponentError),
    /// The least plugin of a kind could not be made.
    #[error("a plugin that does nothing cannot be made: {0}")]
    Noop(
        /// Why.
        String,
    ),
    /// The file system said no.
    #[error("{what} {}: {cause}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
}
